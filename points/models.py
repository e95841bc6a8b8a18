"""Tables of the points engine: schemes, periods, claims, quotas and the append-only ledger."""

import enum
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Json, UtcDateTime, one_of
from core.ids import new_id


class SchemeStatus(enum.StrEnum):
    """Only a published version gives points; a retired one still explains old entries."""

    DRAFT = "draft"
    PUBLISHED = "published"
    RETIRED = "retired"


class PeriodStatus(enum.StrEnum):
    """A closed period never changes (I9)."""

    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"


class ClaimStatus(enum.StrEnum):
    """pending -> approved | returned | withdrawn; a returned claim may be sent again."""

    PENDING = "pending"
    APPROVED = "approved"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"
    # The approval was undone: its entry stands, reversed, and a new claim took its place.
    UNDONE = "undone"


class Subject(enum.StrEnum):
    """Whose points an entry is about; the two are never added up or shown together."""

    PARTY_MEMBERS = "party_members"
    CADRES = "cadres"


class ClaimEventKind(enum.StrEnum):
    """Steps in the life of a claim, as its timeline shows them."""

    SUBMITTED = "submitted"
    RESUBMITTED = "resubmitted"
    RETURNED = "returned"
    APPROVED = "approved"
    WITHDRAWN = "withdrawn"
    UNDONE = "undone"


