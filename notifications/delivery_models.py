"""Tables of delivery: attempts and what came of them, breakers, addresses, preferences."""

import enum
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, UtcDateTime, one_of
from core.ids import new_id
from notifications.models import Channel, OutboxState


class OutcomeSource(enum.StrEnum):
    """Who says what came of an attempt."""

    ANSWER = "answer"
    # Nobody: the process that made the call did not come back.
    LEASE = "lease"
    REPORT = "report"
    PERSON = "person"


class PushProvider(enum.StrEnum):
    """Whose push service an app is registered with."""

    JPUSH = "jpush"


class OutboxAttempt(Base):
    """A call to a provider that is about to be made; committed before it is, never changed."""

    __tablename__ = "outbox_attempt"
    __table_args__ = (sa.UniqueConstraint("outbox_id", "number"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    outbox_id: Mapped[UUID] = mapped_column(sa.ForeignKey("outbox_message.id"))
    number: Mapped[int] = mapped_column()
    provider: Mapped[str] = mapped_column(sa.String(20))
    idempotency_key: Mapped[str] = mapped_column(sa.String(100))
    begun_at: Mapped[datetime] = mapped_column(UtcDateTime)


class OutboxOutcome(Base):
    """What was said to have come of an attempt, in the order in which it was heard."""

    __tablename__ = "outbox_outcome"
    __table_args__ = (
        one_of("source", OutcomeSource),
        one_of("state", OutboxState),
        sa.CheckConstraint("(source = 'person') = (told_by IS NOT NULL)", name="told_by"),
        sa.Index("ix_outbox_outcome_outbox_id", "outbox_id", "number"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    outbox_id: Mapped[UUID] = mapped_column(sa.ForeignKey("outbox_message.id"))
    number: Mapped[int] = mapped_column()
    source: Mapped[str] = mapped_column(sa.String(8))
    state: Mapped[str] = mapped_column(sa.String(16))
    code: Mapped[str] = mapped_column(sa.String(60))
    told_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    heard_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ProviderBreaker(Base):
    """How a provider has been answering; one row each, written only when that changes."""

    __tablename__ = "provider_breaker"
    __table_args__ = (sa.CheckConstraint("failures >= 0", name="failures"),)

    provider: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
    failures: Mapped[int] = mapped_column()
    open_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class MemberChannelAddress(Base):
    """Where a channel reaches a member; sealed for this row.

    A phone stays with the member, an app with its session.
    """

    __tablename__ = "member_channel_address"
    __table_args__ = (
        one_of("channel", Channel),
        sa.CheckConstraint("channel NOT IN ('inbox', 'sms', 'push')", name="kept_elsewhere"),
    )

    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"), primary_key=True)
    channel: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    address_sealed: Mapped[bytes] = mapped_column()
    address_masked: Mapped[str] = mapped_column(sa.String(40))
    set_at: Mapped[datetime] = mapped_column(UtcDateTime)


class PushRegistration(Base):
    """An app that takes pushes while the session that it was registered in lasts."""

    __tablename__ = "push_registration"
    __table_args__ = (one_of("provider", PushProvider),)

    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"), primary_key=True)
    # The app's own number for itself.
    id: Mapped[UUID] = mapped_column(primary_key=True)
    session_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("device_session.id", ondelete="CASCADE"), index=True
    )
    platform: Mapped[str] = mapped_column(sa.String(16))
    provider: Mapped[str] = mapped_column(sa.String(8))
    token_sealed: Mapped[bytes] = mapped_column()
    token_masked: Mapped[str] = mapped_column(sa.String(40))
    app_version: Mapped[str] = mapped_column(sa.String(32))
    registered_at: Mapped[datetime] = mapped_column(UtcDateTime)


class NotificationPreference(Base):
    """How a member wants one kind of message outside the inbox; no channel: not at all."""

    __tablename__ = "notification_preference"
    __table_args__ = (
        one_of("channel", Channel),
        sa.CheckConstraint("channel <> 'inbox'", name="outside"),
    )

    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    channel: Mapped[str | None] = mapped_column(sa.String(16))
