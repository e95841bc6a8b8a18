"""`flask messages`: what became of the messages of some days."""

from datetime import date, datetime

import click
from flask.cli import AppGroup

from api.extensions import db
from core.clock import business_day, utc_now
from core.working_days import load_calendar
from notifications import message_counts, pacing

messages = AppGroup("messages", help="消息")
_day = click.DateTime(formats=["%Y-%m-%d"])


@messages.command("report")
@click.option("--from", "first", type=_day, required=True, help="第一天，YYYY-MM-DD")
@click.option("--to", "last", type=_day, required=True, help="最后一天，含当天")
def report(first: datetime, last: datetime) -> None:
    """按种类、渠道、结果和未外发的原因统计消息。"""
    session = db.session()
    days: dict[str, date] = {"first": first.date(), "last": last.date()}
    counts = message_counts.count_messages(session, **days)
    click.echo("种类\t渠道\t状态\t原因\t条数")
    for one in counts:
        click.echo(f"{one.kind}\t{one.channel}\t{one.state}\t{one.because or '-'}\t{one.count}")
    left = message_counts.count_left(session, **days)
    click.echo(f"合计 {sum(one.count for one in counts)} 条；站外 {left} 条，汇总按一条计。")
    end = pacing.find_calendar_end(load_calendar(session), today=business_day(utc_now()))
    if end is not None:
        click.echo(f"注意：{end} 起的放假安排还没有录入，休息日按周末估计。", err=True)
