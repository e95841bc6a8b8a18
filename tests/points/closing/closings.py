"""Closing a year in tests: whole closes, and numbers of statements."""

from datetime import UTC, date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from points import closing, periods
from points.closing import CloseTerms
from points.models import Period
from points.statement_models import PeriodStatement

# After the cut-off of the year's last claims.
LATER = datetime(2027, 1, 20, 2, 0, tzinfo=UTC)
FORCED = CloseTerms(force_late=True, reason="上级要求按期结账")
LATER_DAY = date(2027, 1, 20)


def close_year(session: Session, code: str = "2026", *, now: datetime = LATER) -> Period:
    """All three steps, whether or not the entries were published."""
    period = closing.begin(session, code, begun_by=None, terms=FORCED, now=now)
    for _ in closing.close(session, period.id, now=now):
        session.flush()
    return periods.get_period(session, code)


def statement_of(session: Session, member_id: object) -> PeriodStatement:
    query = sa.select(PeriodStatement).where(PeriodStatement.member_id == member_id)
    return session.scalars(query).one()
