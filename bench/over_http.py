"""P1 and P2: one approval and one balance over HTTP, against the hand-written endpoints."""

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.orm import Session, sessionmaker

from api.app import create_app
from api.auth import access_token
from core.config import Settings
from core.db import unit_of_work
from tests.engines import ROOT, environment
from tests.world import World, build_world

THREADS = 8
REQUESTS = 400
Request = tuple[str, str, dict[str, Any] | None]
Pair = tuple[Callable[[], float], Callable[[], float]]


@contextmanager
def built(sessions: sessionmaker[Session], url: str) -> Iterator[dict[str, Pair]]:
    """Both servers, running; name -> (product, limit), each giving seconds per request."""
    with tempfile.TemporaryDirectory() as directory:
        variables = environment(url, Path(directory))
        with sessions() as session, unit_of_work(session):
            world = build_world(session)
            names = [f"成员{number}" for number in range(40)]
            for name in names:
                world.add_member(name, "一支部")
        tokens = _tokens(Settings.from_env(variables), world)
        with (
            server("wsgi:app", variables) as product,
            server("bench.by_hand:app", variables) as hand,
        ):
            yield {
                "P1 通过一项（HTTP，每次耗时）": (
                    lambda: _timed(product, _approvals(sessions, world, names), tokens["书记一"]),
                    lambda: _timed(hand, _hand_approvals(sessions, world, names), ""),
                ),
                "P2 读我的积分（HTTP，每次耗时）": (
                    lambda: _timed(product, [_MY_POINTS] * REQUESTS, tokens["成员0"]),
                    lambda: _timed(hand, [_hand_points(world)] * REQUESTS, ""),
                ),
            }


_MY_POINTS: Request = ("GET", "/api/v1/me/points?year=2026", None)


def _hand_points(world: World) -> Request:
    return ("GET", f"/points/{world.members['成员0']}", None)


def _approvals(sessions: sessionmaker[Session], world: World, names: list[str]) -> list[Request]:
    return [
        (
            "POST",
            "/api/v1/claims/review",
            {"decisions": [{"id": str(one), "version": 1, "action": "approve"}]},
        )
        for one in _claims(sessions, world, names)
    ]


def _hand_approvals(
    sessions: sessionmaker[Session], world: World, names: list[str]
) -> list[Request]:
    common = {
        "actor": str(world.members["书记一"]),
        "period": str(world.period_id),
        "scheme": str(world.scheme_version_id),
    }
    return [
        ("POST", "/approve", {"id": str(one), **common}) for one in _claims(sessions, world, names)
    ]


def _claims(sessions: sessionmaker[Session], world: World, names: list[str]) -> list[UUID]:
    with sessions() as session, unit_of_work(session):
        world.session = session
        return [
            world.add_claim(names[number % len(names)], "一支部", minutes=30)
            for number in range(REQUESTS)
        ]


def _tokens(settings: Settings, world: World) -> dict[str, str]:
    with create_app(settings).app_context():
        return {
            name: access_token(world.members[name], world.sessions[name])
            for name in ("书记一", "成员0")
        }


def _timed(port: int, requests: list[Request], token: str) -> float:
    """Seconds per request with THREADS connections kept alive; every answer must be a success."""
    failures: list[int] = []

    def work(mine: list[Request]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        for method, path, body in mine:
            key = {"Idempotency-Key": str(uuid4())} if method == "POST" else {}
            content = json.dumps(body) if body else None
            connection.request(method, path, content, headers | key)
            answer = connection.getresponse()
            if b'"refused"' in answer.read() or answer.status != 200:
                failures.append(answer.status)
        connection.close()

    threads = [
        threading.Thread(target=work, args=[requests[number::THREADS]]) for number in range(THREADS)
    ]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - started
    if failures:
        raise RuntimeError(f"{len(failures)} requests failed: {set(failures)}")
    return elapsed / len(requests)


@contextmanager
def server(target: str, variables: dict[str, str]) -> Iterator[int]:
    """A gunicorn of two workers with four threads each, as long as the block runs; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        process = subprocess.Popen(
            [
                sys.executable, "-m", "gunicorn", "--log-level", "error",
                "--bind", f"fd://{listener.fileno()}", "--workers", "2", "--threads", "4", target,
            ],
            cwd=ROOT, env={**os.environ, **variables}, pass_fds=[listener.fileno()],
        )  # fmt: skip
    try:
        _wait(port)
        yield port
    finally:
        process.terminate()
        process.wait()


def _wait(port: int) -> None:
    for _ in range(300):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", "/")
            connection.getresponse().read()
            return
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    raise RuntimeError("the server did not start")
