"""Changing a table's constraints on SQLite, which can only be done by making the table again."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from alembic import op


def rebuild_table(
    table: str, edits: Sequence[tuple[str, str]], *, filled: Mapping[str, str] | None = None
) -> None:
    """Make a table again with its SQL edited; rows, indexes and triggers stay.

    The steps are those of SQLite's own "Making Other Kinds Of Table Schema Changes". The
    environment has switched foreign keys off and checks them before it commits.

    Args:
        edits: (part of the CREATE TABLE statement, its replacement); each part occurs once.
        filled: new column -> SQL expression over the old row that fills it.

    Raises:
        RuntimeError: a part does not occur exactly once, so that the table is not what the
            migration believes.
    """
    connection = op.get_bind()
    made = {
        (kind, name): sql
        for kind, name, sql in connection.execute(
            sa.text("SELECT type, name, sql FROM sqlite_master WHERE tbl_name = :table"),
            {"table": table},
        )
        if sql is not None
    }
    sql = made.pop(("table", table))
    for old, new in edits:
        if sql.count(old) != 1:
            raise RuntimeError(f"{table}: {sql.count(old)} times {old!r}")
        sql = sql.replace(old, new)
    before = _columns(table)
    op.execute(sql.replace(table, f"new_{table}", 1))
    kept = [column for column in _columns(f"new_{table}") if column in before]
    given = filled or {}
    into = ", ".join(f'"{column}"' for column in (*kept, *given))
    values = ", ".join((*(f'"{column}"' for column in kept), *given.values()))
    op.execute(f"INSERT INTO new_{table} ({into}) SELECT {values} FROM {table}")
    op.execute(f"DROP TABLE {table}")
    op.execute(f"ALTER TABLE new_{table} RENAME TO {table}")
    for again in made.values():
        op.execute(again)


def _columns(table: str) -> list[str]:
    rows = op.get_bind().exec_driver_sql(f"PRAGMA table_info({table})")
    return [row[1] for row in rows]
