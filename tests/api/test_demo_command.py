"""`flask demo` as a newcomer meets it: real processes, a real port, Ctrl-C."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa

from core.config import Settings
from core.db import make_engine, make_sessions
from members.models import Organization
from tests.engines import ROOT, Databases, environment

READY = "Ctrl-C"
# Seeding takes half a minute, and several times that beside the rest of the suite.
SECONDS_MAX = 300


@pytest.fixture
def sqlite_url(databases: Databases) -> Iterator[str]:
    with databases.fresh_url("sqlite") as url:
        yield url


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number: int = listener.getsockname()[1]
    return number


def _start(url: str, directory: Path, port: int) -> subprocess.Popen[str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PARTY_POINTS_")}
    return subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", "demo"],
        cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=inherited | environment(url, directory) | {"PARTY_POINTS_PORT": str(port)},
    )  # fmt: skip


@contextmanager
def _running(url: str, directory: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    process = _start(url, directory, port)
    # What hangs is ended, and then reads as having ended early.
    too_late = threading.Timer(SECONDS_MAX, process.terminate)
    too_late.start()
    try:
        yield process
    finally:
        too_late.cancel()
        process.terminate()
        process.wait()


def _read_banner(process: subprocess.Popen[str]) -> str:
    """What is printed until the last line of the banner."""
    lines = ""
    while READY not in lines:
        line = process.stdout.readline() if process.stdout else ""
        assert line, f"it ended early:\n{lines}"
        lines += line
    return lines


def _jobs_of(parent: psutil.Process) -> psutil.Process | None:
    for one in parent.children():
        # One that has just been killed is not gone before its parent has looked.
        with suppress(psutil.ZombieProcess):
            if one.cmdline()[-1:] == ["jobs"]:
                return one
    return None


def _wait_for_another(parent: psutil.Process, first: psutil.Process) -> psutil.Process:
    deadline = time.monotonic() + SECONDS_MAX
    while time.monotonic() < deadline:
        second = _jobs_of(parent)
        if second is not None and second != first:
            return second
        time.sleep(0.1)
    raise AssertionError("the jobs process was not started again")


def _gone(children: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(children, timeout=20)
    return not alive


def test_first_start_prints_a_line_that_works_and_ctrl_c_stops_everything(
    sqlite_url: str, tmp_path: Path, port: int
) -> None:
    with _running(sqlite_url, tmp_path, port) as process:
        banner = _read_banner(process)
        children = psutil.Process(process.pid).children(recursive=True)
        (line,) = re.findall(r"^curl .*$", banner, re.MULTILINE)
        answer = subprocess.run(
            ["bash", "-c", line], capture_output=True, text=True, check=False, timeout=60
        )
        second = _start(sqlite_url, tmp_path, port)
        refusal, _ = second.communicate(timeout=SECONDS_MAX)
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=SECONDS_MAX)

    assert "演示数据" in banner
    assert f"http://127.0.0.1:{port}/docs" in banner
    assert answer.returncode == 0, f"{answer.stderr}\n{rest}"
    assert json.loads(answer.stdout)["pending_claims"] == 1
    assert second.returncode != 0
    assert f"端口 {port} 用不了" in refusal
    assert "Traceback" not in refusal
    assert process.returncode == 0, rest
    assert len(children) >= 3
    assert _gone(children)


def test_own_data_is_served_untouched_and_only_a_dead_server_ends_everything(
    sqlite_url: str, tmp_path: Path, port: int
) -> None:
    settings = Settings.from_env(environment(sqlite_url, tmp_path))
    engine = make_engine(settings)
    sessions = make_sessions(engine, settings.vault)
    own = Organization(kind="district_organization_department", name="某区", path="/x/", depth=0)
    with sessions.begin() as session:
        session.add(own)

    with _running(sqlite_url, tmp_path, port) as process:
        banner = _read_banner(process)
        parent = psutil.Process(process.pid)
        first = _jobs_of(parent)
        assert first is not None
        first.kill()
        second = _wait_for_another(parent, first)
        children = parent.children(recursive=True)
        (server,) = [one for one in parent.children() if one != second]
        server.kill()
        rest, _ = process.communicate(timeout=SECONDS_MAX)

    assert "没有写入演示数据" in banner
    assert "13800000001" not in banner
    assert process.returncode != 0
    assert "接口服务意外停止" in rest
    assert _gone(children)
    with sessions() as session:
        assert session.scalars(sa.select(Organization.name)).all() == ["某区"]
    engine.dispose()


def test_database_of_a_deployment_is_not_made_a_demo(
    databases: Databases, tmp_path: Path, port: int
) -> None:
    with databases.fresh_url("postgresql") as url:
        process = _start(url, tmp_path, port)
        said, _ = process.communicate(timeout=SECONDS_MAX)
        settings = Settings.from_env(environment(url, tmp_path))
        engine = make_engine(settings)
        with make_sessions(engine, settings.vault)() as session:
            assert session.scalars(sa.select(Organization.name)).all() == []
        engine.dispose()

    assert process.returncode != 0
    assert "演示只用 SQLite" in said
    assert "Traceback" not in said
