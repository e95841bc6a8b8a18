"""The in-app inbox: delivery from the outbox, reading, marking as read."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.ids import new_id
from core.paging import Page, newest_first
from core.rows import insert_rows
from members.access import Actor
from notifications import catalogue
from notifications.models import Channel, InboxMessage, OutboxMessage, OutboxState

DELIVERY_BATCH_MAX = 500


def deliver(session: Session, *, now: datetime) -> int:
    """Move due inbox messages from the outbox to their readers; returns how many.

    Both tables are ours, so the move is one transaction: a crash delivers all or none, and two
    deliverers skip each other's rows. A kind that only a newer release knows waits for it: one
    such message must not keep everybody else's.
    """
    due = session.execute(
        sa.select(
            OutboxMessage.id,
            OutboxMessage.member_id,
            OutboxMessage.kind,
            OutboxMessage.params,
            OutboxMessage.template_version,
        )
        .where(
            OutboxMessage.channel == Channel.INBOX,
            OutboxMessage.state == OutboxState.PENDING,
            sa.tuple_(OutboxMessage.kind, OutboxMessage.template_version).in_(
                catalogue.known_versions()
            ),
            OutboxMessage.not_before <= now,
        )
        .order_by(OutboxMessage.id)
        .limit(DELIVERY_BATCH_MAX)
        .with_for_update(skip_locked=True)
    ).all()
    if not due:
        return 0
    rows = []
    # The list is ordered by id, and ids of one millisecond are not; sorting them keeps the order
    # in which the messages were written.
    ids = sorted(new_id() for _ in due)
    for own_id, (outbox_id, member_id, kind, params, version) in zip(ids, due, strict=True):
        title, body = catalogue.render(kind, params, version)
        rows.append(
            {"id": own_id, "outbox_id": outbox_id, "member_id": member_id, "kind": kind}
            | {"title": title, "body": body, "created_at": now}
        )
    insert_rows(session, InboxMessage, rows)
    session.execute(
        sa.update(OutboxMessage)
        .where(OutboxMessage.id.in_([row.id for row in due]))
        .values(state=OutboxState.DELIVERED, finished_at=now)
    )
    return len(due)


def list_messages(
    session: Session,
    actor: Actor,
    *,
    is_unread: bool | None = None,
    after: list[str | int] | None,
    limit: int,
) -> Page[InboxMessage]:
    """The actor's own messages, newest first.

    Args:
        is_unread: only unread ones, only read ones, or None for both.
    """
    query = readable(actor)
    if is_unread is not None:
        query = query.where(InboxMessage.read_at.is_(None) == is_unread)
    return newest_first(session, query, InboxMessage, after=after, limit=limit)


def readable(actor: Actor) -> sa.Select[InboxMessage]:
    """The actor's own messages; nobody reads those of another."""
    return sa.select(InboxMessage).where(InboxMessage.member_id == actor.member_id)


def find_unread(
    session: Session, actor: Actor, *, limit: int
) -> tuple[Sequence[InboxMessage], int]:
    """The actor's newest unread messages, and how many there are in all; one statement."""
    rows = session.execute(
        readable(actor)
        .add_columns(sa.func.count().over())
        .where(InboxMessage.read_at.is_(None))
        .order_by(InboxMessage.id.desc())
        .limit(limit)
    ).all()
    return [row[0] for row in rows], rows[0][1] if rows else 0


def mark_read(session: Session, actor: Actor, *, up_to: UUID, now: datetime) -> None:
    """Mark this message and the older ones as read; nobody else can see whether one was read."""
    session.execute(
        sa.update(InboxMessage)
        .where(
            InboxMessage.member_id == actor.member_id,
            InboxMessage.id <= up_to,
            InboxMessage.read_at.is_(None),
        )
        .values(read_at=now)
    )


def purge_texts(session: Session, *, ended_before: datetime) -> int:
    """Empty the texts of messages made before an instant; return how many.

    The rows stay: what was sent when, and whether it arrived, is told without them.
    """
    is_waiting = OutboxMessage.state.in_((OutboxState.PENDING, OutboxState.LEASED))
    session.execute(
        sa.update(OutboxMessage)
        .where(OutboxMessage.created_at < ended_before, ~is_waiting)
        .values(params={})
        .execution_options(synchronize_session=False)
    )
    emptied = session.execute(
        sa.update(InboxMessage)
        .where(InboxMessage.created_at < ended_before, InboxMessage.body != "")
        .values(body="")
        .returning(InboxMessage.id)
        .execution_options(synchronize_session=False)
    )
    return len(emptied.all())
