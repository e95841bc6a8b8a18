"""The rows of `job_standing`: what the calendar has settled, and when a job was last well."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from core.job_records import JobStanding
from core.rows import dialect_of
from jobs.definitions import PUNCTUAL, Job, Loop, Sweep

# A sweep that runs each second need not write each second that it is well.
BEAT = timedelta(seconds=30)


def register(
    session: Session, jobs: Sequence[Job], sweeps: Sequence[Sweep | Loop], *, now: datetime
) -> None:
    """Give each job and sweep its row, and take away those of jobs that are no more.

    A new job looks back over its grace, as after an outage: what was due shortly before the
    first start is run, and nothing older is counted as missed.
    """
    for job in jobs:
        begin = now - job.grace
        late_after = int((job.lease + PUNCTUAL).total_seconds())
        _put(session, job.name, job.calendar.label, begin, begin, late_after)
        # The calendar may be another than when the row was written.
        due_at = job.calendar.next_after(settled_until(session, job))
        session.execute(_of(job.name).values(due_at=due_at))
    for sweep in sweeps:
        late_after = int((PUNCTUAL + BEAT).total_seconds())
        _put(session, sweep.name, sweep.label, None, now, late_after)
    names = {job.name for job in jobs} | {one.name for one in sweeps}
    session.execute(sa.delete(JobStanding).where(JobStanding.name.not_in(names)))


def settled_until(session: Session, job: Job) -> datetime:
    """Up to when every fire of a job has ended."""
    kept = JobStanding.settled_until.is_not(None)
    reached: datetime = session.scalars(
        sa.select(JobStanding.settled_until).where(JobStanding.name == job.name, kept)
    ).one()  # type: ignore[assignment]  # the condition leaves no null
    return reached


def advance(session: Session, job: Job, reached: datetime) -> None:
    """Every fire up to here has ended; a process that is behind moves nothing back."""
    session.execute(
        _of(job.name)
        .where(JobStanding.settled_until < reached)
        .values(settled_until=reached, due_at=job.calendar.next_after(reached))
    )


def note_success(
    session: Session, name: str, *, now: datetime, due_at: datetime | None = None
) -> None:
    """A job has done its work.

    Args:
        due_at: by when a sweep is expected again; a scheduled job's follows its calendar.
    """
    values = {} if due_at is None else {"due_at": due_at}
    session.execute(_of(name).values(last_success_at=now, last_error=None, **values))


def note_failure(session: Session, name: str, *, error: str, now: datetime) -> None:
    """A job has broken off; health shows what it said, which never has personal data in it."""
    session.execute(
        _of(name).values(last_failure_at=now, last_error=error, failures=JobStanding.failures + 1)
    )


def _put(
    session: Session,
    name: str,
    calendar: str,
    settled_until: datetime | None,
    due_at: datetime,
    late_after_seconds: int,
) -> None:
    module = sqlite if dialect_of(session) == "sqlite" else postgresql
    insert = module.insert(JobStanding).values(
        name=name,
        calendar=calendar,
        settled_until=settled_until,
        due_at=due_at,
        late_after_seconds=late_after_seconds,
        failures=0,
    )
    reached = sa.func.coalesce(JobStanding.settled_until, insert.excluded.settled_until)
    session.execute(
        insert.on_conflict_do_update(
            index_elements=["name"],
            set_={
                "calendar": calendar,
                "settled_until": reached,
                "late_after_seconds": late_after_seconds,
            },
        )
    )


def _of(name: str) -> sa.Update:
    return (
        sa.update(JobStanding)
        .where(JobStanding.name == name)
        .execution_options(synchronize_session=False)
    )
