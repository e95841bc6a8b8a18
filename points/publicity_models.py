"""Tables of publicity: adjustments by hand, bulletins, objections."""

import enum
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Json, UtcDateTime, one_of
from core.ids import new_id
from points.models import Subject


class AdjustmentStatus(enum.StrEnum):
    """pending -> posted | withdrawn | dismissed; what takes nothing is posted at once."""

    PENDING = "pending"
    POSTED = "posted"
    WITHDRAWN = "withdrawn"
    DISMISSED = "dismissed"


class BulletinStatus(enum.StrEnum):
    """A bulletin is open for its window, and for as long as an objection waits."""

    OPEN = "open"
    CLOSED = "closed"


class ObjectionStatus(enum.StrEnum):
    """open -> upheld | rejected | withdrawn; a rejected one may be appealed once."""

    OPEN = "open"
    UPHELD = "upheld"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class ObjectionEventKind(enum.StrEnum):
    """Steps in the life of an objection."""

    FILED = "filed"
    APPEALED = "appealed"
    UPHELD = "upheld"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    # It went to the body above: overdue, or for want of somebody free to answer.
    ESCALATED = "escalated"


class Adjustment(Base):
    """Points that a person enters by hand for a member, with the document that says why.

    A deduction is told to the member and waits until its window is over (guardrail 10); a
    trigger on the ledger refuses one that comes earlier or in another way.
    """

    __tablename__ = "adjustment"
    __table_args__ = (
        one_of("status", AdjustmentStatus),
        one_of("subject", Subject),
        sa.CheckConstraint("event IN ('manual', 'appraisal', 'veto')", name="event"),
        sa.CheckConstraint("basis <> ''", name="basis"),
        sa.CheckConstraint("entered_by <> member_id", name="not_oneself"),
        sa.CheckConstraint(
            "confirmed_by IS NULL OR (confirmed_by <> member_id AND confirmed_by <> entered_by)",
            name="confirmed_by_another",
        ),
        sa.CheckConstraint("is_deduction OR asked >= 0", name="deduction"),
        sa.CheckConstraint(
            "event <> 'veto' OR (is_deduction AND document_number <> '')", name="veto_document"
        ),
        sa.CheckConstraint(
            "event <> 'veto' OR status <> 'posted' OR confirmed_by IS NOT NULL",
            name="veto_confirmed",
        ),
        sa.CheckConstraint(
            # A comparison with NULL would let the row pass.
            "NOT is_deduction OR (notified_on IS NOT NULL AND objection_until IS NOT NULL"
            " AND objection_until > notified_on)",
            name="notice",
        ),
        sa.CheckConstraint(
            "NOT is_deduction OR status <> 'posted' OR posted_on > objection_until", name="window"
        ),
        sa.CheckConstraint("(status = 'posted') = (entry_id IS NOT NULL)", name="posted"),
        sa.CheckConstraint("(status = 'posted') = (posted_on IS NOT NULL)", name="posted_on"),
        sa.Index("ix_adjustment_member_id", "member_id", "id"),
        sa.Index("ix_adjustment_organization_id", "organization_id", "status", "id"),
        sa.Index(
            "ix_adjustment_pending",
            "objection_until",
            postgresql_where=sa.text("status = 'pending'"),
            sqlite_where=sa.text("status = 'pending'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    subject: Mapped[str] = mapped_column(sa.String(20))
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    # Where the role was held by which it was entered: what objections go by.
    entered_at_organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    event: Mapped[str] = mapped_column(sa.String(20))
    item_code: Mapped[str] = mapped_column(sa.String(40))
    title: Mapped[str] = mapped_column(sa.String(120))
    happened_on: Mapped[date] = mapped_column()
    quantity: Mapped[int] = mapped_column()
    grade: Mapped[str] = mapped_column(sa.String(40))
    given_points: Mapped[int | None] = mapped_column()
    # Rater -> hundredths, for an appraisal with weights.
    ratings: Mapped[dict[str, int] | None] = mapped_column(Json)
    member_class: Mapped[str] = mapped_column(sa.String(24))
    asked: Mapped[int] = mapped_column()
    is_deduction: Mapped[bool] = mapped_column()
    basis: Mapped[str] = mapped_column(sa.String(500))
    document_number: Mapped[str] = mapped_column(sa.String(80))
    status: Mapped[str] = mapped_column(sa.String(10), default=AdjustmentStatus.PENDING)
    entered_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    entered_at: Mapped[datetime] = mapped_column(UtcDateTime)
    notified_on: Mapped[date | None] = mapped_column()
    objection_until: Mapped[date | None] = mapped_column()
    confirmed_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closing_reason: Mapped[str] = mapped_column(sa.String(200), default="")
    posted_on: Mapped[date | None] = mapped_column()
    entry_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("ledger_entry.id"), unique=True)


class Bulletin(Base):
    """The entries published for an organisation and month; frozen, with a digest over its content.

    It is about one subject: a trigger keeps cadres' entries out of members' bulletins.
    """

    __tablename__ = "bulletin"
    __table_args__ = (
        one_of("status", BulletinStatus),
        one_of("subject", Subject),
        sa.UniqueConstraint("organization_id", "month", "subject"),
        sa.CheckConstraint("ends_on > published_on", name="window"),
        sa.CheckConstraint("status <> 'closed' OR closed_on > ends_on", name="closed_after_window"),
        sa.CheckConstraint("(status = 'closed') = (closed_on IS NOT NULL)", name="closed"),
        sa.Index(
            "ix_bulletin_open",
            "ends_on",
            postgresql_where=sa.text("status = 'open'"),
            sqlite_where=sa.text("status = 'open'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    subject: Mapped[str] = mapped_column(sa.String(20), default=Subject.PARTY_MEMBERS)
    # YYYY-MM
    month: Mapped[str] = mapped_column(sa.String(7))
    status: Mapped[str] = mapped_column(sa.String(6), default=BulletinStatus.OPEN)
    working_days: Mapped[int] = mapped_column()
    published_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    published_at: Mapped[datetime] = mapped_column(UtcDateTime)
    published_on: Mapped[date] = mapped_column()
    # The last day of the window; an estimate where no notice on holidays was known.
    ends_on: Mapped[date] = mapped_column()
    is_estimated: Mapped[bool] = mapped_column()
    entries: Mapped[int] = mapped_column()
    sha256: Mapped[str] = mapped_column(sa.String(64))
    # Empty where a job closed it after the window.
    closed_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    closed_on: Mapped[date | None] = mapped_column()


class BulletinEntry(Base):
    """One published row as everybody saw it, append-only; an entry is published at most once."""

    __tablename__ = "bulletin_entry"
    __table_args__ = (
        sa.UniqueConstraint("bulletin_id", "position"),
        sa.UniqueConstraint("bulletin_id", "entry_id"),
    )

    entry_id: Mapped[UUID] = mapped_column(sa.ForeignKey("ledger_entry.id"), primary_key=True)
    bulletin_id: Mapped[UUID] = mapped_column(sa.ForeignKey("bulletin.id"))
    position: Mapped[int] = mapped_column()
    group_name: Mapped[str] = mapped_column(sa.String(80))
    member_name: Mapped[str] = mapped_column(sa.String(60))
    item_name: Mapped[str] = mapped_column(sa.String(40))
    title: Mapped[str] = mapped_column(sa.String(120))
    happened_on: Mapped[date] = mapped_column()
    points: Mapped[int] = mapped_column()


class BulletinConfirmation(Base):
    """That a published entry stood when its bulletin closed, append-only: it is confirmed.

    The ledger is never changed for it (decision 3).
    """

    __tablename__ = "bulletin_confirmation"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["bulletin_id", "entry_id"],
            ["bulletin_entry.bulletin_id", "bulletin_entry.entry_id"],
            name="fk_bulletin_confirmation_row",
        ),
    )

    entry_id: Mapped[UUID] = mapped_column(primary_key=True)
    bulletin_id: Mapped[UUID] = mapped_column()
    confirmed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Objection(Base):
    """A member's objection to one entry or to a deduction that waits, or the appeal against one.

    Nobody decides who is concerned, has objected, has approved, or has decided before.
    """

    __tablename__ = "objection"
    __table_args__ = (
        one_of("status", ObjectionStatus),
        sa.CheckConstraint("(entry_id IS NULL) <> (adjustment_id IS NULL)", name="one_target"),
        sa.CheckConstraint("reason <> ''", name="reason"),
        sa.CheckConstraint(
            "decided_by IS NULL OR (decided_by <> member_id AND decided_by <> objector_id"
            " AND decided_by <> approved_by"
            " AND decided_by <> coalesce(confirmed_by, objector_id)"
            " AND decided_by <> coalesce(first_decided_by, objector_id))",
            name="decided_by_another",
        ),
        sa.CheckConstraint(
            "(status IN ('upheld', 'rejected')) = (decided_by IS NOT NULL)", name="decided"
        ),
        sa.CheckConstraint("decided_by IS NULL OR reply <> ''", name="reply"),
        sa.CheckConstraint(
            "(appeal_of_id IS NULL) = (first_decided_by IS NULL)", name="first_decided_by"
        ),
        sa.CheckConstraint("reversal_id IS NULL OR status = 'upheld'", name="reversal"),
        sa.Index(
            "uq_objection_entry",
            "objector_id",
            "entry_id",
            unique=True,
            postgresql_where=sa.text("appeal_of_id IS NULL AND status <> 'withdrawn'"),
            sqlite_where=sa.text("appeal_of_id IS NULL AND status <> 'withdrawn'"),
        ),
        sa.Index(
            "uq_objection_adjustment",
            "objector_id",
            "adjustment_id",
            unique=True,
            postgresql_where=sa.text("appeal_of_id IS NULL AND status <> 'withdrawn'"),
            sqlite_where=sa.text("appeal_of_id IS NULL AND status <> 'withdrawn'"),
        ),
        sa.Index("ix_objection_queue", "deciding_organization_id", "status", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    entry_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("ledger_entry.id"), index=True)
    adjustment_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("adjustment.id"), index=True)
    appeal_of_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("objection.id"), unique=True)
    title: Mapped[str] = mapped_column(sa.String(120))
    organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    deciding_organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    objector_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"), index=True)
    approved_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    # The second person behind a veto.
    confirmed_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    first_decided_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    reason: Mapped[str] = mapped_column(sa.String(500))
    filed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    reply_due_on: Mapped[date] = mapped_column()
    status: Mapped[str] = mapped_column(sa.String(10), default=ObjectionStatus.OPEN)
    decided_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reply: Mapped[str] = mapped_column(sa.String(500), default="")
    reversal_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("ledger_entry.id"))


class ObjectionEvent(Base):
    """One append-only step of an objection's timeline."""

    __tablename__ = "objection_event"
    __table_args__ = (
        one_of("kind", ObjectionEventKind),
        sa.CheckConstraint("actor_id IS NOT NULL OR kind = 'escalated'", name="actor"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    objection_id: Mapped[UUID] = mapped_column(sa.ForeignKey("objection.id"), index=True)
    kind: Mapped[str] = mapped_column(sa.String(10))
    # Empty where a job has seen that the answer was overdue.
    actor_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    note: Mapped[str] = mapped_column(sa.String(500))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
