"""Stop conditions against the real tables."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities import activity_life
from activities.models import Activity
from core.clock import at_local
from jobs.stop_conditions import STOP_CONDITIONS
from notifications.models import Because, OutboxMessage, OutboxState
from tests.activities.lives import Life
from tests.notifications.dispatching import Desk
from tests.world import build_world

MONDAY_MORNING = at_local(date(2026, 11, 9), 9)


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_notice_of_a_cancelled_activity_does_not_leave(
    session: Session, is_cancelled: bool
) -> None:
    world = build_world(session)
    desk = Desk(session, world, MONDAY_MORNING, stops=STOP_CONDITIONS)
    later = MONDAY_MORNING + timedelta(days=8)
    activity = Life(world).meeting(starts_at=later, ends_at=later + timedelta(hours=2))
    actor = world.actor("书记一")
    activity_life.publish(session, actor, activity.id, now=MONDAY_MORNING)
    expected = session.scalar(sa.select(sa.func.count(sa.distinct(OutboxMessage.member_id))))
    if is_cancelled:
        at = {"cancelled_at": MONDAY_MORNING, "cancel_reason": "改期"}
        session.execute(sa.update(Activity).values(**at))

    calls = desk.dispatch(at=MONDAY_MORNING + timedelta(hours=1))

    rows = desk.rows(outside=True)
    assert calls == (0 if is_cancelled else expected)
    assert len(rows) == expected
    assert {row.state for row in rows} == {
        OutboxState.CANCELLED if is_cancelled else OutboxState.SENT
    }
    assert {row.suppressed_because for row in rows} == {Because.STOPPED if is_cancelled else None}
