"""Running what is due: each fire once, in order, whatever number of processes try (I6)."""

import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy.orm import Session, sessionmaker

from core.attribution import KEY, by_job
from core.db import unit_of_work
from core.job_records import JobRun, JobRunKind, JobRunState
from jobs import claims, standings
from jobs.claims import Claim, Fenced
from jobs.definitions import Job, Loop, Sweep, settled_prefix, skip_reason

log = structlog.get_logger(__name__)

Sessions = sessionmaker[Session]
Clock = Callable[[], datetime]

# What one tick looks at; a minutely job that was away for a month is caught up in two minutes.
FIRES_AT_ONCE = 500
_ROOT = Path(__file__).resolve().parents[1]
_GIVEN_UP = "多次中断，没有完成"


class Watch:
    """One process's look at one job. Between two fires a tick asks the database nothing."""

    def __init__(self, sessions: Sessions, job: Job, clock: Clock) -> None:
        self._sessions = sessions
        self._job = job
        self._clock = clock
        self._next = datetime.min.replace(tzinfo=UTC)

    def tick(self) -> None:
        """Settle what is due: run it, skip it, or leave it to the process that holds it."""
        now = self._clock()
        if now < self._next:
            return
        try:
            self._next = catch_up(self._sessions, self._job, self._clock)
        except Exception as error:  # the database may be away; the next tick tries again
            log.error("job.tick_failed", job=self._job.name, error=describe(error))


def catch_up(sessions: Sessions, job: Job, clock: Clock) -> datetime:
    """Settle a job's due fires as far as possible now; returns when to look again.

    Fires are run in order and one at a time: behind one that another process holds, or that
    waits to be tried again, the later ones wait too.
    """
    now = clock()
    sessions = of_job(sessions, job.name)
    with sessions() as session, unit_of_work(session):
        after = standings.settled_until(session, job)
        due = job.calendar.fires(after, now, limit=FIRES_AT_ONCE + 1)
        if not due:
            return job.calendar.next_after(after)
        newest = due[-1] if len(due) <= FIRES_AT_ONCE else None
        due = due[:FIRES_AT_ONCE]
        states = claims.find_states(session, job.name, after=after, until=due[-1])
        open_fires = [one for one in due if states.get(one, JobRunState.CLAIMED) == "claimed"]
        reasons = {one: skip_reason(job, one, newest=newest, now=now) for one in open_fires}
        skipped = {one: reason for one, reason in reasons.items() if reason is not None}
        recorded = claims.skip(session, job.name, skipped, now=now)
        if recorded:
            log.warning("job.skipped", job=job.name, fires=len(recorded))
    for fire_at in open_fires:
        if fire_at in recorded:
            continue
        # One that is to be skipped but was not is still held by somebody.
        if fire_at in skipped or not _run_fire(sessions, job, fire_at, clock):
            break
    return _advance(sessions, job, due, after)


def run_manually(sessions: Sessions, work: Job | Sweep, *, now: datetime, clock: Clock) -> JobRun:
    """Run something because a person wants it, beside its calendar; returns the run as it ended.

    Args:
        now: the time that the run works with.
    """
    at = clock()
    sessions = of_job(sessions, work.name)
    # Fires of a calendar fall on whole seconds; a run by hand never does, so the two cannot meet.
    at = at.replace(microsecond=at.microsecond or 1)
    with sessions() as session, unit_of_work(session):
        held = claims.claim(session, work.name, at, lease=work.lease, kind=JobRunKind.MANUAL)
    if held is not None:
        _perform(sessions, work, held, clock, works_at=now)
    with sessions() as session:
        return session.get_one(JobRun, (work.name, at))


