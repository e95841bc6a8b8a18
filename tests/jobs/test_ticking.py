"""The process itself: it registers, ticks, notes that it is well, and stops when told."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from core.background import BackgroundJob
from core.ids import new_id
from core.job_records import JobRun, JobStanding
from jobs import runner, standings
from jobs.__main__ import work
from jobs.calendar import Calendar
from jobs.definitions import Job, Sweep
from jobs.runner import Watch

BEGIN = datetime(2026, 11, 10, 1, 0, tzinfo=UTC)


def note(session: Session, /, *, now: datetime) -> int:
    session.add(BackgroundJob(kind="effect", subject_id=new_id(), created_at=now, finished_at=now))
    session.flush()
    return 1


def nothing(_session: Session, /, *, now: datetime) -> int:
    return int(now < BEGIN)


def break_off(session: Session, /, *, now: datetime) -> int:
    note(session, now=now)
    raise LookupError


def standing_of(sessions: sessionmaker[Session], name: str) -> JobStanding:
    with sessions() as session:
        return session.get_one(JobStanding, name)


def test_process_runs_what_is_due_and_stops_when_told(sessions: sessionmaker[Session]) -> None:
    job = Job("each-second", Calendar("每秒", second="*"), timedelta(seconds=20), note)
    one = Sweep("often", 1, nothing)
    stop = threading.Event()
    process = threading.Thread(target=work, args=(sessions, [job], [one], stop))
    process.start()
    deadline = time.monotonic() + 60
    done = 0
    while done < 2 and time.monotonic() < deadline:
        time.sleep(0.2)
        with sessions() as session:
            done = session.scalar(sa.select(sa.func.count()).where(JobRun.state == "done")) or 0
    stop.set()
    process.join(timeout=60)

    assert done >= 2
    assert not process.is_alive()
    with sessions() as session:
        runs = session.scalars(sa.select(JobRun)).all()
        effects = session.scalar(sa.select(sa.func.count(BackgroundJob.id)))
    assert {run.state for run in runs} <= {"done", "skipped"}
    assert effects == sum(run.state == "done" for run in runs)
    assert standing_of(sessions, "often").last_success_at is not None


def _sweeping(sessions: sessionmaker[Session], one: Sweep) -> Callable[[int], None]:
    with sessions.begin() as session:
        standings.register(session, [], [one], now=BEGIN)
    beat: list[datetime | None] = [None]

    def tick(seconds: int) -> None:
        beat[0] = runner.sweep(sessions, one, lambda: BEGIN + timedelta(seconds=seconds), beat[0])

    return tick


def test_sweep_notes_twice_a_minute_that_it_is_well(sessions: sessionmaker[Session]) -> None:
    tick = _sweeping(sessions, Sweep("often", 1, nothing))
    noted = []
    for seconds in range(0, 70, 10):
        tick(seconds)
        noted.append(standing_of(sessions, "often").last_success_at)

    assert [(at - BEGIN).seconds for at in noted if at] == [0, 0, 0, 30, 30, 30, 60]
    standing = standing_of(sessions, "often")
    assert standing.due_at == BEGIN + timedelta(seconds=90)
    assert not standing.is_late(BEGIN + timedelta(seconds=100))
    assert standing.is_late(BEGIN + timedelta(minutes=5))


def test_sweep_that_breaks_off_leaves_nothing_but_the_note(
    sessions: sessionmaker[Session],
) -> None:
    tick = _sweeping(sessions, Sweep("bad", 1, break_off))

    tick(0)
    tick(1)

    standing = standing_of(sessions, "bad")
    assert (standing.failures, standing.last_success_at) == (2, None)
    assert standing.last_error is not None
    assert standing.last_error.startswith("LookupError (tests/jobs/test_ticking.py:")
    with sessions() as session:
        assert session.scalars(sa.select(BackgroundJob)).all() == []


def test_between_two_fires_a_tick_asks_the_database_nothing(
    sessions: sessionmaker[Session],
) -> None:
    job = Job("daily", Calendar("每天", hour=9), timedelta(hours=1), note)
    with sessions.begin() as session:
        standings.register(session, [job], [], now=BEGIN)
    now = [BEGIN + timedelta(minutes=1)]
    watch = Watch(sessions, job, lambda: now[0])
    watch.tick()
    engine = sessions.kw["bind"]
    statements: list[str] = []
    sa.event.listen(engine, "before_cursor_execute", lambda *given: statements.append(given[2]))

    for _ in range(100):
        now[0] += timedelta(seconds=1)
        watch.tick()
    assert statements == []

    now[0] += timedelta(days=1)
    watch.tick()
    assert statements


def test_tick_that_fails_is_followed_by_one_that_works(sessions: sessionmaker[Session]) -> None:
    job = Job("unknown", Calendar("每天", hour=9), timedelta(hours=1), note)
    watch = Watch(sessions, job, lambda: BEGIN)

    # It has no row: what the database refuses is an error of this tick only.
    watch.tick()

    with sessions.begin() as session:
        standings.register(session, [job], [], now=BEGIN)
    watch.tick()
    with sessions() as session:
        assert [run.state for run in session.scalars(sa.select(JobRun))] == ["done"]
