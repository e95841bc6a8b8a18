"""`flask ledger`: proving that the ledger adds up."""

import click
from flask.cli import AppGroup

from api.extensions import db
from core.db import read_only
from points import verification

ledger = AppGroup("ledger", help="积分账本")


@ledger.command("verify")
def verify() -> None:
    """逐笔重新核算整个账本；有一处不符即以状态 1 结束，并列出最先发现的若干处。"""
    # Postings go on meanwhile. One snapshot for all of it, or they would look like faults.
    read_only.set(True)
    session = db.session()
    if session.get_bind().dialect.name == "postgresql":
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    report = verification.verify(session)
    session.rollback()
    for finding in report.findings:
        click.echo(f"{finding.subject}：{finding.message}", err=True)
    if report.faults:
        raise click.ClickException(f"账本有 {report.faults} 处不符，请勿改动数据并立即上报。")
    click.echo(f"账本核对无误：{report.entries} 笔记录，{report.quotas} 项额度。")
