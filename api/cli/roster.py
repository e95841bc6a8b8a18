"""`flask roster`: importing a roster file on the machine itself, and undoing it."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import click
from flask.cli import AppGroup
from sqlalchemy.orm import Session

from api.cli.refusals import refusals_shown
from api.extensions import db
from core.background import Progress
from core.clock import utc_now
from core.db import unit_of_work
from members.models import Organization
from members.roster import applying, importing, previewing, reporting, undoing
from members.roster.branches import get_place_from_console
from members.roster.models import RosterImport

SHOWN_MAX = 20

roster = AppGroup("roster", help="党员名册")


@roster.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--organization", help="只导入这个组织及其下级，填名称或编号；默认全区")
@click.option("--dry-run", is_flag=True, help="只检查，不导入")
@click.option(
    "--errors",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="把需修改的行写到这个 .xlsx 文件",
)
def import_file(file: Path, organization: str | None, dry_run: bool, errors: Path | None) -> None:
    """导入一份名册（.xlsx、.xls、.csv）：没有问题的行导入，其余逐行说明。"""
    session, now = db.session(), utc_now()
    with refusals_shown():
        with unit_of_work(session):
            place = get_place_from_console(session, organization)
            roster_import = importing.upload_from_console(
                session, place.id, file_name=file.name, content=file.read_bytes(), now=now
            )
        _show_layout(roster_import, place)
        _run(session, previewing.check(session, roster_import.id, now=now), "检查")
        if not dry_run:
            _run(session, applying.commit(session, roster_import.id, now=now), "导入")
        _show_result(session, roster_import, errors, dry_run=dry_run)
        counts = roster_import.counts
        if dry_run:
            with unit_of_work(session):
                importing.discard(session, roster_import.id)
    if counts["refused"] and not _good_rows(counts):
        raise click.exceptions.Exit(1)


@roster.command("rollback")
@click.argument("import_id", type=click.UUID)
def roll_back(import_id: UUID) -> None:
    """撤销一次导入（7 天内）；之后已有变动的人保持不变并列出。"""
    session = db.session()
    with refusals_shown():
        _run(session, undoing.rollback(session, import_id, now=utc_now()), "撤销")
        roster_import = session.get_one(RosterImport, import_id)
    counts = roster_import.counts
    click.echo(f"已撤销 {counts['undone']} 行，保留 {counts['kept']} 行。")
    for row in reporting.find_kept(session, import_id, limit=SHOWN_MAX):
        click.echo(f"第 {row.row_number} 行“{row.name}”：{row.warnings[-1]['message']}", err=True)


def _run(session: Session, steps: Iterator[Progress], label: str) -> None:
    """A step to its end, each chunk in a transaction."""
    with click.progressbar(length=1, label=label) as bar:
        while True:
            with unit_of_work(session):
                reached = next(steps, None)
            if reached is None:
                break
            bar.length = reached.total or reached.done + 1
            bar.update(reached.done - bar.pos)


def _show_layout(roster_import: RosterImport, place: Organization) -> None:
    mapping = roster_import.mapping
    sheet = f"工作表“{mapping['sheet_name']}”，" if mapping["sheet_name"] else ""
    click.echo(f"范围：{place.name}。{sheet}表头在第 {mapping['header_row']} 行。")
    if mapping["other_sheet_names"]:
        click.echo("没有读的工作表：" + "、".join(mapping["other_sheet_names"]))
    ignored = [c["header"] for c in mapping["columns"] if c["header"] and not c["is_imported"]]
    if ignored:
        click.echo("不导入的列：" + "、".join(ignored))


def _show_result(
    session: Session, roster_import: RosterImport, errors: Path | None, *, dry_run: bool
) -> None:
    counts = roster_import.counts
    click.echo(
        f"新增 {counts['new']}，变更 {counts['changed']}，不变 {counts['unchanged']}，"
        f"退回 {counts['refused']}；有提示的 {counts['warned']} 行；"
        f"在册而不在表里的 {counts['not_in_file']} 人（不作改动）。"
    )
    undo = f"7 天内可撤销：flask roster rollback {roster_import.id}"
    click.echo("这是试运行，名册没有改动。" if dry_run else undo)
    refused = reporting.find_refused(session, roster_import.id, limit=SHOWN_MAX)
    for row in refused:
        reasons = "；".join(f"{p['column']}：{p['message']}" for p in row.problems)
        click.echo(f"第 {row.row_number} 行“{row.name}”退回：{reasons}", err=True)
    left = counts["refused"] - len(refused)
    if left:
        click.echo(f"另有 {left} 行退回，没有逐行显示。", err=True)
    if errors:
        total = reporting.write_marked_import(session, roster_import, errors)
        click.echo(f"{total} 行需修改的已写到 {errors}，改好后可直接导入这个文件。")
    elif refused:
        click.echo("加 --errors 文件名.xlsx 可得到标好原因的工作簿，改好后直接再导入。")


def _good_rows(counts: dict[str, int]) -> int:
    return counts["new"] + counts["changed"] + counts["unchanged"]
