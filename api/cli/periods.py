"""`flask period`: closing and opening a year, and reproducing what was sealed."""

from uuid import UUID

import click
from flask.cli import AppGroup

from api.cli.progress import run_to_end
from api.cli.refusals import refusals_shown
from api.extensions import db
from core.clock import business_day, utc_now
from core.db import unit_of_work
from core.quantities import format_points
from points import closing, opening, periods, reproducing, statement_reading
from points.closing import CloseTerms
from points.models import PeriodStatus

_STATUS_NAMES = {
    PeriodStatus.OPEN: "开放",
    PeriodStatus.CLOSING: "正在结账",
    PeriodStatus.CLOSED: "已结账",
}

period = AppGroup("period", help="年度结账")
_phone = click.option("--phone", required=True, help="办理人（区级管理员）的手机号")
_name = click.option("--name", help="办理人的姓名；几人共用一个手机号时须填写")


@period.command("list")
def list_periods() -> None:
    """列出各年度的状态。"""
    for one in periods.list_periods(db.session()):
        click.echo(f"{one.code}  {_STATUS_NAMES[PeriodStatus(one.status)]}")


@period.command("close")
@click.argument("code")
@_phone
@_name
@click.option("--force-late", is_flag=True, help="仍有未办事项也结账，之后作为补记处理")
@click.option("--reason", default="", help="强制结账的原因")
def close(code: str, phone: str, name: str | None, force_late: bool, reason: str) -> None:
    """结账：停止计入，逐人封存，算出合计；中断后再执行一次即可接着做。"""
    session, now = db.session(), utc_now()
    with refusals_shown():
        with unit_of_work(session):
            officer_id = closing.get_officer_from_console(
                session, phone=phone, name=name, on=business_day(now)
            )
            terms = CloseTerms(force_late, reason)
            begun = closing.begin(session, code, begun_by=officer_id, terms=terms, now=now)
        run_to_end(session, closing.close(session, begun.id, now=now), "封存")
        seal = statement_reading.get_record(session, code).seal
    if seal is not None:
        click.echo(
            f"{code} 年度已结账：{seal.statements} 份结账单，{seal.entries} 笔记录，"
            f"合计 {format_points(seal.points)} 分，摘要 {seal.sha256}。"
        )


@period.command("open")
@click.argument("code")
@_phone
@_name
def open_(code: str, phone: str, name: str | None) -> None:
    """开放年度，并按方案清零或结转上一年度；中断后再执行一次即可接着做。"""
    session, now = db.session(), utc_now()
    with refusals_shown():
        with unit_of_work(session):
            officer_id = closing.get_officer_from_console(
                session, phone=phone, name=name, on=business_day(now)
            )
            begun = opening.begin(session, code, opened_by=officer_id, now=now)
        run_to_end(session, opening.carry(session, begun.id, now=now), "结转")
    click.echo(f"{code} 年度已开放。")


@period.command("reproduce")
@click.argument("code")
@click.option("--member", "member_id", type=click.UUID, help="只核对这名党员")
def reproduce(code: str, member_id: UUID | None) -> None:
    """由账本和当时的方案重新算出结账单，逐字节比对；有一份不同即以状态 1 结束。"""
    count = 0
    different = []
    with refusals_shown():
        for one in reproducing.reproduce(db.session(), code, member_id=member_id):
            count += 1
            if not one.is_same:
                different.append(one.statement.id)
    for statement_id in different[:20]:
        click.echo(f"结账单 {statement_id}：重新算出的与封存的不同。", err=True)
    if different or not count:
        raise click.ClickException(f"{count} 份结账单中有 {len(different)} 份不同。")
    click.echo(f"{count} 份结账单逐字节一致。")
