"""Tables of the audit trail: who did what, whom it concerned, and seals over both."""

import enum
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.attribution import ActorKind
from core.db import Base, Json, UtcDateTime, one_of

_BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


class Outcome(enum.StrEnum):
    """Whether it was done, was not the actor's to do, or broke a business rule."""

    DONE = "done"
    DENIED = "denied"
    REFUSED = "refused"


class MentionRole(enum.StrEnum):
    """How an event mentions an id: written to, concerned as a person, or shown."""

    OBJECT = "object"
    SUBJECT = "subject"
    SHOWN = "shown"


class AuditEvent(Base):
    """One transaction that wrote or showed personal data, or one request that was refused.

    Identifiers and digests only. Triggers refuse every UPDATE, and a DELETE until it is three
    years old.
    """

    __tablename__ = "audit_event"
    __table_args__ = (
        one_of("actor_kind", ActorKind),
        one_of("outcome", Outcome),
        # A command has no member behind it, but somebody who typed it.
        sa.CheckConstraint("(actor_kind = 'member') = (actor_id IS NOT NULL)", name="actor"),
        sa.CheckConstraint("(actor_kind = 'command') = (operator IS NOT NULL)", name="operator"),
        sa.CheckConstraint("operation <> ''", name="operation"),
        sa.CheckConstraint("outcome = 'done' OR code <> ''", name="code"),
        sa.Index("ix_audit_event_actor_id", "actor_id", "seq"),
        sa.Index("ix_audit_event_at", "at"),
        sa.Index(
            "ix_audit_event_shown",
            "seq",
            postgresql_where=sa.text("shown IS NOT NULL"),
            sqlite_where=sa.text("shown IS NOT NULL"),
        ),
        {"sqlite_autoincrement": True},
    )

    seq: Mapped[int] = mapped_column(_BIGINT, sa.Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor_kind: Mapped[str] = mapped_column(sa.String(7))
    actor_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    operator: Mapped[str | None] = mapped_column(sa.String(40))
    on_behalf_of: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    operation: Mapped[str] = mapped_column(sa.String(80))
    request_id: Mapped[str | None] = mapped_column(sa.String(40))
    session_id: Mapped[UUID | None] = mapped_column()
    organization_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("organization.id"))
    outcome: Mapped[str] = mapped_column(sa.String(7))
    # The problem's code, where it was not done.
    code: Mapped[str] = mapped_column(sa.String(60), default="")
    # Names of tables; table -> ids; ids of members; what -> ids of members.
    tables: Mapped[list[str]] = mapped_column(Json)
    objects: Mapped[dict[str, list[str]]] = mapped_column(Json)
    object_count: Mapped[int] = mapped_column()
    subjects: Mapped[list[str]] = mapped_column(Json)
    shown: Mapped[dict[str, list[str]] | None] = mapped_column(Json)
    # A keyed digest of what was written to records whose every version matters.
    written_hmac: Mapped[str | None] = mapped_column(sa.String(64))


class AuditMention(Base):
    """Where an id is mentioned; a trigger writes it with the event, in the same statement."""

    __tablename__ = "audit_mention"
    __table_args__ = (one_of("role", MentionRole), {"sqlite_with_rowid": False})

    mentioned_id: Mapped[UUID] = mapped_column(primary_key=True)
    role: Mapped[str] = mapped_column(sa.String(7), primary_key=True)
    event_seq: Mapped[int] = mapped_column(_BIGINT, primary_key=True, autoincrement=False)


class AuditSeal(Base):
    """A stretch of events with a digest over them and over the seal before."""

    __tablename__ = "audit_seal"
    __table_args__ = (
        sa.CheckConstraint("events > 0 AND to_seq - from_seq >= events - 1", name="stretch"),
    )

    number: Mapped[int] = mapped_column(_BIGINT, primary_key=True, autoincrement=False)
    from_seq: Mapped[int] = mapped_column(_BIGINT, unique=True)
    to_seq: Mapped[int] = mapped_column(_BIGINT, unique=True)
    events: Mapped[int] = mapped_column()
    previous_digest: Mapped[str] = mapped_column(sa.String(64), unique=True)
    digest: Mapped[str] = mapped_column(sa.String(64), unique=True)
    # The newest event in it: when retention may take the stretch.
    newest_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sealed_at: Mapped[datetime] = mapped_column(UtcDateTime)
