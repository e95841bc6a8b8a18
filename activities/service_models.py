"""Tables of organised volunteer service: issuers, opportunities, sign-up, corrections, sheets."""

import enum
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Json, UtcDateTime, one_of
from core.ids import new_id


class IssuerKind(enum.StrEnum):
    """Who may write certificates of volunteer service (民政部令67号)."""

    RESIDENTS_COMMITTEE = "residents_committee"
    VILLAGERS_COMMITTEE = "villagers_committee"
    VOLUNTEER_ORGANIZATION = "volunteer_organization"


class CorrectionOutcome(enum.StrEnum):
    """How the organiser answered a request to verify and correct."""

    CORRECTED = "corrected"
    REFUSED = "refused"


class SheetKind(enum.StrEnum):
    """A sheet of what was recorded, or what a registered issuer certifies."""

    RECORD = "record"
    CERTIFICATE = "certificate"


class ServiceIssuer(Base):
    """A body outside the party that organises and certifies; one party organisation acts for it."""

    __tablename__ = "service_issuer"
    __table_args__ = (
        one_of("kind", IssuerKind),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="dates"),
        sa.CheckConstraint("basis <> ''", name="basis"),
        sa.Index(
            "uq_service_issuer_open",
            "name",
            unique=True,
            postgresql_where=sa.text("valid_to IS NULL"),
            sqlite_where=sa.text("valid_to IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    kind: Mapped[str] = mapped_column(sa.String(24))
    name: Mapped[str] = mapped_column(sa.String(80))
    basis: Mapped[str] = mapped_column(sa.String(200))
    valid_from: Mapped[date] = mapped_column()
    valid_to: Mapped[date | None] = mapped_column()
    registered_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    registered_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ServiceOpportunity(Base):
    """A service that an organisation offers; the CHECK on `taken` is what no race can pass."""

    __tablename__ = "service_opportunity"
    __table_args__ = (
        sa.CheckConstraint("ends_at > starts_at", name="times"),
        sa.CheckConstraint("planned_minutes BETWEEN 1 AND 1440", name="planned_minutes"),
        sa.CheckConstraint("taken BETWEEN 0 AND places", name="places"),
        sa.CheckConstraint("(cancelled_at IS NULL) = (cancel_reason = '')", name="cancel_reason"),
        sa.Index("ix_service_opportunity_organization_id", "organization_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    issuer_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("service_issuer.id"))
    title: Mapped[str] = mapped_column(sa.String(120))
    place: Mapped[str] = mapped_column(sa.String(120))
    needs: Mapped[str] = mapped_column(sa.String(500), default="")
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    planned_minutes: Mapped[int] = mapped_column()
    places: Mapped[int] = mapped_column()
    taken: Mapped[int] = mapped_column(default=0)
    cancelled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cancel_reason: Mapped[str] = mapped_column(sa.String(200), default="")
    created_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ServiceSignup(Base):
    """A member's own decision to come, and when he says, and we heard, that he came and left.

    What the organiser confirms of it is a volunteer record that points here.
    """

    __tablename__ = "service_signup"
    __table_args__ = (
        # 志愿服务条例 Art. 25: nobody is assigned. Who enters it for another keeps his word.
        sa.CheckConstraint("entered_by = member_id OR given_word <> ''", name="own_will"),
        sa.CheckConstraint(
            "(checked_in_at IS NULL) = (checked_in_received_at IS NULL)", name="checked_in"
        ),
        sa.CheckConstraint(
            "(checked_out_at IS NULL) = (checked_out_received_at IS NULL)", name="checked_out"
        ),
        sa.CheckConstraint(
            "checked_out_at IS NULL OR checked_out_at > checked_in_at", name="check_order"
        ),
        sa.CheckConstraint(
            "(checked_out_at IS NULL) = (claimed_minutes IS NULL)", name="claimed_minutes"
        ),
        sa.CheckConstraint(
            "withdrawn_at IS NULL OR (checked_in_at IS NULL AND settled_at IS NULL)",
            name="withdrawn",
        ),
        sa.Index(
            "uq_service_signup_live",
            "opportunity_id",
            "member_id",
            unique=True,
            postgresql_where=sa.text("withdrawn_at IS NULL"),
            sqlite_where=sa.text("withdrawn_at IS NULL"),
        ),
        sa.Index("ix_service_signup_member_id", "member_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    opportunity_id: Mapped[UUID] = mapped_column(sa.ForeignKey("service_opportunity.id"))
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    entered_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    given_word: Mapped[str] = mapped_column(sa.String(120), default="")
    signed_up_at: Mapped[datetime] = mapped_column(UtcDateTime)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    checked_in_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    checked_in_received_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    checked_out_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    checked_out_received_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    claimed_minutes: Mapped[int | None] = mapped_column()
    # Both times came with the organiser's code of that moment.
    is_scanned: Mapped[bool] = mapped_column(default=False)
    # When the organiser said what became of it: so many minutes, or that he did not come.
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ServiceCorrection(Base):
    """A request to verify and correct one record; the organiser owes an answer by a day."""

    __tablename__ = "service_correction"
    __table_args__ = (
        one_of("outcome", CorrectionOutcome),
        sa.CheckConstraint("asked_minutes BETWEEN 1 AND 1440", name="asked_minutes"),
        sa.CheckConstraint("corrected_minutes BETWEEN 1 AND 1440", name="corrected_minutes"),
        sa.CheckConstraint("answered_by IS NULL OR answered_by <> member_id", name="not_oneself"),
        sa.CheckConstraint(
            "(outcome IS NULL) = (answered_by IS NULL)"
            " AND (outcome IS NULL) = (answered_at IS NULL)",
            name="answered",
        ),
        sa.CheckConstraint(
            "(coalesce(outcome, '') = 'corrected') = (corrected_minutes IS NOT NULL)",
            name="corrected",
        ),
        sa.CheckConstraint("coalesce(outcome, '') <> 'refused' OR answer <> ''", name="refused"),
        sa.Index(
            "uq_service_correction_open",
            "record_id",
            unique=True,
            postgresql_where=sa.text("outcome IS NULL"),
            sqlite_where=sa.text("outcome IS NULL"),
        ),
        sa.Index("ix_service_correction_organization_id", "organization_id", "due_on"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    record_id: Mapped[UUID] = mapped_column(sa.ForeignKey("volunteer_record.id"))
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    asked_minutes: Mapped[int] = mapped_column()
    minutes_before: Mapped[int | None] = mapped_column()
    grounds: Mapped[str] = mapped_column(sa.String(200))
    asked_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_on: Mapped[date] = mapped_column()
    outcome: Mapped[str | None] = mapped_column(sa.String(12))
    corrected_minutes: Mapped[int | None] = mapped_column()
    answer: Mapped[str] = mapped_column(sa.String(200), default="")
    answered_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ServiceSheet(Base):
    """A sheet of a member's service as it stood on a day; its digest tells whether it still does.

    The issuer is named on certificates only.
    """

    __tablename__ = "service_sheet"
    __table_args__ = (
        one_of("kind", SheetKind),
        sa.CheckConstraint("last_on >= first_on", name="days"),
        sa.CheckConstraint("(kind = 'certificate') = (issuer_id IS NOT NULL)", name="issuer"),
        sa.CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name="revoked"),
        sa.Index("ix_service_sheet_member_id", "member_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    number: Mapped[str] = mapped_column(sa.String(24), unique=True)
    verify_code: Mapped[str] = mapped_column(sa.String(20), unique=True)
    kind: Mapped[str] = mapped_column(sa.String(12))
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    issuer_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("service_issuer.id"))
    first_on: Mapped[date] = mapped_column()
    last_on: Mapped[date] = mapped_column()
    issued_on: Mapped[date] = mapped_column()
    lines: Mapped[list[Any]] = mapped_column(Json)
    total_minutes: Mapped[int] = mapped_column()
    digest: Mapped[str] = mapped_column(sa.String(64))
    revoked_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
