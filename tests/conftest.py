"""Fixtures: every database test runs on SQLite and PostgreSQL and is rolled back."""

import gc
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, has_app_context
from flask.testing import FlaskClient
from hypothesis import HealthCheck, settings
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from core.config import Settings
from core.crypto import Vault
from core.db import read_only, session_info
from tests.engines import (
    ENGINE_KINDS,
    Databases,
    create_run_directory,
    environment,
    owner_url,
    remove_run_directory,
)
from tests.live import serve

LONG = (
    "tests/contract/test_fuzz.py",
    "tests/contract/test_authz.py",
    "tests/contract/test_strict_input.py",
    "tests/concurrency/",
)
RUN_DIRECTORY = pytest.StashKey[Path]()
# How busy the machine is says nothing about a property.
settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")


def pytest_configure(config: pytest.Config) -> None:
    """The controlling process owns the run's directory; xdist's workers are told where it is."""
    # Thousands of tests are collected, none of which is garbage: looking took a third of the time.
    gc.disable()
    if hasattr(config, "workerinput"):
        config.stash[RUN_DIRECTORY] = Path(config.workerinput["run_directory"])
    else:
        config.stash[RUN_DIRECTORY] = create_run_directory()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long tests come first, or at the end one worker would wait for the other's."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


def pytest_collection_finish() -> None:
    """What has been collected stays to the end, so the collector need not go through it again."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["run_directory"] = str(node.config.stash[RUN_DIRECTORY])


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and RUN_DIRECTORY in config.stash:
        remove_run_directory(config.stash[RUN_DIRECTORY])


@pytest.fixture(scope="session", autouse=True)
def _no_network() -> Iterator[None]:
    """A test that would reach another machine fails instead; loopback and unix sockets work."""
    connect = socket.socket.connect

    def connect_here(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in {"127.0.0.1", "::1", "localhost"}:
            raise RuntimeError(f"a test tried to reach {address}")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect_here)
        yield


@pytest.fixture(autouse=True)
def _nothing_left_behind() -> Iterator[None]:
    """A pushed application context would make the next test see this one's session."""
    yield
    # The client runs a request in the test's own thread, whose next BEGIN must be a writer's.
    read_only.set(False)
    assert not has_app_context(), "this test left an application context pushed"


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest) -> Iterator[Databases]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    databases = Databases(request.config.stash[RUN_DIRECTORY], worker)
    yield databases
    databases.dispose()


@pytest.fixture(params=ENGINE_KINDS)
def engine_kind(request: pytest.FixtureRequest) -> str:
    """What makes a test run once on each engine; whatever touches a database needs it."""
    kind: str = request.param
    return kind


@pytest.fixture
def database_url(databases: Databases, engine_kind: str) -> str:
    """The worker's migrated database. Roll back, or ask for `fresh_database_url`."""
    return databases.shared_url(engine_kind)


@pytest.fixture
def settings(databases: Databases, engine_kind: str) -> Settings:
    return databases.settings(engine_kind)


@pytest.fixture
def vault(settings: Settings) -> Vault:
    return settings.vault


@pytest.fixture
def connection(databases: Databases, engine_kind: str) -> Iterator[Connection]:
    """One connection in one outer transaction, which the end of the test rolls back."""
    with databases.engine(engine_kind).connect() as connection:
        outer = connection.begin()
        yield connection
        outer.rollback()


@pytest.fixture
def session(connection: Connection, vault: Vault) -> Iterator[Session]:
    """A session inside the outer transaction: its commits end a savepoint only."""
    with Session(
        connection,
        expire_on_commit=False,
        join_transaction_mode="create_savepoint",
        info=session_info(vault),
    ) as session:
        yield session


@pytest.fixture
def app(databases: Databases, engine_kind: str, connection: Connection) -> Iterator[Flask]:
    """The application on the test's own connection: it sees `session`'s flushed rows.

    No context is pushed: each request makes its own. Read what a request has stored with
    `session.expire_all()` first, because the session remembers what it has loaded.
    """
    with databases.app_on(engine_kind, connection) as app:
        yield app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def fresh_database_url(databases: Databases, engine_kind: str) -> Iterator[str]:
    """A private migrated database, for tests that commit from several threads or processes."""
    with databases.fresh_url(engine_kind) as url:
        yield url


@pytest.fixture
def fresh_owner_url(fresh_database_url: str) -> str:
    """The private database for its owner, who may do what the product's own role may not."""
    return owner_url(fresh_database_url)


@pytest.fixture
def fresh_settings(fresh_database_url: str, tmp_path: Path) -> Settings:
    """Settings of the product on the private database."""
    return Settings.from_env(environment(fresh_database_url, tmp_path))


@pytest.fixture
def empty_database_url(databases: Databases, engine_kind: str) -> Iterator[str]:
    """A private database without tables, for tests of the migrations themselves: its owner's."""
    with databases.fresh_url(engine_kind, migrated=False) as url:
        yield owner_url(url)


@pytest.fixture
def live_server(fresh_database_url: str, tmp_path: Path) -> Iterator[str]:
    """The base URL of a real server process on the private database."""
    with serve(fresh_database_url, tmp_path) as base_url:
        yield base_url