class SchemeVersion(Base):
    """One version of a points scheme for an organisation and everything below it, or a draft.

    Triggers let nobody change or delete what was published but for its end, and keep versions
    for the same subject and organisation from overlapping.
    """

    __tablename__ = "points_scheme_version"
    __table_args__ = (
        one_of("status", SchemeStatus),
        one_of("subject", Subject),
        sa.CheckConstraint("effective_to IS NULL OR effective_to > effective_from", name="dates"),
        sa.CheckConstraint("(status = 'draft') = (version IS NULL)", name="numbered"),
        sa.CheckConstraint("(status = 'draft') = (effective_from IS NULL)", name="dated"),
        sa.CheckConstraint("(status = 'draft') = (published_at IS NULL)", name="published"),
        sa.CheckConstraint("(status = 'retired') = (retired_at IS NOT NULL)", name="retired"),
        sa.UniqueConstraint("organization_id", "scheme_code", "version"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    scheme_code: Mapped[str] = mapped_column(sa.String(40))
    organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    subject: Mapped[str] = mapped_column(sa.String(20), default=Subject.PARTY_MEMBERS)
    # A draft gets its number and its days when it is published.
    version: Mapped[int | None] = mapped_column()
    # How often a draft was edited: whoever edits or publishes names the text that he saw.
    revision: Mapped[int] = mapped_column(default=1)
    status: Mapped[str] = mapped_column(sa.String(10), default=SchemeStatus.DRAFT)
    effective_from: Mapped[date | None] = mapped_column()
    effective_to: Mapped[date | None] = mapped_column()
    definition: Mapped[dict[str, Any]] = mapped_column(Json)
    definition_sha256: Mapped[str] = mapped_column(sa.String(64))
    # Who is null where the operator's command line did it.
    created_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    published_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    basis: Mapped[str] = mapped_column(sa.String(200), default="")
    retired_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    retired_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    retirement_basis: Mapped[str] = mapped_column(sa.String(200), default="")


class Period(Base):
    """An accounting period; both days belong to it."""

    __tablename__ = "points_period"
    __table_args__ = (
        one_of("status", PeriodStatus),
        sa.CheckConstraint("ends_on >= starts_on", name="dates"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    code: Mapped[str] = mapped_column(sa.String(16), unique=True)
    starts_on: Mapped[date] = mapped_column(unique=True)
    ends_on: Mapped[date] = mapped_column(unique=True)
    status: Mapped[str] = mapped_column(sa.String(8), default=PeriodStatus.OPEN)


class Claim(Base):
    """A member's request for points for one thing done; the source makes it exist once.

    `posted_ref` repeats the id once approved. Together with the ledger's foreign key to it, a
    claim is approved exactly when one ledger entry stands for it (I2), on both engines.
    """

    __tablename__ = "claim"
    __table_args__ = (
        one_of("status", ClaimStatus),
        sa.Index(
            "uq_claim_source_live",
            "source_kind",
            "source_id",
            unique=True,
            postgresql_where=sa.text("status <> 'undone'"),
            sqlite_where=sa.text("status <> 'undone'"),
        ),
        sa.CheckConstraint("quantity > 0", name="quantity"),
        # Decision 7: nobody decides his own claim, whatever the service code does.
        sa.CheckConstraint("decided_by IS NULL OR decided_by <> member_id", name="not_oneself"),
        sa.CheckConstraint(
            "(status IN ('approved', 'returned', 'undone')) = (decided_by IS NOT NULL)",
            name="decided",
        ),
        sa.CheckConstraint(
            "(status IN ('approved', 'undone')) = (posted_ref IS NOT NULL)", name="posted"
        ),
        sa.CheckConstraint("posted_ref IS NULL OR posted_ref = id", name="posted_ref"),
        sa.ForeignKeyConstraint(
            ["posted_ref"],
            ["ledger_entry.claim_id"],
            name="fk_claim_posted_ref",
            deferrable=True,
            initially="DEFERRED",
            use_alter=True,
        ),
        sa.Index("ix_claim_queue", "reviewer_organization_id", "status", "is_flagged", "id"),
        sa.Index("ix_claim_member_id", "member_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    # The organisation at the time of the activity: a later transfer never re-points it (I13).
    organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    reviewer_organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    item_code: Mapped[str] = mapped_column(sa.String(40))
    source_kind: Mapped[str] = mapped_column(sa.String(40))
    source_id: Mapped[UUID] = mapped_column()
    title: Mapped[str] = mapped_column(sa.String(120))
    happened_on: Mapped[date] = mapped_column()
    quantity: Mapped[int] = mapped_column()
    flags: Mapped[list[Any]] = mapped_column(Json, default=list)
    is_flagged: Mapped[bool] = mapped_column(default=False)
    status: Mapped[str] = mapped_column(sa.String(10), default=ClaimStatus.PENDING)
    submitted_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    submitted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decision_reason: Mapped[str] = mapped_column(sa.String(200), default="")
    posted_ref: Mapped[UUID | None] = mapped_column(unique=True)
    version: Mapped[int] = mapped_column(default=1)


class ClaimEvent(Base):
    """One append-only step of a claim's timeline."""

    __tablename__ = "claim_event"
    __table_args__ = (one_of("kind", ClaimEventKind),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    claim_id: Mapped[UUID] = mapped_column(sa.ForeignKey("claim.id"), index=True)
    kind: Mapped[str] = mapped_column(sa.String(16))
    actor_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    reason: Mapped[str] = mapped_column(sa.String(200), default="")
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class Quota(Base):
    """What one cap has granted a member so far; the CHECK is what no race can pass (I3)."""

    __tablename__ = "points_quota"
    __table_args__ = (sa.CheckConstraint("used >= 0 AND used <= cap", name="room"),)

    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"), primary_key=True)
    scheme_code: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    bucket: Mapped[str] = mapped_column(sa.String(80), primary_key=True)
    used: Mapped[int] = mapped_column()
    cap: Mapped[int] = mapped_column()


class LedgerEntry(Base):
    """One append-only posting: what was asked, what was granted, which cap bound it, and why.

    Triggers refuse UPDATE, DELETE and TRUNCATE; on PostgreSQL the application role has no such
    grant either. A mistake is corrected by an entry that points at the original.
    """

    __tablename__ = "ledger_entry"
    __table_args__ = (
        sa.CheckConstraint(
            "(CASE WHEN claim_id IS NULL THEN 0 ELSE 1 END)"
            " + (CASE WHEN reverses_id IS NULL THEN 0 ELSE 1 END)"
            " + (CASE WHEN source_id IS NULL THEN 0 ELSE 1 END) = 1",
            name="one_source",
        ),
        sa.CheckConstraint("(source_kind IS NULL) = (source_id IS NULL)", name="source"),
        sa.CheckConstraint(
            "(source_id IS NULL) = (source_revision IS NULL)", name="source_revision"
        ),
        # Nobody approves or takes back his own points. What follows from a meeting's roll call,
        # its grades or a sealed statement may be entered by somebody who is on the list himself.
        sa.CheckConstraint(
            "actor_id <> member_id"
            " OR coalesce(source_kind, '') IN ('attendance', 'pledge', 'carry_over')",
            name="not_oneself",
        ),
        sa.CheckConstraint(
            "reverses_id IS NOT NULL OR points BETWEEN 0 AND asked OR points BETWEEN asked AND 0",
            name="granted",
        ),
        one_of("subject", Subject),
        sa.CheckConstraint(
            "about_period_id IS NULL OR about_period_id <> period_id", name="about_period"
        ),
        sa.UniqueConstraint("source_kind", "source_id", "source_revision"),
        sa.CheckConstraint("(binding_cap IS NULL) = (points = asked)", name="binding_cap"),
        sa.Index("ix_ledger_entry_member", "member_id", "seq"),
        sa.Index("ix_ledger_entry_organization", "organization_id", "seq"),
        {"sqlite_autoincrement": True},
    )

    seq: Mapped[int] = mapped_column(
        sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
        sa.Identity(always=True),
        primary_key=True,
    )
    id: Mapped[UUID] = mapped_column(unique=True, default=new_id)
    claim_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("claim.posted_ref"), unique=True)
    reverses_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("ledger_entry.id"), unique=True)
    # A fact that gives points without a claim; a corrected fact is a new revision.
    source_kind: Mapped[str | None] = mapped_column(sa.String(40))
    source_id: Mapped[UUID | None] = mapped_column()
    source_revision: Mapped[int | None] = mapped_column()
    subject: Mapped[str] = mapped_column(sa.String(20), default=Subject.PARTY_MEMBERS)
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    # The closed period that a late adjustment speaks about (decision 6).
    about_period_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("points_period.id"))
    period_id: Mapped[UUID] = mapped_column(sa.ForeignKey("points_period.id"))
    scheme_version_id: Mapped[UUID] = mapped_column(sa.ForeignKey("points_scheme_version.id"))
    item_code: Mapped[str] = mapped_column(sa.String(40))
    component_code: Mapped[str] = mapped_column(sa.String(40))
    title: Mapped[str] = mapped_column(sa.String(120))
    happened_on: Mapped[date] = mapped_column()
    asked: Mapped[int] = mapped_column()
    points: Mapped[int] = mapped_column()
    binding_cap: Mapped[str | None] = mapped_column(sa.String(80))
    inputs: Mapped[dict[str, Any]] = mapped_column(Json)
    reason: Mapped[str] = mapped_column(sa.String(200), default="")
    actor_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    request_id: Mapped[str] = mapped_column(sa.String(40))
    posted_at: Mapped[datetime] = mapped_column(UtcDateTime)
