"""Requested work ends, and the ticker begins at once."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from core import background
from core.background import BackgroundJob, JobState, Progress
from core.ids import new_id
from jobs.__main__ import make_scheduler, make_ticks
from jobs.requested import ATTEMPTS_MAX, run_next
from jobs.schedule import JOBS, SWEEPS

NOW = datetime(2026, 11, 10, 2, 0, tzinfo=UTC)


def test_work_that_ends_its_worker_every_time_is_given_up(sessions: sessionmaker[Session]) -> None:
    begun: list[UUID] = []

    def handler(_session: Session, subject_id: UUID, *, now: datetime) -> Iterator[Progress]:
        begun.append(subject_id)
        yield Progress(1, 1)

    with sessions.begin() as session:
        background.enqueue(session, kind="any", subject_id=new_id(), requested_by=None, now=NOW)
    at = NOW
    for _ in range(ATTEMPTS_MAX):
        with sessions.begin() as session:
            # Its worker takes it, and is killed before it reports.
            assert background.claim_next(session, now=at) is not None
        at += timedelta(minutes=2)

    assert run_next(sessions, {"any": handler}, lambda: at)

    assert not run_next(sessions, {"any": handler}, lambda: at + timedelta(days=1))
    with sessions() as session:
        job = session.scalars(sa.select(BackgroundJob)).one()
    assert (job.state, job.attempt, begun) == (JobState.FAILED, ATTEMPTS_MAX + 1, [])


def test_everything_is_looked_for_as_soon_as_the_process_starts(
    sessions: sessionmaker[Session],
) -> None:
    planned = make_scheduler(make_ticks(sessions, JOBS, SWEEPS), now=NOW).get_jobs()

    assert {job.next_run_time for job in planned} == {NOW}
