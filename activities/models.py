"""Tables of what members do: organisation activities and volunteer records."""

import enum
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

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
    TRAINING = "training"


class ServiceOrigin(enum.StrEnum):
    """How a volunteer record came to be; shown beside the hours."""

    SCANNED = "scanned"
    ORGANISER = "organiser"
    SELF = "self"
    EXTERNAL = "external"


class Activity(Base):
    """One entry of a branch's calendar."""

    __tablename__ = "activity"
    __table_args__ = (
        one_of("kind", ActivityKind),
        sa.CheckConstraint("ends_at > starts_at", name="times"),
        sa.Index("ix_activity_organization_id", "organization_id", "starts_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    kind: Mapped[str] = mapped_column(sa.String(32))
    title: Mapped[str] = mapped_column(sa.String(120))
    place: Mapped[str] = mapped_column(sa.String(120), default="")
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    cancelled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class VolunteerRecord(Base):
    """One piece of volunteer service; its points live in the claim that it points to."""

    __tablename__ = "volunteer_record"
    __table_args__ = (
        one_of("origin", ServiceOrigin),
        sa.CheckConstraint("planned_minutes BETWEEN 1 AND 1440", name="planned_minutes"),
        sa.CheckConstraint("claimed_minutes BETWEEN 1 AND 1440", name="claimed_minutes"),
        sa.CheckConstraint("ends_at > starts_at", name="times"),
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
    # The claim that it was first sent in with; `points.claims.is_live_of` finds today's.
    claim_id: Mapped[UUID] = mapped_column(sa.ForeignKey("claim.id"), unique=True)
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
    flags: Mapped[list[Any]] = mapped_column(Json, default=list)
    entered_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)
