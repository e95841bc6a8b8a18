"""The two engines of the suite: one migrated template a run, one clone a worker."""

import fcntl
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from flask import Flask
from sqlalchemy import Connection, Engine, make_url, text

from core.config import Settings
from core.db import make_engine
from tests.postgres import OWNER, PostgresServer

ROOT = Path(__file__).resolve().parent.parent
ENGINE_KINDS = ("sqlite", "postgresql")
TEMPLATE = "template_points"
RUN_PREFIX = "points-tests-"
# Not TMPDIR: a socket's path has about 100 bytes, and the server's own account must get there.
TEMPORARY = Path("/tmp")  # noqa: S108 - mkdtemp makes a private directory in it

# Fixed keys, so that a failing test can be run again with the same bytes. Never a real key.
ENVIRONMENT = {
    # Tests ask more in a minute than people; those of the limits set their own.
    "PARTY_POINTS_MEMBER_REQUESTS_PER_MINUTE": "1000000",
    "PARTY_POINTS_ADDRESS_REQUESTS_PER_MINUTE": "1000000",
    "PARTY_POINTS_JWT_SECRET": "test-only-token-key-test-only-token-key",
    "PARTY_POINTS_FLASK_SECRET": "test-only-flask-key-test-only-flask-key",
    "PARTY_POINTS_FIELD_KEY": "dGVzdC1vbmx5LWZpZWxkLWtleS0zMi1ieXRlcy4uLi4=",
    "PARTY_POINTS_INDEX_KEY": "dGVzdC1vbmx5LWluZGV4LWtleS0zMi1ieXRlcy4uLi4=",
}


def environment(database_url: str, data_dir: Path) -> dict[str, str]:
    """The product's environment variables for a process that serves this database."""
    return ENVIRONMENT | {
        "PARTY_POINTS_DATABASE_URL": database_url,
        "PARTY_POINTS_DATA_DIR": str(data_dir),
        # Off by default: what is refused without it has a test of its own.
        "PARTY_POINTS_ID_NUMBERS": "1",
    }


def owner_url(database_url: str) -> str:
    """The same database for the one who owns its tables; on SQLite nobody else is known."""
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite":
        return database_url
    return url.set(username=OWNER).render_as_string(hide_password=False)


def migrate(database_url: str, revision: str = "head") -> None:
    """Bring a database to a revision by the real migrations, as its owner."""
    config = Config(toml_file=ROOT / "pyproject.toml")
    config.attributes["database_url"] = owner_url(database_url)
    command.upgrade(config, revision)


def create_run_directory() -> Path:
    """A directory for everything of this run; removes those of runs that were killed."""
    for old in TEMPORARY.glob(RUN_PREFIX + "*"):
        pid = int(old.name.removeprefix(RUN_PREFIX).split("-")[0])
        # Another run may be sweeping too, and what it takes away need not be here any more.
        with suppress(FileNotFoundError):
            if old.stat().st_uid == os.geteuid() and not _is_alive(pid):
                remove_run_directory(old)
    return Path(tempfile.mkdtemp(prefix=f"{RUN_PREFIX}{os.getpid()}-", dir=TEMPORARY))


