"""How much the outbox has not brought to an end: for those who run the system, without people."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from notifications.models import Channel, OutboxMessage, OutboxState

OPEN_STATES = (OutboxState.PENDING, OutboxState.LEASED, OutboxState.UNKNOWN)


def count_open(session: Session) -> Mapping[tuple[str, str], int]:
    """Messages by channel and state; those that have come to an end are not counted."""
    rows = session.execute(
        sa.select(OutboxMessage.channel, OutboxMessage.state, sa.func.count().label("number"))
        .where(OutboxMessage.state.in_(OPEN_STATES))
        .group_by(OutboxMessage.channel, OutboxMessage.state)
    )
    none = {(channel.value, state.value): 0 for channel in Channel for state in OPEN_STATES}
    return none | {(row.channel, row.state): row.number for row in rows}


def waiting_since(session: Session, *, now: datetime) -> timedelta:
    """How long the message that has been due longest is waiting."""
    oldest = session.scalar(
        sa.select(sa.func.min(OutboxMessage.not_before)).where(
            OutboxMessage.state == OutboxState.PENDING
        )
    )
    return max(now - oldest, timedelta(0)) if oldest else timedelta(0)
