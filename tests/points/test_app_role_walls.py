"""PostgreSQL's second wall: the product's role lacks the right, and the owner meets the trigger."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core.crypto import Vault
from core.db import session_info
from tests.engines import Databases, owner_url
from tests.points.test_database_walls import build_site
from tests.postgres import OWNER


@pytest.fixture
def app_role(databases: Databases) -> Iterator[Connection]:
    with databases.engine("postgresql").connect() as connection:
        outer = connection.begin()
        yield connection
        outer.rollback()


@pytest.fixture
def owner(databases: Databases, vault_of_postgres: Vault) -> Iterator[Connection]:
    """The owner's connection in a transaction that has one posted entry."""
    engine: Engine = sa.create_engine(owner_url(databases.shared_url("postgresql")))
    with engine.connect() as connection:
        outer = connection.begin()
        with Session(
            connection,
            join_transaction_mode="create_savepoint",
            info=session_info(vault_of_postgres),
        ) as session:
            site = build_site(session)
            site.attempt(site.entry_like())
            # A table with checks still due cannot be truncated anyway; that is not the point.
            connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
            yield connection
        outer.rollback()
    engine.dispose()


@pytest.fixture
def vault_of_postgres(databases: Databases) -> Vault:
    return databases.settings("postgresql").vault


def attempt(connection: Connection, statement: str) -> None:
    with connection.begin_nested():
        connection.exec_driver_sql(statement)


CHANGES = (
    "UPDATE {} SET id = id",
    "DELETE FROM {}",
    "TRUNCATE {} CASCADE",
)
TABLES = ("ledger_entry", "claim_event")


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("change", CHANGES)
def test_product_may_not_change_an_append_only_table(
    app_role: Connection, change: str, table: str
) -> None:
    with pytest.raises(DBAPIError, match="permission denied for table"):
        attempt(app_role, change.format(table))


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("change", CHANGES)
def test_owner_meets_the_trigger(owner: Connection, change: str, table: str) -> None:
    with pytest.raises(DBAPIError, match="append-only"):
        attempt(owner, change.format(table))


def test_owner_meets_the_trigger_on_conflict(owner: Connection) -> None:
    columns = ", ".join(
        row.column_name
        for row in owner.execute(
            sa.text(
                "SELECT column_name FROM information_schema.columns"
                " WHERE table_name = 'ledger_entry' AND is_identity = 'NO'"
            )
        )
    )

    with pytest.raises(DBAPIError, match="append-only"):
        attempt(
            owner,
            f"INSERT INTO ledger_entry ({columns}) SELECT {columns} FROM ledger_entry"  # noqa: S608
            " ON CONFLICT (id) DO UPDATE SET points = 0",
        )


ESCAPES = {
    "switch the triggers off": (
        "ALTER TABLE ledger_entry DISABLE TRIGGER ALL",
        "must be owner",
    ),
    "drop a trigger": ("DROP TRIGGER append_only ON ledger_entry", "must be owner"),
    "pretend to be a replica": ("SET session_replication_role = replica", "permission denied"),
    "become the owner": (f"SET ROLE {OWNER}", "permission denied"),
    "replace what the trigger does": (
        "CREATE OR REPLACE FUNCTION public.refuse_change() RETURNS trigger LANGUAGE sql AS ''",
        "permission denied|must be owner",
    ),
    "drop a constraint": (
        "ALTER TABLE points_quota DROP CONSTRAINT ck_points_quota_room",
        "must be owner",
    ),
    "set the next number": (
        "SELECT setval(pg_get_serial_sequence('ledger_entry', 'seq'), 1)",
        "permission denied",
    ),
    "choose a number": (
        "INSERT INTO ledger_entry (seq) VALUES (1)",
        "GENERATED ALWAYS",
    ),
    "pretend another schema version": (
        "UPDATE alembic_version SET version_num = '0'",
        "permission denied",
    ),
    "make a table": ("CREATE TABLE public.mine (id integer)", "permission denied"),
}


@pytest.mark.parametrize("escape", ESCAPES)
def test_product_cannot_get_around_the_guards(app_role: Connection, escape: str) -> None:
    statement, refusal = ESCAPES[escape]

    with pytest.raises(DBAPIError, match=refusal):
        attempt(app_role, statement)


def test_product_cannot_grant_itself_a_right(app_role: Connection) -> None:
    # PostgreSQL answers with a warning only: whoever may grant nothing grants nothing.
    attempt(app_role, "GRANT UPDATE ON ledger_entry TO CURRENT_USER")

    right = sa.select(sa.func.has_table_privilege("ledger_entry", "UPDATE"))
    assert app_role.scalar(right) is False


def test_temporary_table_does_not_blind_the_guards(
    app_role: Connection, vault_of_postgres: Vault
) -> None:
    """A temporary table comes first on the usual search path, and anybody may make one."""
    with Session(
        app_role,
        join_transaction_mode="create_savepoint",
        info=session_info(vault_of_postgres),
    ) as session:
        site = build_site(session)
        overlapping = site.affiliation_like("党员甲").replace(
            " affiliation ", " public.affiliation "
        )
        for table in ("affiliation", "member", "organization"):
            attempt(app_role, f"CREATE TEMPORARY TABLE {table} (LIKE public.{table})")

        with pytest.raises(DBAPIError, match="overlapping primary"):
            attempt(app_role, overlapping)
        with pytest.raises(DBAPIError, match="organization cycle"):
            attempt(
                app_role,
                f"UPDATE public.organization SET parent_id = {site.id_of('一支部')}"  # noqa: S608
                f" WHERE id = {site.id_of('街道')}",
            )
