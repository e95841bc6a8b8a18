"""`make reload`: does a graceful reload under load lose a request?

Clients ask without pause, half of them over connections that they keep, while the server is told
to reload. Every request must be answered: one that is refused, reset or answered by an error is
a failure.
"""

import argparse
import http.client
import json
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from tests.engines import migrate
from tests.live import started

PATH = "/api/v1/readyz"
CLIENTS = 4
WORKERS = 2
WAIT_SECONDS_MAX = 300


@dataclass
class Report:
    """What became of the requests, and by how many worker processes they were answered."""

    reloads: int = 0
    answers: Counter[str] = field(default_factory=Counter)

    @property
    def failed(self) -> int:
        """How many were not answered with 200."""
        return self.answers.total() - self.answers["200"]


def run(
    base_url: str, server: subprocess.Popen[bytes], log: Path, *, requests: int, reloads: int
) -> Report:
    """Reload the server again and again until the clients have asked often enough."""
    report, lock = Report(), threading.Lock()
    share = requests // reloads
    with _clients(base_url, report, lock):
        for number in range(1, reloads + 1):
            _wait(lambda: report.answers.total() >= share * number)  # noqa: B023 - waited for here
            before = _boots(log)
            server.send_signal(signal.SIGHUP)
            _wait(lambda: _boots(log) >= before + WORKERS)  # noqa: B023 - waited for here
            # While the new workers start, requests wait in the open port. The next reload comes
            # when these are answered.
            answered = report.answers.total()
            _wait(lambda: report.answers.total() >= answered + 2 * CLIENTS)  # noqa: B023
            report.reloads += 1
        _wait(lambda: report.answers.total() >= requests)
    return report


@contextmanager
def _clients(base_url: str, report: Report, lock: threading.Lock) -> Iterator[None]:
    stop = threading.Event()
    threads = [
        threading.Thread(target=_ask, args=(base_url, bool(n % 2), stop, report, lock))
        for n in range(CLIENTS)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _ask(
    base_url: str, keeps: bool, stop: threading.Event, report: Report, lock: threading.Lock
) -> None:
    address = urlsplit(base_url)
    connection: http.client.HTTPConnection | None = None
    while not stop.is_set():
        connection = connection or http.client.HTTPConnection(address.hostname, address.port)
        try:
            connection.request("GET", PATH)
            answer = connection.getresponse()
            answer.read()
            outcome, ends = str(answer.status), answer.will_close or not keeps
        except (OSError, http.client.HTTPException) as error:
            outcome, ends = type(error).__name__, True
        if ends:
            connection.close()
            connection = None
        with lock:
            report.answers[outcome] += 1
    if connection is not None:
        connection.close()


def _boots(log: Path) -> int:
    return log.read_text().count("Booting worker")


def _wait(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while not until():
        if time.monotonic() > deadline:
            raise AssertionError("the server does not get there")
        time.sleep(0.05)


def main() -> int:
    """Run the campaign on a database of its own and print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--reloads", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        folder, url = Path(directory), f"sqlite:///{directory}/points.db"
        migrate(url)
        with started(url, folder, workers=WORKERS) as (base_url, server):
            report = run(
                base_url, server, folder / "server.log",
                requests=given.requests, reloads=given.reloads,
            )  # fmt: skip
    told = {"reloads": report.reloads, "failed": report.failed, "answers": report.answers}
    sys.stdout.write(json.dumps(told) + "\n")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
