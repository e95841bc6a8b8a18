"""Tables of messages: the outbox that leaves with a transaction, and the in-app inbox."""

import enum
from datetime import date, datetime
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
    PUSH = "push"
    EMAIL = "email"
    WECOM = "wecom"
    DINGTALK = "dingtalk"
    FEISHU = "feishu"
    WEBHOOK = "webhook"
    SMS = "sms"


class Because(enum.StrEnum):
    """Why a message did not leave the house, or not yet."""

    NO_CHANNEL = "no_channel"
    NO_ADDRESS = "no_address"
    SWITCHED_OFF = "switched_off"
    DIGEST = "digest"
    QUIET_HOURS = "quiet_hours"
    NON_WORKING_DAY = "non_working_day"
    WEEKLY_BUDGET = "weekly_budget"
    PAST = "past"
    STOPPED = "stopped"
    TRIAL = "trial"
    UNANSWERED = "unanswered"


_UNSETTLED = sa.text("outside_after IS NOT NULL")
_CARRIED = sa.text("carried_by IS NOT NULL")
_TOPICAL = sa.text("topic IS NOT NULL")
_KNOWN = sa.text("provider_message_id IS NOT NULL")


class OutboxMessage(Base):
    """One message to one person over one channel; `dedupe_key` makes it exist once (I5).

    The row of the inbox is the record. What leaves the house is a row of its own, which carries
    one record or, as a digest, several.
    """

    __tablename__ = "outbox_message"
    __table_args__ = (
        one_of("state", OutboxState),
        one_of("channel", Channel),
        one_of("suppressed_because", Because),
        sa.CheckConstraint(
            "channel = 'inbox' OR (outside_after IS NULL AND carried_by IS NULL)", name="record"
        ),
        sa.CheckConstraint("(leased_by IS NULL) = (lease_until IS NULL)", name="lease"),
        sa.CheckConstraint("(state = 'leased') = (leased_by IS NOT NULL)", name="leased"),
        sa.CheckConstraint("(resolved_by IS NULL) = (resolved_at IS NULL)", name="resolution"),
        sa.CheckConstraint("resolved_by IS NULL OR resolved_by <> member_id", name="not_oneself"),
        sa.Index("ix_outbox_message_state", "channel", "state", "not_before", "id"),
        sa.Index("ix_outbox_message_member_id", "member_id", "channel", "created_at"),
        sa.Index(
            "ix_outbox_message_outside_after",
            "outside_after",
            "member_id",
            postgresql_where=_UNSETTLED,
            sqlite_where=_UNSETTLED,
        ),
        sa.Index(
            "ix_outbox_message_carried_by",
            "carried_by",
            postgresql_where=_CARRIED,
            sqlite_where=_CARRIED,
        ),
        sa.Index(
            "ix_outbox_message_topic",
            "member_id",
            "topic",
            postgresql_where=_TOPICAL,
            sqlite_where=_TOPICAL,
        ),
        sa.Index(
            "ix_outbox_message_provider_message_id",
            "provider",
            "provider_message_id",
            postgresql_where=_KNOWN,
            sqlite_where=_KNOWN,
        ),
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
    template_version: Mapped[int] = mapped_column(default=1)
    occasion: Mapped[str] = mapped_column(sa.String(120), default="")
    # What reminders are about: its stages count together, and end in a task for a person.
    topic: Mapped[str | None] = mapped_column(sa.String(80))
    event_on: Mapped[date | None] = mapped_column()
    # When to look whether it leaves the house; empty once that is settled. Records only.
    outside_after: Mapped[datetime | None] = mapped_column(UtcDateTime)
    carried_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("outbox_message.id"))
    suppressed_because: Mapped[str | None] = mapped_column(sa.String(20))
    # Of what leaves the house only, from here on.
    is_urgent: Mapped[bool] = mapped_column(default=False)
    attempts: Mapped[int] = mapped_column(default=0)
    leased_by: Mapped[UUID | None] = mapped_column()
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    provider: Mapped[str | None] = mapped_column(sa.String(20))
    # The same at every attempt, so that a provider which knows it sends once.
    idempotency_key: Mapped[str | None] = mapped_column(sa.String(100))
    idempotent_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    provider_message_id: Mapped[str | None] = mapped_column(sa.String(120))
    provider_code: Mapped[str | None] = mapped_column(sa.String(60))
    resolved_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    resolved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    resolution_note: Mapped[str | None] = mapped_column(sa.String(200))


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
