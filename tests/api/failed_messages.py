"""Messages that left for somebody, as a provider's answer left them."""

from typing import Any
from uuid import UUID

from core.ids import new_id
from notifications.models import Channel, OutboxMessage, OutboxState
from tests.served import Service
from tests.world import NOW


def failed(
    service: Service, name: str, state: OutboxState = OutboxState.UNKNOWN, **given: Any
) -> UUID:
    """A message that left for somebody, as a provider's answer left it."""
    usual = {"provider": "sms_aliyun", "provider_code": "no_answer", "channel": Channel.SMS}
    row = OutboxMessage(
        id=new_id(),
        dedupe_key=str(new_id()),
        member_id=service.world.members[name],
        kind="deduction_notice",
        params={},
        state=state,
        not_before=NOW,
        created_at=NOW,
        attempts=1,
        **usual | given,
    )
    service.world.session.add(row)
    service.world.session.commit()
    return row.id


def stored(service: Service, message_id: UUID) -> OutboxMessage:
    service.world.session.expire_all()
    return service.world.session.get_one(OutboxMessage, message_id)
