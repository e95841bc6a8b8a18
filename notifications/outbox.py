"""The outbox: messages written in the transaction of the fact that they tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.ids import new_id
from core.rows import dialect_of, ordered_insert, rows_parameter
from notifications import catalogue
from notifications.models import Channel, OutboxMessage, OutboxState


@dataclass(frozen=True, slots=True)
class Message:
    """What to tell whom; the occasion makes it exist once per person and channel."""

    member_id: UUID
    kind: str
    occasion: str
    params: dict[str, Any]


def enqueue(session: Session, messages: Sequence[Message], *, now: datetime) -> None:
    """Write messages to the outbox in one statement; one already written is left alone (I5)."""
    if not messages:
        return
    for message in messages:
        catalogue.require_params(message.kind, message.params)
    rows = [_row(message, now) for message in messages]
    statement = _writing(dialect_of(session), tuple(rows[0]))
    session.execute(statement, rows_parameter(session, rows))


@cache
def _writing(dialect: str, names: tuple[str, ...]) -> sa.Insert:
    insert = ordered_insert(dialect, OutboxMessage, names)
    return insert.on_conflict_do_nothing(index_elements=["dedupe_key"])


def _row(message: Message, now: datetime) -> dict[str, Any]:
    channel = Channel.INBOX
    return {
        "id": new_id(),
        "dedupe_key": f"{message.member_id}:{message.kind}:{message.occasion}:{channel}",
        "member_id": message.member_id,
        "kind": message.kind,
        "channel": channel,
        "params": message.params,
        "state": OutboxState.PENDING,
        "not_before": now,
        "created_at": now,
    }
