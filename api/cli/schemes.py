"""`flask scheme`: checking, importing and exporting schemes as YAML files."""

from datetime import datetime
from pathlib import Path

import click
from flask.cli import AppGroup

from api.cli.refusals import refusals_shown
from api.extensions import db
from core.clock import utc_now
from core.db import unit_of_work
from core.errors import DomainError
from members import organization_reading
from points import scheme_reading, scheme_texts, scheme_timeline, schemes
from points.scheme_texts import SchemeText, UnreadableScheme
from points.scheme_timeline import Entering

scheme = AppGroup("scheme", help="积分方案文件")
_file = click.Path(exists=True, dir_okay=False, path_type=Path)
_day = click.DateTime(["%Y-%m-%d"])


@scheme.command("check")
@click.argument("files", nargs=-1, required=True, type=_file)
def check(files: tuple[Path, ...]) -> None:
    """检查 YAML 方案，逐行指出错误和可疑之处；有错误即以状态 1 结束。"""
    faulty = [file for file in files if not _check(file)]
    if faulty:
        raise click.ClickException(f"{len(files)} 个方案中有 {len(faulty)} 个有错误。")
    click.echo(f"{len(files)} 个方案都可以使用。")


@scheme.command("import")
@click.argument("file", type=_file)
@click.option("--organization", required=True, help="哪个组织的方案，写组织的名称")
@click.option("--publish", "is_published", is_flag=True, help="同时发布")
@click.option("--from", "effective_from", type=_day, help="发布后自哪一天起施行")
@click.option("--basis", default="", help="发布所依据的文件")
def import_(
    file: Path, organization: str, is_published: bool, effective_from: datetime | None, basis: str
) -> None:
    """导入 YAML 方案为草稿，或同时发布；有错误的方案不会导入。"""
    if is_published != (effective_from is not None):
        raise click.UsageError("--publish 与 --from 须同时使用。")
    session, now = db.session(), utc_now()
    with refusals_shown(), unit_of_work(session):
        text = read_file(file)
        definition = scheme_texts.parse(text)
        place = organization_reading.get_named_from_console(session, organization)
        draft = schemes.store_draft(session, place.id, text.data, created_by=None, now=now)
        if effective_from is None:
            told = f"{definition.name}已存为{place.name}的草稿 {draft.id}。"
        else:
            terms = Entering(draft.revision, effective_from.date(), basis)
            entered = scheme_timeline.enter(session, draft, terms=terms, published_by=None, now=now)
            told = f"{definition.name}第 {entered.version} 版自 {effective_from:%Y-%m-%d} 起施行。"
    click.echo(told)


@scheme.command("export")
@click.argument("code")
@click.option("--version", type=click.IntRange(min=1), help="第几版；省略即最新的一版")
@click.option("--organization", help="哪个组织的方案；几个组织都有时须写明")
def export(code: str, version: int | None, organization: str | None) -> None:
    """把一版方案写成 YAML；再导入时含义完全相同。"""
    session = db.session()
    with refusals_shown():
        place = (
            organization_reading.get_named_from_console(session, organization)
            if organization
            else None
        )
        found = scheme_reading.get_from_console(
            session, code, version=version, organization_id=place.id if place else None
        )
    click.echo(scheme_texts.to_yaml(found.definition), nl=False)


def read_file(file: Path) -> SchemeText:
    """The scheme in a YAML file.

    Raises:
        UnreadableScheme: it is no UTF-8, or no YAML mapping.
    """
    try:
        return scheme_texts.from_yaml(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise UnreadableScheme("方案文件应为 UTF-8 编码。") from error


def _check(file: Path) -> bool:
    try:
        found = scheme_texts.examine(read_file(file))
    except DomainError as error:
        click.echo(f"{file}：错误：{error.detail}", err=True)
        return False
    for kind, faults in (("错误", found.errors), ("提示", found.warnings)):
        for one in faults:
            click.echo(f"{file}:{one.line}：{kind}：{one.pointer}：{one.message}", err=True)
    return not found.errors
