"""Roll call: everybody in one call, the exceptions named, corrections as new revisions."""

import enum
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from activities import attendance_points, attendance_rows, expected_lists
from activities.activity_access import (
    get_handled,
    get_placed,
    hold_paths,
    require_not_cancelled,
)
from activities.attendance_rows import Change
from activities.life_models import ATTENDED, AttendanceOrigin, AttendanceStatus
from core.errors import FieldProblem, RuleViolation
from members.access import ROSTER_ROLES, Actor

MARKS_MAX = 1000
# What a roll call may say; exemption and make-up have ways of their own.
MARKABLE = (
    AttendanceStatus.PRESENT,
    AttendanceStatus.PRESENT_REMOTE,
    AttendanceStatus.PRESENT_ELSEWHERE,
    AttendanceStatus.LEAVE_APPROVED,
    AttendanceStatus.ABSENT_UNEXCUSED,
)


class RepeatedMember(RuleViolation):
    """One roll call names somebody twice."""

    code = "attendance.repeated"
    title = "同一个人出现了两次"


class MarkOutcome(enum.StrEnum):
    """What became of one mark."""

    RECORDED = "recorded"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Mark:
    """How one member attended, as the organiser says."""

    member_id: UUID
    status: AttendanceStatus
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RollCall:
    """Exceptions by name, and what holds for everybody expected of whom nothing is known yet."""

    marks: Sequence[Mark]
    default: AttendanceStatus | None = None
    origin: AttendanceOrigin = AttendanceOrigin.ROLL_CALL


@dataclass(frozen=True, slots=True)
class Marked:
    """The outcome for one member; `code` says why a refused mark was refused."""

    member_id: UUID
    outcome: MarkOutcome
    status: str | None
    code: str = ""
    message: str = ""
    points: int | None = None


_ABSENT = ("not_found", "不在名单上，或不在您的管理范围内。")
_OWN = ("attendance.own", "活动结束后，本人的考勤由支部其他负责人更正。")
_OWN_LEAVE = ("leave.own", "本人的请假由支部其他负责人审批。")
_EXEMPT = ("attendance.exempt", "已批准免于要求，不作缺席或请假登记。")
_GUEST = ("attendance.guest", "列席人员不在应到之列，只登记到会。")
_NO_REASON = ("attendance.reason_required", "请写明原因。")
_LEAVE_BY = ("leave.secretary_only", "当场补记请假由支部书记办理。")


def call_roll(
    session: Session, actor: Actor, activity_id: UUID, *, roll: RollCall, now: datetime
) -> list[Marked]:
    """Record a roll call; a mark that cannot stand is refused alone. Starts the activity.

    Lock order: role grants, activity, attendance rows by id, then as in `crediting.credit`.

    Raises:
        NotFound: the activity is absent, or out of scope.
        ActivityCancelled, TooEarly, RepeatedMember: nothing can be recorded.
        PeriodClosed, NoOpenPeriod: no period takes a correction now.
    """
    _require_once(roll.marks)
    paths = hold_paths(session, actor)
    expected_lists.start(session, actor, get_handled(session, actor, activity_id).activity, now=now)
    activity = get_placed(session, activity_id, is_held=True).activity
    require_not_cancelled(activity)
    rows = {
        row.member_id: row
        for row in attendance_rows.lock(session, activity_id)
        if any(row.path.startswith(held) for held in paths)
    }
    is_closed = activity.closed_at is not None
    verdicts = {
        mark.member_id: _judge(actor, mark, rows.get(mark.member_id), roll.origin, is_closed)
        for mark in roll.marks
    }
    verdicts |= _by_default(roll, rows, verdicts)
    changes = [one for one in verdicts.values() if isinstance(one, Change)]
    credited = attendance_points.record(session, actor, activity, changes, now=now)
    return [
        _recorded(one, credited.get(one.row.id)) if isinstance(one, Change) else one
        for one in verdicts.values()
    ]


def _require_once(marks: Sequence[Mark]) -> None:
    times = Counter(mark.member_id for mark in marks)
    problems = tuple(
        FieldProblem(f"/items/{number}/member_id", "repeated", "这个人前面已经登记过。")
        for number, mark in enumerate(marks)
        if times[mark.member_id] > 1
    )
    if problems:
        raise RepeatedMember(problems=problems)


def _judge(
    actor: Actor, mark: Mark, row: Row[Any] | None, origin: AttendanceOrigin, is_closed: bool
) -> Change | Marked:
    if row is None:
        return Marked(mark.member_id, MarkOutcome.REFUSED, None, *_ABSENT)
    if row.status == mark.status:
        return Marked(mark.member_id, MarkOutcome.UNCHANGED, row.status)
    is_own = mark.member_id == actor.member_id
    if is_closed and is_own:
        refusal: tuple[str, str] | None = _OWN
    elif is_closed and not mark.reason:
        refusal = _NO_REASON
    else:
        refusal = None if mark.status in ATTENDED else _absence_refusal(actor, mark, row)
    if refusal is not None:
        return Marked(mark.member_id, MarkOutcome.REFUSED, row.status, *refusal)
    return Change(row, mark.status, origin, mark.reason)


def _absence_refusal(actor: Actor, mark: Mark, row: Row[Any]) -> tuple[str, str] | None:
    if not row.is_expected:
        return _GUEST
    if row.is_exempt:
        return _EXEMPT
    if mark.status != AttendanceStatus.LEAVE_APPROVED:
        return None
    if mark.member_id == actor.member_id:
        return _OWN_LEAVE
    if not actor.covers(row.path, ROSTER_ROLES):
        return _LEAVE_BY
    return None if mark.reason else _NO_REASON


def _by_default(
    roll: RollCall, rows: Mapping[UUID, Row[Any]], named: Mapping[UUID, Any]
) -> dict[UUID, Change]:
    """The default speaks for those expected of whom nobody has said anything."""
    if roll.default is None:
        return {}
    return {
        member_id: Change(row, roll.default, roll.origin)
        for member_id, row in rows.items()
        if member_id not in named and row.status is None and row.is_expected
    }


def _recorded(change: Change, credited: Any) -> Marked:
    return Marked(
        change.row.member_id,
        MarkOutcome.RECORDED,
        change.status,
        message=credited.note if credited else "",
        points=credited.points if credited and credited.entry_id else None,
    )
