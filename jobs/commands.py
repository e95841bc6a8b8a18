"""`flask jobs`: what is planned, running one by hand, and what was missed.

`wsgi.py` hangs the group on the application: the HTTP edge does not know this one.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from unicodedata import east_asian_width

import click
import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from core import alerts
from core.clock import SHANGHAI, at_local, utc_now
from core.config import Settings
from core.data_classes import DATA_CLASSES
from core.db import make_engine, make_sessions
from core.job_records import (
    JobRunKind,
    JobRunState,
    JobStanding,
    list_standings,
    list_unsettled,
)
from jobs.definitions import SUPERSEDED, Job, Sweep

# `--as-of` names a day; a job that goes by it is due in the morning.
AS_OF_HOUR = 9
SHOWN_MAX = 500
_RUN_STATES = {
    JobRunState.CLAIMED: "中断",
    JobRunState.SKIPPED: "未做",
    JobRunState.FAILED: "失败",
}


@click.group("jobs")
def jobs() -> None:
    """后台任务：计划、手工执行、遗漏。"""


@jobs.command("list")
def list_jobs() -> None:
    """列出全部任务（日程、上次完成、下次时间、状态）和没有处理的告警。"""
    now = utc_now()
    with _database() as sessions, sessions() as session:
        standings = {one.name: one for one in list_standings(session)}
        standing_alerts = alerts.list_standing(session)
    click.echo(_line("任务", "日程", "上次完成", "下次", "状态"))
    for name, work in _planned().items():
        standing = standings.get(name)
        label = work.calendar.label if isinstance(work, Job) else work.label
        last = _shown(standing.last_success_at if standing else None)
        due = _shown(work.calendar.next_after(now)) if isinstance(work, Job) else "随时"
        click.echo(_line(name, label, last, due, _state_of(standing, now)))
    for alert in standing_alerts:
        click.echo(f"告警 {alert.code}（{_shown(alert.raised_at)} 起）：{alert.message}")


@jobs.command("data-classes")
def list_data_classes() -> None:
    """列出保存哪些个人信息、期限、起算、如何删除和依据。"""
    for one in DATA_CLASSES:
        term = "无固定期限" if one.term is None else f"{one.term.days} 天"
        click.echo(f"{one.title}\n  {term}，自{one.since}起；{one.ending}。依据：{one.source}")


@jobs.command("run")
@click.argument("name")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="当作这一天上午九点来执行")
@click.option("--dry-run", is_flag=True, help="只看会做什么，不留下任何改动")
def run_job(name: str, as_of: datetime | None, dry_run: bool) -> None:
    """立即执行一项任务，不影响它的日程。"""
    from jobs import runner

    work = _planned().get(name)
    if work is None:
        raise click.UsageError(f"没有任务 {name}。可用的有：{'、'.join(_planned())}。")
    now = at_local(as_of.date(), AS_OF_HOUR) if as_of else utc_now()
    if dry_run:
        _try_out(work, now)
        return
    with _database() as sessions:
        run = runner.run_manually(sessions, work, now=now, clock=utc_now)
    if run.state != JobRunState.DONE:
        raise click.ClickException(f"{name} 没有完成：{run.error or '已由其他进程接手'}。")
    click.echo(f"{name} 已完成：{run.outcome_count} 项。")


@jobs.command("missed")
@click.option("--days", type=click.IntRange(1, 180), default=7, help="往回看几天")
def list_missed(days: int) -> None:
    """列出没有做的和失败的；有未补上的以状态 1 结束，便于监控。"""
    since = utc_now() - timedelta(days=days)
    with _database() as sessions, sessions() as session:
        runs = list_unsettled(session, since=since, limit=SHOWN_MAX)
    for run in runs:
        said = run.skip_reason or run.error or ""
        by_hand = "（手工）" if run.kind == JobRunKind.MANUAL else ""
        state = _RUN_STATES[JobRunState(run.state)] + by_hand
        click.echo(_line(run.job, _shown(run.fire_at), state, said))
    unmade = sum(run.skip_reason != SUPERSEDED for run in runs)
    if unmade:
        raise click.ClickException(f"最近 {days} 天有 {unmade} 次没有补上。")
    click.echo(f"最近 {days} 天没有遗漏。")


def _planned() -> dict[str, Job | Sweep]:
    # The schedule imports every package that has a job; other commands need not wait for that.
    import activities.models  # noqa: F401 - an undo asks every table whether it refers to a member
    from jobs.schedule import JOBS, SWEEPS

    return {one.name: one for one in (*JOBS, *SWEEPS)}


@contextmanager
def _database() -> Iterator[sessionmaker[Session]]:
    settings = Settings.from_env()
    engine = make_engine(settings)
    try:
        yield make_sessions(engine, settings.vault)
    finally:
        engine.dispose()


def _try_out(work: Job | Sweep, now: datetime) -> None:
    with _database() as sessions, sessions() as session:
        if work.preview is not None:
            rows = list(work.preview(session, now=now))
            for row in rows:
                click.echo(_line(*(f"{key}：{value}" for key, value in row.items())))
            said = f"共 {len(rows)} 行"
        else:
            before = _messages(session)
            said = f"会处理 {work.run(session, now=now)} 项"
            for kind, number in sorted(_messages(session).items()):
                if number > before.get(kind, 0):
                    click.echo(_line("消息", kind, f"{number - before.get(kind, 0)} 条"))
        session.rollback()
    click.echo(f"{work.name} 试运行：{said}，没有留下改动。")


def _messages(session: Session) -> dict[str, int]:
    """How many messages wait, by kind."""
    from notifications.models import OutboxMessage, OutboxState

    rows = session.execute(
        sa.select(OutboxMessage.kind, sa.func.count().label("number"))
        .where(OutboxMessage.state == OutboxState.PENDING)
        .group_by(OutboxMessage.kind)
    )
    return {row.kind: row.number for row in rows}


def _state_of(standing: JobStanding | None, now: datetime) -> str:
    if standing is None:
        return "后台进程还没有运行过"
    if standing.last_error:
        return f"出错：{standing.last_error}"
    if standing.is_late(now):
        return f"迟 {int(standing.lateness(now).total_seconds() // 60)} 分钟"
    return "正常"


def _shown(at: datetime | None) -> str:
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M") if at else "—"


def _line(*cells: str) -> str:
    """Cells side by side; a Chinese character takes two columns."""
    return "  ".join(_padded(cell, 18) for cell in cells).rstrip()


def _padded(cell: str, columns: int) -> str:
    return cell + " " * (columns - _width(cell))


def _width(characters: Iterable[str]) -> int:
    return sum(2 if east_asian_width(one) in "FW" else 1 for one in characters)
