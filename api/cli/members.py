"""`flask members`: erasing a person, and erasing him again after a restore."""

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from flask.cli import AppGroup

from api.cli.refusals import refusals_shown
from api.extensions import db
from core.clock import utc_now
from core.db import unit_of_work
from members import erasure_log, erasures
from members.erasure_log import LoggedErasure
from members.erasures import Grounds

members = AppGroup("members", help="党员的个人信息")
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@members.command("shred")
@click.argument("member_id", metavar="MEMBER_ID", type=click.UUID)
@click.option("--reason", required=True, help="删除的原因")
@click.option("--basis", required=True, help="依据的文号")
@click.confirmation_option(prompt="删除后不能恢复，确定吗？")
def shred(member_id: UUID, reason: str, basis: str) -> None:
    """删除一名已结束党籍的人员的密钥和个人信息；账本和证明不变。"""
    with refusals_shown(), unit_of_work(db.session()) as session:
        erasures.erase_from_console(
            session, member_id, grounds=Grounds(reason, basis), now=utc_now()
        )
    click.echo("已删除。请用 flask members erasures 更新与备份一同保管的删除清单。")


@members.command("erasures")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path))
def write_erasures(out: Path) -> None:
    """写出删除清单（只有编号、原因和依据），与备份分开保管。"""
    logged = erasure_log.list_logged(db.session())
    lines = [json.dumps(asdict(one), default=_plain, ensure_ascii=False) for one in logged]
    out.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    click.echo(f"已写出 {len(logged)} 条。")


@members.command("reapply-erasures")
@click.argument("file", metavar="[FILE]", type=_FILE, required=False)
def reapply_erasures(file: Path | None) -> None:
    """恢复备份之后，按删除清单再删除一遍；不给文件时只用库中的清单。"""
    given = _read(file) if file else []
    with refusals_shown(), unit_of_work(db.session()) as session:
        count = erasure_log.reapply(session, given, now=utc_now())
    click.echo(f"已再次删除 {count} 人的个人信息。")


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _read(file: Path) -> list[LoggedErasure]:
    try:
        found = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        return [
            LoggedErasure(
                UUID(one["member_id"]),
                str(one["reason"]),
                str(one["basis"]),
                datetime.fromisoformat(one["at"]),
            )
            for one in found
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise click.ClickException(f"{file} 不是删除清单。") from error
