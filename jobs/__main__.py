"""The jobs process: `python -m jobs`. Any number may run; none runs inside the API."""

import logging
import signal
import threading
from collections.abc import Callable
from datetime import datetime

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy.orm import Session, sessionmaker

import activities.models  # noqa: F401 - an undo asks every table whether it refers to a member
from core.clock import utc_now
from core.config import Settings
from core.db import make_engine, make_sessions, unit_of_work
from jobs.outside import Outside, dispatch, make_outside
from jobs.requested import run_next
from jobs.schedule import REQUESTED, SWEEPS, Sweep

log = structlog.get_logger(__name__)


def main() -> None:
    """Tick until told to stop; what is under way is finished first."""
    settings = Settings.from_env()
    sessions = make_sessions(make_engine(settings), settings.vault)
    # A sweep that is late needs no explanation every second.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    scheduler = make_scheduler(sessions, now=utc_now())
    # Not a sweep: it commits between its steps, and holds nothing while a provider is called.
    outside = make_outside(settings.channels, clock=utc_now)
    scheduler.add_job(
        _outside, "interval", seconds=5, args=[sessions, outside], next_run_time=utc_now()
    )
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    scheduler.start()
    log.info("jobs.started", sweeps=[sweep.name for sweep in SWEEPS])
    stop.wait()
    scheduler.shutdown(wait=True)


def make_scheduler(sessions: sessionmaker[Session], *, now: datetime) -> BackgroundScheduler:
    """The ticker with every sweep, not yet started; each runs at once, then at its interval."""
    scheduler = BackgroundScheduler(
        timezone="Asia/Shanghai",
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    for sweep in SWEEPS:
        # By itself an interval begins with a wait: a process that is restarted every half hour
        # would never reach the hourly sweep.
        scheduler.add_job(
            _sweep,
            "interval",
            seconds=sweep.every_seconds,
            args=[sessions, sweep, utc_now],
            next_run_time=now,
        )
    scheduler.add_job(_requested, "interval", seconds=1, args=[sessions], next_run_time=now)
    return scheduler


def _sweep(sessions: sessionmaker[Session], sweep: Sweep, clock: Callable[[], datetime]) -> None:
    try:
        with sessions() as session, unit_of_work(session):
            done = sweep.run(session, clock())
        if done:
            log.info("sweep.done", sweep=sweep.name, count=done)
    except Exception as error:  # the next tick tries again
        log.error("sweep.failed", sweep=sweep.name, error=type(error).__name__)


def _outside(sessions: sessionmaker[Session], outside: Outside) -> None:
    try:
        dispatch(sessions, outside, clock=utc_now)
    except Exception as error:  # the next tick tries again
        log.error("outbox.failed", error=type(error).__name__)


def _requested(sessions: sessionmaker[Session]) -> None:
    while run_next(sessions, REQUESTED, utc_now):
        pass


if __name__ == "__main__":
    main()
