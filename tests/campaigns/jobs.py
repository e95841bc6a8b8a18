"""`make jobs N=1000`: two jobs processes under kills, pauses, outages and database restarts.

Then the calendar is compared with `job_run` and with the effects: nothing missing, nothing double.
"""

import argparse
import collections
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from core.attribution import KEY, by_this_program
from core.clock import utc_now
from core.job_records import JobRun, JobStanding
from core.scope import SYSTEM
from jobs import standings
from jobs.definitions import TOO_OLD, CatchUp, Job
from tests.campaigns.jobs_worker import EFFECTS, LEASE, busy_files, make_jobs
from tests.engines import (
    ROOT,
    Databases,
    create_run_directory,
    environment,
    owner_url,
    remove_run_directory,
)

ENGINES = ("postgresql", "sqlite")
SETTLED_WITHIN_SECONDS = 180


class Processes:
    """Two worker processes, and everything that is done to them."""

    def __init__(self, url: str, directory: Path) -> None:
        self._directory = directory
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("PARTY_POINTS_")}
        self._environment = inherited | environment(url, directory)
        self._running: list[subprocess.Popen[bytes]] = []
        self.start()

    def start(self) -> None:
        """Bring them up to two, and wait until they tick: a fault before that hurts nobody."""
        while len(self._running) < 2:
            self._running.append(self._start())
        for process in self._running:
            while "jobs.started" not in self._log_of(process).read_text():
                time.sleep(0.05)

    def kill(self) -> None:
        """End one as a power cut would; another takes its place."""
        self._end(self._victim())
        self.start()

    def pause(self) -> None:
        """Stop one for longer than its lease: it does not know that time has passed."""
        process = self._victim()
        process.send_signal(signal.SIGSTOP)
        time.sleep(LEASE.total_seconds() + random.uniform(1, 3))
        process.send_signal(signal.SIGCONT)

    def outage(self) -> None:
        """Nobody is there for a while."""
        for process in list(self._running):
            self._end(process)
        time.sleep(random.uniform(5, 10))
        self.start()

    def stop(self) -> None:
        for process in self._running:
            process.terminate()
        for process in self._running:
            process.wait(timeout=60)

    def count_said(self, words: str) -> int:
        """How often the processes have said something."""
        logs = self._directory.glob("worker-*.log")
        return sum(log.read_text().count(words) for log in logs)

    def _start(self) -> "subprocess.Popen[bytes]":
        with tempfile.NamedTemporaryFile(dir=self._directory, delete=False) as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.campaigns.jobs_worker"],
                cwd=ROOT, env=self._environment, stdout=output, stderr=output,
            )  # fmt: skip
        Path(output.name).rename(self._log_of(process))
        return process

    def _log_of(self, process: "subprocess.Popen[bytes]") -> Path:
        return self._directory / f"worker-{process.pid}.log"

    def _victim(self) -> "subprocess.Popen[bytes]":
        """One that is in the middle of a run; either, if none comes to it for seconds."""
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            for process in random.sample(self._running, 2):
                if busy_files(self._directory, process.pid):
                    return process
            time.sleep(0.01)
        return random.choice(self._running)

    def _end(self, process: "subprocess.Popen[bytes]") -> None:
        process.kill()
        process.wait()
        self._running.remove(process)
        for file in busy_files(self._directory, process.pid):
            file.unlink()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=ENGINES, default="postgresql")
    parser.add_argument("--fires", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    random.seed(given.seed)
    directory = create_run_directory()
    databases = Databases(directory, "campaign")
    try:
        with databases.fresh_url(given.engine) as url:
            report = campaign(databases, url, directory, given.engine, given.fires)
    finally:
        databases.dispose()
        remove_run_directory(directory)
    report["seed"] = given.seed
    for name, value in report.items():
        print(f"{name:>24}  {value}")  # noqa: T201 - its report is what it is run for
    return 1 if report["missing"] or report["double"] or report["wrongly skipped"] else 0


def campaign(
    databases: Databases, url: str, directory: Path, engine_kind: str, fires: int
) -> dict[str, Any]:
    """Run until so many fires were due, then see what has become of each."""
    owner = sa.create_engine(owner_url(url))
    EFFECTS.create(owner)
    owner.dispose()
    jobs = make_jobs(directory)
    engine = sa.create_engine(url, pool_pre_ping=True)
    begin = utc_now()
    with sa.orm.Session(engine, info={KEY: by_this_program()} | SYSTEM) as session:
        standings.register(session, jobs, (), now=begin)
        for job in jobs:
            standings.advance(session, job, begin)
        session.commit()
    processes = Processes(url, directory)
    done: collections.Counter[str] = collections.Counter()
    try:
        end = begin + timedelta(seconds=fires / _fires_a_second(jobs))
        plan = _plan(fires, restarts=engine_kind == "postgresql")
        for number, fault in enumerate(plan):
            _wait_until(begin + (end - begin) * (number + 1) / (len(plan) + 2))
            _inflict(fault, processes, databases)
            done[fault] += 1
        # On a slow machine the faults take longer than the fires.
        until = max(end, utc_now())
        _wait_until(until)
        settled = _wait_until_settled(engine, until)
    finally:
        processes.stop()
    report = check(engine, jobs, begin, until) | {f"faults: {k}": v for k, v in done.items()}
    report["fenced"] = processes.count_said("job.fenced")
    report["settled after"] = f"{settled:.1f} s"
    engine.dispose()
    return report


def check(engine: sa.Engine, jobs: list[Job], begin: datetime, until: datetime) -> dict[str, Any]:
    """The calendar against the rows and the effects."""
    found: collections.Counter[str] = collections.Counter()
    with engine.connect() as connection:
        for job in jobs:
            due = set(job.calendar.fires(begin, until, limit=1_000_000))
            rows = connection.execute(sa.select(JobRun).where(JobRun.job == job.name)).all()
            effects = list(
                connection.scalars(sa.select(EFFECTS.c.at).where(EFFECTS.c.job == job.name))
            )
            _compare(job, due, rows, effects, found)
    names = (
        "fires",
        "done",
        "skipped",
        "given up",
        "taken over",
        "missing",
        "double",
        "wrongly skipped",
    )
    return {name: found[name] for name in names}


def _compare(
    job: Job,
    due: set[datetime],
    rows: Any,
    effects: list[datetime],
    found: collections.Counter[str],
) -> None:
    done = {row.fire_at for row in rows if row.state == "done"}
    skipped = {row.fire_at: row for row in rows if row.state == "skipped"}
    found["fires"] += len(due)
    found["done"] += len(done & due)
    found["skipped"] += len(skipped.keys() & due)
    # A run that is given up is written down, and its effect is missing all the same.
    found["given up"] += sum(row.state == "failed" for row in rows)
    found["taken over"] += sum(row.attempt > 1 for row in rows)
    # Neither run nor said why not.
    found["missing"] += len(due - done - skipped.keys())
    if job.catch_up is CatchUp.EVERY:
        # Each effect carries the fire that it stands for.
        found["missing"] += len(done - set(effects))
        found["double"] += len(effects) - len(set(effects)) + len(set(effects) - done)
        found["wrongly skipped"] += sum(
            row.skip_reason != TOO_OLD or row.finished_at - fire_at <= job.grace
            for fire_at, row in skipped.items()
        )
    else:
        found["missing"] += max(len(done) - len(effects), 0)
        found["double"] += max(len(effects) - len(done), 0)


def _fires_a_second(jobs: list[Job]) -> float:
    minute = datetime(2026, 1, 1, tzinfo=UTC)
    after = minute + timedelta(minutes=1)
    return sum(len(job.calendar.fires(minute, after, limit=100)) for job in jobs) / 60


def _plan(fires: int, *, restarts: bool) -> list[str]:
    """A tenth as many kills as fires, half as many pauses, and a few of what hurts everybody."""
    few = max(1, fires * 3 // 1000)
    plan = ["kill"] * (fires // 10) + ["pause"] * (fires // 20) + ["outage"] * few
    plan += ["database restart"] * (few if restarts else 0)
    random.shuffle(plan)
    return plan


def _inflict(fault: str, processes: Processes, databases: Databases) -> None:
    if fault == "kill":
        processes.kill()
    elif fault == "pause":
        processes.pause()
    elif fault == "outage":
        processes.outage()
    else:
        databases.restart_server()


def _wait_until(moment: datetime) -> None:
    time.sleep(max((moment - utc_now()).total_seconds(), 0))


def _wait_until_settled(engine: sa.Engine, until: datetime) -> float:
    """Seconds until every fire up to then has ended; the checker finds what has not."""
    began = time.monotonic()
    reached = sa.select(sa.func.min(JobStanding.due_at))
    while time.monotonic() - began < SETTLED_WITHIN_SECONDS:
        with engine.connect() as connection:
            if connection.scalar(reached) > until:
                break
        time.sleep(0.5)
    return time.monotonic() - began


if __name__ == "__main__":
    sys.exit(main())
