"""What a database says of itself: one statement on PostgreSQL, a few pragmas on SQLite."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

# The tables that nobody may change are those that carry the trigger which refuses it. A role
# that is a member of the owner may drop it, so membership counts as ownership. Where a trigger lets
# rows go after their years (8 is its bit for DELETE), the role may ask it to.
_POSTGRESQL = sa.text("""
    SELECT current_setting('synchronous_commit') AS synchronous_commit,
           current_setting('fsync') AS fsync,
           current_setting('full_page_writes') AS full_page_writes,
           current_setting('data_checksums') AS data_checksums,
           current_setting('max_connections')::int AS max_connections,
           current_setting('statement_timeout') AS statement_timeout,
           current_setting('lock_timeout') AS lock_timeout,
           current_setting('idle_in_transaction_session_timeout') AS idle_timeout,
           role.rolsuper AS is_superuser,
           role.rolbypassrls AS bypasses_policies,
           guards.owned, guards.disabled, guards.writable, guards.total,
           inet_server_addr() IS NULL OR inet_server_addr() << '127.0.0.0/8'
             OR inet_server_addr() = '::1' AS is_local,
           COALESCE((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS is_sealed,
           clock_timestamp() AS at
      FROM pg_roles AS role, LATERAL (
        SELECT count(*) AS total,
               count(*) FILTER (WHERE pg_has_role(role.oid, c.relowner, 'USAGE')) AS owned,
               count(*) FILTER (WHERE t.tgenabled NOT IN ('O', 'A')) AS disabled,
               count(*) FILTER (
                 WHERE has_table_privilege(role.oid, c.oid, 'UPDATE, TRUNCATE')
                    OR p.proname = 'refuse_change' AND t.tgtype & 8 > 0
                       AND has_table_privilege(role.oid, c.oid, 'DELETE')) AS writable
          FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
               JOIN pg_proc AS p ON p.oid = t.tgfoid
         WHERE t.tgname = 'append_only') AS guards
     WHERE role.rolname = current_user
""")
_PRAGMAS = (
    "foreign_keys",
    "recursive_triggers",
    "synchronous",
    "journal_mode",
    "busy_timeout",
)


@dataclass(frozen=True, slots=True)
class PostgresFacts:
    """Settings in force for our role, and what the role may do to the append-only tables."""

    synchronous_commit: str
    fsync: str
    full_page_writes: str
    data_checksums: str
    max_connections: int
    statement_timeout: str
    lock_timeout: str
    idle_timeout: str
    is_superuser: bool
    bypasses_policies: bool
    owned: int
    disabled: int
    writable: int
    total: int
    is_local: bool
    is_sealed: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class SqliteFacts:
    """Pragmas in force, the library, and who may enter the folder of the file."""

    version: tuple[int, ...]
    pragmas: dict[str, Any]
    folder_mode: int


def read_facts(connection: Connection) -> PostgresFacts | SqliteFacts:
    """Ask the database of this connection."""
    if connection.dialect.name == "sqlite":
        return _read_sqlite(connection)
    row = connection.execute(_POSTGRESQL).one()
    return PostgresFacts(**row._mapping)


def _read_sqlite(connection: Connection) -> SqliteFacts:
    pragmas = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in _PRAGMAS}
    file = Path(connection.engine.url.database or ".")
    mode = file.absolute().parent.stat().st_mode & 0o777
    return SqliteFacts(sqlite3.sqlite_version_info, pragmas, mode)
