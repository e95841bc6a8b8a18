"""Tables of what members do: organisation activities and volunteer records."""

import enum
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from activities.service_models import ServiceSignup
from core.db import Base, Json, UtcDateTime, one_of
from core.ids import new_id


class ActivityKind(enum.StrEnum):
    """Kinds of organisation life that a branch puts on its calendar."""

    THEME_DAY = "theme_day"
    GENERAL_MEETING = "general_meeting"
    COMMITTEE_MEETING = "committee_meeting"
    GROUP_MEETING = "group_meeting"
    PARTY_LECTURE = "party_lecture"
    ORGANIZATION_LIFE_MEETING = "organization_life_meeting"
    DEMOCRATIC_APPRAISAL = "democratic_appraisal"
    FIXED_STUDY_DAY = "fixed_study_day"
    TRAINING = "training"
    JOINT_ACTIVITY = "joint_activity"


class ActivityStatus(enum.StrEnum):
    """Where an activity is in its life; follows from its instants, so that nothing can drift."""

    PLANNED = "planned"
    PUBLISHED = "published"
    STARTED = "started"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class ServiceOrigin(enum.StrEnum):
    """How a volunteer record came to be; shown beside the hours."""

    SCANNED = "scanned"
    ORGANISER = "organiser"
    SELF = "self"
    EXTERNAL = "external"


class Activity(Base):
    """One entry of a branch's calendar; its life is the instants that have been set."""

    __tablename__ = "activity"
    __table_args__ = (
        one_of("kind", ActivityKind),
        sa.CheckConstraint("ends_at > starts_at", name="times"),
        sa.CheckConstraint(
            "closed_at IS NULL OR (started_at IS NOT NULL AND cancelled_at IS NULL)", name="closed"
        ),
        sa.CheckConstraint("(closed_at IS NULL) = (closed_by IS NULL)", name="closed_by"),
        sa.Index("ix_activity_organization_id", "organization_id", "starts_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    kind: Mapped[str] = mapped_column(sa.String(32))
    # Further kinds of the same meeting: a theme day with a lecture is one attendance.
    tags: Mapped[list[Any]] = mapped_column(Json, default=list)
    title: Mapped[str] = mapped_column(sa.String(120))
    place: Mapped[str] = mapped_column(sa.String(120), default="")
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # Empty: everybody of the organisation is expected; else these members of it only.
    invited: Mapped[list[Any]] = mapped_column(Json, default=list)
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    cancelled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cancel_reason: Mapped[str] = mapped_column(sa.String(200), default="")
    created_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)

    @property
    def status(self) -> ActivityStatus:
        """How far its life has come."""
        reached = (
            (self.cancelled_at, ActivityStatus.CANCELLED),
            (self.closed_at, ActivityStatus.CLOSED),
            (self.started_at, ActivityStatus.STARTED),
            (self.published_at, ActivityStatus.PUBLISHED),
        )
        return next((status for at, status in reached if at), ActivityStatus.PLANNED)

    @property
    def kinds(self) -> frozenset[str]:
        """The main kind and the further ones."""
        return frozenset({self.kind, *self.tags})


class VolunteerRecord(Base):
    """One piece of volunteer service; its points live in the claim whose source it is.

    Service that an organiser confirmed points to its sign-up. It has no claim when none was
    possible any more: the hours are recorded all the same.
    """

    __tablename__ = "volunteer_record"
    __table_args__ = (
        one_of("origin", ServiceOrigin),
        sa.CheckConstraint("planned_minutes BETWEEN 1 AND 1440", name="planned_minutes"),
        sa.CheckConstraint("claimed_minutes BETWEEN 1 AND 1440", name="claimed_minutes"),
        sa.CheckConstraint("ends_at > starts_at", name="times"),
        sa.CheckConstraint("confirmed_minutes BETWEEN 1 AND 1440", name="confirmed_minutes"),
        sa.CheckConstraint("confirmed_by IS NULL OR confirmed_by <> member_id", name="not_oneself"),
        sa.CheckConstraint(
            "(signup_id IS NULL) = (confirmed_minutes IS NULL)"
            " AND (signup_id IS NULL) = (confirmed_by IS NULL)"
            " AND (signup_id IS NULL) = (confirmed_at IS NULL)",
            name="organised",
        ),
        sa.CheckConstraint("claim_id IS NOT NULL OR signup_id IS NOT NULL", name="claimed"),
        # The natural key of a retry: the same person cannot start two services at one instant.
        sa.Index(
            "uq_volunteer_record_start",
            "member_id",
            "starts_at",
            unique=True,
            postgresql_where=sa.text("withdrawn_at IS NULL"),
            sqlite_where=sa.text("withdrawn_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    claim_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("claim.id"), unique=True)
    signup_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey(ServiceSignup.id), unique=True)
    title: Mapped[str] = mapped_column(sa.String(120))
    organiser: Mapped[str] = mapped_column(sa.String(120), default="")
    place: Mapped[str] = mapped_column(sa.String(120), default="")
    origin: Mapped[str] = mapped_column(sa.String(16))
    external_reference: Mapped[str] = mapped_column(sa.String(80), default="")
    happened_on: Mapped[date] = mapped_column()
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    planned_minutes: Mapped[int] = mapped_column()
    claimed_minutes: Mapped[int] = mapped_column()
    confirmed_minutes: Mapped[int | None] = mapped_column()
    confirmed_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    flags: Mapped[list[Any]] = mapped_column(Json, default=list)
    entered_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)
