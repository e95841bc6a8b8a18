"""Taking over the State Council's yearly notice on holidays and the days worked in exchange."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import FieldProblem, RuleViolation
from core.rows import insert_rows
from core.working_days import WorkCalendarDay
from members.access import Actor, hold_roles
from members.access_models import Role

CALENDAR_ROLES = frozenset({Role.DISTRICT_ADMIN})
# A notice names about 28 holidays and 7 working Saturdays and Sundays.
NOTICE_DAYS_MAX = 80
_SATURDAY = 5


class NoticeInvalid(RuleViolation):
    """The days cannot be those of a notice; the problems say which and why."""

    code = "calendar.notice_invalid"
    title = "节假日安排有错误"


@dataclass(frozen=True, slots=True)
class NoticeDay:
    """One day of a notice: off, or worked in exchange."""

    day: date
    is_working: bool
    name: str


def take_notice(
    session: Session, actor: Actor, year: int, *, days: Sequence[NoticeDay], now: datetime
) -> Sequence[WorkCalendarDay]:
    """Replace what is known of a year by its notice; a notice may be amended later.

    Deadlines that were reckoned before stand: the row that has one keeps its date.

    Raises:
        Forbidden: the actor's role was revoked meanwhile.
        NoticeInvalid: why the days cannot be those of a notice.
    """
    hold_roles(session, actor, CALENDAR_ROLES)
    return store_notice(session, year, days=days, set_by=actor.member_id, now=now)


def store_notice(
    session: Session, year: int, *, days: Sequence[NoticeDay], set_by: UUID | None, now: datetime
) -> Sequence[WorkCalendarDay]:
    """The same for the operator of the machine.

    Raises:
        NoticeInvalid: why the days cannot be those of a notice.
    """
    problems = tuple(
        FieldProblem(f"/days/{number}/day", "calendar.day", message)
        for number, message in _find_problems(year, days)
    )
    if problems:
        raise NoticeInvalid(problems[0].message, problems=problems)
    session.execute(
        sa.delete(WorkCalendarDay).where(
            (WorkCalendarDay.notice_year == year) | WorkCalendarDay.day.in_(one.day for one in days)
        )
    )
    common = {"notice_year": year, "set_by": set_by, "set_at": now}
    insert_rows(
        session,
        WorkCalendarDay,
        [
            {"day": one.day, "is_working": one.is_working, "name": one.name} | common
            for one in sorted(days, key=lambda one: one.day)
        ],
    )
    return list_notice(session, year)


def list_notice(session: Session, year: int) -> Sequence[WorkCalendarDay]:
    """The days of a year's notice; none while it is not known."""
    return session.scalars(
        sa.select(WorkCalendarDay)
        .where(WorkCalendarDay.notice_year == year)
        .order_by(WorkCalendarDay.day)
        .execution_options(populate_existing=True)
    ).all()


def _find_problems(year: int, days: Sequence[NoticeDay]) -> list[tuple[int, str]]:
    found = []
    for number, one in enumerate(days):
        if one.day < date(year - 1, 12, 25) or one.day > date(year, 12, 31):
            found.append((number, f"{one.day} 不在 {year} 年的安排内。"))
        elif one.is_working and one.day.weekday() < _SATURDAY:
            found.append((number, f"{one.day} 是周一至周五，不是调休的上班日。"))
    if len({one.day for one in days}) != len(days):
        found.append((0, "同一天出现了两次。"))
    return found
