"""How the demo's years end: closed with a sealed statement each, and taken over by the next."""

from collections.abc import Iterator
from datetime import date, datetime
from functools import partial

from sqlalchemy.orm import Session

from api.demo.district import District
from api.demo.timeline import Event
from core.clock import at_local, business_day
from points import closing, opening
from points.closing import CloseTerms

# Behind the last day for claims and the publicity of what was decided on it.
CLOSING_MONTH, CLOSING_DAY = 2, 26
LATE = "个别补报事项移入新年度作更正。"


def events(session: Session, district: District, *, founded_on: date) -> Iterator[Event]:
    """The end of the year in which the district began, and of the next."""
    for year in (founded_on.year, founded_on.year + 1):
        at = at_local(date(year + 1, CLOSING_MONTH, CLOSING_DAY), 9)
        yield Event(at, partial(_close, session, district, year))


def _close(session: Session, district: District, year: int, now: datetime) -> None:
    admin = district.admin.actor(business_day(now))
    terms = CloseTerms(force_late=True, reason=LATE)
    period = closing.begin(session, str(year), begun_by=admin.member_id, terms=terms, now=now)
    for _ in closing.close(session, period.id, now=now):
        session.flush()
    opened = opening.begin(session, str(year + 1), opened_by=admin.member_id, now=now)
    for _ in opening.carry(session, opened.id, now=now):
        session.flush()
