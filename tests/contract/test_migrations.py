"""The migrations: up, down and up again on both engines, no drift, nothing lost or left over."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from core.db import Base
from tests.engines import ROOT, migrate, owner_url
from tests.postgres import APP_ROLE

APPEND_ONLY = (
    {"ledger_entry", "claim_event"}
    | {"period_closing", "period_statement", "period_seal", "period_opening"}
    | {"ledger_block", "ledger_leaf", "ledger_tile", "ledger_checkpoint"}
    | {"bulletin_entry", "bulletin_confirmation", "objection_event"}
    | {"review_batch_decision", "recusal"}
    | {"pledge_revision", "pledge_event", "pledge_note", "pledge_evaluation"}
    | {"attendance_event", "check_in", "make_up", "meeting_vote", "duty_excuse"}
    | {"consent", "audit_seal", "audit_sample"}
    | {"personal_data_access", "shred_log"}
    | {"contact_fact", "contact_fact_retraction"}
    | {"outbox_attempt", "outbox_outcome"}
    | {"migrant_place", "migrant_touch"}
    | {"case_review", "feedback_step"}
    | {"case_assignment", "membership_decision"}
)
# Append-only as well, but what has been kept for its years goes; a trigger counts them.
KEPT_FOR_YEARS = {"contact_attempt", "case_access_record"}


# Nothing in them changes; retention may take what is old enough, as a trigger says.
RETAINED = {"audit_event", "audit_mention"}


def product_config(database_url: str) -> Config:
    config = Config(toml_file=ROOT / "pyproject.toml")
    config.attributes["database_url"] = database_url
    return config


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def table_names(url: str) -> set[str]:
    with connected(url) as connection:
        return set(sa.inspect(connection).get_table_names())


def test_migrations_have_one_head() -> None:
    assert len(ScriptDirectory.from_config(product_config("")).get_heads()) == 1


def test_up_down_up_ends_where_it_began(empty_database_url: str) -> None:
    config = product_config(empty_database_url)

    command.upgrade(config, "head")
    upgraded = table_names(empty_database_url)
    command.downgrade(config, "base")
    downgraded = table_names(empty_database_url)
    command.upgrade(config, "head")

    assert downgraded == {"alembic_version"}
    assert table_names(empty_database_url) == upgraded == {"alembic_version", *Base.metadata.tables}


def test_downgrade_leaves_no_function_trigger_or_grant(
    empty_database_url: str, engine_kind: str
) -> None:
    config = product_config(empty_database_url)
    command.upgrade(config, "head")
    command.downgrade(config, "base")

    with connected(empty_database_url) as connection:
        if engine_kind == "sqlite":
            left = connection.scalars(
                sa.text("SELECT name FROM sqlite_master WHERE type IN ('trigger', 'view')")
            ).all()
        else:
            left = connection.scalars(
                sa.text(
                    "SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
                    " UNION ALL SELECT typname::text FROM pg_type"
                    " WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd')"
                    " UNION ALL SELECT 'default grant' FROM pg_default_acl"
                    " UNION ALL SELECT table_name::text"
                    " FROM information_schema.role_table_grants WHERE grantee = :role"
                ),
                {"role": APP_ROLE},
            ).all()

    assert left == []


def test_models_say_what_the_migrations_made(empty_database_url: str) -> None:
    migrate(empty_database_url)

    # Raises with the list of differences in tables, columns, types, indexes and keys.
    command.check(product_config(empty_database_url))


def test_checks_of_the_models_are_those_of_the_database(
    empty_database_url: str, engine_kind: str
) -> None:
    """Alembic compares no CHECK; a state added to an enumeration would fail only in use."""
    migrate(empty_database_url)
    declared = {
        (table.name, str(check.name)): str(check.sqltext)
        for table in Base.metadata.tables.values()
        for check in table.constraints
        if isinstance(check, sa.CheckConstraint)
    }

    with connected(empty_database_url) as connection:
        inspector = sa.inspect(connection)
        made = {
            (table, str(check["name"])): check["sqltext"]
            for table in Base.metadata.tables
            for check in inspector.get_check_constraints(table)
        }

    assert made.keys() == declared.keys()
    # PostgreSQL stores its own reading of the text; SQLite keeps the text.
    if engine_kind == "sqlite":
        assert made == declared


def test_app_role_may_use_every_table_and_change_no_append_only_one(
    fresh_database_url: str, engine_kind: str
) -> None:
    """SQLite knows no roles; there, every table is simply reachable."""
    rights = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE")
    with connected(fresh_database_url) as connection:
        if engine_kind == "sqlite":
            for table in Base.metadata.tables:
                connection.execute(sa.text(f"SELECT 1 FROM {table}"))  # noqa: S608
            return
        granted = {
            table: {
                right
                for right in rights
                if connection.scalar(sa.select(sa.func.has_table_privilege(table, right)))
            }
            for table in {*Base.metadata.tables, "alembic_version"}
        }

    assert granted.pop("alembic_version") == {"SELECT"}
    for table, held in granted.items():
        changes = set() if table in APPEND_ONLY else {"UPDATE", "DELETE"}
        changes -= {"UPDATE"} if table in KEPT_FOR_YEARS | RETAINED else set()
        assert held == {"SELECT", "INSERT"} | changes, table


def test_table_of_a_later_migration_is_granted_as_it_is_made(
    fresh_database_url: str, fresh_owner_url: str
) -> None:
    with connected(fresh_owner_url) as owner:
        owner.execute(sa.text("CREATE TABLE of_a_later_migration (id integer)"))

    with connected(fresh_database_url) as product:
        product.execute(sa.text("INSERT INTO of_a_later_migration VALUES (1)"))
        product.execute(sa.text("UPDATE of_a_later_migration SET id = 2"))
        product.execute(sa.text("DELETE FROM of_a_later_migration"))


PARENT_AND_CHILD = """
def upgrade():
    op.create_table("parent", sa.Column("id", sa.Integer, primary_key=True))
    op.create_table(
        "child",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("parent_id", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["parent.id"], "fk_child", ondelete="CASCADE"),
    )
    op.execute("INSERT INTO parent (id) VALUES (1), (2)")
    op.execute("INSERT INTO child (id, parent_id) VALUES (10, 1), (20, 2)")
