"""Leave as somebody else decides or enters it, and what it makes of the attendance."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities import attendance_points, attendance_rows, expected_lists
from activities.activity_access import (
    get_handled,
    get_placed,
    hold_paths,
    require_not_cancelled,
)
from activities.attendance_rows import Change
from activities.leave_requests import LeaveFacts, NotExpected, find_live
from activities.life_models import (
    ATTENDED,
    AttendanceOrigin,
    AttendanceStatus,
    LeaveRequest,
    LeaveStatus,
)
from activities.models import Activity
from core.clock import business_day
from core.errors import Conflict, Forbidden, NotFound
from members.access import ROSTER_ROLES, Actor, place_of_affiliation, primary_affiliation_on
from members.models import Affiliation, Member, Organization
from notifications import outbox


class LeaveDecided(Conflict):
    """Somebody decided or withdrew it first."""

    code = "leave.already_decided"
    title = "这次请假已经处理过"


class OwnLeave(Forbidden):
    """Nobody decides his own leave."""

    code = "leave.own"
    title = "不能审批本人的请假"


@dataclass(frozen=True, slots=True)
class LeaveEntry:
    """A leave that a secretary enters for somebody; `reason` says why it is entered for him."""

    member_id: UUID
    facts: LeaveFacts
    reason: str


def decide(
    session: Session,
    actor: Actor,
    leave_id: UUID,
    *,
    is_approved: bool,
    reason: str,
    now: datetime,
) -> LeaveRequest:
    """Approve or refuse a leave of somebody else; after the start it changes the attendance.

    Raises:
        NotFound: absent, or of a member outside the actor's scope.
        OwnLeave: it is the actor's own.
        LeaveDecided: somebody was first.
    """
    paths = hold_paths(session, actor)
    leave = session.get(LeaveRequest, leave_id)
    if leave is None:
        raise NotFound
    activity = get_placed(session, leave.activity_id, is_held=True).activity
    _require_in_scope(session, leave.member_id, paths, activity)
    if leave.member_id == actor.member_id:
        raise OwnLeave
    status = LeaveStatus.APPROVED if is_approved else LeaveStatus.REFUSED
    decided = session.execute(
        sa.update(LeaveRequest)
        .where(LeaveRequest.id == leave_id, LeaveRequest.status == LeaveStatus.REQUESTED)
        .values(status=status, decided_by=actor.member_id, decided_at=now, decision_reason=reason)
        .returning(LeaveRequest.id)
    ).first()
    session.refresh(leave)
    if decided is None:
        raise LeaveDecided
    if is_approved:
        _excuse(session, actor, activity, leave.member_id, reason, now)
    _tell(session, activity, leave, now)
    return leave


def enter(
    session: Session,
    actor: Actor,
    activity_id: UUID,
    *,
    entry: LeaveEntry,
    now: datetime,
) -> LeaveRequest:
    """Enter a leave of somebody else, approved at once, with why it is entered for him.

    Raises:
        NotFound: the activity or the member is out of scope.
        OwnLeave: it is the actor's own.
        NotExpected: he is not on the list.
        LeaveDecided: a leave of his stands already.
    """
    paths = hold_paths(session, actor, ROSTER_ROLES)
    member_id, facts = entry.member_id, entry.facts
    get_handled(session, actor, activity_id)
    activity = get_placed(session, activity_id, is_held=True).activity
    require_not_cancelled(activity)
    _require_in_scope(session, member_id, paths, activity)
    if member_id == actor.member_id:
        raise OwnLeave
    if member_id not in expected_lists.find_members(session, activity, now=now):
        raise NotExpected
    if find_live(session, activity_id, member_id) is not None:
        raise LeaveDecided
    leave = LeaveRequest(
        activity_id=activity_id,
        member_id=member_id,
        reason_kind=facts.reason_kind,
        note=facts.note,
        status=LeaveStatus.APPROVED,
        is_after_the_fact=activity.started_at is not None or now >= activity.starts_at,
        requested_by=actor.member_id,
        requested_at=now,
        decided_by=actor.member_id,
        decided_at=now,
        decision_reason=entry.reason,
    )
    session.add(leave)
    session.flush()
    _excuse(session, actor, activity, member_id, entry.reason, now)
    return leave


def _require_in_scope(
    session: Session, member_id: UUID, paths: Sequence[str], activity: Activity
) -> None:
    """Raise NotFound unless he belonged, on the day, where one of the paths reaches."""
    place = session.scalar(
        sa.select(Organization.path)
        .select_from(Member)
        .join(Affiliation, primary_affiliation_on(business_day(activity.starts_at)))
        .join(Organization, place_of_affiliation())
        .where(Member.id == member_id)
    )
    if place is None or not any(place.startswith(path) for path in paths):
        raise NotFound


def _excuse(
    session: Session, actor: Actor, activity: Activity, member_id: UUID, reason: str, now: datetime
) -> None:
    """Let an approved leave stand on a list that is frozen; before that, the start reads it."""
    if activity.started_at is None:
        return
    changes = [
        Change(row, AttendanceStatus.LEAVE_APPROVED, AttendanceOrigin.LEAVE, reason)
        for row in attendance_rows.lock(session, activity.id, member_id)
        if row.is_expected and not row.is_exempt and row.status not in ATTENDED
    ]
    attendance_points.record(session, actor, activity, changes, now=now)


def _tell(session: Session, activity: Activity, leave: LeaveRequest, now: datetime) -> None:
    decision = "已批准" if leave.status == LeaveStatus.APPROVED else "未批准"
    params = {"title": activity.title, "decision": decision, "reason": leave.decision_reason}
    message = outbox.Message(leave.member_id, "leave_decided", str(leave.id), params)
    outbox.enqueue(session, [message], now=now)
