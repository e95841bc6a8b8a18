"""Make-up: what was missed is caught up within thirty days, and somebody else confirms it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from activities import attendance_points, attendance_rows
from activities.activity_access import (
    get_handled,
    get_placed,
    hold_paths,
    require_not_cancelled,
)
from activities.attendance_rows import Change
from activities.life_models import AttendanceOrigin, AttendanceStatus, MakeUp
from activities.models import Activity
from core.clock import business_day
from core.errors import FieldProblem, Forbidden, NotFound, RuleViolation
from members.access import Actor
from points.crediting import Credited

DAYS_MAX = 30


class NothingMissed(RuleViolation):
    """He was there, is exempt, or nothing is known about him yet."""

    code = "make_up.nothing_missed"
    title = "没有需要补学的缺席或请假"


class MakeUpDate(RuleViolation):
    """The day is before the activity, ahead, or more than thirty days after it."""

    code = "make_up.date"
    title = "补学应在活动后 30 天内"


class OwnMakeUp(Forbidden):
    """Nobody confirms his own make-up."""

    code = "make_up.own"
    title = "不能确认本人的补学"


@dataclass(frozen=True, slots=True)
class MakeUpFacts:
    """When and with what somebody caught up."""

    made_up_on: date
    content: str


def confirm(
    session: Session,
    actor: Actor,
    activity_id: UUID,
    member_id: UUID,
    *,
    facts: MakeUpFacts,
    now: datetime,
) -> Credited | None:
    """Confirm that a member made up what he missed; his attendance and points follow.

    Raises:
        NotFound: the activity is out of scope, or he is not on its list there.
        OwnMakeUp: it is the actor's own.
        NothingMissed, MakeUpDate: it cannot be.
    """
    paths = hold_paths(session, actor)
    get_handled(session, actor, activity_id)
    activity = get_placed(session, activity_id, is_held=True).activity
    require_not_cancelled(activity)
    row = next(
        (
            row
            for row in attendance_rows.lock(session, activity_id, member_id)
            if any(row.path.startswith(held) for held in paths)
        ),
        None,
    )
    if row is None:
        raise NotFound
    if member_id == actor.member_id:
        raise OwnMakeUp
    if row.status not in (AttendanceStatus.ABSENT_UNEXCUSED, AttendanceStatus.LEAVE_APPROVED):
        raise NothingMissed
    _require_in_time(activity, facts.made_up_on, now)
    session.add(
        MakeUp(
            attendance_id=row.id,
            member_id=member_id,
            made_up_on=facts.made_up_on,
            content=facts.content,
            confirmed_by=actor.member_id,
            confirmed_at=now,
        )
    )
    session.flush()
    change = Change(
        row, AttendanceStatus.MADE_UP, AttendanceOrigin.MAKE_UP, facts.content, facts.made_up_on
    )
    return attendance_points.record(session, actor, activity, [change], now=now).get(row.id)


def _require_in_time(activity: Activity, made_up_on: date, now: datetime) -> None:
    day = business_day(activity.starts_at)
    if not day <= made_up_on <= min(day + timedelta(days=DAYS_MAX), business_day(now)):
        message = f"补学日期应在 {day} 起 {DAYS_MAX} 天内，且不晚于今天。"
        raise MakeUpDate(message, problems=(FieldProblem("/made_up_on", "range", message),))
