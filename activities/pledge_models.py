"""Tables of pledges: the promise itself, every text of it, its timeline, notes, evaluations."""

import enum
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from activities.pledge_states import PledgeStatus, PledgeStep
from core.db import Base, UtcDateTime, one_of
from core.ids import new_id


class PledgeKind(enum.StrEnum):
    """年度承诺, and 即时承诺 for an urgent or temporary task (domain 2)."""

    ANNUAL = "annual_pledge"
    AD_HOC = "ad_hoc_pledge"


class PledgeCategory(enum.StrEnum):
    """The four fields that a pledge may speak about: 学习、工作、自律、服务."""

    STUDY = "study"
    WORK = "work"
    SELF_DISCIPLINE = "self_discipline"
    SERVICE = "service"


class PledgeBody(enum.StrEnum):
    """Who decided: 支委会 (the default), 党员大会, or the body above for a secretary's pledge."""

    BRANCH_COMMITTEE = "branch_committee"
    GENERAL_MEETING = "general_meeting"
    UPPER_COMMITTEE = "upper_committee"


class PledgeNoteKind(enum.StrEnum):
    """What the member reports is kept apart from what the branch finds."""

    PROGRESS = "progress"
    SUPERVISION = "supervision"


class PledgeText:
    """The words of a pledge: the same columns on the pledge and on each text put forward."""

    category: Mapped[str] = mapped_column(sa.String(16))
    title: Mapped[str] = mapped_column(sa.String(100))
    content: Mapped[str] = mapped_column(sa.String(1000))
    target: Mapped[str] = mapped_column(sa.String(200))
    beneficiary: Mapped[str] = mapped_column(sa.String(120), default="")
    post: Mapped[str] = mapped_column(sa.String(60), default="")
    due_on: Mapped[date] = mapped_column()


class Pledge(PledgeText, Base):
    """One promise of one member for one year; points live in the ledger, after evaluation.

    Its words are those in force. While an amendment waits, the proposed ones are its newest
    `PledgeRevision`.
    """

    __tablename__ = "pledge"
    __table_args__ = (
        one_of("kind", PledgeKind),
        one_of("category", PledgeCategory),
        one_of("status", PledgeStatus),
        one_of("approval_body", PledgeBody),
        sa.CheckConstraint("year BETWEEN 2000 AND 2100", name="year"),
        # Decision 7: nobody decides about himself, whatever the service code does.
        sa.CheckConstraint("decided_by IS NULL OR decided_by <> member_id", name="not_oneself"),
        sa.CheckConstraint(
            "evaluated_by IS NULL OR evaluated_by <> member_id", name="not_evaluated_by_oneself"
        ),
        sa.CheckConstraint(
            "(status IN ('draft', 'submitted', 'withdrawn')) = (decided_by IS NULL)",
            name="decided",
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'submitted', 'returned', 'withdrawn')"
            " OR (approval_body IS NOT NULL AND text_in_force > 0)",
            name="approved",
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'submitted', 'returned', 'withdrawn', 'approved')"
            " OR published_at IS NOT NULL",
            name="published",
        ),
        sa.CheckConstraint(
            "approval_body <> 'general_meeting'"
            " OR (approval_meeting_on IS NOT NULL AND approval_reference <> '')",
            name="general_meeting",
        ),
        sa.CheckConstraint("text_in_force BETWEEN 0 AND text_number", name="text_in_force"),
        sa.CheckConstraint("(evaluation_revision = 0) = (evaluated_by IS NULL)", name="evaluated"),
        sa.CheckConstraint(
            "status NOT IN ('evaluated', 'unfulfilled') OR evaluation_revision > 0",
            name="evaluated_status",
        ),
        sa.CheckConstraint(
            "status <> 'unfulfilled_excused' OR excuse_reason <> ''", name="excuse_reason"
        ),
        # The natural key of a retry: one promise is written once a year.
        sa.Index(
            "uq_pledge_title",
            "member_id",
            "year",
            "title",
            unique=True,
            postgresql_where=sa.text("status <> 'withdrawn'"),
            sqlite_where=sa.text("status <> 'withdrawn'"),
        ),
        sa.Index("ix_pledge_organization_id", "organization_id", "year", "status"),
        sa.Index("ix_pledge_member_id", "member_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    # The branch of the day when it was sent in: a later transfer never re-points it.
    organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    reviewer_organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    year: Mapped[int] = mapped_column()
    kind: Mapped[str] = mapped_column(sa.String(16))
    status: Mapped[str] = mapped_column(sa.String(20), default=PledgeStatus.DRAFT)
    # How many texts were put forward, and which of them was approved last.
    text_number: Mapped[int] = mapped_column(default=0)
    text_in_force: Mapped[int] = mapped_column(default=0)
    decided_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decision_reason: Mapped[str] = mapped_column(sa.String(200), default="")
    approval_body: Mapped[str | None] = mapped_column(sa.String(20))
    approval_meeting_on: Mapped[date | None] = mapped_column()
    approval_reference: Mapped[str] = mapped_column(sa.String(120), default="")
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    excuse_reason: Mapped[str] = mapped_column(sa.String(200), default="")
    grade: Mapped[str] = mapped_column(sa.String(20), default="")
    evaluation_revision: Mapped[int] = mapped_column(default=0)
    evaluated_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    entered_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)


