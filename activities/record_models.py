"""Tables around meetings: templates, records, votes, photos, and why a duty was not met."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from activities.models import ActivityKind
from core.db import Base, Json, UtcDateTime, one_of
from core.ids import new_id


class ActivityTemplate(Base):
    """A meeting that comes again; a body's templates serve everything below it."""

    __tablename__ = "activity_template"
    __table_args__ = (
        one_of("kind", ActivityKind),
        sa.CheckConstraint("planned_minutes BETWEEN 5 AND 1440", name="planned_minutes"),
        sa.Index("ix_activity_template_organization_id", "organization_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    kind: Mapped[str] = mapped_column(sa.String(32))
    tags: Mapped[list[Any]] = mapped_column(Json, default=list)
    title: Mapped[str] = mapped_column(sa.String(120))
    place: Mapped[str] = mapped_column(sa.String(120), default="")
    planned_minutes: Mapped[int] = mapped_column()
    created_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    retired_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)


class ActivityRecord(Base):
    """The record of an activity: what it was about and what was decided."""

    __tablename__ = "activity_record"

    activity_id: Mapped[UUID] = mapped_column(sa.ForeignKey("activity.id"), primary_key=True)
    summary: Mapped[str] = mapped_column(sa.String(4000))
    decisions: Mapped[str] = mapped_column(sa.String(4000), default="")
    recorded_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)


class MeetingVote(Base):
    """One vote of a meeting, as numbers with the result that follows from them; append-only."""

    __tablename__ = "meeting_vote"
    __table_args__ = (
        sa.CheckConstraint(
            "in_favour >= 0 AND against >= 0 AND abstained >= 0"
            " AND in_favour + against + abstained <= voters_present",
            name="counts",
        ),
        sa.CheckConstraint("voters_present BETWEEN 0 AND voters_due", name="voters"),
        sa.Index("ix_meeting_vote_activity_id", "activity_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    activity_id: Mapped[UUID] = mapped_column(sa.ForeignKey("activity.id"))
    motion: Mapped[str] = mapped_column(sa.String(200))
    voters_due: Mapped[int] = mapped_column()
    voters_present: Mapped[int] = mapped_column()
    in_favour: Mapped[int] = mapped_column()
    against: Mapped[int] = mapped_column()
    abstained: Mapped[int] = mapped_column()
    is_quorate: Mapped[bool] = mapped_column()
    is_passed: Mapped[bool] = mapped_column()
    recorded_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ActivityPhoto(Base):
    """An optional photo of an activity, re-encoded without its metadata; three slots at most."""

    __tablename__ = "activity_photo"
    __table_args__ = (
        sa.CheckConstraint("slot BETWEEN 1 AND 3", name="slot"),
        sa.UniqueConstraint("activity_id", "slot"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    activity_id: Mapped[UUID] = mapped_column(sa.ForeignKey("activity.id"))
    slot: Mapped[int] = mapped_column()
    sha256: Mapped[str] = mapped_column(sa.String(64))
    byte_count: Mapped[int] = mapped_column()
    added_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DiscardedPhoto(Base):
    """A photo that is forgotten already, and whose file may still have to be removed."""

    __tablename__ = "discarded_photo"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    discarded_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DutyExcuse(Base):
    """The branch's reason why a duty could not be met in the span around a day; append-only."""

    __tablename__ = "duty_excuse"
    __table_args__ = (
        one_of("kind", ActivityKind),
        sa.CheckConstraint("reason <> ''", name="reason"),
        sa.Index("ix_duty_excuse_organization_id", "organization_id", "excused_on"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    group_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("organization.id"))
    kind: Mapped[str] = mapped_column(sa.String(32))
    excused_on: Mapped[date] = mapped_column()
    reason: Mapped[str] = mapped_column(sa.String(200))
    recorded_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