def sweep(
    sessions: Sessions, one: Sweep | Loop, clock: Clock, last_beat: datetime | None
) -> datetime | None:
    """Do a sweep's work; returns when it was last noted that the sweep is well."""
    sessions = of_job(sessions, one.name)
    try:
        done, now = (one.turn(), clock()) if isinstance(one, Loop) else (0, clock())
        with sessions() as session, unit_of_work(session):
            if isinstance(one, Sweep):
                done = one.run(session, now=now)
            if last_beat is None or now - last_beat >= standings.BEAT:
                due_at = now + max(standings.BEAT, timedelta(seconds=one.every_seconds))
                standings.note_success(session, one.name, now=now, due_at=due_at)
                last_beat = now
        if done:
            log.info("sweep.done", sweep=one.name, count=done)
        return last_beat
    except Exception as error:  # the next tick tries again
        log.error("sweep.failed", sweep=one.name, error=describe(error))
        _note_failure(sessions, one.name, describe(error), clock)
        return None


def of_job(sessions: Sessions, name: str) -> Sessions:
    """The same sessions, on the account of a job."""
    given = sessions.kw | {"info": sessions.kw.get("info", {}) | {KEY: by_job(name)}}
    return sessionmaker(**given)


def describe(error: Exception) -> str:
    """The class of an error and where in our code it came from; its words may name people."""
    frames = [(Path(one.filename), one.lineno) for one in traceback.extract_tb(error.__traceback__)]
    # An environment below our own folder holds the libraries.
    own = [
        f" ({file.relative_to(_ROOT)}:{line})"
        for file, line in frames
        if file.is_relative_to(_ROOT) and "site-packages" not in file.parts
    ]
    return f"{type(error).__name__}{''.join(own[-1:])}"[:200]


def _run_fire(sessions: Sessions, job: Job, fire_at: datetime, clock: Clock) -> bool:
    """Claim a fire and run it; False while it is not settled, here or elsewhere."""
    with sessions() as session, unit_of_work(session):
        held = claims.claim(session, job.name, fire_at, lease=job.lease)
    if held is None:
        return False
    if held.is_hopeless:
        return _give_way(sessions, held, _GIVEN_UP, clock)
    return _perform(sessions, job, held, clock, works_at=job.time_of(fire_at, clock()))


def _perform(
    sessions: Sessions, job: Job | Sweep, held: Claim, clock: Clock, *, works_at: datetime
) -> bool:
    """The effects of a run and its completion, in one transaction."""
    try:
        with sessions() as session, unit_of_work(session):
            count = job.run(session, now=works_at)
            claims.complete(session, held, count=count, now=clock())
            standings.note_success(session, job.name, now=clock())
    except Fenced:
        log.warning("job.fenced", job=job.name, fire_at=str(held.fire_at), attempt=held.attempt)
        return False
    except Exception as error:  # a defect in one job must not stop the others
        log.error("job.failed", job=job.name, attempt=held.attempt, error=describe(error))
        return _give_way(sessions, held, describe(error), clock)
    log.info("job.done", job=job.name, fire_at=str(held.fire_at), count=count)
    return True


def _give_way(sessions: Sessions, held: Claim, error: str, clock: Clock) -> bool:
    """Note a failure; True when the run has failed for good."""
    try:
        with sessions() as session, unit_of_work(session):
            is_over = claims.fail(session, held, error=error, now=clock())
            standings.note_failure(session, held.job, error=error, now=clock())
    except Fenced:
        return False
    return is_over


def _note_failure(sessions: Sessions, name: str, error: str, clock: Clock) -> None:
    try:
        with sessions() as session, unit_of_work(session):
            standings.note_failure(session, name, error=error, now=clock())
    except Exception as second:  # the database is away: that nothing is written shows as late
        log.error("sweep.unnoted", sweep=name, error=describe(second))


def _advance(sessions: Sessions, job: Job, due: list[datetime], after: datetime) -> datetime:
    with sessions() as session, unit_of_work(session):
        states = claims.find_states(session, job.name, after=after, until=due[-1])
        ended = {fire_at for fire_at, state in states.items() if state != JobRunState.CLAIMED}
        reached = settled_prefix(due, ended)
        if reached is not None:
            standings.advance(session, job, reached)
    return job.calendar.next_after(reached or after)
