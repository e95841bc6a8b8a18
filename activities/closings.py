"""Closing an activity: the list is complete, and attendance is credited in one pass."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from activities import attendance_points, attendance_rows
from activities.activity_access import get_led, hold_paths, require_not_cancelled
from activities.attendance_rates import AttendanceCounts, count_statuses
from activities.attendance_rows import Change
from activities.calendar import AlreadyClosed
from activities.life_models import AttendanceOrigin, AttendanceStatus
from activities.models import Activity
from core.errors import NotFound, RuleViolation
from members.access import Actor


class NotStarted(RuleViolation):
    """Nobody has taken a roll call or checked in."""

    code = "activity.not_started"
    title = "活动还没有开始，没有可以结束的考勤"


class Unmarked(RuleViolation):
    """Somebody expected has no status; absence is said, not assumed."""

    code = "attendance.unmarked"
    title = "还有人没有登记"


@dataclass(frozen=True, slots=True)
class Closing:
    """What a closing found and credited."""

    activity: Activity
    counts: AttendanceCounts
    entries: int


def close(
    session: Session, actor: Actor, activity_id: UUID, *, presumes_absence: bool, now: datetime
) -> Closing:
    """Close the attendance of an activity and credit all of it, in constant statements.

    Lock order: role grants, activity, attendance rows by id, then as in `crediting.credit`.

    Args:
        presumes_absence: whoever has no status is taken for absent; a scan that was on its way
            still overturns that by itself.

    Raises:
        NotFound: out of scope.
        ActivityCancelled, AlreadyClosed: somebody was first.
        NotStarted, Unmarked: it is not complete.
    """
    paths = hold_paths(session, actor)
    placed = get_led(session, actor, activity_id)
    if not placed.is_led(paths):
        raise NotFound
    _close(session, actor, placed.activity, now)
    rows = attendance_rows.lock(session, activity_id)
    missing = [row for row in rows if row.status is None and row.is_expected]
    if missing and not presumes_absence:
        raise Unmarked(f"还有 {len(missing)} 人没有登记，请点名，或确认他们缺席后再结束。")
    presumed = [
        Change(row, AttendanceStatus.ABSENT_UNEXCUSED, AttendanceOrigin.CLOSING) for row in missing
    ]
    attendance_rows.revise(session, actor.member_id, presumed, now=now)
    facts = [*_known(rows), *presumed]
    credited = attendance_points.credit(session, actor, placed.activity, facts, now=now)
    entries = sum(one.entry_id is not None for one in credited.values())
    return Closing(placed.activity, _counts(rows, presumed), entries)


def _close(session: Session, actor: Actor, activity: Activity, now: datetime) -> None:
    closed = session.execute(
        sa.update(Activity)
        .where(
            Activity.id == activity.id,
            Activity.started_at.is_not(None),
            Activity.closed_at.is_(None),
            Activity.cancelled_at.is_(None),
        )
        .values(closed_at=now, closed_by=actor.member_id, version=Activity.version + 1)
        .returning(Activity.id)
    ).first()
    session.refresh(activity)
    if closed is not None:
        return
    require_not_cancelled(activity)
    raise AlreadyClosed if activity.closed_at else NotStarted


@dataclass(frozen=True, slots=True)
class _Known(Change):
    """What was said before the closing: it is credited as the revision that it is."""

    @property
    def revision(self) -> int:
        return int(self.row.revision)


def _known(rows: Sequence[Row[Any]]) -> list[Change]:
    return [
        _Known(row, AttendanceStatus(row.status), AttendanceOrigin(row.origin))
        for row in rows
        if row.status is not None
    ]


def _counts(rows: Sequence[Row[Any]], presumed: Sequence[Change]) -> AttendanceCounts:
    later = {one.row.id: one.status for one in presumed}
    return count_statuses(str(later.get(row.id, row.status)) for row in rows if row.is_expected)
