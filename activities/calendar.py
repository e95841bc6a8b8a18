"""A branch's calendar of organisation life: planning, changing, cancelling."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities import activity_life
from activities.activity_access import (
    ORGANISING_ROLES,
    ActivityCancelled,
    get_led,
    require_not_cancelled,
)
from activities.life_models import ActivityOrganization
from activities.models import Activity, ActivityKind
from core.errors import Conflict, FieldProblem, NotFound, RuleViolation, VersionConflict
from core.paging import Page, newest_first
from members.access import READING_ROLES, Actor, get_organization
from members.models import Organization


class InvalidTimes(RuleViolation):
    """The activity ends before it begins."""

    code = "activity.times"
    title = "活动时间不对"


class NotJoint(RuleViolation):
    """Several organisations are named for an activity that is not a joint one."""

    code = "activity.not_joint"
    title = "只有联合活动可以有多个党组织"


class AlreadyStarted(Conflict):
    """The list is frozen; what was planned does not change any more."""

    code = "activity.started"
    title = "活动已经开始"


class AlreadyClosed(Conflict):
    """The attendance was closed before."""

    code = "activity.closed"
    title = "活动已经结束"


@dataclass(frozen=True, slots=True)
class ActivityPlan:
    """What an organisation puts on its calendar.

    Args:
        tags: further kinds of the same meeting; it stays one attendance.
        invited: members expected by name; empty where everybody of the organisation is.
        organization_ids: further organisations that take part in a joint activity.
    """

    kind: str
    title: str
    place: str
    starts_at: datetime
    ends_at: datetime
    tags: tuple[str, ...] = ()
    invited: tuple[UUID, ...] = ()
    organization_ids: tuple[UUID, ...] = ()


def schedule(
    session: Session, actor: Actor, organization_id: UUID, *, plan: ActivityPlan, now: datetime
) -> Activity:
    """Put an activity on the organisation's calendar.

    Raises:
        NotFound: one of the organisations is out of scope.
        InvalidTimes, NotJoint: the plan is not possible.
    """
    get_organization(session, actor, organization_id, roles=ORGANISING_ROLES)
    _require_possible(plan)
    activity = Activity(
        organization_id=organization_id,
        created_by=actor.member_id,
        created_at=now,
        **_columns(plan),
    )
    session.add(activity)
    # The organisations that join refer to the activity by a plain foreign key.
    session.flush()
    _join(session, actor, activity, plan)
    return activity


def change(
    session: Session,
    actor: Actor,
    activity_id: UUID,
    *,
    plan: ActivityPlan,
    version: int,
    now: datetime,
) -> Activity:
    """Change what is planned, as long as it has not started.

    Raises:
        NotFound: out of scope.
        ActivityCancelled, AlreadyStarted, VersionConflict: somebody was first.
        InvalidTimes, NotJoint: the plan is not possible.
    """
    activity = get_led(session, actor, activity_id).activity
    _require_possible(plan)
    changed = session.execute(
        sa.update(Activity)
        .where(
            Activity.id == activity_id,
            Activity.version == version,
            Activity.started_at.is_(None),
            Activity.cancelled_at.is_(None),
        )
        .values(version=version + 1, **_columns(plan))
        .returning(Activity.id)
    ).first()
    if changed is None:
        _raise_settled(session, activity)
        raise VersionConflict
    joined = sa.delete(ActivityOrganization).where(ActivityOrganization.activity_id == activity_id)
    session.execute(joined)
    _join(session, actor, activity, plan)
    session.refresh(activity)
    return activity


def cancel(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    activity_id: UUID,
    *,
    reason: str = "",
    now: datetime,
) -> Activity:
    """Cancel an activity; it stays on the calendar, and who was told of it is told again.

    Raises:
        NotFound: out of scope, or not of this organisation.
        ActivityCancelled, AlreadyClosed: somebody was first.
    """
    placed = get_led(session, actor, activity_id)
    activity = placed.activity
    if activity.organization_id != organization_id:
        raise NotFound
    cancelled = session.execute(
        sa.update(Activity)
        .where(
            Activity.id == activity_id,
            Activity.cancelled_at.is_(None),
            Activity.closed_at.is_(None),
        )
        .values(cancelled_at=now, cancel_reason=reason, version=Activity.version + 1)
        .returning(Activity.id)
    ).first()
    session.refresh(activity)
    if cancelled is None:
        raise ActivityCancelled if activity.cancelled_at else AlreadyClosed
    if activity.published_at is not None:
        activity_life.tell(
            session, activity, "activity_cancelled", {"reason": reason or "另行通知"}, now=now
        )
    return activity


def list_activities(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    *,
    after: list[str | int] | None,
    limit: int,
) -> Page[Any]:
    """An organisation's activities, newest entry first; its own members read them too.

    Raises:
        NotFound: the organisation is out of scope.
    """
    if organization_id != actor.organization_id:
        get_organization(session, actor, organization_id, roles=READING_ROLES)
    query = sa.select(Activity).where(Activity.organization_id == organization_id)
    return newest_first(session, query, Activity, after=after, limit=limit)


def _require_possible(plan: ActivityPlan) -> None:
    if plan.ends_at <= plan.starts_at:
        message = "结束时间应晚于开始时间。"
        raise InvalidTimes(message, problems=(FieldProblem("/ends_at", "order", message),))
    if plan.organization_ids and plan.kind != ActivityKind.JOINT_ACTIVITY:
        message = "多个党组织参加的，活动类别应为联合活动。"
        raise NotJoint(message, problems=(FieldProblem("/organization_ids", "kind", message),))


def _columns(plan: ActivityPlan) -> dict[str, Any]:
    return {
        "kind": plan.kind,
        "tags": sorted({*plan.tags} - {plan.kind}),
        "title": plan.title,
        "place": plan.place,
        "starts_at": plan.starts_at,
        "ends_at": plan.ends_at,
        "invited": sorted({str(member_id) for member_id in plan.invited}),
    }


def _join(session: Session, actor: Actor, activity: Activity, plan: ActivityPlan) -> None:
    """Let further organisations take part, each one where the actor organises."""
    wanted = {*plan.organization_ids} - {activity.organization_id}
    if not wanted:
        return
    paths = actor.paths(ORGANISING_ROLES)
    found = session.execute(
        sa.select(Organization.id, Organization.path).where(Organization.id.in_(wanted))
    ).all()
    known = {row[0] for row in found if any(row[1].startswith(path) for path in paths)}
    if known != wanted:
        raise NotFound
    session.add_all(
        ActivityOrganization(activity_id=activity.id, organization_id=organization_id)
        for organization_id in sorted(known)
    )
    session.flush()


def _raise_settled(session: Session, activity: Activity) -> None:
    session.refresh(activity)
    require_not_cancelled(activity)
    if activity.started_at is not None:
        raise AlreadyStarted
