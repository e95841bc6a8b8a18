"""What is known of scheduled work: every due run of it, and how each job stands today."""

import enum
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db import Base, UtcDateTime, database_now, one_of
from core.rows import dialect_of


class JobRunKind(enum.StrEnum):
    """Whether the calendar or a person started it."""

    SCHEDULED = "scheduled"
    MANUAL = "manual"


class JobRunState(enum.StrEnum):
    """claimed -> done | skipped | failed; a trigger refuses any change of a settled run."""

    CLAIMED = "claimed"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"


class JobRun(Base):
    """One due run of a job; the key makes it exist once, whatever number of processes ask (I6).

    A claim is a lease by the database's clock. The attempt fences: who has lost his lease to a
    later attempt cannot complete, so his effects are rolled back with him.
    """

    __tablename__ = "job_run"
    __table_args__ = (
        one_of("kind", JobRunKind),
        one_of("state", JobRunState),
        sa.CheckConstraint("attempt >= 0", name="attempt"),
        sa.CheckConstraint("(state = 'claimed') = (lease_until IS NOT NULL)", name="leased"),
        sa.CheckConstraint("(state = 'claimed') = (finished_at IS NULL)", name="finished"),
        sa.CheckConstraint("(state = 'done') = (outcome_count IS NOT NULL)", name="outcome"),
        sa.CheckConstraint("(state = 'skipped') = (skip_reason IS NOT NULL)", name="skipped"),
        sa.CheckConstraint("state <> 'failed' OR error IS NOT NULL", name="failed"),
        sa.Index("ix_job_run_finished_at", "finished_at"),
    )

    job: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    fire_at: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(10), default=JobRunKind.SCHEDULED)
    state: Mapped[str] = mapped_column(sa.String(8), default=JobRunState.CLAIMED)
    attempt: Mapped[int] = mapped_column(default=1)
    # Attempts that ended in an error; in the others the process was interrupted.
    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    outcome_count: Mapped[int | None] = mapped_column()
    error: Mapped[str | None] = mapped_column(sa.String(200))
    skip_reason: Mapped[str | None] = mapped_column(sa.String(100))


class JobStanding(Base):
    """How one job or sweep stands: what health is read from, without knowing the schedule.

    Every fire up to `settled_until` has ended, one way or another; a sweep has no fires, and so
    none. By `due_at` the next success or the next settled fire is expected.
    """

    __tablename__ = "job_standing"
    __table_args__ = (sa.CheckConstraint("failures >= 0", name="failures"),)

    name: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    calendar: Mapped[str] = mapped_column(sa.String(60))
    settled_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    late_after_seconds: Mapped[int] = mapped_column()
    last_success_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_failure_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[str | None] = mapped_column(sa.String(200))
    failures: Mapped[int] = mapped_column(default=0)

    def lateness(self, now: datetime) -> timedelta:
        """How long what was expected has been due."""
        return max(now - self.due_at, timedelta(0))

    def is_late(self, now: datetime) -> bool:
        """Whether that is longer than a run and one retry of it take."""
        return self.lateness(now) > timedelta(seconds=self.late_after_seconds)


def list_standings(session: Session) -> Sequence[JobStanding]:
    """Every job and sweep, by name."""
    return session.scalars(sa.select(JobStanding).order_by(JobStanding.name)).all()


def list_unsettled(session: Session, *, since: datetime, limit: int) -> Sequence[JobRun]:
    """Runs that were skipped or failed, and those by hand that broke off; the newest first."""
    broke_off = sa.and_(
        JobRun.kind == JobRunKind.MANUAL,
        JobRun.state == JobRunState.CLAIMED,
        JobRun.lease_until < database_now(dialect_of(session)),
    )
    return session.scalars(
        sa.select(JobRun)
        .where(JobRun.state.in_((JobRunState.SKIPPED, JobRunState.FAILED)) | broke_off)
        .where(JobRun.fire_at >= since)
        .order_by(JobRun.fire_at.desc(), JobRun.job)
        .limit(limit)
    ).all()


def purge(session: Session, *, ended_before: datetime) -> int:
    """Delete the runs that ended before an instant; return how many."""
    runs = session.execute(
        sa.delete(JobRun)
        .where(JobRun.finished_at < ended_before)
        .returning(JobRun.job)
        .execution_options(synchronize_session=False)
    )
    return len(runs.all())
