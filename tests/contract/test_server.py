"""A real server of two workers: what it logs, counts and survives."""

import json
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.campaigns import reload
from tests.depth import far
from tests.engines import ROOT, environment
from tests.live import started

# Each waits for two workers to start.
RELOADS = far(deep=3, quick=1)
REQUESTS = re.compile(
    r'^party_points_http_requests_total\{operation="system.get_health",status="200"\} (\S+)$',
    re.MULTILINE,
)


@pytest.fixture
def engine_kind() -> str:
    """One engine is enough: the database takes no part in any of it."""
    return "sqlite"


def test_reload_under_load_loses_nothing_and_two_workers_count_and_log_as_one(
    fresh_database_url: str, tmp_path: Path
) -> None:
    numbers = tmp_path / "numbers"
    numbers.mkdir()
    (numbers / "left-by-an-earlier-run.db").write_bytes(b"not ours")
    told = {"PROMETHEUS_MULTIPROC_DIR": str(numbers)}
    log = tmp_path / "server.log"
    with started(fresh_database_url, tmp_path, told=told) as (base_url, server):
        report = reload.run(base_url, server, log, requests=60, reloads=RELOADS)
        for _ in range(40):
            urllib.request.urlopen(f"{base_url}/api/v1/healthz", timeout=10).close()
        shown = {REQUESTS.search(_read(f"{base_url}/metrics")) for _ in range(6)}

    assert (report.reloads, report.failed) == (RELOADS, 0), report.answers
    # Whichever worker is asked, it tells of both.
    assert {match and match[1] for match in shown} == {"40.0"}
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    requests = [line for line in lines if line["event"] == "request"]
    assert len([line for line in requests if line["operation"] == "get_health"]) == 40
    assert {"at", "level", "request_id", "ms", "status"} <= requests[0].keys()


def _read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read(), "utf-8")


def test_unsafe_deployment_does_not_start(tmp_path: Path) -> None:
    weak = {"PARTY_POINTS_JWT_SECRET": "a" * 40}
    url = f"sqlite:///{tmp_path}/points.db"
    done = subprocess.run(
        [sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0", "--workers", "1"],
        cwd=ROOT, env=environment(url, tmp_path) | weak,
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip

    assert done.returncode != 0
    assert "启动自检没有通过" in done.stderr
