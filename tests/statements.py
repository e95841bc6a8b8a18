"""Counting the SQL statements that a piece of work issues."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.orm import Session


@contextmanager
def counted_statements(session: Session) -> Iterator[list[str]]:
    """The statements of the session's connection while the block runs.

    Savepoints are left out, and what tells PostgreSQL for whom a transaction works: one
    statement a transaction, which SQLite does not need.
    """
    connection = session.connection()
    seen: list[str] = []

    def note(_c: object, _cursor: object, sql: str, *_rest: object) -> None:
        if not any(word in sql for word in ("SAVEPOINT", "enter_scope", "app.scope")):
            seen.append(sql)

    sa.event.listen(connection, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(connection, "before_cursor_execute", note)
