"""`flask org`: the organisation list from a file."""

from pathlib import Path

import click
from flask.cli import AppGroup

from api.cli.refusals import refusals_shown
from api.extensions import db
from core.clock import utc_now
from core.db import unit_of_work
from members.organization_import import import_organizations
from members.organization_list import read_rows

org = AppGroup("org", help="组织")


@org.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_list(file: Path) -> None:
    """导入组织名单（CSV：上级、名称、类别）；可重复执行，有问题的行不导入并逐行说明。"""
    with refusals_shown(), unit_of_work(db.session()) as session:
        outcome = import_organizations(session, read_rows(file.read_bytes()), now=utc_now())
    click.echo(f"新设 {outcome.created_count} 个，已有 {outcome.unchanged_count} 个。")
    for refused in outcome.refused:
        click.echo(f"第 {refused.line} 行“{refused.name}”没有导入：{refused.reason}", err=True)
    if outcome.refused:
        raise click.exceptions.Exit(1)
