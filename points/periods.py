"""Accounting periods: opening one, and holding one open while something is posted into it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from core.clock import business_day
from core.errors import Conflict, NotFound, RuleViolation
from points.models import Period, PeriodStatus


class PeriodClosed(RuleViolation):
    """The accounting period of the day is closed, or was never opened."""

    code = "period.closed"
    title = "该年度积分已结账"


class NoOpenPeriod(Conflict):
    """The period is closed, and none behind it is open to take what is late."""

    code = "period.none_open"
    title = "该年度已结账，之后还没有开放的年度，现在不能更正"


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


def open_current(session: Session, *, now: datetime) -> int:
    """Open the period of the present year; returns 1 if it was opened now. Run by a job."""
    return int(ensure_year(session, business_day(now).year))


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


def hold_open(session: Session, *period_ids: UUID) -> None:
    """Lock the open periods, these among them.

    Raises:
        PeriodClosed: one of them does not take entries any more.
    """
    if not {period.id for period in hold_all_open(session)}.issuperset(period_ids):
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


def list_periods(session: Session) -> Sequence[Period]:
    """Every period, the newest first; a handful of rows."""
    return session.scalars(sa.select(Period).order_by(Period.starts_on.desc())).all()


def get_period(session: Session, code: str) -> Period:
    """A period by its code, which is the year.

    Raises:
        NotFound: there is none.
    """
    period = session.scalar(sa.select(Period).where(Period.code == code))
    if period is None:
        raise NotFound
    return period


def lock_period(session: Session, period_id: UUID) -> Period:
    """A period as it is now, locked until the transaction ends; postings under way come first.

    Raises:
        NotFound: there is none.
    """
    period = session.get(Period, period_id, with_for_update=True, populate_existing=True)
    if period is None:
        raise NotFound
    return period


@dataclass(frozen=True, slots=True)
class PostingPeriod:
    """Where points for a day go now, and the closed period that they speak about, if one is."""

    period_id: UUID
    about_period_id: UUID | None
    code: str
    about_code: str = ""


class HeldPeriods:
    """The open periods, held until the end, and where what is late goes (decision 6).

    What belongs to a closed period goes into the earliest open one behind it, under the closed
    one's name. A closed period stays closed, so it needs no lock of its own.
    """

    def __init__(self, session: Session, open_periods: Sequence[Period]) -> None:
        self._session = session
        self.open_periods = open_periods

    @cached_property
    def _others(self) -> Sequence[Period]:
        # Read behind the locks: a close that they waited for is seen, and so is its end.
        query = sa.select(Period).where(Period.status != PeriodStatus.OPEN)
        return self._session.scalars(query.execution_options(populate_existing=True)).all()

    def find(self, day: date) -> PostingPeriod | None:
        """Where points for a day go; None where its year was never opened.

        Raises:
            PeriodClosed: the period is being closed.
            NoOpenPeriod: it is closed, and nothing behind it is open.
        """
        own = find_period(self.open_periods, day)
        if own is not None:
            return PostingPeriod(own.id, None, own.code)
        other = find_period(self._others, day)
        return None if other is None else self._behind(other)

    def of_entry(self, period_id: UUID) -> PostingPeriod:
        """Where what changes an entry of a period goes: that period itself while it is open.

        Raises:
            PeriodClosed, NoOpenPeriod: as `find`.
        """
        for own in self.open_periods:
            if own.id == period_id:
                return PostingPeriod(own.id, None, own.code)
        return self._behind(next(period for period in self._others if period.id == period_id))

    def _behind(self, shut: Period) -> PostingPeriod:
        if shut.status != PeriodStatus.CLOSED:
            raise PeriodClosed(f"{shut.code} 年度正在结账，请在结账完成后再办理。")
        for period in self.open_periods:
            if period.starts_on > shut.ends_on:
                return PostingPeriod(period.id, shut.id, period.code, shut.code)
        raise NoOpenPeriod(f"{shut.code} 年度已结账，之后还没有开放的年度，现在不能更正。")


def hold(session: Session) -> HeldPeriods:
    """Lock the open periods and tell where points go; one statement more where some are late."""
    return HeldPeriods(session, hold_all_open(session))


def hold_posting_period(session: Session, day: date) -> PostingPeriod:
    """The period that an adjustment about a day goes into, held open until the end.

    Raises:
        PeriodClosed: the day's period is being closed, or was never opened.
        NoOpenPeriod: it is closed, and nothing behind it is open.
    """
    posting = hold(session).find(day)
    if posting is None:
        raise PeriodClosed(f"{day.year} 年度未开放，现在不能更正。")
    return posting
