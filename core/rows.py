"""Many rows in one parameter: constant statements, whatever the batch size.

A multi-row VALUES list has one parameter per cell; parsing ten thousand placeholders costs more
than the database's own work, and engines cap their number. Here the rows travel as one JSON
array, which PostgreSQL and SQLite both unfold, so each statement is built once per process.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from core.db import Base, UtcDateTime

Rows = Sequence[Mapping[str, Any]]
Upsert = postgresql.Insert | sqlite.Insert
_NOTHING: Mapping[str, Any] = {}


class GivenRows(str):
    """Rows as they travel; whoever follows a statement need not take the text apart again."""

    __slots__ = ("rows",)
    PARAMETER = "given_rows"
    rows: Rows


def dialect_of(session: Session) -> str:
    """The name of the session's dialect: what statements are built and kept for."""
    return session.get_bind().dialect.name


def row_source(dialect: str, columns: Mapping[str, TypeEngine[Any]]) -> sa.Subquery:
    """Rows to select from or join with; they come with the execution as `rows_parameter`."""
    text = sa.bindparam(GivenRows.PARAMETER, type_=sa.Text)
    if dialect == "sqlite":
        unfolded = sa.func.json_each(text).table_valued("value")
        cells = [
            sa.func.json_extract(unfolded.c.value, f"$.{name}", type_=kind).label(name)
            for name, kind in columns.items()
        ]
        return sa.select(*cells).subquery("given")
    typed = [sa.column(name, _unbounded(kind)) for name, kind in columns.items()]
    unfolded = sa.func.jsonb_to_recordset(sa.cast(text, postgresql.JSONB)).table_valued(*typed)
    return sa.select(unfolded.render_derived("unfolded", with_types=True)).subquery("given")


def rows_parameter(session: Session, rows: Rows) -> dict[str, str]:
    """The execution parameter that carries the rows of a `row_source`."""
    text = GivenRows(_ENCODERS[dialect_of(session)].encode(rows))
    text.rows = rows
    return {GivenRows.PARAMETER: text}


def insert_rows(
    session: Session, model: type[Base], rows: Rows, *, shared: Mapping[str, Any] = _NOTHING
) -> None:
    """Write rows in one INSERT; every row has the same columns, and every column that is set.

    Args:
        shared: columns that are the same in all rows, which travel once and not in each.
    """
    if rows:
        statement = plain_insert(dialect_of(session), model, tuple(rows[0]), tuple(shared))
        session.execute(statement, {**shared, **rows_parameter(session, rows)})


def ordered_insert(
    dialect: str, model: type[Base], names: Sequence[str], shared: Sequence[str] = ()
) -> Upsert:
    """An INSERT of rows in primary key order, to be given its ON CONFLICT clause and kept."""
    return _insert(dialect, model, names, shared, sa.inspect(model).primary_key)


@cache
def plain_insert(
    dialect: str, model: type[Base], names: tuple[str, ...], shared: tuple[str, ...] = ()
) -> Upsert:
    """An INSERT of rows; columns that all of them share are parameters by their own names."""
    return _insert(dialect, model, names, shared, ())


def _insert(
    dialect: str,
    model: type[Base],
    names: Sequence[str],
    shared: Sequence[str],
    ordered_by: Iterable[sa.ColumnElement[Any]],
) -> Upsert:
    table = cast(sa.Table, model.__table__)
    source = row_source(dialect, {name: table.c[name].type for name in names})
    cells = [*(source.c[name] for name in names)]
    cells += [sa.bindparam(name, type_=table.c[name].type) for name in shared]
    # SQLite cannot tell ON CONFLICT from a join's ON unless the SELECT has a WHERE.
    select = sa.select(*cells).where(sa.true())
    select = select.order_by(*(source.c[str(column.key)] for column in ordered_by))
    insert: Upsert = sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
    return insert.from_select([*names, *shared], select)


def _plain(value: object) -> str:
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, date):  # an instant is one too
        return value.isoformat()
    raise TypeError(f"no JSON form for {type(value).__name__}")


def _plain_on_sqlite(value: object) -> str:
    return UtcDateTime.as_text(value) if isinstance(value, datetime) else _plain(value)


# Rows are built by the code that sends them, so there is no circle in them to look for.
_ENCODERS = {
    dialect: json.JSONEncoder(ensure_ascii=False, check_circular=False, default=plain)
    for dialect, plain in (("postgresql", _plain), ("sqlite", _plain_on_sqlite))
}


def _unbounded(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    # The table's own column checks the length; a typed record would do it in its own way.
    return sa.Text() if isinstance(kind, sa.String) else kind
