"""`flask doctor`: what is right with this deployment, what is not, and what to do about it."""

import json
from collections.abc import Iterator
from dataclasses import asdict

import click
import flask
from flask.cli import with_appcontext
from sqlalchemy.exc import OperationalError

from api.extensions import db
from core import alerts, job_records, schema_revision, selfcheck
from core.clock import utc_now
from core.config import Settings
from core.files import FileStore, StoreUnavailable
from core.ids import new_id
from core.selfcheck import Check


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="给监控程序用的 JSON")
@with_appcontext
def doctor(as_json: bool) -> None:
    """逐项检查部署：✓ 正常，✗ 后面写明怎么办；有 ✗ 时以状态 1 结束。"""
    checks = list(_checks())
    if as_json:
        click.echo(json.dumps([asdict(check) for check in checks], ensure_ascii=False, indent=1))
    else:
        for check in checks:
            click.echo(f"✓ {check.title}" if check.is_ok else f"✗ {check.title}——{check.remedy}")
    wrong = sum(not check.is_ok for check in checks)
    if wrong:
        raise click.ClickException(f"{wrong} 项需要处理。")


def _checks() -> Iterator[Check]:
    settings: Settings = flask.current_app.extensions["settings"]
    yield from selfcheck.check_settings(settings, is_debug=flask.current_app.debug)
    yield _can_keep_files(flask.current_app.extensions["files"])
    try:
        yield from selfcheck.check_database(settings, db.engine, clock=utc_now)
        is_behind = schema_revision.is_behind(db.session())
    except OperationalError as error:
        kind = type(error.orig).__name__
        yield Check("database.reached", "数据库可用", False, f"连不上（{kind}）：核对地址和密码")
        return
    yield Check("database.migrated", "数据库已升级到本版本", not is_behind, "运行迁移，再启动程序")
    if not is_behind:
        yield from _running()


def _running() -> Iterator[Check]:
    """What only those who look after it can put right; no reason not to start."""
    now = utc_now()
    standings = job_records.list_standings(db.session())
    late = [one.name for one in standings if one.is_late(now)]
    standing = [alert.code for alert in alerts.list_standing(db.session())]
    yield Check(
        "jobs.started", "后台进程运行过", bool(standings), "启动 python -m jobs", stops=False
    )
    yield Check(
        "jobs.on_time",
        "后台任务都按时",
        not late,
        f"迟了的任务：{'、'.join(late)}。看 flask jobs list",
        stops=False,
    )
    yield Check(
        "alerts.none",
        "没有等待处理的告警",
        not standing,
        f"告警：{'、'.join(standing)}。看 flask jobs list",
        stops=False,
    )


def _can_keep_files(store: FileStore) -> Check:
    name = f"probe/{new_id().hex}"
    try:
        store.put(name, b"probe")
        is_ok = store.get(name) == b"probe"
        store.delete(name)
    except (OSError, StoreUnavailable):
        is_ok = False
    return Check(
        "files.kept",
        "照片存储可读可写",
        is_ok,
        "核对 PARTY_POINTS_FILES_S3_*，或数据目录的权限和空间",
        stops=False,
    )
