"""A branch's calendar of organisation life."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities.models import Activity
from core.errors import Conflict, FieldProblem, NotFound, RuleViolation
from core.paging import Page, cut, id_key
from members.access import READING_ROLES, ROSTER_ROLES, Actor, get_organization


class InvalidTimes(RuleViolation):
    """The activity ends before it begins."""

    code = "activity.times"
    title = "活动时间不对"


class AlreadyCancelled(Conflict):
    """The activity was cancelled before."""

    code = "activity.cancelled"
    title = "活动已经取消"


@dataclass(frozen=True, slots=True)
class ActivityPlan:
    """What an organisation puts on its calendar."""

    kind: str
    title: str
    place: str
    starts_at: datetime
    ends_at: datetime


def schedule(
    session: Session, actor: Actor, organization_id: UUID, *, plan: ActivityPlan, now: datetime
) -> Activity:
    """Put an activity on the organisation's calendar.

    Raises:
        NotFound: the organisation is out of scope.
        InvalidTimes: it ends before it begins.
    """
    get_organization(session, actor, organization_id, roles=ROSTER_ROLES)
    if plan.ends_at <= plan.starts_at:
        message = "结束时间应晚于开始时间。"
        raise InvalidTimes(message, problems=(FieldProblem("/ends_at", "order", message),))
    activity = Activity(
        organization_id=organization_id,
        kind=plan.kind,
        title=plan.title,
        place=plan.place,
        starts_at=plan.starts_at,
        ends_at=plan.ends_at,
        created_by=actor.member_id,
        created_at=now,
    )
    session.add(activity)
    session.flush()
    return activity


def cancel(
    session: Session, actor: Actor, organization_id: UUID, activity_id: UUID, *, now: datetime
) -> None:
    """Cancel an activity; it stays on the calendar as cancelled.

    Raises:
        NotFound: the organisation is out of scope, or has no such activity.
        AlreadyCancelled: somebody cancelled it first.
    """
    get_organization(session, actor, organization_id, roles=ROSTER_ROLES)
    cancelled = session.execute(
        sa.update(Activity)
        .where(
            Activity.id == activity_id,
            Activity.organization_id == organization_id,
            Activity.cancelled_at.is_(None),
        )
        .values(cancelled_at=now)
        .returning(Activity.id)
    ).first()
    if cancelled is not None:
        return
    activity = session.get(Activity, activity_id)
    if activity is None or activity.organization_id != organization_id:
        raise NotFound
    raise AlreadyCancelled


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
    last_id = id_key(after)
    if last_id is not None:
        query = query.where(Activity.id < last_id)
    rows = session.scalars(query.order_by(Activity.id.desc()).limit(limit + 1)).all()
    return cut(rows, limit, lambda activity: [str(activity.id)])
