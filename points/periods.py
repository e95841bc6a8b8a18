"""Accounting periods: opening one, and holding one open while something is posted into it."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from core.errors import RuleViolation
from points.models import Period, PeriodStatus


class PeriodClosed(RuleViolation):
    """The accounting period of the day is closed, or was never opened."""

    code = "period.closed"
    title = "该年度积分已结账"


def ensure_year(session: Session, year: int) -> bool:
    """Open the period of a calendar year unless it exists; True when it was opened now.

    Two processes may ask at once, hence one statement that leaves an existing row alone.
    """
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    opened = session.execute(
        dialect.insert(Period)
        .values(code=str(year), starts_on=date(year, 1, 1), ends_on=date(year, 12, 31))
        .on_conflict_do_nothing()
        .returning(Period.id)
    )
    return opened.first() is not None


def hold_all_open(session: Session) -> Sequence[Period]:
    """Lock every period that still takes entries, so that closing one waits for this commit.

    A foreign key alone takes a weaker lock, under which a close can miss the last entries.
    """
    return session.scalars(
        sa.select(Period)
        .where(Period.status == PeriodStatus.OPEN)
        .order_by(Period.starts_on)
        .with_for_update(read=True)
    ).all()


def hold_open(session: Session, period_id: UUID) -> None:
    """Lock one period.

    Raises:
        PeriodClosed: it does not take entries any more.
    """
    if period_id not in {period.id for period in hold_all_open(session)}:
        raise PeriodClosed("该年度已结账，只能在当前年度做更正。")


def find_period(periods: Sequence[Period], day: date) -> Period | None:
    """The period that a day belongs to, of those given."""
    return next((p for p in periods if p.starts_on <= day <= p.ends_on), None)


def require_open(session: Session, day: date) -> None:
    """Check, without locking, that a day's period takes entries.

    Raises:
        PeriodClosed: it does not.
    """
    status = session.scalar(
        sa.select(Period.status).where(Period.starts_on <= day, Period.ends_on >= day)
    )
    if status != PeriodStatus.OPEN:
        raise PeriodClosed(f"{day.year} 年度未开放或已结账，不能再申报。")
