"""`flask points`: putting a scheme in force, opening a year."""

from datetime import datetime
from pathlib import Path

import click
from flask.cli import AppGroup

from api.cli.refusals import refusals_shown
from api.cli.schemes import read_file
from api.extensions import db
from core.clock import utc_now
from core.db import unit_of_work
from members import organization_reading
from points import periods, scheme_texts, schemes

points = AppGroup("points", help="积分方案与年度")


@points.command("publish")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--from", "effective_from", type=click.DateTime(["%Y-%m-%d"]), required=True)
def publish(file: Path, effective_from: datetime) -> None:
    """把 YAML 方案发布为全区的新版本，自某日起施行；有错误的方案不会发布。"""
    with refusals_shown(), unit_of_work(db.session()) as session:
        text = read_file(file)
        # Read with its lines first, so that a fault is told by its line.
        scheme_texts.parse(text)
        version = schemes.publish(
            session,
            organization_reading.get_root_from_console(session).id,
            text.data,
            effective_from=effective_from.date(),
            published_by=None,
            now=utc_now(),
        )
    click.echo(
        f"{version.scheme_code} 第 {version.version} 版自 {effective_from:%Y-%m-%d} 起施行。"
    )


@points.command("open-year")
@click.argument("year", type=click.IntRange(2000, 2100))
def open_year(year: int) -> None:
    """开放一个年度；已经开放的不变。"""
    with unit_of_work(db.session()) as session:
        opened = periods.ensure_year(session, year)
    click.echo(f"{year} 年度{'已开放' if opened else '原已存在，未改动'}。")
