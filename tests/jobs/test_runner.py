"""Each due fire is run once or said to be skipped, whatever happens to the processes (I6)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from core.background import BackgroundJob
from core.ids import new_id
from core.job_records import JobRun, JobRunState, JobStanding
from jobs import claims, runner, standings
from jobs.calendar import daily
from jobs.claims import FAILURES_MAX, INTERRUPTIONS_MAX, Fenced
from jobs.definitions import MISSED, SUPERSEDED, TOO_OLD, CatchUp, Job, Run

# 08:30 in Shanghai; the job below is due at 09:00, which is 01:00 UTC.
BEGIN = datetime(2026, 11, 10, 0, 30, tzinfo=UTC)
FIRST = datetime(2026, 11, 10, 1, 0, tzinfo=UTC)
DAY = timedelta(days=1)
NOTHING = timedelta(0)


@dataclass
class Bench:
    """One job on a database of its own; its effect is a row with the time it worked with."""

    sessions: sessionmaker[Session]
    job: Job
    now: datetime = BEGIN

    def catch_up(self, at: datetime) -> datetime:
        self.now = at
        return runner.catch_up(self.sessions, self.job, lambda: self.now)

    def runs(self) -> dict[datetime, JobRun]:
        with self.sessions() as session:
            return {one.fire_at: one for one in session.scalars(sa.select(JobRun))}

    def states(self) -> list[str]:
        return [one.state for _, one in sorted(self.runs().items())]

    def effects(self) -> int:
        with self.sessions() as session:
            return session.scalar(sa.select(sa.func.count(BackgroundJob.id))) or 0

    def standing(self) -> JobStanding:
        with self.sessions() as session:
            return session.scalars(sa.select(JobStanding)).one()

    def take(self, fire_at: datetime, *, lease: timedelta) -> claims.Claim | None:
        with self.sessions.begin() as session:
            return claims.claim(session, self.job.name, fire_at, lease=lease)


def note(session: Session, *, now: datetime) -> int:
    session.add(BackgroundJob(kind="effect", subject_id=new_id(), created_at=now))
    session.flush()
    return 1


MakeBench = Callable[..., Bench]


@pytest.fixture
def make_bench(sessions: sessionmaker[Session]) -> MakeBench:
    def make(
        catch_up: CatchUp = CatchUp.LATEST,
        *,
        grace: timedelta = 10 * DAY,
        run: Run = note,
    ) -> Bench:
        job = Job("daily", daily(9), grace, run, catch_up)
        bench = Bench(sessions, job)
        with sessions.begin() as session:
            standings.register(session, [job], [], now=BEGIN)
            # As if it had been there for long, and everything so far were settled.
            standings.advance(session, job, BEGIN)
        return bench

    return make


def test_due_fire_is_run_once_with_its_effect_and_the_cursor_moves_on(
    make_bench: MakeBench,
) -> None:
    bench = make_bench()

    assert bench.catch_up(BEGIN) == FIRST
    assert bench.runs() == {}
    for _ in range(3):
        assert bench.catch_up(FIRST + timedelta(seconds=2)) == FIRST + DAY

    run = bench.runs()[FIRST]
    assert (run.state, run.attempt, run.outcome_count, run.lease_until) == ("done", 1, 1, None)
    assert bench.effects() == 1
    standing = bench.standing()
    assert (standing.settled_until, standing.due_at) == (FIRST, FIRST + DAY)
    assert standing.last_success_at == FIRST + timedelta(seconds=2)


def test_clock_that_goes_back_runs_nothing_again(make_bench: MakeBench) -> None:
    bench = make_bench()
    bench.catch_up(FIRST)

    bench.catch_up(FIRST - timedelta(hours=1))
    bench.catch_up(FIRST + timedelta(seconds=1))

    assert (bench.states(), bench.effects()) == (["done"], 1)


def test_after_an_outage_only_the_latest_is_run_and_the_others_say_why(
    make_bench: MakeBench,
) -> None:
    bench = make_bench()

    bench.catch_up(FIRST + 3 * DAY + timedelta(hours=2))

    runs = bench.runs()
    assert bench.states() == ["skipped", "skipped", "skipped", "done"]
    assert {runs[FIRST + n * DAY].skip_reason for n in range(3)} == {SUPERSEDED}
    assert bench.effects() == 1


def test_after_an_outage_each_is_run_as_of_its_own_time(make_bench: MakeBench) -> None:
    bench = make_bench(CatchUp.EVERY)

    bench.catch_up(FIRST + 2 * DAY)

    assert bench.states() == ["done", "done", "done"]
    with bench.sessions() as session:
        worked_at = session.scalars(
            sa.select(BackgroundJob.created_at).order_by(BackgroundJob.created_at)
        ).all()
    assert worked_at == [FIRST, FIRST + DAY, FIRST + 2 * DAY]


def test_forty_days_away_are_skipped_with_a_reason_and_not_forty_runs(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(CatchUp.EVERY, grace=timedelta(hours=6))

    bench.catch_up(FIRST + 40 * DAY + timedelta(hours=7))

    assert {one.skip_reason for one in bench.runs().values()} == {TOO_OLD}
    assert (len(bench.runs()), bench.effects()) == (41, 0)
    assert bench.standing().settled_until == FIRST + 40 * DAY


def test_more_than_one_tick_looks_at_are_settled_in_the_next(
    make_bench: MakeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "FIRES_AT_ONCE", 3)
    bench = make_bench()

    for _ in range(3):
        bench.catch_up(FIRST + 7 * DAY)

    assert bench.states() == ["skipped"] * 7 + ["done"]


def test_job_that_is_never_made_up_for_is_run_on_time_only(make_bench: MakeBench) -> None:
    bench = make_bench(CatchUp.SKIP)

    bench.catch_up(FIRST + timedelta(seconds=30))
    bench.catch_up(FIRST + DAY + timedelta(minutes=5))

    assert bench.states() == ["done", "skipped"]
    assert bench.runs()[FIRST + DAY].skip_reason == MISSED


def test_fire_of_a_dead_process_is_taken_over_when_its_lease_is_over(
    make_bench: MakeBench,
) -> None:
    bench = make_bench()
    assert bench.take(FIRST, lease=timedelta(minutes=1))

    bench.catch_up(FIRST)
    assert (bench.states(), bench.effects()) == (["claimed"], 0)
    assert bench.standing().settled_until == BEGIN

    with bench.sessions.begin() as session:
        over = datetime(2020, 1, 1, tzinfo=UTC)
        session.execute(sa.update(JobRun).values(lease_until=over))
    bench.catch_up(FIRST + timedelta(seconds=5))

    assert (bench.runs()[FIRST].attempt, bench.effects()) == (2, 1)


def test_fire_of_a_dead_process_that_has_become_too_old_is_skipped(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(grace=timedelta(hours=1))
    bench.take(FIRST, lease=timedelta(seconds=-1))

    bench.catch_up(FIRST + timedelta(hours=2))

    assert bench.runs()[FIRST].skip_reason == TOO_OLD


def test_fire_waits_while_the_one_before_is_held_even_if_it_will_be_skipped(
    make_bench: MakeBench,
) -> None:
    bench = make_bench()
    bench.take(FIRST, lease=timedelta(minutes=1))

    bench.catch_up(FIRST + DAY)
    assert (bench.states(), bench.effects()) == (["claimed"], 0)

    with bench.sessions.begin() as session:
        session.execute(sa.update(JobRun).values(lease_until=datetime(2020, 1, 1, tzinfo=UTC)))
    bench.catch_up(FIRST + DAY)
    assert (bench.states(), bench.effects()) == (["skipped", "done"], 1)


def test_late_finisher_is_fenced_and_leaves_no_effect(make_bench: MakeBench) -> None:
    bench = make_bench()
    slow = bench.take(FIRST, lease=timedelta(seconds=-1))
    assert slow is not None

    bench.catch_up(FIRST)
    with bench.sessions() as session:
        note(session, now=BEGIN)
        with pytest.raises(Fenced):
            claims.complete(session, slow, count=1, now=BEGIN)

    assert (bench.states(), bench.effects()) == (["done"], 1)


def test_paused_run_that_was_taken_over_is_rolled_back_by_the_runner(
    make_bench: MakeBench,
) -> None:
    bench = make_bench()

    def run(session: Session, *, now: datetime) -> int:
        if bench.effects() == 0:
            # While this process is paused, another one takes the fire and does the work.
            bench.job = fast
            with bench.sessions.begin() as other:
                other.execute(
                    sa.update(JobRun).values(lease_until=datetime(2020, 1, 1, tzinfo=UTC))
                )
            bench.catch_up(FIRST)
        return note(session, now=now)

    fast, bench.job = bench.job, Job("daily", daily(9), 10 * DAY, run)

    bench.catch_up(FIRST)

    assert (bench.runs()[FIRST].attempt, bench.effects()) == (2, 1)


def test_failing_job_is_tried_again_and_then_shown_as_failed(make_bench: MakeBench) -> None:
    def run(session: Session, *, now: datetime) -> int:
        note(session, now=now)
        raise KeyError("13800000001")

    bench = make_bench(run=run)
    for attempt in range(1, FAILURES_MAX + 1):
        bench.catch_up(FIRST + timedelta(minutes=attempt))
        # Between two attempts it waits; nobody takes it meanwhile.
        bench.catch_up(FIRST + timedelta(minutes=attempt))
        assert bench.runs()[FIRST].attempt == attempt
        with bench.sessions.begin() as session:
            session.execute(
                sa.update(JobRun)
                .where(JobRun.state == JobRunState.CLAIMED)
                .values(lease_until=datetime(2020, 1, 1, tzinfo=UTC))
            )

    run_row = bench.runs()[FIRST]
    assert (run_row.state, bench.effects()) == ("failed", 0)
    assert (run_row.error or "").startswith("KeyError (tests/jobs/test_runner.py:")
    standing = bench.standing()
    assert (standing.failures, standing.settled_until) == (FAILURES_MAX, FIRST)


def test_run_that_ends_its_process_every_time_is_given_up(make_bench: MakeBench) -> None:
    bench = make_bench()
    for _ in range(INTERRUPTIONS_MAX):
        bench.take(FIRST, lease=timedelta(seconds=-1))

    bench.catch_up(FIRST)

    assert (bench.states(), bench.effects()) == (["failed"], 0)


def test_run_that_was_only_interrupted_is_done_in_the_end(make_bench: MakeBench) -> None:
    bench = make_bench()
    for _ in range(INTERRUPTIONS_MAX - 1):
        bench.take(FIRST, lease=timedelta(seconds=-1))

    bench.catch_up(FIRST)

    assert (bench.states(), bench.effects()) == (["done"], 1)


def test_interruptions_do_not_use_up_the_attempts_of_an_error(make_bench: MakeBench) -> None:
    def run(session: Session, *, now: datetime) -> int:
        raise KeyError

    bench = make_bench(run=run)
    for _ in range(FAILURES_MAX):
        bench.take(FIRST, lease=timedelta(seconds=-1))

    bench.catch_up(FIRST)

    assert (bench.states(), bench.runs()[FIRST].failures) == (["claimed"], 1)


def test_settled_run_is_never_changed_whatever_the_code_does(make_bench: MakeBench) -> None:
    bench = make_bench()
    bench.catch_up(FIRST)

    with pytest.raises(DBAPIError, match="append-only"), bench.sessions.begin() as session:
        session.execute(sa.update(JobRun).values(outcome_count=2))


def test_run_by_hand_does_not_meet_the_calendar(make_bench: MakeBench) -> None:
    bench = make_bench()

    assert runner.run_manually(bench.sessions, bench.job, now=BEGIN, clock=lambda: FIRST)
    bench.catch_up(FIRST)

    kinds = sorted(one.kind for one in bench.runs().values())
    assert (kinds, bench.states(), bench.effects()) == (["manual", "scheduled"], ["done"] * 2, 2)


def test_first_start_looks_back_over_the_grace(sessions: sessionmaker[Session]) -> None:
    job = Job("daily", daily(9), timedelta(hours=30), note)
    with sessions.begin() as session:
        standings.register(session, [job], [], now=FIRST + timedelta(hours=2))
    bench = Bench(sessions, job)

    bench.catch_up(FIRST + timedelta(hours=2))

    assert (bench.states(), bench.effects()) == (["skipped", "done"], 1)


def test_job_that_is_no_more_has_no_standing(make_bench: MakeBench) -> None:
    bench = make_bench()

    with bench.sessions.begin() as session:
        standings.register(session, [], [], now=BEGIN)

    with bench.sessions() as session:
        assert session.scalars(sa.select(JobStanding)).all() == []
