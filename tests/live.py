"""A real HTTP server in processes of its own, as a deployment runs it."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.engines import ROOT, environment

START_SECONDS_MAX = 60


@contextmanager
def serve(database_url: str, directory: Path, *, workers: int = 2) -> Iterator[str]:
    """Serve the product on a free loopback port until the block ends; yields the base URL."""
    with started(database_url, directory, workers=workers) as (base_url, _):
        yield base_url


@contextmanager
def started(
    database_url: str, directory: Path, *, workers: int = 2, told: Mapping[str, str] | None = None
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Serve as `serve` does; yields the server's process as well.

    Args:
        told: environment variables beyond those that every server of the tests gets.
    """
    log = directory / "server.log"
    # The port is taken here and handed over open, so nobody can take it in between.
    with socket.create_server(("127.0.0.1", 0)) as listener, log.open("w") as output:
        port = listener.getsockname()[1]
        process = subprocess.Popen(
            [
                sys.executable, "-m", "gunicorn",
                "--bind", f"fd://{listener.fileno()}", "--workers", str(workers),
            ],
            cwd=ROOT, stdout=output, stderr=output, pass_fds=[listener.fileno()],
            env=_server_environment(database_url, directory) | dict(told or {}),
        )  # fmt: skip
    try:
        base_url = f"http://127.0.0.1:{port}"
        _wait_until_it_answers(base_url, process, log)
        yield base_url, process
    finally:
        process.terminate()
        process.wait(timeout=START_SECONDS_MAX)


@contextmanager
def work(database_url: str, directory: Path) -> Iterator[None]:
    """Run the jobs process beside a server until the block ends."""
    with (directory / "jobs.log").open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "jobs"],
            cwd=ROOT, stdout=output, stderr=output,
            env=_server_environment(database_url, directory),
        )  # fmt: skip
        try:
            yield
        finally:
            process.terminate()
            process.wait(timeout=START_SECONDS_MAX)


def run_flask(*arguments: str, database_url: str, directory: Path) -> None:
    """Run one of the product's commands in a process of its own; it must succeed."""
    subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", *arguments],
        cwd=ROOT,
        env=_server_environment(database_url, directory),
        check=True,
    )


def _server_environment(database_url: str, directory: Path) -> dict[str, str]:
    """Ours, without what a developer has set for a server of his own."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PARTY_POINTS_")}
    return inherited | environment(database_url, directory)


def _wait_until_it_answers(base_url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """The port is open from the start, so only an answer shows that a worker is there."""
    deadline = time.monotonic() + START_SECONDS_MAX
    while process.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(base_url, timeout=5).close()
        except urllib.error.HTTPError as answer:
            answer.close()
        except OSError:
            time.sleep(0.05)
            continue
        return
    raise RuntimeError(f"the server did not start:\n{log.read_text()}")
