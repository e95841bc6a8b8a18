"""Working days: what the State Council's notice says, else the package, else the weekday.

A rule of weekdays alone is wrong a dozen times a year: holidays are moved, and some Saturdays and
Sundays are worked in exchange. Where no notice is known yet, what is reckoned is an estimate.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from uuid import UUID

import chinese_calendar
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db import Base, UtcDateTime

_SATURDAY = 5


class WorkCalendarDay(Base):
    """A day that the notice for a year takes out of the weekly rule, one way or the other."""

    __tablename__ = "work_calendar_day"
    __table_args__ = (
        # The New Year's holiday may begin in the December before.
        sa.CheckConstraint("notice_year BETWEEN 2000 AND 2100", name="notice_year"),
        sa.Index("ix_work_calendar_day_notice_year", "notice_year"),
    )

    day: Mapped[date] = mapped_column(primary_key=True)
    is_working: Mapped[bool] = mapped_column()
    name: Mapped[str] = mapped_column(sa.String(40))
    notice_year: Mapped[int] = mapped_column()
    # Empty for the operator of the machine, who is no member.
    set_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    set_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Source(enum.StrEnum):
    """Where it is known from whether a day is worked."""

    NOTICE = "notice"
    PACKAGE = "package"
    # Nobody has said yet; Monday to Friday, until the notice is there.
    ESTIMATED = "estimated"


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """The stated exceptions to the weekly rule.

    Args:
        stated: day -> whether it is worked.
        notice_years: years whose notice is known; their other days follow the weekly rule.
    """

    stated: Mapping[date, bool] = field(default_factory=dict)
    notice_years: frozenset[int] = frozenset()

    def source_of(self, day: date) -> Source:
        """Where this calendar knows the day from."""
        if day in self.stated or day.year in self.notice_years:
            return Source.NOTICE
        return Source.ESTIMATED if _by_package(day) is None else Source.PACKAGE

    def is_working(self, day: date) -> bool:
        """Whether the day is worked."""
        if day in self.stated:
            return self.stated[day]
        said = None if day.year in self.notice_years else _by_package(day)
        return day.weekday() < _SATURDAY if said is None else said


@dataclass(frozen=True, slots=True)
class WorkingDay:
    """A day that was reckoned, and whether any day on the way to it was an estimate."""

    day: date
    is_estimated: bool


def add_working_days(day: date, count: int, calendar: WorkCalendar) -> WorkingDay:
    """The last of so many working days after a day, which does not count itself.

    Args:
        count: working days, at least 1.
    """
    if count < 1:
        raise ValueError("at least one working day")
    is_estimated = False
    while count:
        day += timedelta(days=1)
        is_estimated |= calendar.source_of(day) is Source.ESTIMATED
        count -= calendar.is_working(day)
    return WorkingDay(day, is_estimated)


def load_calendar(session: Session) -> WorkCalendar:
    """The imported notices; one statement, some thirty rows a year."""
    rows = session.execute(
        sa.select(WorkCalendarDay.day, WorkCalendarDay.is_working, WorkCalendarDay.notice_year)
    ).all()
    return WorkCalendar({row[0]: row[1] for row in rows}, frozenset(row[2] for row in rows))


@cache
def _by_package(day: date) -> bool | None:
    """What the package knows; it raises for a year that it has no data of."""
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return None
