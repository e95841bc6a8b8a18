"""`flask jobs`: what an operator sees, tries out and runs by hand."""

import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result
from sqlalchemy.orm import Session, sessionmaker

from core import alerts
from core.clock import at_local, utc_now
from core.job_records import JobRun, JobRunKind, JobRunState
from jobs import schedule, standings
from jobs.calendar import daily
from jobs.claims import claim
from jobs.commands import jobs
from jobs.definitions import SUPERSEDED, TOO_OLD, Job
from jobs.schedule import JOBS, SWEEPS
from notifications.models import OutboxMessage
from points.models import Period
from tests.engines import ROOT, environment
from tests.world import build_world


@pytest.fixture(autouse=True)
def _environment(fresh_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(fresh_database_url, tmp_path).items():
        monkeypatch.setenv(name, value)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(jobs, list(arguments))


def test_list_shows_every_job_before_and_after_it_has_run(sessions: sessionmaker[Session]) -> None:
    before = run("list")
    assert before.exit_code == 0, before.output
    assert len(before.output.splitlines()) == 1 + len(JOBS) + len(SWEEPS)
    assert "后台进程还没有运行过" in before.output

    now = utc_now()
    with sessions.begin() as session:
        standings.register(session, JOBS, SWEEPS, now=now)
        standings.note_success(session, "deliver-inbox", now=now, due_at=now + timedelta(hours=1))
        standings.note_failure(session, "retention", error="KeyError", now=now)
        standings.note_success(
            session, "seal-ledger", now=now, due_at=now - timedelta(hours=3, minutes=1)
        )
        alerts.raise_alert(session, "ledger_faults", "账本核对发现 3 处不符。", now=now)
    output = run("list").output
    lines = {line.split()[0]: line for line in output.splitlines()}

    assert lines["deliver-inbox"].endswith("正常")
    assert lines["retention"].endswith("出错：KeyError")
    assert lines["seal-ledger"].endswith("迟 181 分钟")
    assert "每周一 08:30" in lines["claims-waiting"]
    assert output.splitlines()[-1].startswith("告警 ledger_faults（")


def test_dry_run_says_what_would_be_done_and_leaves_nothing(
    sessions: sessionmaker[Session],
) -> None:
    with sessions.begin() as session:
        build_world(session).add_claim("党员甲", "一支部")

    tried = run("run", "claims-waiting", "--as-of", "2026-11-16", "--dry-run")

    assert tried.exit_code == 0, tried.output
    assert tried.output.splitlines()[0].split() == ["消息", "claims_waiting", "2", "条"]
    assert "试运行：会处理 2 项，没有留下改动" in tried.output
    with sessions() as session:
        assert session.scalars(sa.select(OutboxMessage)).all() == []
        assert session.scalars(sa.select(JobRun)).all() == []


def test_run_by_hand_works_with_the_named_day_and_is_recorded_as_such(
    sessions: sessionmaker[Session],
) -> None:
    done = run("run", "open-year", "--as-of", "2031-01-01")

    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "open-year 已完成：1 项。")
    with sessions() as session:
        assert session.scalars(sa.select(Period.code)).all() == ["2031"]
        kept = session.scalars(sa.select(JobRun)).one()
    assert (kept.kind, kept.state, kept.outcome_count) == ("manual", "done", 1)
    assert kept.fire_at.microsecond > 0


def test_sweep_can_be_run_by_hand_too(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        build_world(session).add_claim("党员甲", "一支部")
    assert run("run", "claims-waiting", "--as-of", "2026-11-16").exit_code == 0

    delivered = run("run", "deliver-inbox", "--as-of", "2026-11-16")

    assert delivered.output.splitlines()[-1] == "deliver-inbox 已完成：2 项。"


def test_preview_is_shown_row_by_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def preview(_session: Session, /, *, now: Any) -> list[dict[str, Any]]:
        return [{"党员": "甲", "阶段": 3, "day": now.date()}]

    def refuse(_session: Session, /, *, now: Any) -> int:
        raise AssertionError(f"a preview runs nothing at {now}")

    job = Job("scan", daily(3), timedelta(days=1), refuse, preview=preview)
    monkeypatch.setattr(schedule, "JOBS", (job,))

    shown = run("run", "scan", "--as-of", "2026-11-23", "--dry-run")

    assert shown.output.splitlines()[0].split() == ["党员：甲", "阶段：3", "day：2026-11-23"]
    assert "共 1 行" in shown.output


def test_failing_run_ends_with_an_error_and_nobody_repeats_it(
    sessions: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(_session: Session, /, *, now: Any) -> int:
        raise KeyError(now)

    monkeypatch.setattr(schedule, "JOBS", (Job("bad", daily(3), timedelta(days=1), break_off),))

    failed = run("run", "bad")

    assert failed.exit_code == 1
    assert "bad 没有完成：KeyError (tests/jobs/test_commands.py:" in failed.output
    with sessions() as session:
        assert session.scalars(sa.select(JobRun.state)).all() == ["failed"]
    assert "失败（手工）" in run("missed").output


def test_unknown_name_lists_those_that_exist() -> None:
    refused = run("run", "nothing")

    assert refused.exit_code == 2
    assert "没有任务 nothing。可用的有：open-year、" in refused.output


def test_missed_tells_what_nobody_made_up_for(sessions: sessionmaker[Session]) -> None:
    assert (run("missed").exit_code, run("missed").output) == (0, "最近 7 天没有遗漏。\n")
    now = utc_now().replace(microsecond=0)
    common = {"kind": JobRunKind.SCHEDULED, "state": JobRunState.SKIPPED, "attempt": 0}
    with sessions.begin() as session:
        for days, reason in ((1, SUPERSEDED), (30, TOO_OLD)):
            at = now - timedelta(days=days)
            session.add(JobRun(job="x", fire_at=at, finished_at=at, skip_reason=reason, **common))
    fine = run("missed")
    assert (fine.exit_code, SUPERSEDED in fine.output) == (0, True)

    with sessions.begin() as session:
        broken = claim(session, "by-hand", now, lease=timedelta(seconds=-1), kind=JobRunKind.MANUAL)
        assert broken is not None
    missed = run("missed", "--days", "60")

    assert missed.exit_code == 1
    assert TOO_OLD in missed.output
    assert "中断（手工）" in missed.output
    assert "最近 60 天有 2 次没有补上" in missed.output


def test_application_has_the_group() -> None:
    # In a process of its own: what is loaded there says how the whole process writes its logs.
    said = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "jobs", "--help"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert all(name in said.stdout for name in jobs.commands)


def test_days_that_are_simulated_are_nine_in_the_morning(
    sessions: sessionmaker[Session],
) -> None:
    with sessions.begin() as session:
        build_world(session).add_claim("党员甲", "一支部")
    run("run", "claims-waiting", "--as-of", "2026-11-16")

    with sessions() as session:
        created = set(session.scalars(sa.select(OutboxMessage.created_at)))
    assert created == {at_local(date(2026, 11, 16), 9)}