"""
REBUILD_PARENT = """
def upgrade():
    with op.batch_alter_table("parent", recreate="auto") as batch:
        batch.alter_column("id", existing_type=sa.Integer, type_=sa.BigInteger)
        batch.add_column(sa.Column("name", sa.String(10)))
"""
ORPHAN_A_CHILD = """
def upgrade():
    op.execute("DELETE FROM parent WHERE id = 2")
    op.execute("INSERT INTO child (id, parent_id) VALUES (30, 3)")
"""


def made_up_migrations(directory: Path, url: str, *steps: str) -> Config:
    """The product's own environment, with other migrations below it."""
    versions = directory / "versions"
    versions.mkdir(parents=True)
    shutil.copy(ROOT / "migrations/env.py", directory)
    for number, step in enumerate(steps):
        below = repr(f"step{number - 1}") if number else None
        head = f"import sqlalchemy as sa\nfrom alembic import op\nrevision = 'step{number}'\n"
        (versions / f"step{number}.py").write_text(f"{head}down_revision = {below}\n{step}")
    config = Config()
    config.set_main_option("script_location", str(directory))
    config.set_main_option("path_separator", "os")
    config.attributes["database_url"] = url
    return config


def test_rebuilding_a_parent_keeps_its_children(empty_database_url: str, tmp_path: Path) -> None:
    """SQLite changes a column by a copy of the table; dropping the old one must not cascade."""
    config = made_up_migrations(
        tmp_path / "made_up", empty_database_url, PARENT_AND_CHILD, REBUILD_PARENT
    )

    command.upgrade(config, "head")

    with connected(empty_database_url) as connection:
        children = connection.execute(sa.text("SELECT id, parent_id FROM child ORDER BY id")).all()
    assert [tuple(row) for row in children] == [(10, 1), (20, 2)]


def test_migration_that_breaks_a_foreign_key_is_undone(
    empty_database_url: str, engine_kind: str, tmp_path: Path
) -> None:
    config = made_up_migrations(
        tmp_path / "made_up", empty_database_url, PARENT_AND_CHILD, ORPHAN_A_CHILD
    )
    command.upgrade(config, "step0")
    expected = RuntimeError if engine_kind == "sqlite" else sa.exc.IntegrityError

    with pytest.raises(expected, match="foreign key"):
        command.upgrade(config, "head")

    with connected(empty_database_url) as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM parent")) == 2
        assert connection.scalar(sa.text("SELECT version_num FROM alembic_version")) == "step0"


def test_owner_is_not_the_product(fresh_database_url: str, engine_kind: str) -> None:
    is_same = owner_url(fresh_database_url) == fresh_database_url

    assert is_same is (engine_kind == "sqlite")
