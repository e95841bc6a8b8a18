"""The API server and the jobs process as children; without the server nothing goes on."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 15
POLL_SECONDS = 0.2
HEALTH = "/api/v1/healthz"
# A jobs process that crashes loses nothing: another takes over what it held. One that crashes
# again and again has a reason that somebody must look at.
RESTARTS_MAX = 3
SERVER, JOBS = "接口服务", "后台任务"

Children = dict[str, subprocess.Popen[bytes]]


def serve_until_stopped(
    listener: socket.socket, settings: Mapping[str, str], *, on_ready: Callable[[], None]
) -> str | None:
    """Run both until Ctrl-C or SIGTERM; the name of the child whose death ended it, or None.

    Args:
        listener: the open port, handed to the server.
        settings: environment variables of both children beyond our own.
    """
    port = listener.getsockname()[1]
    with _stop_requested() as stop, _children(listener, settings) as children:
        if not _is_healthy(port, children, stop):
            return None if stop.is_set() else _find_dead(children) or SERVER
        on_ready()
        restarts = 0
        while not stop.wait(POLL_SECONDS):
            dead = _find_dead(children)
            if dead == JOBS and restarts < RESTARTS_MAX:
                restarts += 1
                children[JOBS] = _start_jobs(settings)
            elif dead:
                return dead
    return None


@contextmanager
def _stop_requested() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set, instead of tearing us down with children left."""
    stop = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: stop.set())
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _children(listener: socket.socket, settings: Mapping[str, str]) -> Iterator[Children]:
    environment = os.environ | settings
    children: Children = {}
    try:
        children[SERVER] = subprocess.Popen(
            [
                sys.executable, "-m", "gunicorn",
                "--bind", f"fd://{listener.fileno()}", "--log-level", "warning",
            ],
            cwd=ROOT, env=environment, pass_fds=[listener.fileno()], start_new_session=True,
        )  # fmt: skip
        # A copy left open here would take requests that nobody answers.
        listener.close()
        children[JOBS] = _start_jobs(settings)
        yield children
    finally:
        _stop(children)


def _start_jobs(settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "jobs"],
        cwd=ROOT,
        env=os.environ | settings,
        start_new_session=True,
    )


def _is_healthy(port: int, children: Children, stop: threading.Event) -> bool:
    for _ in range(int(START_SECONDS_MAX / POLL_SECONDS)):
        if stop.wait(POLL_SECONDS) or _find_dead(children):
            return False
        # Not urllib: it would ask a proxy of the environment for our own address.
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        try:
            connection.request("GET", HEALTH)
            if connection.getresponse().status == http.HTTPStatus.OK:
                return True
        except OSError:
            continue
        finally:
            connection.close()
    return False


def _find_dead(children: Children) -> str | None:
    return next((name for name, child in children.items() if child.poll() is not None), None)


def _stop(children: Children) -> None:
    for child in children.values():
        child.terminate()
    for child in children.values():
        try:
            child.wait(timeout=STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
