"""The second wall alone: what PostgreSQL shows and takes when a query forgets its filter."""

import runpy
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import pytest
import sqlalchemy as sa
import time_machine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core.db import session_info
from core.scope import work_for, work_for_nobody
from tests.contract.authz_objects import KINDS, add_everything
from tests.contract.authz_world import AuthzWorld, build_people
from tests.engines import ROOT, Databases
from tests.points.test_database_walls import copy_of
from tests.world import NOW

WALLS = ("0023_walls", "0025_more_walls", "0026_feedback")
TABLES = sorted(
    table
    for name in WALLS
    for table in runpy.run_path(str(ROOT / f"migrations/versions/{name}.py"))["SCOPED"]
)
NOT_MADE = {"contact_number", "member_channel_address", "membership_decision"}
NOT_MADE |= {"case_review", "personal_data_access"}
APPEND_ONLY = {"contact_fact", "ledger_entry", "contact_attempt"}
KIND_OF = {kind.model.__tablename__: name for name, kind in KINDS.items()}


@dataclass
class Walls:
    """The district of the matrix on PostgreSQL, seen through the application's own role."""

    session: Session
    found: AuthzWorld

    def work_for(self, principal: str) -> None:
        work_for(self.session, self.found.world.members[principal])

    def count(self, table: str, **equal: UUID) -> int:
        """How many rows a query without the services' filters is shown."""
        where = " AND ".join(f"{name} = :{name}" for name in equal) or "true"
        query = sa.text(f"SELECT count(*) FROM {table} WHERE {where}")  # noqa: S608
        typed = [sa.bindparam(name, type_=sa.Uuid) for name in equal]
        return self.session.scalar(query.bindparams(*typed), equal) or 0

    def attempt(self, statement: str) -> int:
        with self.session.begin_nested():
            found: int = self.session.connection().exec_driver_sql(statement).rowcount
            return found


@pytest.fixture(scope="module")
def walls(databases: Databases) -> Iterator[Walls]:
    info = session_info(databases.settings("postgresql").vault)
    with time_machine.travel(NOW), databases.engine("postgresql").connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint", info=info) as session:
            found = build_people(session)
            add_everything(found)
            yield Walls(session, found)
        outer.rollback()


def test_connection_that_says_nothing_is_nobody(databases: Databases) -> None:
    settings = sa.text("SELECT scope_is_all(), scope_member(), scope_organizations()")
    with databases.engine("postgresql").connect() as connection:
        assert tuple(connection.execute(settings).one()) == (False, None, None)


@pytest.mark.parametrize("table", TABLES)
def test_nobody_sees_no_row(walls: Walls, table: str) -> None:
    work_for(walls.session, None)
    everything = walls.count(table)
    work_for_nobody(walls.session)

    assert (everything > 0) == (table not in NOT_MADE)
    assert walls.count(table) == 0


@pytest.mark.parametrize("principal", ["member", "leader", "secretary", "general", "committee"])
@pytest.mark.parametrize("table", TABLES)
def test_other_committee_is_not_seen(walls: Walls, principal: str, table: str) -> None:
    stranger = walls.found.subjects["other_committee"].member_id
    column = "objector_id" if table == "objection" else "member_id"
    walls.work_for(principal)

    assert walls.count(table, **{column: stranger}) == 0
    own = walls.found.selves[principal].member_id
    assert (walls.count(table, **{column: own}) > 0) == (table not in NOT_MADE)


def test_secretary_sees_his_branch_and_no_sibling(walls: Walls) -> None:
    subjects = walls.found.subjects
    walls.work_for("secretary")

    seen = {name for name, one in subjects.items() if walls.count("claim", member_id=one.member_id)}
    branch = {"same_group", "same_branch", "child", "closed_period"}
    assert seen == branch | {"transferred_out", "ended_membership"}


def test_district_sees_everything(walls: Walls) -> None:
    everybody = list(walls.found.everybody())
    walls.work_for("district")

    assert walls.count("claim") == len(everybody)


@pytest.mark.parametrize("table", sorted(set(TABLES) - NOT_MADE))
def test_row_of_another_committee_is_not_taken(walls: Walls, table: str) -> None:
    """A copy of what the system wrote there is refused for what it says, whoever it is about."""
    row_id = walls.found.subjects["other_committee"].ids[KIND_OF[table]]
    work_for(walls.session, None)
    walls.attempt(f"CREATE TEMPORARY TABLE IF NOT EXISTS t_{table} AS TABLE {table} WITH NO DATA")
    walls.attempt(f"INSERT INTO t_{table} SELECT * FROM {table} WHERE id = '{row_id}'")  # noqa: S608
    walls.work_for("secretary")

    with pytest.raises(DBAPIError, match="row-level security"):
        walls.attempt(copy_of(table, "true", {}).replace(f" FROM {table} ", f" FROM t_{table} "))


@pytest.mark.parametrize("table", sorted(set(TABLES) - NOT_MADE - APPEND_ONLY))
def test_row_of_another_committee_is_not_changed(walls: Walls, table: str) -> None:
    row_id = walls.found.subjects["other_committee"].ids[KIND_OF[table]]
    walls.work_for("secretary")

    assert walls.attempt(f"UPDATE {table} SET id = id WHERE id = '{row_id}'") == 0  # noqa: S608


def test_own_row_is_not_given_to_another_committee(walls: Walls) -> None:
    own = walls.found.subjects["same_branch"].ids["claim"]
    theirs = walls.found.world.organizations["三支部"]
    member = walls.found.subjects["other_committee"].member_id
    walls.work_for("secretary")

    with pytest.raises(DBAPIError, match="row-level security"):
        walls.attempt(
            f"UPDATE claim SET organization_id = '{theirs}', member_id = '{member}',"  # noqa: S608
            f" reviewer_organization_id = '{theirs}' WHERE id = '{own}'"
        )


def test_transaction_forgets_for_whom_it_worked(databases: Databases, walls: Walls) -> None:
    """A pooled connection shows the next request nothing of the last one's."""
    info = session_info(databases.settings("postgresql").vault)
    with databases.engine("postgresql").connect() as connection:
        with Session(connection, info=info) as session:
            assert session.scalar(sa.text("SELECT scope_is_all()")) is True
        assert connection.scalar(sa.text("SELECT scope_is_all()")) is False
