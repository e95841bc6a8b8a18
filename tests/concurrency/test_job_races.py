"""Processes that want one fire at one time: one runs it, and a late one leaves nothing."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.background import BackgroundJob
from core.config import Settings
from core.ids import new_id
from core.job_records import JobRun
from jobs import claims, standings
from jobs.calendar import daily
from jobs.claims import Claim, Fenced
from jobs.definitions import Job
from jobs.runner import catch_up
from tests.concurrency.arena import Act, Arena
from tests.depth import far

RACES = far(deep=200, quick=24)
LEASE = timedelta(minutes=5)
BEGIN = datetime(2026, 11, 10, 1, 0, tzinfo=UTC)


@pytest.fixture
def arena(fresh_settings: Settings) -> Iterator[Arena]:
    with Arena.open(fresh_settings) as arena:
        yield arena


def note(session: Session, /, *, now: datetime) -> int:
    session.add(BackgroundJob(kind="effect", subject_id=new_id(), created_at=now))
    session.flush()
    return 1


def claiming(fire_at: datetime) -> Act:
    return lambda session: claims.claim(session, "race", fire_at, lease=LEASE)


def completing(held: Claim) -> Act:
    """What a runner does at its end; a fenced one is rolled back to nothing."""

    def act(session: Session) -> bool:
        note(session, now=BEGIN)
        try:
            claims.complete(session, held, count=1, now=BEGIN)
        except Fenced:
            session.rollback()
            return False
        return True

    return act


def effects(arena: Arena) -> int:
    count = sa.select(sa.func.count(BackgroundJob.id))
    return int(arena.alone(lambda session: session.scalar(count)))


def test_one_of_three_gets_a_fire(arena: Arena) -> None:
    for number in range(RACES):
        fire_at = BEGIN + timedelta(days=number)
        finishes = arena.race(*[claiming(fire_at)] * 3, pauses=[arena.pause()])

        assert sum(one.value is not None for one in finishes) == 1


def test_one_of_three_takes_over_a_fire_whose_holder_died(arena: Arena) -> None:
    for number in range(RACES):
        fire_at = BEGIN + timedelta(days=number)
        dead = arena.alone(
            lambda session, at=fire_at: claims.claim(
                session, "race", at, lease=timedelta(seconds=-1)
            )
        )
        finishes = arena.race(*[claiming(fire_at)] * 3, pauses=[arena.pause()])

        attempts = [one.value.attempt for one in finishes if one.value is not None]
        assert (dead.attempt, attempts) == (1, [2])


def test_late_finisher_and_its_successor_leave_one_effect(arena: Arena) -> None:
    for number in range(RACES):
        fire_at = BEGIN + timedelta(days=number)
        claim = claiming(fire_at)
        late = arena.alone(
            lambda session, at=fire_at: claims.claim(
                session, "race", at, lease=timedelta(seconds=-1)
            )
        )
        if number % 2:
            # The successor has claimed it, and both come to their end together.
            finishes = arena.race(
                completing(late), completing(arena.alone(claim)), pauses=[arena.pause()]
            )
            assert [one.value for one in finishes] == [False, True]
        else:
            # The late one ends while somebody takes the fire over: one of the two is first.
            finishes = arena.race(completing(late), claim, pauses=[arena.pause()])
            took_over = finishes[1].value
            assert finishes[0].value == (took_over is None)
            if took_over is not None:
                assert arena.alone(completing(took_over))

        assert effects(arena) == number + 1


def test_two_processes_that_catch_up_settle_each_fire_once(arena: Arena) -> None:
    job = Job("race", daily(9), timedelta(days=10_000), note)
    arena.alone(lambda session: standings.register(session, [job], [], now=BEGIN))
    arena.alone(lambda session: standings.advance(session, job, BEGIN))

    for number in range(1, RACES // 2 + 1):
        now = BEGIN + timedelta(days=2 * number)
        both = [lambda _session, at=now: catch_up(arena.sessions, job, lambda: at)] * 2
        arena.race(*both)
        # Whoever came second may have left before the first had ended.
        catch_up(arena.sessions, job, lambda at=now: at)

        assert effects(arena) == number
    states = arena.alone(
        lambda session: session.execute(
            sa.select(JobRun.state, sa.func.count()).group_by(JobRun.state)
        ).all()
    )
    assert dict(tuple(row) for row in states) == {"done": RACES // 2, "skipped": RACES // 2}
