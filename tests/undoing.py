"""Requests that leave no trace."""

import contextlib
from collections.abc import Iterator

from sqlalchemy.engine import Connection


@contextlib.contextmanager
def undone(connection: Connection) -> Iterator[None]:
    """Undo what is done in this block, and let go of its savepoint.

    A savepoint that has been rolled back stays, so the next one would lie within it. PostgreSQL
    keeps a lock for each of those that ever wrote: thousands deep, there is no room for more.
    """
    connection.exec_driver_sql("SAVEPOINT undone")
    try:
        yield
    finally:
        connection.exec_driver_sql("ROLLBACK TO SAVEPOINT undone")
        connection.exec_driver_sql("RELEASE SAVEPOINT undone")
