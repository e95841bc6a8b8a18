"""Tables of messages: the outbox that leaves with a transaction, and the in-app inbox."""

import enum
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Json, UtcDateTime, one_of
from core.ids import new_id


class OutboxState(enum.StrEnum):
    """Where a message is on its way; `unknown` is shown to people and never blindly re-sent."""

    PENDING = "pending"
    LEASED = "leased"
    SENT = "sent"
    DELIVERED = "delivered"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Channel(enum.StrEnum):
    """Ways to reach a person; the in-app inbox is the record (decision 14)."""

    INBOX = "inbox"


class OutboxMessage(Base):
    """One message to one person over one channel; `dedupe_key` makes it exist once (I5)."""

    __tablename__ = "outbox_message"
    __table_args__ = (
        one_of("state", OutboxState),
        one_of("channel", Channel),
        sa.Index("ix_outbox_message_state", "channel", "state", "not_before", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    dedupe_key: Mapped[str] = mapped_column(sa.String(160), unique=True)
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    kind: Mapped[str] = mapped_column(sa.String(40))
    channel: Mapped[str] = mapped_column(sa.String(16), default=Channel.INBOX)
    params: Mapped[dict[str, Any]] = mapped_column(Json)
    state: Mapped[str] = mapped_column(sa.String(16), default=OutboxState.PENDING)
    not_before: Mapped[datetime] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class InboxMessage(Base):
    """A message that the member can read in the app; made once from its outbox row."""

    __tablename__ = "inbox_message"
    __table_args__ = (sa.Index("ix_inbox_message_member_id", "member_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    outbox_id: Mapped[UUID] = mapped_column(sa.ForeignKey("outbox_message.id"), unique=True)
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    kind: Mapped[str] = mapped_column(sa.String(40))
    title: Mapped[str] = mapped_column(sa.String(80))
    body: Mapped[str] = mapped_column(sa.String(1000))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
