"""What is kept for a stated time goes when that time is over (domain section 7).

The ledger, decisions, cases and who was shown them are kept for good.
"""

from datetime import datetime, timedelta

from dateutil.relativedelta import relativedelta
from sqlalchemy.orm import Session

from activities import check_ins, photo_retention
from core import background, job_records
from members.contact import search_log_retention

# Who asked may still look at how it went; what it wrote is kept elsewhere.
REQUESTED_WORK = timedelta(days=90)
# As logs: half a year is asked of them by law.
JOB_RUNS = timedelta(days=180)
CODE_TRIES = timedelta(days=7)
# After the end of the case, and after the close of the year.
SEARCH_LOGS = relativedelta(years=3)
PHOTOS = relativedelta(months=12)


def purge(session: Session, *, now: datetime) -> int:
    """Delete what nobody needs any more; returns how many rows."""
    return (
        background.purge(session, ended_before=now - REQUESTED_WORK)
        + job_records.purge(session, ended_before=now - JOB_RUNS)
        + check_ins.purge_tries(session, ended_before=now - CODE_TRIES)
        + search_log_retention.purge(session, ended_before=now - SEARCH_LOGS)
        + photo_retention.purge(session, closed_before=now - PHOTOS, now=now)
    )
