"""`flask contact`: dues dates from a file, the scan, and whether the dates are what they say."""

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup
from sqlalchemy.orm import Session

from activities import attendance_contacts
from api.cli.refusals import refusals_shown
from api.extensions import db
from core.clock import at_local, utc_now
from core.db import unit_of_work
from members.contact import dues, membership_decisions, preview, scan, verification
from members.contact.preview import CLOCK_LABELS, STAGE_LABELS
from members.roster.branches import get_place_from_console
from notifications import contact_reminders

SHOWN_MAX = 20
# A scan on a day sees the whole morning of it; which hour makes no difference to any stage.
SCAN_HOUR = 9

contact = AppGroup("contact", help="保持联系")


@contact.command("import-dues")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--organization", help="只导入这个组织及其下级，填名称或编号；默认全区")
def import_dues(file: Path, organization: str | None) -> None:
    """导入党费缴至日期（.csv、.xlsx、.xls）：姓名、手机号、党费缴至；只有日期，没有金额。"""
    session = db.session()
    with refusals_shown(), unit_of_work(session):
        place = get_place_from_console(session, organization)
        done = dues.import_from_console(session, place, path=file, now=utc_now())
    refused = len(done.refusals)
    click.echo(f"录入 {done.recorded} 行，以前已有 {done.unchanged} 行，退回 {refused} 行。")
    for row in done.refusals[:SHOWN_MAX]:
        click.echo(f"第 {row.row_number} 行“{row.name}”退回：{row.message}", err=True)
    if refused > SHOWN_MAX:
        click.echo(f"另有 {refused - SHOWN_MAX} 行退回，没有逐行显示。", err=True)
    if refused and not done.recorded + done.unchanged:
        raise click.exceptions.Exit(1)


@contact.command("scan")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="按这一天计算；默认今天")
@click.option("--dry-run", is_flag=True, help="只列出谁在哪一级、为什么，不写入")
def run_scan(as_of: datetime | None, dry_run: bool) -> None:
    """扫描一次：谁到了哪一级；同一天再扫一次，什么也不会写。"""
    session = db.session()
    now = at_local(as_of.date(), SCAN_HOUR) if as_of else utc_now()
    if dry_run:
        _list(session, now)
        return
    with unit_of_work(session):
        result = scan.scan(session, now=now)
        contact_reminders.remind(session, result, now=now)
        contact_reminders.alert_outages(session, now=now)
    click.echo(
        f"{len(result.crossings)} 人到了新的一级，新立 {result.cases_opened} 件，"
        f"升级 {result.cases_raised} 件。"
    )


@contact.command("verify")
def verify() -> None:
    """核对：最近联系日期与记录一致，党籍状态与决定一致，出席记录与考勤一致。"""
    session = db.session()
    found = [
        *verification.find_differences(session),
        *membership_decisions.find_differences(session),
        *attendance_contacts.find_differences(session),
    ]
    for line in found[:SHOWN_MAX]:
        click.echo(line, err=True)
    click.echo(f"{len(found)} 处不一致。" if found else "一致。")
    if found:
        raise click.exceptions.Exit(1)


@contact.command("rebuild")
def rebuild() -> None:
    """按考勤补齐联系记录，再按记录重算每个人的最近联系日期。"""
    session = db.session()
    with unit_of_work(session):
        added = attendance_contacts.rebuild(session, now=utc_now())
        changed = verification.rebuild(session)
    click.echo(f"补记 {added} 人的出席，重算 {changed} 人。")


def _list(session: Session, now: datetime) -> None:
    counts: Counter[tuple[Any, int]] = Counter()
    branch = ""
    for row in preview.preview(session, now=now):
        if row["organization_name"] != branch:
            branch = row["organization_name"]
            click.echo(branch)
        click.echo(f"  {row['name']}　{row['why']}")
        counts[row["clock"], row["stage"]] += 1
    for (clock, stage), count in sorted(counts.items()):
        click.echo(f"{CLOCK_LABELS[clock]}第 {stage} 级（{STAGE_LABELS[stage]}）：{count} 人")
    click.echo(f"共 {sum(counts.values())} 人；这是试运行，什么也没有写入。")
