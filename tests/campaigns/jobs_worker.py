"""One jobs process of the campaign: the product's own ticker, with a calendar of seconds."""

import os
import random
import signal
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.config import Settings
from core.db import UtcDateTime, make_engine, make_sessions
from jobs.__main__ import work
from jobs.calendar import Calendar
from jobs.definitions import CatchUp, Job, Run

LEASE = timedelta(seconds=3)
LONG = timedelta(hours=1)
SHORT = timedelta(seconds=4)
EFFECTS = sa.Table(
    "campaign_effect", sa.MetaData(), sa.Column("job", sa.Text), sa.Column("at", UtcDateTime)
)


def busy_files(directory: Path, process_id: int) -> list[Path]:
    """Files that are there while a process is in the middle of a run: when a fault hurts most."""
    return list(directory.glob(f"busy-{process_id}-*"))


def _effect_of(name: str, directory: Path) -> Run:
    busy = directory / f"busy-{os.getpid()}-{name}"

    def run(session: Session, /, *, now: datetime) -> int:
        """Nothing but the fence keeps this from being written twice."""
        busy.touch()
        # Before the transaction begins, where a pause lets another process take the fire over.
        time.sleep(random.uniform(0, 0.4))
        session.execute(EFFECTS.insert().values(job=name, at=now))
        # And within it, where SQLite lets nobody else write.
        time.sleep(random.uniform(0, 0.05))
        busy.unlink(missing_ok=True)
        return 1

    return run


def make_jobs(directory: Path) -> list[Job]:
    """Two that are made up for in full, one soon too old, one of which only the latest counts."""
    second = Calendar("每秒", second="*")
    kinds = {
        "campaign-one": (second, LONG, CatchUp.EVERY),
        "campaign-two": (second, LONG, CatchUp.EVERY),
        "campaign-aging": (Calendar("每 3 秒", second="*/3"), SHORT, CatchUp.EVERY),
        "campaign-latest": (Calendar("每 3 秒", second="*/3"), LONG, CatchUp.LATEST),
    }
    return [
        Job(name, calendar, grace, _effect_of(name, directory), catch_up, LEASE)
        for name, (calendar, grace, catch_up) in kinds.items()
    ]


def main() -> None:
    settings = Settings.from_env()
    sessions = make_sessions(make_engine(settings), settings.vault)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    work(sessions, make_jobs(settings.data_dir), (), stop)


if __name__ == "__main__":
    main()
