"""Leave as a member asks for it: before the start, changed while it waits, taken back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities import expected_lists
from activities.activity_access import (
    ORGANISING_ROLES,
    get_placed,
    get_readable,
    require_not_cancelled,
)
from activities.life_models import (
    LeaveRequest,
    LeaveStatus,
)
from activities.models import Activity
from core.errors import NotFound, RuleViolation
from core.paging import Page, oldest_first
from members.access import Actor, place_of_affiliation, primary_affiliation_on, within
from members.models import Affiliation, Member, Organization


class LeaveTooLate(RuleViolation):
    """The activity has started; only the secretary enters a leave now."""

    code = "leave.too_late"
    title = "活动已经开始，请联系支部书记补记"


class NotExpected(RuleViolation):
    """He is not among those expected, so there is nothing to be excused from."""

    code = "leave.not_expected"
    title = "不在应到名单上，不用请假"


@dataclass(frozen=True, slots=True)
class LeaveFacts:
    """Why somebody asks for leave; the kind of the reason, and a note that may be empty."""

    reason_kind: str
    note: str = ""


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
    live = find_live(session, activity_id, actor.member_id)
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
    if find_live(session, activity_id, actor.member_id) is None:
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
    head = sa.select(
        LeaveRequest,
        Activity.title,
        Activity.starts_at,
        Member.name.label("member_name"),
    )
    query = of_waiting(head, actor, organization.path)
    return oldest_first(session, query, LeaveRequest, after=after, limit=limit)


def of_waiting(
    head: sa.Select[*tuple[Any, ...]], actor: Actor, path: str
) -> sa.Select[*tuple[Any, ...]]:
    """The columns of `head`, of requests that wait at and below a place; not the actor's own."""
    return (
        head.join(Activity, Activity.id == LeaveRequest.activity_id)
        .join(Member, Member.id == LeaveRequest.member_id)
        .join(Affiliation, primary_affiliation_on(actor.on))
        .join(Organization, place_of_affiliation())
        .where(
            LeaveRequest.status == LeaveStatus.REQUESTED,
            LeaveRequest.member_id != actor.member_id,
            Activity.cancelled_at.is_(None),
            within([path]),
        )
    )


def _require_before_start(activity: Activity, now: datetime) -> None:
    if activity.started_at is not None or now >= activity.starts_at:
        raise LeaveTooLate


def find_live(session: Session, activity_id: UUID, member_id: UUID) -> LeaveRequest | None:
    """The leave of a member that waits or stands, locked; None when there is none."""
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
