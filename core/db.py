"""Database: declarative base, column types, engine settings and the unit of work."""

import enum
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Connection, Dialect, Engine
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.types import TypeDecorator, TypeEngine

from core.attribution import KEY, by_this_program
from core.config import Settings
from core.crypto import Vault
from core.scope import SYSTEM

# SQLite takes its one write lock at BEGIN IMMEDIATE. A request that only reads says so here
# and gets a deferred BEGIN instead, so that readers do not queue behind the writer.
read_only: ContextVar[bool] = ContextVar("read_only", default=False)

# Connections of a process beyond its pool, under load.
POOL_OVERFLOW = 2
_WORKING = "unit_of_work"

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """All tables of the product."""

    metadata = sa.MetaData(naming_convention=NAMING_CONVENTION)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant: timestamptz on PostgreSQL, fixed-width sortable UTC text on SQLite."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True
    _format = "%Y-%m-%dT%H:%M:%S.%fZ"

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.String(27))
        return dialect.type_descriptor(sa.DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        return self.as_text(value) if dialect.name == "sqlite" else _require_aware(value)

    @classmethod
    def as_text(cls, value: datetime) -> str:
        """The form in which SQLite keeps an instant."""
        return _require_aware(value).strftime(cls._format)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if isinstance(value, str):
            return datetime.strptime(value, self._format).replace(tzinfo=UTC)
        result: datetime = value.astimezone(UTC)
        return result


def _require_aware(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("naive datetime refused: an instant needs its offset")
    return value.astimezone(UTC)


Json = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def one_of(column: str, values: type[enum.StrEnum]) -> sa.CheckConstraint:
    """A CHECK that a text column holds a member of the enumeration."""
    listed = ", ".join(f"'{member.value}'" for member in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=column)


def make_engine(settings: Settings, *, url: str | None = None) -> Engine:
    """The engine of a process outside Flask (jobs, CLI, tests); same settings as inside."""
    return sa.create_engine(url or settings.database_url, **engine_options(settings))


def engine_options(settings: Settings) -> dict[str, Any]:
    """Pool and connection settings for the deployment's database."""
    if settings.database_url.startswith("sqlite"):
        # isolation_level None hands BEGIN to the listener below; the driver's own implicit
        # BEGIN is deferred and loses updates under concurrency.
        return {
            "hide_parameters": True,
            "connect_args": {"isolation_level": None, "timeout": 10},
        }
    return {
        # The text of a database error goes to logs and consoles; what was typed must not.
        "hide_parameters": True,
        "pool_size": settings.db_pool_size,
        "max_overflow": POOL_OVERFLOW,
        "pool_pre_ping": True,
        "pool_recycle": 1800,
        "connect_args": {
            "connect_timeout": 5,
            "application_name": "party-points",
            "options": "-c timezone=UTC -c statement_timeout=30000 -c lock_timeout=5000"
            " -c idle_in_transaction_session_timeout=60000",
        },
    }


def make_sessions(engine: Engine, vault: Vault) -> sessionmaker[Session]:
    """Sessions for jobs, CLI and tests."""
    return sessionmaker(engine, expire_on_commit=False, info=session_info(vault))


def session_info(vault: Vault) -> dict[Any, Any]:
    """What a session carries outside of a request: the vault, for domain code to find it.

    It works for the system, and what it writes is on the account of this program, until more is
    said.
    """
    return {"vault": vault, KEY: by_this_program()} | SYSTEM


def vault_of(session: Session) -> Vault:
    """The keys that the edge handed to this session."""
    vault: Vault = session.info["vault"]
    return vault


def database_now(dialect: str, plus: timedelta = timedelta(0)) -> sa.ColumnElement[datetime]:
    """The database's own clock, which all processes share, as it is when the statement runs."""
    if dialect == "sqlite":
        # It knows milliseconds; the zeros make it the text in which instants are kept.
        later = f"{plus.total_seconds():+.3f} seconds"
        return sa.func.strftime("%Y-%m-%dT%H:%M:%f000Z", "now", later, type_=UtcDateTime)
    return sa.func.clock_timestamp(type_=UtcDateTime) + sa.literal(plus, sa.Interval)


@contextmanager
def snapshot(session: Session) -> Iterator[Session]:
    """A second session that reads one consistent view, and holds no lock that a writer waits for.

    Nothing of the first session's open transaction is in it.
    """
    engine = session.get_bind().engine
    before = read_only.set(True)
    try:
        level = {} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
        with (
            engine.connect().execution_options(**level) as connection,
            Session(connection, info=session.info) as view,
        ):
            yield view
    finally:
        read_only.reset(before)


class OutcomeUnknown(Exception):
    """The connection was lost while a COMMIT was under way: it may have happened or not."""


@contextmanager
def unit_of_work(session: Session) -> Iterator[Session]:
    """One use case, one transaction: commit at the end, roll back on any error.

    Inside another one of the same session it joins: the outer one ends both, and an error has to
    reach it. It does not call `session.begin()`: looking up who is asking has already begun the
    transaction by the time a view runs.

    Raises:
        OutcomeUnknown: nobody can tell whether the work was committed; it was not "failed".
    """
    if is_working(session):
        yield session
        return
    session.info[_WORKING] = session
    try:
        yield session
        # What the database refuses now, it refuses before COMMIT is sent.
        session.flush()
        _commit(session)
    except BaseException:
        session.rollback()
        raise
    finally:
        del session.info[_WORKING]


def is_working(session: Session) -> bool:
    """Whether the session is inside a unit of work."""
    # A session of a `snapshot` carries its parent's notes, but not its parent's transaction.
    return session.info.get(_WORKING) is session


def _commit(session: Session) -> None:
    try:
        session.commit()
    except sa.exc.DBAPIError as error:
        if error.connection_invalidated:
            raise OutcomeUnknown from error
        raise


# SQLite before 3.51.3 can corrupt a WAL database with two or more connections, so older
# libraries use a rollback journal. Both are durable with synchronous=FULL.
SQLITE_WAL_SAFE_FROM = (3, 51, 3)
SQLITE_JOURNAL = "WAL" if sqlite3.sqlite_version_info >= SQLITE_WAL_SAFE_FROM else "TRUNCATE"


@event.listens_for(Engine, "connect")
def _configure_sqlite(dbapi_connection: Any, _record: Any) -> None:
    if not isinstance(dbapi_connection, sqlite3.Connection):
        return
    dbapi_connection.isolation_level = None
    for pragma in (
        "busy_timeout=10000",
        f"journal_mode={SQLITE_JOURNAL}",
        "synchronous=FULL",
        "foreign_keys=ON",
        # Without this, INSERT OR REPLACE deletes a row without firing its delete triggers.
        "recursive_triggers=ON",
    ):
        dbapi_connection.execute(f"PRAGMA {pragma}")


@event.listens_for(Engine, "begin")
def _begin_sqlite(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN" if read_only.get() else "BEGIN IMMEDIATE")
