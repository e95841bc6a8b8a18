"""`flask audit`: the trail at the console."""

import click
from flask.cli import AppGroup

from api.extensions import db
from core import audit_sealing
from core.audit_models import AuditEvent
from core.clock import SHANGHAI, utc_now
from core.db import read_only

audit = AppGroup("audit", help="审计记录")


@audit.command("tail")
@click.option("--lines", type=click.IntRange(1, 500), default=20, show_default=True, help="几条")
@click.option("--verify", is_flag=True, help="核对封存：有缺失或改动即以状态 1 结束")
def tail(lines: int, verify: bool) -> None:
    """列出最近的审计记录。"""
    read_only.set(True)
    session = db.session()
    for event in reversed(audit_sealing.find_latest(session, lines)):
        click.echo(_line(event))
    if not verify:
        return
    faults = audit_sealing.verify(session, now=utc_now())
    for fault in faults:
        click.echo(fault, err=True)
    if faults:
        raise click.ClickException(f"审计记录有 {len(faults)} 处不符，请勿改动数据并立即上报。")
    head = audit_sealing.find_head(session)
    if head is None:
        click.echo("审计记录还没有封存。")
    else:
        click.echo(f"审计记录核对无误：封存到第 {head.to_seq} 条，摘要 {head.digest}。")


def _line(event: AuditEvent) -> str:
    who = event.actor_id or event.operator or event.actor_kind
    at = event.at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
    touched = " ".join(f"{table}:{len(ids)}" for table, ids in event.objects.items())
    return f"{event.seq}  {at}  {who}  {event.operation}  {event.outcome} {event.code}  {touched}"
