"""The life of an activity between its plan and its closing: announced, started."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities import expected_lists
from activities.activity_access import get_led, hold_paths, require_not_cancelled
from activities.models import Activity
from core.clock import SHANGHAI, business_day
from core.errors import NotFound
from members.access import Actor
from notifications import outbox
from notifications.stop_conditions import Carried


def publish(session: Session, actor: Actor, activity_id: UUID, *, now: datetime) -> Activity:
    """Announce an activity to those expected; announcing it again changes nothing.

    Raises:
        NotFound: out of scope.
        ActivityCancelled: it does not take place.
    """
    activity = get_led(session, actor, activity_id).activity
    published = session.execute(
        sa.update(Activity)
        .where(
            Activity.id == activity_id,
            Activity.published_at.is_(None),
            Activity.cancelled_at.is_(None),
        )
        .values(published_at=now, version=Activity.version + 1)
        .returning(Activity.id)
    ).first()
    session.refresh(activity)
    require_not_cancelled(activity)
    if published is not None and activity.started_at is None:
        params = {"place": activity.place or "另行通知"}
        tell(session, activity, "activity_published", params, now=now)
    return activity


def start(session: Session, actor: Actor, activity_id: UUID, *, now: datetime) -> Activity:
    """Start an activity and freeze its list; a second start changes nothing.

    Raises:
        NotFound: out of scope.
        ActivityCancelled, TooEarly: it cannot start.
    """
    paths = hold_paths(session, actor)
    placed = get_led(session, actor, activity_id)
    if not placed.is_led(paths):
        raise NotFound
    activity = placed.activity
    expected_lists.start(session, actor, activity, now=now)
    session.refresh(activity)
    require_not_cancelled(activity)
    return activity


def tell(
    session: Session, activity: Activity, kind: str, params: dict[str, Any], *, now: datetime
) -> None:
    """Tell those expected about an activity, once per kind of message."""
    starts_at = activity.starts_at.astimezone(SHANGHAI).strftime("%m月%d日 %H:%M")
    told = {"title": activity.title, "starts_at": starts_at} | params
    members = expected_lists.find_members(session, activity, now=now)
    event_on = business_day(activity.starts_at)
    messages = [
        outbox.Message(one, kind, str(activity.id), told, event_on=event_on) for one in members
    ]
    outbox.enqueue(session, messages, now=now)


def is_on(session: Session, carried: Sequence[Carried]) -> set[UUID]:
    """Stop condition: which notices tell of an activity that has not been cancelled since."""
    ids = {UUID(one.occasion) for one in carried}
    on = session.scalars(
        sa.select(Activity.id).where(Activity.id.in_(ids), Activity.cancelled_at.is_(None))
    )
    still = {str(activity_id) for activity_id in on}
    return {one.id for one in carried if one.occasion in still}
