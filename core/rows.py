"""Many rows in one parameter: constant statement text, whatever the batch size.

A multi-row VALUES list has one parameter per cell; parsing ten thousand placeholders costs more
than the database's own work, and engines cap their number. Here the rows travel as one JSON
array, which PostgreSQL and SQLite both unfold.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from core.db import Base, UtcDateTime

Rows = Sequence[Mapping[str, Any]]
Upsert = postgresql.Insert | sqlite.Insert


def row_source(session: Session, columns: Mapping[str, TypeEngine[Any]], rows: Rows) -> sa.Subquery:
    """The rows as something to select from or join with."""
    on_sqlite = session.get_bind().dialect.name == "sqlite"
    text = sa.literal(_encode(rows, on_sqlite=on_sqlite), sa.Text)
    if on_sqlite:
        unfolded = sa.func.json_each(text).table_valued("value")
        cells = [
            sa.func.json_extract(unfolded.c.value, f"$.{name}", type_=kind).label(name)
            for name, kind in columns.items()
        ]
        return sa.select(*cells).subquery("given")
    typed = [sa.column(name, _unbounded(kind)) for name, kind in columns.items()]
    unfolded = sa.func.jsonb_to_recordset(sa.cast(text, postgresql.JSONB)).table_valued(*typed)
    return sa.select(unfolded.render_derived("unfolded", with_types=True)).subquery("given")


def insert_rows(session: Session, model: type[Base], rows: Rows) -> None:
    """Write rows in one INSERT; every row has the same columns, and every column that is set."""
    if rows:
        session.execute(_insert(session, model, rows))


def upsert_rows(session: Session, model: type[Base], rows: Rows) -> Upsert:
    """An INSERT of the rows in primary key order, to be given its ON CONFLICT clause."""
    return _insert(session, model, rows, ordered_by=sa.inspect(model).primary_key)


def _insert(
    session: Session,
    model: type[Base],
    rows: Rows,
    ordered_by: Iterable[sa.ColumnElement[Any]] = (),
) -> Upsert:
    table = cast(sa.Table, model.__table__)
    names = list(rows[0])
    source = row_source(session, {name: table.c[name].type for name in names}, rows)
    # SQLite cannot tell ON CONFLICT from a join's ON unless the SELECT has a WHERE.
    select = sa.select(*(source.c[name] for name in names)).where(sa.true())
    select = select.order_by(*(source.c[str(column.key)] for column in ordered_by))
    on_sqlite = session.get_bind().dialect.name == "sqlite"
    insert: Upsert = sqlite.insert(table) if on_sqlite else postgresql.insert(table)
    return insert.from_select(names, select)


def _unbounded(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    # The table's own column checks the length; a typed record would do it in its own way.
    return sa.Text() if isinstance(kind, sa.String) else kind


def _encode(rows: Rows, *, on_sqlite: bool) -> str:
    def plain(value: object) -> str:
        if isinstance(value, UUID):
            return value.hex
        if isinstance(value, datetime):
            return UtcDateTime.as_text(value) if on_sqlite else value.isoformat()
        if isinstance(value, date):
            return value.isoformat()
        raise TypeError(f"no JSON form for {type(value).__name__}")

    return json.dumps([dict(row) for row in rows], default=plain, ensure_ascii=False)
