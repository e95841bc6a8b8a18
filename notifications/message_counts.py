"""What became of messages: counts by kind, channel and reason; never by reader."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from core.clock import at_local
from notifications.models import Channel, OutboxMessage


@dataclass(frozen=True, slots=True)
class MessageCount:
    """How many messages of a kind went which way.

    Args:
        channel: what carried them out of the house, or the inbox if nothing did.
        because: why they stayed in the inbox or wait; empty if they left.
    """

    kind: str
    channel: str
    state: str
    because: str
    count: int


def count_messages(session: Session, *, first: date, last: date) -> Sequence[MessageCount]:
    """The messages written from one day to another, both counted."""
    record, carrier = aliased(OutboxMessage), aliased(OutboxMessage)
    channel = sa.func.coalesce(carrier.channel, Channel.INBOX)
    state = sa.func.coalesce(carrier.state, record.state)
    because = sa.func.coalesce(carrier.suppressed_because, record.suppressed_because, "")
    groups = (record.kind, channel, state, because)
    rows = session.execute(
        sa.select(*groups, sa.func.count())
        .outerjoin(carrier, carrier.id == record.carried_by)
        .where(record.channel == Channel.INBOX, *_written(record.created_at, first, last))
        .group_by(*groups)
        .order_by(*groups)
    )
    return [MessageCount(*row) for row in rows]


def count_left(session: Session, *, first: date, last: date) -> int:
    """How many messages, digests counted once, were made for outside the house."""
    return (
        session.scalar(
            sa.select(sa.func.count())
            .select_from(OutboxMessage)
            .where(
                OutboxMessage.channel != Channel.INBOX,
                *_written(OutboxMessage.created_at, first, last),
            )
        )
        or 0
    )


def _written(
    column: sa.ColumnElement[object] | sa.orm.InstrumentedAttribute[object],
    first: date,
    last: date,
) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return column >= at_local(first, 0), column < at_local(last + timedelta(days=1), 0)
