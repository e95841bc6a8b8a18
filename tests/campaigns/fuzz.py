"""`make fuzz N=100000`: generated requests, each put to both engines, by six roles.

What is generated, and what an answer is held against, stands in tests/fuzzing/schemathesis.toml.
Each request is undone, so that the next one finds on both engines what this one has found, and so
that what fails can be sent again by itself: an operation's requests depend on the seed only.
"""

import argparse
import logging
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path

import structlog

from tests.engines import ENGINE_KINDS, Databases, create_run_directory, remove_run_directory
from tests.fuzzing.reaches import NEVER_REACHED
from tests.fuzzing.runs import Run
from tests.fuzzing.twins import twins
from tests.fuzzing.verdicts import GOALS, Tally

# After how many operations it is said how far it has come.
PROGRESS = 20
_runs: list[Run] = []
_open = ExitStack()


def campaign(directory: Path, requests: int, seed: int, processes: int) -> Tally:
    """Try every operation with its share of the requests; what fails is told at once."""
    tally = Tally()
    given = {"mp_context": get_context("spawn"), "initializer": _begin}
    with ProcessPoolExecutor(processes, initargs=(directory, seed), **given) as pool:
        names = pool.submit(_names).result()
        # The first operations of a list take one more each, so that the sum is what was asked.
        shares = [requests // len(names) + (n < requests % len(names)) for n in range(len(names))]
        tasks = [pool.submit(_try, *one) for one in zip(names, shares, strict=True)]
        for number, task in enumerate(as_completed(tasks), 1):
            for line in _told(task.result()):
                _say(line)
            tally.add(task.result())
            if number % PROGRESS == 0:
                _say(f"{number} of {len(tasks)} operations, {tally.requests} requests")
    return tally


def _begin(directory: Path, seed: int) -> None:
    """What each process needs: the district on both engines, in databases of its own."""
    # A hundred thousand lines about requests would say nothing that the report does not say.
    quiet = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=quiet)
    databases = Databases(directory, f"fuzz{os.getpid()}")
    _runs.append(Run(_open.enter_context(twins(databases)), seed))


def _names() -> list[str]:
    return _runs[0].names


def _try(name: str, requests: int) -> Tally:
    return _runs[0].try_out(name, requests)


def report(tally: Tally) -> Iterator[str]:
    """The counts, line by line."""
    statuses = sorted({status for _, status in tally.by_engine})
    yield "requests, each put to both engines: " + str(tally.requests)
    for kind in ENGINE_KINDS:
        counts = (f"{status}: {tally.by_engine[kind, status]}" for status in statuses)
        yield f"{kind:>12}  {'  '.join(counts)}"
    for name, counted in sorted(tally.by_operation.items()):
        counts = (f"{status}: {count}" for status, count in sorted(counted.items()))
        yield f"{name:>40}  {'  '.join(counts)}"
    for kind, count in tally.kinds().items():
        yield f"{count:>8}  {GOALS.get(kind, kind)}"
    missed = tally.never_reached() - NEVER_REACHED.keys()
    yield f"{len(missed):>8}  operations without 2xx and without a reason: {', '.join(missed)}"


def _told(tally: Tally) -> Iterator[str]:
    for fault, count in tally.faults.items():
        yield f"\n{count} x {GOALS.get(fault.kind, fault.kind)} of {fault.operation}\n{fault.told}"


def _say(line: str) -> None:
    # What was sent may hold a lone surrogate, which no terminal can show.
    sys.stdout.buffer.write((line + "\n").encode("utf-8", "backslashreplace"))
    sys.stdout.buffer.flush()


def main() -> int:
    """Run the campaign on databases of its own and print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    given = parser.parse_args()
    _say(f"seed {given.seed}")
    directory, began = create_run_directory(), time.monotonic()
    try:
        tally = campaign(directory, given.requests, given.seed, given.processes)
    finally:
        remove_run_directory(directory)
    for line in report(tally):
        _say(line)
    _say(f"{int(time.monotonic() - began):>8}  seconds, seed {given.seed}")
    is_missing = given.requests >= 50_000 and tally.never_reached() - NEVER_REACHED.keys()
    return 1 if tally.faults or is_missing else 0


if __name__ == "__main__":
    sys.exit(main())
