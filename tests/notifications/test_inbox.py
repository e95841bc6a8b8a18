"""Delivery of the outbox to the inbox."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from notifications import inbox, outbox
from notifications.models import InboxMessage, OutboxMessage, OutboxState
from tests.world import NOW, build_world


def test_message_of_a_newer_release_does_not_keep_the_others(session: Session) -> None:
    world = build_world(session)
    newer = OutboxMessage(
        dedupe_key="newer",
        member_id=world.members["党员乙"],
        kind="of_a_newer_release",
        params={},
        not_before=NOW,
        created_at=NOW,
    )
    session.add(newer)
    params = {"title": "清扫社区", "reason": "请写明地点"}
    told = outbox.Message(world.members["党员甲"], "claim_returned", "once", params)
    outbox.enqueue(session, [told], now=NOW)

    assert inbox.deliver(session, now=NOW) == 1

    assert session.scalars(sa.select(InboxMessage.member_id)).all() == [told.member_id]
    session.refresh(newer)
    assert newer.state == OutboxState.PENDING
