"""`flask contact`: dues dates from a file, and whether the dates are what they say."""

from pathlib import Path

import click
from flask.cli import AppGroup

from activities import attendance_contacts
from api.cli.refusals import refusals_shown
from api.extensions import db
from core.clock import utc_now
from core.db import unit_of_work
from members.contact import dues, membership_decisions, verification
from members.roster.branches import get_place_from_console

SHOWN_MAX = 20

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
