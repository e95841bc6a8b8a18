"""What is kept for a stated time goes when that time is over (domain section 7)."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from activities import check_ins
from core import background, changes, job_records

# Who asked may still look at how it went; what it wrote is kept elsewhere.
REQUESTED_WORK = timedelta(days=90)
# As logs: half a year is asked of them by law.
JOB_RUNS = timedelta(days=180)
CODE_TRIES = timedelta(days=7)
# A line carries the time at which its transaction began, which is before it can be read.
CHANGES = changes.KEPT + timedelta(days=1)


def purge(session: Session, *, now: datetime) -> int:
    """Delete what nobody needs any more; returns how many rows."""
    return (
        background.purge(session, ended_before=now - REQUESTED_WORK)
        + job_records.purge(session, ended_before=now - JOB_RUNS)
        + check_ins.purge_tries(session, ended_before=now - CODE_TRIES)
        + changes.purge(session, noted_before=now - CHANGES)
    )
