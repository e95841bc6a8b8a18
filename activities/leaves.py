"""Leave: asked for before the start, decided by somebody else, entered afterwards with a reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities import attendance_points, attendance_rows, expected_lists
from activities.activity_access import (
    ORGANISING_ROLES,
    get_handled,
    get_placed,
    get_readable,
    hold_paths,
    require_not_cancelled,
)
from activities.attendance_rows import Change
from activities.life_models import (
    ATTENDED,
    AttendanceOrigin,
    AttendanceStatus,
    LeaveRequest,
    LeaveStatus,
)
from activities.models import Activity
from core.clock import business_day
from core.errors import Conflict, Forbidden, NotFound, RuleViolation
from core.paging import Page, cut, id_key
from members.access import ROSTER_ROLES, Actor, place_of_affiliation, primary_affiliation_on, within
from members.models import Affiliation, Member, Organization
from notifications import outbox


class LeaveTooLate(RuleViolation):
    """The activity has started; only the secretary enters a leave now."""

    code = "leave.too_late"
    title = "活动已经开始，请联系支部书记补记"


class NotExpected(RuleViolation):
    """He is not among those expected, so there is nothing to be excused from."""

    code = "leave.not_expected"
    title = "不在应到名单上，不用请假"


class LeaveDecided(Conflict):
    """Somebody decided or withdrew it first."""

    code = "leave.already_decided"
    title = "这次请假已经处理过"


class OwnLeave(Forbidden):
    """Nobody decides his own leave."""

    code = "leave.own"
    title = "不能审批本人的请假"


@dataclass(frozen=True, slots=True)
class LeaveFacts:
    """Why somebody asks for leave; the kind of the reason, and a note that may be empty."""

    reason_kind: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class LeaveEntry:
    """A leave that a secretary enters for somebody; `reason` says why it is entered for him."""

    member_id: UUID
    facts: LeaveFacts
    reason: str


def request(
    session: Session, actor: Actor, activity_id: UUID, *, facts: LeaveFacts, now: datetime
) -> LeaveRequest:
    """Ask for leave before the start; asking again changes what waits, not what is decided.

    Raises:
        NotFound, ActivityCancelled: there is no such activity for him.
        LeaveTooLate, NotExpected: it cannot be asked for.
    """
    get_readable(session, actor, activity_id)
    activity = get_placed(session, activity_id, is_held=True).activity
    require_not_cancelled(activity)
    _require_before_start(activity, now)
    if actor.member_id not in expected_lists.find_members(session, activity, now=now):
        raise NotExpected
    live = _find_live(session, activity_id, actor.member_id)
    if live is not None and live.status == LeaveStatus.APPROVED:
        return live
    if live is None:
        live = LeaveRequest(
            activity_id=activity_id,
            member_id=actor.member_id,
            requested_by=actor.member_id,
            requested_at=now,
        )
        session.add(live)
    live.reason_kind, live.note, live.status = facts.reason_kind, facts.note, LeaveStatus.REQUESTED
    session.flush()
    return live


def withdraw(session: Session, actor: Actor, activity_id: UUID, *, now: datetime) -> None:
    """Take back a leave before the start, also one that was approved.

    Raises:
        NotFound: there is none.
        LeaveTooLate: the activity has started.
    """
    activity = get_placed(session, activity_id, is_held=True).activity
    if _find_live(session, activity_id, actor.member_id) is None:
        raise NotFound
    _require_before_start(activity, now)
    session.execute(
        sa.update(LeaveRequest)
        .where(
            LeaveRequest.activity_id == activity_id,
            LeaveRequest.member_id == actor.member_id,
            LeaveRequest.status.in_((LeaveStatus.REQUESTED, LeaveStatus.APPROVED)),
        )
        .values(status=LeaveStatus.WITHDRAWN, decided_by=None, decided_at=None)
    )


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
    hold_paths(session, actor)
    member_id, facts = entry.member_id, entry.facts
    get_handled(session, actor, activity_id)
    activity = get_placed(session, activity_id, is_held=True).activity
    require_not_cancelled(activity)
    _require_in_scope(session, member_id, actor.paths(ROSTER_ROLES), activity)
    if member_id == actor.member_id:
        raise OwnLeave
    if member_id not in expected_lists.find_members(session, activity, now=now):
        raise NotExpected
    if _find_live(session, activity_id, member_id) is not None:
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


def list_waiting(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    *,
    after: list[str | int] | None,
    limit: int,
) -> Page[Any]:
    """Requests that wait in an organisation where the actor decides, oldest first; not his own.

    Raises:
        NotFound: the organisation is out of scope.
    """
    organization = session.get(Organization, organization_id)
    if organization is None or not actor.covers(organization.path, ORGANISING_ROLES):
        raise NotFound
    query = (
        sa.select(
            LeaveRequest,
            Activity.title,
            Activity.starts_at,
            Member.name.label("member_name"),
        )
        .join(Activity, Activity.id == LeaveRequest.activity_id)
        .join(Member, Member.id == LeaveRequest.member_id)
        .join(Affiliation, primary_affiliation_on(actor.on))
        .join(Organization, place_of_affiliation())
        .where(
            LeaveRequest.status == LeaveStatus.REQUESTED,
            LeaveRequest.member_id != actor.member_id,
            Activity.cancelled_at.is_(None),
            within([organization.path]),
        )
    )
    last_id = id_key(after)
    if last_id is not None:
        query = query.where(LeaveRequest.id > last_id)
    rows = session.execute(query.order_by(LeaveRequest.id).limit(limit + 1)).all()
    return cut(rows, limit, lambda row: [str(row.LeaveRequest.id)])


def _require_before_start(activity: Activity, now: datetime) -> None:
    if activity.started_at is not None or now >= activity.starts_at:
        raise LeaveTooLate


def _find_live(session: Session, activity_id: UUID, member_id: UUID) -> LeaveRequest | None:
    return session.scalar(
        sa.select(LeaveRequest)
        .where(
            LeaveRequest.activity_id == activity_id,
            LeaveRequest.member_id == member_id,
            LeaveRequest.status.in_((LeaveStatus.REQUESTED, LeaveStatus.APPROVED)),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )


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
