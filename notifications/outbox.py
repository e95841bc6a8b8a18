"""The outbox: messages written in the transaction of the fact that they tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.ids import new_id
from core.rows import dialect_of, ordered_insert, row_source, rows_parameter
from notifications import catalogue, phoning
from notifications.models import Because, Channel, OutboxMessage, OutboxState

# After so many reminders about one thing, a person asks instead of a machine (decision 10).
UNANSWERED_MAX = 3
# What is the same for all messages that are written together.
_SHARED = ("is_urgent", "attempts", "not_before", "created_at")


@dataclass(frozen=True, slots=True)
class Message:
    """What to tell whom; the occasion makes it exist once per person and channel.

    Args:
        occasion: what makes it another message: an id, for a reminder together with its stage.
        topic: what a reminder is about, the same for all its stages; at most three are sent.
        event_on: the day of the event that it tells of. After it, nothing leaves the house.
    """

    member_id: UUID
    kind: str
    occasion: str
    params: dict[str, Any]
    topic: str | None = None
    event_on: date | None = None


def enqueue(session: Session, messages: Sequence[Message], *, now: datetime) -> None:
    """Write messages to the outbox in one statement; one already written is left alone (I5).

    Reminders with a topic take up to four more: the fourth about one thing is kept back and
    becomes a task to phone.
    """
    if not messages:
        return
    for message in messages:
        catalogue.require_params(message.kind, message.params)
    exhausted = _find_exhausted(session, messages)
    rows = [_row(message, now, exhausted) for message in messages]
    written = _write(session, rows, now, with_topics=bool(exhausted))
    kept_back = [(row.member_id, row.topic) for row in written if row.suppressed_because]
    if kept_back:
        tasks = phoning.tasks_to_phone(session, kept_back, now=now)
        _write(session, [_row(Message(*task), now, frozenset()) for task in tasks], now)


def _write(
    session: Session, rows: Sequence[dict[str, Any]], now: datetime, *, with_topics: bool = False
) -> Sequence[sa.Row[Any]]:
    if not rows:
        return []
    statement = _writing(dialect_of(session), tuple(rows[0]), with_topics)
    shared = dict(zip(_SHARED, (False, 0, now, now), strict=True))
    result = session.execute(statement, {**shared, **rows_parameter(session, rows)})
    return result.all() if with_topics else []


@cache
def _writing(dialect: str, names: tuple[str, ...], with_topics: bool) -> sa.Executable:
    insert = ordered_insert(dialect, OutboxMessage, names, _SHARED)
    insert = insert.on_conflict_do_nothing(index_elements=["dedupe_key"])
    if not with_topics:
        return insert
    return insert.returning(
        OutboxMessage.member_id, OutboxMessage.topic, OutboxMessage.suppressed_because
    )


def _find_exhausted(
    session: Session, messages: Sequence[Message]
) -> frozenset[tuple[UUID, str | None]]:
    """Members and topics of which as many reminders have been sent as may be."""
    asked = sorted({(one.member_id, one.topic) for one in messages if one.topic})
    if not asked:
        return frozenset()
    rows = [{"member_id": member_id, "topic": topic} for member_id, topic in asked]
    found = session.execute(_counting(dialect_of(session)), rows_parameter(session, rows))
    return frozenset((row.member_id, row.topic) for row in found)


@cache
def _counting(dialect: str) -> sa.Select[UUID, str | None]:
    given = row_source(
        dialect,
        {"member_id": OutboxMessage.member_id.type, "topic": OutboxMessage.topic.type},
    )
    return (
        sa.select(OutboxMessage.member_id, OutboxMessage.topic)
        .join(
            given,
            (given.c.member_id == OutboxMessage.member_id) & (given.c.topic == OutboxMessage.topic),
        )
        .where(OutboxMessage.channel == Channel.INBOX, OutboxMessage.state != OutboxState.CANCELLED)
        .group_by(OutboxMessage.member_id, OutboxMessage.topic)
        .having(sa.func.count() >= UNANSWERED_MAX)
    )


def _row(
    message: Message, now: datetime, exhausted: frozenset[tuple[UUID, str | None]]
) -> dict[str, Any]:
    channel, kind = Channel.INBOX, catalogue.KINDS[message.kind]
    is_kept_back = (message.member_id, message.topic) in exhausted
    return {
        "id": new_id(),
        "dedupe_key": f"{message.member_id}:{message.kind}:{message.occasion}:{channel}",
        "member_id": message.member_id,
        "kind": message.kind,
        "template_version": kind.version,
        "channel": channel,
        "params": message.params,
        "occasion": message.occasion,
        "topic": message.topic,
        "event_on": message.event_on,
        "state": OutboxState.CANCELLED if is_kept_back else OutboxState.PENDING,
        "suppressed_because": Because.UNANSWERED if is_kept_back else None,
        "outside_after": now if kind.goes_outside and not is_kept_back else None,
    }
