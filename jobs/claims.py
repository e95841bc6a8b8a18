"""The rows of `job_run`: claiming a fire, ending it, skipping it. Each is one statement.

Leases go by the database's clock, so processes whose own clocks differ cannot both hold one. The
attempt number fences: only the newest claim can end a run.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from core.db import database_now
from core.job_records import JobRun, JobRunKind, JobRunState
from core.rows import dialect_of, ordered_insert, rows_parameter

FAILURES_MAX = 5
# A deployment, a kill or a database that is away interrupt a run and say nothing of the job. One
# that ends its process every time must end too, but not before that is beyond doubt.
INTERRUPTIONS_MAX = 20
# 30 seconds, a minute, two, four: long enough for a restart of the database, short of the grace.
RETRY_AFTER = timedelta(seconds=30)
_KEY = ("job", "fire_at")


class Fenced(Exception):
    """Somebody else holds the run by now; what this process did must be rolled back."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A run that this process holds until its lease ends."""

    job: str
    fire_at: datetime
    attempt: int
    failures: int = 0
    kind: JobRunKind = JobRunKind.SCHEDULED

    @property
    def is_hopeless(self) -> bool:
        """Whether it has been interrupted so often that the job itself must be the reason."""
        return self.attempt - self.failures > INTERRUPTIONS_MAX


def claim(
    session: Session,
    job: str,
    fire_at: datetime,
    *,
    lease: timedelta,
    kind: JobRunKind = JobRunKind.SCHEDULED,
) -> Claim | None:
    """Take a fire that nobody holds, or one whose holder's lease is over; None otherwise."""
    dialect = dialect_of(session)
    module = sqlite if dialect == "sqlite" else postgresql
    now, until = database_now(dialect), database_now(dialect, lease)
    insert = module.insert(JobRun).values(
        job=job, fire_at=fire_at, kind=kind, attempt=1, lease_until=until, started_at=now
    )
    taken = session.execute(
        insert.on_conflict_do_update(
            index_elements=_KEY,
            set_={"attempt": JobRun.attempt + 1, "lease_until": until, "started_at": now},
            where=_is_abandoned(dialect),
        ).returning(JobRun.attempt, JobRun.failures)
    ).one_or_none()
    return None if taken is None else Claim(job, fire_at, taken.attempt, taken.failures, kind)


def skip(
    session: Session, job: str, reasons: Mapping[datetime, str], *, now: datetime
) -> set[datetime]:
    """Record why fires are not run, in one statement; what somebody holds or ended is left.

    Returns:
        Those that were recorded.
    """
    if not reasons:
        return set()
    rows = [
        {
            "job": job,
            "fire_at": fire_at,
            "kind": JobRunKind.SCHEDULED,
            "state": JobRunState.SKIPPED,
            "attempt": 0,
            "finished_at": now,
            "skip_reason": reason,
        }
        for fire_at, reason in reasons.items()
    ]
    dialect = dialect_of(session)
    insert = ordered_insert(dialect, JobRun, tuple(rows[0]))
    skipping = insert.on_conflict_do_update(
        index_elements=_KEY,
        set_={
            "state": JobRunState.SKIPPED,
            "lease_until": None,
            "finished_at": insert.excluded.finished_at,
            "skip_reason": insert.excluded.skip_reason,
        },
        where=_is_abandoned(dialect),
    ).returning(JobRun.fire_at)
    return set(session.scalars(skipping, rows_parameter(session, rows)))


def complete(session: Session, held: Claim, *, count: int, now: datetime) -> None:
    """End a run, in the transaction of its effects.

    Raises:
        Fenced: it is somebody else's by now.
    """
    _end(session, held, state=JobRunState.DONE, outcome_count=count, error=None, now=now)


def fail(session: Session, held: Claim, *, error: str, now: datetime) -> bool:
    """Note what went wrong, to be tried again soon; True when it has failed too often.

    Whoever runs a job by hand sees that it failed, and decides himself whether he tries again.

    Raises:
        Fenced: it is somebody else's by now.
    """
    failures = held.failures + 1
    if held.kind is JobRunKind.MANUAL or held.is_hopeless or failures >= FAILURES_MAX:
        _end(session, held, state=JobRunState.FAILED, failures=failures, error=error, now=now)
        return True
    pause = RETRY_AFTER * 2 ** (failures - 1)
    until = database_now(dialect_of(session), pause)
    _change(session, held, failures=failures, error=error, lease_until=until)
    return False


def find_states(
    session: Session, job: str, *, after: datetime, until: datetime
) -> dict[datetime, JobRunState]:
    """The states of the scheduled runs in (after, until]."""
    rows = session.execute(
        sa.select(JobRun.fire_at, JobRun.state).where(
            JobRun.job == job,
            JobRun.fire_at > after,
            JobRun.fire_at <= until,
            JobRun.kind == JobRunKind.SCHEDULED,
        )
    )
    return {row.fire_at: JobRunState(row.state) for row in rows}


def _end(
    session: Session, held: Claim, *, state: JobRunState, now: datetime, **values: object
) -> None:
    _change(session, held, state=state, lease_until=None, finished_at=now, **values)


def _change(session: Session, held: Claim, **values: object) -> None:
    changed = session.execute(
        sa.update(JobRun)
        .where(
            JobRun.job == held.job,
            JobRun.fire_at == held.fire_at,
            JobRun.attempt == held.attempt,
            JobRun.state == JobRunState.CLAIMED,
        )
        .values(**values)
        .returning(JobRun.job)
        .execution_options(synchronize_session=False)
    ).first()
    if changed is None:
        raise Fenced


def _is_abandoned(dialect: str) -> sa.ColumnElement[bool]:
    return (JobRun.state == JobRunState.CLAIMED) & (JobRun.lease_until < database_now(dialect))
