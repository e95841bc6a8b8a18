"""What keeps a deployment from starting, on facts made up and on the real engines."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from core.clock import utc_now
from core.config import ConfigError, Settings
from core.crypto import Vault
from core.database_facts import PostgresFacts, SqliteFacts, read_facts
from core.db import make_engine
from core.selfcheck import (
    Check,
    check_database,
    check_postgresql,
    check_settings,
    check_sqlite,
    require_fit,
)
from core.server_settings import ServerSettings
from tests.engines import Databases

GOOD = PostgresFacts(
    synchronous_commit="on", fsync="on", full_page_writes="on", data_checksums="on",
    max_connections=100, statement_timeout="30s", lock_timeout="5s", idle_timeout="1min",
    is_superuser=False, bypasses_policies=False, owned=0, disabled=0, writable=0, total=12,
    is_local=False, is_sealed=True, at=utc_now(),
)  # fmt: skip
PRAGMAS = {
    "foreign_keys": 1, "recursive_triggers": 1, "synchronous": 2, "journal_mode": "truncate",
    "busy_timeout": 10_000,
}  # fmt: skip
EMBEDDED = SqliteFacts((3, 40, 1), PRAGMAS, 0o700)


def wrong(checks: Any) -> set[tuple[str, bool]]:
    return {(check.code, check.stops) for check in checks if not check.is_ok}


@pytest.mark.parametrize(
    ("change", "code", "stops"),
    [
        ({"is_superuser": True}, "pg.role", True),
        ({"bypasses_policies": True}, "pg.role", True),
        ({"owned": 1}, "pg.owner", True),
        ({"writable": 1}, "pg.owner", True),
        ({"disabled": 1}, "pg.triggers", True),
        ({"total": 0}, "pg.triggers", False),
        ({"synchronous_commit": "off"}, "pg.synchronous_commit", True),
        ({"fsync": "off"}, "pg.fsync", False),
        ({"data_checksums": "off"}, "pg.checksums", False),
        ({"lock_timeout": "0"}, "pg.timeouts", True),
        ({"max_connections": 44}, "pg.connections", True),
        ({"is_sealed": False}, "pg.tls", False),
    ],
)
def test_each_fault_of_a_postgresql_is_named(change: Any, code: str, stops: bool) -> None:
    assert wrong(check_postgresql(GOOD, needed=40)) == set()

    assert wrong(check_postgresql(replace(GOOD, **change), needed=40)) == {(code, stops)}


@pytest.mark.parametrize(
    ("change", "code", "stops"),
    [
        ({"pragmas": PRAGMAS | {"foreign_keys": 0}}, "sqlite.pragmas", True),
        ({"pragmas": PRAGMAS | {"recursive_triggers": 0}}, "sqlite.pragmas", True),
        ({"pragmas": PRAGMAS | {"synchronous": 1}}, "sqlite.durable", True),
        ({"pragmas": PRAGMAS | {"journal_mode": "wal"}}, "sqlite.journal", True),
        ({"folder_mode": 0o755}, "sqlite.folder", False),
    ],
)
def test_each_fault_of_a_sqlite_file_is_named(change: Any, code: str, stops: bool) -> None:
    assert wrong(check_sqlite(EMBEDDED)) == set()
    newer = replace(EMBEDDED, version=(3, 51, 3), pragmas=PRAGMAS | {"journal_mode": "wal"})
    assert wrong(check_sqlite(newer)) == set()

    assert wrong(check_sqlite(replace(EMBEDDED, **change))) == {(code, stops)}


def test_weak_or_shared_keys_debug_and_demo_are_refused_in_production(settings: Settings) -> None:
    in_production = replace(
        settings,
        database_url="postgresql+psycopg://app@db/points",
        server=ServerSettings(trusted_hosts=("points.example",)),
    )

    def faults(is_debug: bool = False, **changes: Any) -> set[tuple[str, bool]]:
        return wrong(check_settings(replace(in_production, **changes), is_debug=is_debug))

    assert faults() == set()
    assert faults(is_debug=True) == {("debug.off", True)}
    assert faults(demo=True) == {("demo.off", True)}
    assert faults(jwt_secret="a" * 64) == {("keys.strong", True)}
    assert faults(flask_secret="short") == {("keys.strong", True)}
    assert faults(flask_secret=settings.jwt_secret) == {("keys.separate", True)}
    shared = Vault(settings.jwt_secret.encode()[:32], settings.vault.index_key)
    assert faults(vault=shared, jwt_secret=settings.jwt_secret[:32]) == {("keys.separate", True)}
    assert faults(server=ServerSettings()) == {("hosts.named", False)}


def test_real_engine_is_fit_but_for_what_a_test_server_saves(settings: Settings) -> None:
    engine = make_engine(settings)

    found = wrong(check_database(settings, engine, clock=utc_now))

    assert not {code for code, stops in found if stops}
    assert {code for code, _ in found} <= {"pg.fsync", "sqlite.folder", "pg.checksums"}
    require_fit(settings, engine, is_debug=False, clock=utc_now)
    engine.dispose()


def test_clock_that_drifts_is_refused_and_a_slow_answer_is_not(databases: Databases) -> None:
    postgres = databases.settings("postgresql")
    engine = make_engine(postgres)
    away = timedelta(seconds=30)

    def codes(asked: timedelta, answered: timedelta) -> set[tuple[str, bool]]:
        instants = iter((utc_now() + asked, utc_now() + answered))
        return wrong(check_database(postgres, engine, clock=lambda: next(instants)))

    assert ("clock.drift", True) in codes(away, away)
    assert ("clock.drift", True) in codes(-away, -away)
    assert ("clock.drift", True) not in codes(-away, away)
    with pytest.raises(ConfigError, match="对时"):
        require_fit(postgres, engine, is_debug=False, clock=lambda: utc_now() + away)
    engine.dispose()


def test_owner_of_the_tables_is_refused(fresh_owner_url: str, fresh_settings: Settings) -> None:
    as_owner = replace(fresh_settings, database_url=fresh_owner_url)
    engine = make_engine(as_owner)
    try:
        if engine.dialect.name == "sqlite":
            # A file has no roles: whoever opens it owns it.
            require_fit(as_owner, engine, is_debug=False, clock=utc_now)
            return
        with pytest.raises(ConfigError, match="不拥有账本表"):
            require_fit(as_owner, engine, is_debug=False, clock=utc_now)
    finally:
        engine.dispose()


def test_database_that_is_away_does_not_keep_the_program_from_starting(settings: Settings) -> None:
    away = replace(settings, database_url="postgresql+psycopg://app@127.0.0.1:9/points")

    require_fit(away, make_engine(away), is_debug=False, clock=utc_now)


def test_check_costs_one_statement_at_most(settings: Settings) -> None:
    engine = make_engine(settings)
    seen: list[str] = []
    with engine.connect() as connection:
        sa.event.listen(engine, "before_cursor_execute", lambda *event: seen.append(event[2]))
        read_facts(connection)
    engine.dispose()

    questions = [one for one in seen if not one.startswith(("PRAGMA", "BEGIN"))]
    assert len(questions) == (engine.dialect.name == "postgresql")


def test_every_check_says_what_to_do(settings: Settings) -> None:
    checks: list[Check] = [*check_settings(settings, is_debug=False), *check_sqlite(EMBEDDED)]
    checks += check_postgresql(GOOD, needed=1)

    assert all(check.title and check.remedy for check in checks)
    assert len({check.code for check in checks}) == len(checks)
