"""Records of background work: jobs that a person asked for and can watch."""

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db import Base, Json, UtcDateTime, one_of
from core.errors import NotFound
from core.ids import new_id

LEASE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a requested job is, in units of its own; the total may not be known yet."""

    done: int
    total: int | None


class LeaseLost(Exception):
    """Another worker took the job over; this one must stop without writing."""


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


def enqueue(
    session: Session,
    *,
    kind: str,
    subject_id: UUID,
    requested_by: UUID | None,
    now: datetime,
    arguments: dict[str, Any] | None = None,
) -> BackgroundJob:
    """Write down work to be done by the jobs process, in the caller's transaction."""
    job = BackgroundJob(
        kind=kind,
        subject_id=subject_id,
        requested_by=requested_by,
        arguments=arguments or {},
        created_at=now,
    )
    session.add(job)
    session.flush()
    return job


def claim_next(session: Session, *, now: datetime) -> BackgroundJob | None:
    """Take the oldest job that nobody works on; one whose worker died is taken over.

    The attempt number fences: a worker that lost its lease can no longer report.
    """
    waiting = sa.or_(
        BackgroundJob.state == JobState.QUEUED,
        sa.and_(BackgroundJob.state == JobState.RUNNING, BackgroundJob.lease_until < now),
    )
    candidate = (
        sa.select(BackgroundJob.id)
        .where(waiting)
        .order_by(BackgroundJob.created_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return session.scalar(
        sa.update(BackgroundJob)
        .where(BackgroundJob.id.in_(candidate.scalar_subquery()), waiting)
        .values(
            state=JobState.RUNNING,
            attempt=BackgroundJob.attempt + 1,
            lease_until=now + LEASE,
        )
        .returning(BackgroundJob)
        .execution_options(synchronize_session=False, populate_existing=True)
    )


def report(session: Session, job: BackgroundJob, *, now: datetime, **values: Any) -> None:
    """Write progress or an end of a job, in the transaction of the work that it speaks of.

    Raises:
        LeaseLost: the job has a newer attempt.
    """
    kept = session.execute(
        sa.update(BackgroundJob)
        .where(
            BackgroundJob.id == job.id,
            BackgroundJob.attempt == job.attempt,
            BackgroundJob.state == JobState.RUNNING,
        )
        .values(lease_until=now + LEASE, **values)
        .returning(BackgroundJob.id)
        .execution_options(synchronize_session=False)
    ).first()
    if kept is None:
        raise LeaseLost


def get_job(session: Session, member_id: UUID, job_id: UUID) -> BackgroundJob:
    """A job that this member requested.

    Raises:
        NotFound: absent, or somebody else's.
    """
    job = session.get(BackgroundJob, job_id)
    if job is None or job.requested_by != member_id:
        raise NotFound
    return job


def purge(session: Session, *, ended_before: datetime) -> int:
    """Delete the records of jobs that ended before an instant; return how many."""
    ids = session.scalars(
        sa.delete(BackgroundJob)
        .where(BackgroundJob.finished_at < ended_before)
        .returning(BackgroundJob.id)
        .execution_options(synchronize_session=False)
    )
    return len(ids.all())