class PledgeRevision(PledgeText, Base):
    """One text that was put before the deciding body, and why; append-only.

    The first is what was sent in, later ones what was sent in again or proposed in its place.
    """

    __tablename__ = "pledge_revision"
    __table_args__ = (sa.UniqueConstraint("pledge_id", "number"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    pledge_id: Mapped[UUID] = mapped_column(sa.ForeignKey("pledge.id"))
    number: Mapped[int] = mapped_column()
    reason: Mapped[str] = mapped_column(sa.String(200), default="")
    proposed_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    proposed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class PledgeEvent(Base):
    """One append-only step of a pledge's timeline; the CHECK keeps decisions from oneself."""

    __tablename__ = "pledge_event"
    __table_args__ = (
        one_of("kind", PledgeStep),
        sa.CheckConstraint(
            "actor_id <> member_id OR kind NOT IN ('approve', 'return', 'supervise', 'extend',"
            " 'suspend', 'resume', 'excuse', 'evaluate', 'find_unfulfilled', 'close')",
            name="not_oneself",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    pledge_id: Mapped[UUID] = mapped_column(sa.ForeignKey("pledge.id"), index=True)
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    kind: Mapped[str] = mapped_column(sa.String(20))
    status: Mapped[str] = mapped_column(sa.String(20))
    actor_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    reason: Mapped[str] = mapped_column(sa.String(200), default="")
    body: Mapped[str | None] = mapped_column(sa.String(20))
    meeting_on: Mapped[date | None] = mapped_column()
    reference: Mapped[str] = mapped_column(sa.String(120), default="")
    due_on: Mapped[date] = mapped_column()
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class PledgeNote(Base):
    """What the member reports, or the branch finds, on the way; append-only."""

    __tablename__ = "pledge_note"
    __table_args__ = (one_of("kind", PledgeNoteKind),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    pledge_id: Mapped[UUID] = mapped_column(sa.ForeignKey("pledge.id"), index=True)
    kind: Mapped[str] = mapped_column(sa.String(12))
    note: Mapped[str] = mapped_column(sa.String(500))
    author_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class PledgeEvaluation(Base):
    """One evaluation (评诺): three ratings, the final grade, who gave it, and what it came to.

    Append-only: a correction is a new revision with a reason.
    """

    __tablename__ = "pledge_evaluation"
    __table_args__ = (
        one_of("body", PledgeBody),
        sa.UniqueConstraint("pledge_id", "revision"),
        sa.CheckConstraint("evaluated_by <> member_id", name="not_oneself"),
        sa.CheckConstraint("revision >= 1", name="revision"),
        sa.CheckConstraint("(revision = 1 AND is_fulfilled) OR reason <> ''", name="reason"),
        sa.CheckConstraint(
            "NOT is_fulfilled"
            " OR (member_rating <> '' AND masses_rating <> '' AND organization_rating <> '')",
            name="ratings",
        ),
        sa.CheckConstraint("grade <> '' AND reference <> ''", name="grade"),
        sa.CheckConstraint("entry_id IS NOT NULL OR note <> ''", name="note"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    pledge_id: Mapped[UUID] = mapped_column(sa.ForeignKey("pledge.id"))
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    revision: Mapped[int] = mapped_column()
    is_fulfilled: Mapped[bool] = mapped_column()
    member_rating: Mapped[str] = mapped_column(sa.String(20))
    masses_rating: Mapped[str] = mapped_column(sa.String(20))
    organization_rating: Mapped[str] = mapped_column(sa.String(20))
    grade: Mapped[str] = mapped_column(sa.String(20))
    body: Mapped[str] = mapped_column(sa.String(20))
    meeting_on: Mapped[date] = mapped_column()
    reference: Mapped[str] = mapped_column(sa.String(120))
    reason: Mapped[str] = mapped_column(sa.String(200), default="")
    # The entry that it gave, or the sentence that says why there is none.
    entry_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("ledger_entry.id"), unique=True)
    note: Mapped[str] = mapped_column(sa.String(200), default="")
    evaluated_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    evaluated_at: Mapped[datetime] = mapped_column(UtcDateTime)
