"""The suite's own footing: two real engines, and nothing of one test left for the next."""

import socket
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.db import read_only
from tests import postgres
from tests.engines import Databases

ADD_ROW = sa.text(
    "INSERT INTO points_period (id, code, starts_on, ends_on, status)"
    " VALUES ('00000000000070008000000000000001', 'this test', '1990-01-01', '1990-12-31', 'open')"
)
COUNT_ROWS = sa.text("SELECT count(*) FROM points_period WHERE code = 'this test'")


def test_session_talks_to_the_engine_it_names(session: Session, engine_kind: str) -> None:
    assert session.connection().dialect.name == engine_kind


def test_commit_stays_inside_the_test(
    session: Session, databases: Databases, engine_kind: str
) -> None:
    session.execute(ADD_ROW)
    session.commit()
    session.rollback()

    assert session.scalar(COUNT_ROWS) == 1
    # The outer transaction holds SQLite's only write lock; a reader does not ask for it.
    token = read_only.set(True)
    with databases.engine(engine_kind).connect() as another:
        assert another.scalar(COUNT_ROWS) == 0
    read_only.reset(token)


def test_fresh_database_is_private(fresh_database_url: str, session: Session) -> None:
    engine = sa.create_engine(fresh_database_url)
    with engine.begin() as connection:
        connection.execute(ADD_ROW)
    engine.dispose()

    assert session.scalar(COUNT_ROWS) == 0


def test_product_owns_nothing_on_postgresql(databases: Databases) -> None:
    with databases.engine("postgresql").connect() as connection:
        owned = connection.scalar(
            sa.text("SELECT count(*) FROM pg_class WHERE pg_get_userbyid(relowner) = current_user")
        )
        power = connection.execute(
            sa.text(
                "SELECT rolsuper, rolcreatedb, rolcreaterole, rolbypassrls"
                " FROM pg_roles WHERE rolname = current_user"
            )
        ).one()

    assert (owned, *power) == (0, False, False, False, False)


def test_another_machine_is_out_of_reach() -> None:
    with socket.socket() as client, pytest.raises(RuntimeError, match="tried to reach"):
        client.connect(("192.0.2.1", 80))


def test_missing_postgres_fails_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "_find_programs", lambda: iter(()))

    with pytest.raises(postgres.PostgresMissing, match="make test"):
        postgres.PostgresServer(tmp_path).start()
