"""The jobs process: `python -m jobs`. Any number may run; none runs inside the API."""

import logging
import signal
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy.orm import Session, sessionmaker

import activities.models  # noqa: F401 - an undo asks every table whether it refers to a member
from core import logs, selfcheck
from core.clock import utc_now
from core.config import Settings
from core.db import make_engine, make_sessions, unit_of_work
from core.files import open_store
from jobs import photo_files, runner, standings
from jobs.definitions import Job, Loop, Sweep
from jobs.outside import dispatch, make_outside
from jobs.requested import run_next
from jobs.runner import Watch, of_job
from jobs.schedule import JOBS, REQUESTED, SWEEPS

log = structlog.get_logger(__name__)

# What to do, and after how many seconds again.
Tick = tuple[Callable[[], None], int]

TICK_SECONDS = 1


def main() -> None:
    """Tick until told to stop; what is under way is finished first."""
    settings = Settings.from_env()
    logs.configure(least=logging.WARNING if settings.demo else logging.INFO)
    engine = make_engine(settings)
    selfcheck.require_fit(settings, engine, is_debug=False, clock=utc_now)
    sessions = of_job(make_sessions(engine, settings.vault), "jobs")
    # A tick that is late needs no explanation every second.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    outside = make_outside(settings.channels, clock=utc_now)
    delivering = Loop("deliver-outside", 5, partial(dispatch, sessions, outside, clock=utc_now))
    requested = (lambda: _requested(sessions), TICK_SECONDS)
    store = open_store(settings.data_dir, settings.files_s3)
    removing = Loop("remove-photo-files", 600, partial(photo_files.discard, sessions, store))
    work(sessions, JOBS, [*SWEEPS, delivering, removing], stop, [requested])


def work(
    sessions: sessionmaker[Session],
    jobs: Sequence[Job],
    sweeps: Sequence[Sweep | Loop],
    stop: threading.Event,
    others: Sequence[Tick] = (),
) -> None:
    """Register what there is to do, and do it until the event is set.

    Args:
        others: what is looked for beside jobs and sweeps, and keeps transactions of its own.
    """
    while not stop.is_set() and not _register(sessions, jobs, sweeps):
        stop.wait(TICK_SECONDS)
    ticks = [*make_ticks(sessions, jobs, sweeps), *others]
    scheduler = make_scheduler(ticks, now=utc_now())
    scheduler.start()
    log.info("jobs.started", jobs=[job.name for job in jobs], sweeps=[one.name for one in sweeps])
    stop.wait()
    scheduler.shutdown(wait=True)


def make_ticks(
    sessions: sessionmaker[Session], jobs: Sequence[Job], sweeps: Sequence[Sweep | Loop]
) -> list[Tick]:
    """What a process looks at, and how often."""
    ticks: list[Tick] = [(Watch(sessions, job, utc_now).tick, TICK_SECONDS) for job in jobs]
    return ticks + [(_Sweeping(sessions, one).tick, one.every_seconds) for one in sweeps]


def make_scheduler(ticks: Sequence[Tick], *, now: datetime) -> BackgroundScheduler:
    """The ticker, not yet started. It keeps nothing: what is due is said by the database."""
    scheduler = BackgroundScheduler(
        timezone="Asia/Shanghai",
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    for tick, seconds in ticks:
        # By itself an interval begins with a wait: a process that is restarted every half hour
        # would never reach an hourly sweep.
        scheduler.add_job(tick, "interval", seconds=seconds, next_run_time=now)
    return scheduler


class _Sweeping:
    """One process's look at one sweep: it remembers when it last noted that all is well."""

    def __init__(self, sessions: sessionmaker[Session], sweep: Sweep | Loop) -> None:
        self._sessions = sessions
        self._sweep = sweep
        self._last_beat: datetime | None = None

    def tick(self) -> None:
        self._last_beat = runner.sweep(self._sessions, self._sweep, utc_now, self._last_beat)


def _register(
    sessions: sessionmaker[Session], jobs: Sequence[Job], sweeps: Sequence[Sweep | Loop]
) -> bool:
    try:
        with sessions() as session, unit_of_work(session):
            standings.register(session, jobs, sweeps, now=utc_now())
    except Exception as error:  # the database is not there yet
        log.error("jobs.not_registered", error=runner.describe(error))
        return False
    return True


def _requested(sessions: sessionmaker[Session]) -> None:
    while run_next(sessions, REQUESTED, utc_now):
        pass


if __name__ == "__main__":
    main()