def remove_run_directory(directory: Path) -> None:
    """Stop the run's server, if a test has asked for it, and delete the run's files."""
    # A server that is already gone is no reason to keep its files.
    with suppress(RuntimeError, OSError):
        PostgresServer(directory).stop()
    shutil.rmtree(directory, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _handing_back(app: Flask) -> Callable[..., Any]:
    """The application, whose requests leave the test's transaction to the test again."""
    inner = app.wsgi_app

    def answer(*given: Any) -> Any:
        try:
            return inner(*given)
        finally:
            with app.app_context():
                connection = app.extensions["sqlalchemy"].engines[None]
            if isinstance(connection, Connection) and connection.dialect.name == "postgresql":
                connection.execute(text("SELECT set_config('app.scope', 'all', true)"))

    return answer


class Databases:
    """The databases of one worker. Servers and templates are made when first asked for."""

    def __init__(self, run_directory: Path, worker: str) -> None:
        self._directory = run_directory
        self._worker = worker
        self._server = PostgresServer(run_directory)
        self._numbers = itertools.count(1)
        self._shared: dict[str, str] = {}
        self._engines: dict[str, Engine] = {}
        self._apps: dict[str, Flask] = {}

    def shared_url(self, kind: str) -> str:
        """The worker's migrated database; whoever uses it rolls back what he did."""
        if kind not in self._shared:
            self._shared[kind] = self._clone(kind, self._worker)
        return self._shared[kind]

    def settings(self, kind: str) -> Settings:
        """Settings of the product on the worker's shared database."""
        return Settings.from_env(environment(self.shared_url(kind), self._directory))

    def engine(self, kind: str) -> Engine:
        """One engine on the worker's shared database."""
        if kind not in self._engines:
            self._engines[kind] = make_engine(self.settings(kind))
        return self._engines[kind]

    @contextmanager
    def app_on(self, kind: str, connection: Connection) -> Iterator[Flask]:
        """The worker's application, with this connection in the place of its engine."""
        app = self._app(kind)
        with app.app_context():
            engines = app.extensions["sqlalchemy"].engines
        own = engines[None]
        engines[None] = connection
        yield app
        engines[None] = own

    def _app(self, kind: str) -> Flask:
        # Tests of the pure rules need neither the framework nor the half second of its import.
        from api.app import create_app
        from tests.api_client import KeyedClient

        if kind not in self._apps:
            app = create_app(self.settings(kind))
            app.test_client_class = KeyedClient
            # With a connection in a transaction a session's rollback would end that transaction;
            # with an engine, as in production, the mode has no effect.
            app.extensions["sqlalchemy"].session.session_factory.configure(
                join_transaction_mode="create_savepoint"
            )
            app.wsgi_app = _handing_back(app)  # type: ignore[method-assign]
            self._apps[kind] = app
        return self._apps[kind]

    @contextmanager
    def fresh_url(self, kind: str, *, migrated: bool = True) -> Iterator[str]:
        """A private database for a test that commits; gone afterwards."""
        name = f"{self._worker}_{next(self._numbers)}"
        yield self._clone(kind, name) if migrated else self._create_empty(kind, name)
        self._drop(kind, name)

    @contextmanager
    def copy_of(self, url: str) -> Iterator[str]:
        """A copy of a private database as it is now, as a backup is; nobody may be connected."""
        name, source = f"{self._worker}_{next(self._numbers)}", make_url(url)
        if source.get_backend_name() == "sqlite":
            shutil.copy(str(source.database), self._sqlite_file(name))
            yield f"sqlite:///{self._sqlite_file(name)}"
            self._drop("sqlite", name)
        else:
            self._server.create_database(name, template=str(source.database))
            yield self._server.url(name)
            self._drop("postgresql", name)

    def restart_server(self) -> None:
        """Restart PostgreSQL under whoever is using it, as after a crash."""
        self._server.restart()

    def dispose(self) -> None:
        """Close the connections of this worker."""
        for engine in self._engines.values():
            engine.dispose()

    def _clone(self, kind: str, name: str) -> str:
        if kind == "sqlite":
            self._once("template.db", self._make_sqlite_template)
            shutil.copy(self._directory / "template.db", self._sqlite_file(name))
            return f"sqlite:///{self._sqlite_file(name)}"
        self._start_server()
        self._once("template.postgresql", self._make_postgres_template)
        self._server.create_database(name, template=TEMPLATE)
        return self._server.url(name)

    def _create_empty(self, kind: str, name: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{self._sqlite_file(name)}"
        self._start_server()
        self._server.create_database(name)
        return self._server.url(name)

    def _drop(self, kind: str, name: str) -> None:
        if kind == "sqlite":
            for file in self._directory.glob(f"{name}.db*"):
                file.unlink()
        else:
            self._server.drop_database(name)

    def _start_server(self) -> None:
        self._once("server.postgresql", lambda _marker: self._server.start())

    def _make_sqlite_template(self, marker: Path) -> None:
        unfinished = marker.with_suffix(".unfinished")
        unfinished.unlink(missing_ok=True)
        migrate(f"sqlite:///{unfinished}")
        unfinished.rename(marker)

    def _make_postgres_template(self, _marker: Path) -> None:
        # A worker before this one may have failed half-way: the next shows the same reason.
        self._server.drop_database(TEMPLATE)
        self._server.create_database(TEMPLATE)
        migrate(self._server.url(TEMPLATE))

    def _once(self, marker_name: str, make: Callable[[Path], None]) -> None:
        """Do it in the first worker that comes; the others wait for it."""
        marker = self._directory / marker_name
        with (self._directory / (marker_name + ".lock")).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not marker.exists():
                make(marker)
                marker.touch()

    def _sqlite_file(self, name: str) -> Path:
        return self._directory / f"{name}.db"
