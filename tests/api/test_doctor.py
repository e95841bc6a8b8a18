"""`flask doctor` says of each thing whether it is right, and what to do if it is not."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask

from core.config import Settings
from core.db import make_engine, make_sessions, unit_of_work
from jobs import standings
from jobs.schedule import JOBS, SWEEPS
from tests.world import NOW

AppWith = Callable[[Settings], Flask]


def asked(app: Flask, *arguments: str) -> tuple[int, str]:
    done = app.test_cli_runner().invoke(args=["doctor", *arguments])
    return done.exit_code, done.output


@pytest.fixture
def checked(app_with: AppWith, fresh_settings: Settings) -> Flask:
    return app_with(fresh_settings)


def test_doctor_says_what_to_do_and_ends_with_1(checked: Flask) -> None:
    code, output = asked(checked)

    assert code == 1
    assert "✓ 四把密钥互不相同" in output
    assert "✗ 后台进程运行过——启动 python -m jobs" in output


def test_doctor_speaks_json_to_programs(checked: Flask, engine_kind: str) -> None:
    code, output = asked(checked, "--json")

    checks = {one["code"]: one for one in json.loads(output.partition("\nError")[0])}
    assert code == 1
    assert checks["database.migrated"]["is_ok"]
    assert checks["files.kept"]["is_ok"]
    assert not checks["jobs.started"]["is_ok"]
    assert {"pg.owner", "sqlite.durable"} & checks.keys() == {
        "sqlite.durable" if engine_kind == "sqlite" else "pg.owner"
    }


def test_job_that_is_late_is_named(checked: Flask, fresh_settings: Settings) -> None:
    engine = make_engine(fresh_settings)
    with make_sessions(engine, fresh_settings.vault)() as session, unit_of_work(session):
        standings.register(session, JOBS, SWEEPS, now=NOW)
    engine.dispose()

    code, output = asked(checked)

    assert code == 1
    assert "✓ 后台进程运行过" in output
    assert "✗ 后台任务都按时——迟了的任务：" in output


def test_doctor_without_a_database_says_that_it_is_away(
    app_with: AppWith, fresh_settings: Settings
) -> None:
    away = replace(fresh_settings, database_url="postgresql+psycopg://app@127.0.0.1:9/points")

    code, output = asked(app_with(away))

    assert code == 1
    assert "✗ 数据库可用——连不上（OperationalError）" in output


def test_database_without_tables_is_to_be_migrated(
    app_with: AppWith, empty_database_url: str, fresh_settings: Settings
) -> None:
    code, output = asked(app_with(replace(fresh_settings, database_url=empty_database_url)))

    assert code == 1
    assert "✗ 数据库已升级到本版本——运行迁移，再启动程序" in output
