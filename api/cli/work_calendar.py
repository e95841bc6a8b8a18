"""`flask calendar`: the State Council's yearly notice on holidays."""

import csv
from datetime import date
from pathlib import Path

import click
from flask.cli import AppGroup

from api.cli.refusals import refusals_shown
from api.extensions import db
from core.clock import utc_now
from core.db import unit_of_work
from members import work_calendar
from members.work_calendar import NoticeDay

calendar = AppGroup("calendar", help="工作日历")
_WORDS = {"班": True, "休": False}


@calendar.command("import")
@click.argument("year", type=click.IntRange(2000, 2100))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_(year: int, file: Path) -> None:
    """录入一年的节假日安排：CSV，每行“日期,休 或 班,名称”。"""
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            days = [
                NoticeDay(date.fromisoformat(day.strip()), _WORDS[word.strip()], name.strip())
                for day, word, name in csv.reader(lines)
            ]
    except (KeyError, ValueError) as error:
        raise click.ClickException("每行应为“2027-02-06,休,春节”，请核对文件。") from error
    with refusals_shown(), unit_of_work(db.session()) as session:
        kept = work_calendar.store_notice(session, year, days=days, set_by=None, now=utc_now())
    click.echo(f"已录入 {year} 年 {len(kept)} 天。")
