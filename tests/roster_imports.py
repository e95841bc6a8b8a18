"""Run roster imports in tests: the sample district, and the steps as the jobs process does."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.background import Progress
from core.clock import business_day
from members.access import Actor
from members.models import Member, Organization
from members.organization_import import import_organizations
from members.organization_list import read_rows
from members.roster.applying import commit
from members.roster.importing import upload
from members.roster.models import RosterImport, RosterImportRow
from members.roster.previewing import check
from tests.district import District
from tests.roster_files import DATA

NATIONAL = DATA / "roster_national_19.xlsx"
VIEW = DATA / "roster_view_28.xls"
# The samples hold dates up to the autumn of 2026.
NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
TODAY = business_day(NOW)

Step = Callable[..., Iterator[Progress]]


def sample_district(session: Session) -> District:
    """The organisations of the sample rosters, in the places of a small test district."""
    import_organizations(session, read_rows((DATA / "organizations.csv").read_bytes()), now=NOW)
    place = {o.name: o for o in session.scalars(sa.select(Organization))}
    return District(
        session,
        department=place["示范区委组织部"],
        street=place["杨陵街道"],
        branch=place["青石桥社区党支部"],
        group=place["青石桥社区党支部"],
        second_branch=place["滨河苑社区党支部"],
        town=place["李台镇"],
        village=place["上川村党支部"],
    )


def run(session: Session, step: Step, import_id: UUID, *, now: datetime = NOW) -> list[Progress]:
    """A step to its end, each chunk in a transaction."""
    progress = []
    for reached in step(session, import_id, now=now):
        session.commit()
        progress.append(reached)
    return progress


def check_file(
    session: Session, actor: Actor, place: Organization, path: Path, *, now: datetime = NOW
) -> RosterImport:
    """Upload and check."""
    roster_import = upload(
        session, actor, place.id, file_name=path.name, content=path.read_bytes(), now=now
    )
    run(session, check, roster_import.id, now=now)
    return roster_import


def import_file(
    session: Session, actor: Actor, place: Organization, path: Path, *, now: datetime = NOW
) -> RosterImport:
    """Upload, check and commit."""
    roster_import = check_file(session, actor, place, path, now=now)
    run(session, commit, roster_import.id, now=now)
    return roster_import


def results_of(session: Session, roster_import: RosterImport) -> list[RosterImportRow]:
    """The rows of result, in the order of the sheet."""
    return list(
        session.scalars(
            sa.select(RosterImportRow)
            .where(RosterImportRow.import_id == roster_import.id)
            .order_by(RosterImportRow.row_number, RosterImportRow.name)
            .execution_options(populate_existing=True)
        )
    )


def count(session: Session, table: type[Member] | type[Organization]) -> int:
    """Rows of a table."""
    return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0
