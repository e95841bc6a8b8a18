"""Records of background work: jobs that a person asked for, and fires of the schedule."""

import enum
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Json, UtcDateTime, one_of
from core.ids import new_id


class JobState(enum.StrEnum):
    """The life of a requested job."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class BackgroundJob(Base):
    """Work that a person requested and can watch: kind, arguments, progress, outcome."""

    __tablename__ = "background_job"
    __table_args__ = (
        one_of("state", JobState),
        sa.CheckConstraint("progress_done >= 0", name="progress"),
        sa.Index("ix_background_job_state", "state", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(sa.String(40))
    subject_id: Mapped[UUID] = mapped_column()
    requested_by: Mapped[UUID | None] = mapped_column()
    arguments: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    state: Mapped[str] = mapped_column(sa.String(10), default=JobState.QUEUED)
    progress_done: Mapped[int] = mapped_column(default=0)
    progress_total: Mapped[int | None] = mapped_column()
    error: Mapped[str | None] = mapped_column(sa.String(500))
    result: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    attempt: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RunState(enum.StrEnum):
    """The life of one scheduled fire."""

    CLAIMED = "claimed"
    DONE = "done"
    SKIPPED = "skipped"


class JobRun(Base):
    """One fire of one scheduled job: the primary key is what makes it run once (I6)."""

    __tablename__ = "job_run"
    __table_args__ = (one_of("state", RunState),)

    job: Mapped[str] = mapped_column(sa.String(60), primary_key=True)
    fire_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    state: Mapped[str] = mapped_column(sa.String(10))
    attempt: Mapped[int] = mapped_column(default=1)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(sa.String(200), default="")
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
