"""`flask ledger verify`: silent on a sound ledger, and naming what somebody has changed."""

from collections.abc import Iterator
from dataclasses import dataclass

import click.testing
import pytest
import sqlalchemy as sa

from api.app import create_app
from api.extensions import db
from core.config import Settings
from core.crypto import Vault
from core.db import make_engine, make_sessions
from points import ledger, review, verification
from points.models import LedgerEntry
from points.review import Action, Decision
from tests.world import NOW, build_world


@dataclass
class Books:
    """A private, sound ledger with six awards and one reversal, and the way past its guards."""

    settings: Settings
    owner_engine: sa.Engine
    vault: Vault

    def tamper(self, statement: str) -> None:
        """Change the ledger as somebody can who owns the database."""
        for word, place in PLACES.items():
            statement = statement.replace(word, place)
        on_sqlite = self.owner_engine.dialect.name == "sqlite"
        with self.owner_engine.connect() as connection:
            if on_sqlite:
                connection.connection.driver_connection.execute("PRAGMA foreign_keys=OFF")
            with connection.begin():
                for step in (*guards_off(connection), statement):
                    connection.exec_driver_sql(step)

    def verify(self) -> verification.Verification:
        with make_sessions(self.owner_engine, self.vault)() as session:
            return verification.verify(session)

    def run(self) -> click.testing.Result:
        """The command, as an operator runs it: with the product's own role."""
        app = create_app(self.settings)
        result = app.test_cli_runner().invoke(args=["ledger", "verify"])
        with app.app_context():
            db.engine.dispose()
        return result


def guards_off(connection: sa.Connection) -> list[str]:
    if connection.dialect.name == "postgresql":
        return [
            "ALTER TABLE ledger_entry DISABLE TRIGGER USER",
            "ALTER TABLE points_scheme_version DISABLE TRIGGER USER",
            "ALTER TABLE ledger_entry DROP CONSTRAINT ck_ledger_entry_granted",
            "ALTER TABLE points_quota DROP CONSTRAINT ck_points_quota_room",
            "ALTER TABLE claim DROP CONSTRAINT fk_claim_posted_ref",
            "ALTER TABLE ledger_entry DROP CONSTRAINT fk_ledger_entry_reverses_id",
        ]
    return [
        "PRAGMA ignore_check_constraints=ON",
        "DROP TRIGGER ledger_entry_no_update",
        "DROP TRIGGER ledger_entry_no_delete",
        "DROP TRIGGER no_change_of_published_scheme_update",
    ]


@pytest.fixture
def books(fresh_settings: Settings, fresh_owner_url: str) -> Iterator[Books]:
    engine = make_engine(fresh_settings, url=fresh_owner_url)
    with make_sessions(engine, fresh_settings.vault)() as session:
        world = build_world(session)
        claims = [
            world.add_claim(name, "一支部", minutes=minutes)
            for name in ("党员甲", "党员乙")
            for minutes in (60, 150, 420)
        ]
        review.review(
            session,
            world.actor("书记一"),
            [Decision(claim_id, 1, Action.APPROVE) for claim_id in claims],
            now=NOW,
        )
        entry_id = session.scalar(sa.select(sa.func.min(LedgerEntry.seq)))
        first = session.scalars(sa.select(LedgerEntry).where(LedgerEntry.seq == entry_id)).one()
        ledger.reverse(session, world.actor("书记一"), first.id, reason="重复申报", now=NOW)
        world.add_claim("党员丙", "二支部")
        session.commit()
    yield Books(fresh_settings, engine, fresh_settings.vault)
    engine.dispose()


PLACES = {
    "AWARD": "(SELECT min(seq) + 1 FROM ledger_entry)",
    "REVERSAL": "(SELECT max(seq) FROM ledger_entry)",
}

# What somebody changes, and a word of every finding that must come.
DAMAGE = {
    "fewer points": (
        "UPDATE ledger_entry SET points = points - 50, binding_cap = 'x' WHERE seq = AWARD",
        ("重新算出", "账本合计"),
    ),
    "fewer points and less asked": (
        "UPDATE ledger_entry SET points = points - 50, asked = asked - 50 WHERE seq = AWARD",
        ("重新算出",),
    ),
    "another quantity": (
        "UPDATE claim SET quantity = 600 WHERE status = 'approved'",
        ("所依据的申报不一致",),
    ),
    "nothing pinned": (
        "UPDATE ledger_entry SET inputs = '{}' WHERE seq = AWARD",
        ("重新算出", "账本合计"),
    ),
    "a deleted entry": (
        "DELETE FROM ledger_entry WHERE seq = AWARD",
        ("没有对应的记录", "账本合计"),
    ),
    "a deleted reversal": ("DELETE FROM ledger_entry WHERE seq = REVERSAL", ("账本合计",)),
    "a reversal of another size": (
        "UPDATE ledger_entry SET points = points + 1, asked = points + 1 WHERE seq = REVERSAL",
        ("不对应", "账本合计"),
    ),
    "a reversal of nothing": (
        "UPDATE ledger_entry SET reverses_id = period_id WHERE seq = REVERSAL",
        ("冲正的对象不存在",),
    ),
    "another day": (
        "UPDATE ledger_entry SET happened_on = '2026-11-06' WHERE seq = AWARD",
        ("与所依据的申报不一致",),
    ),
    "another member": (
        (
            "UPDATE ledger_entry SET member_id = (SELECT id FROM member WHERE id NOT IN"
            " (ledger_entry.member_id, ledger_entry.actor_id) LIMIT 1) WHERE seq = REVERSAL"
        ),
        ("不对应", "账本合计"),
    ),
    "a used-up quota": ("UPDATE points_quota SET used = used + 1", ("账本合计",)),
    "a quota above its cap": ("UPDATE points_quota SET cap = used - 1", ("超出上限",)),
    "a forgotten quota": ("DELETE FROM points_quota", ("账本合计",)),
    "another scheme": (
        "UPDATE points_scheme_version SET definition_sha256 = 'x'",
        ("摘要不一致",),
    ),
    "an unreadable scheme": (
        "UPDATE points_scheme_version SET definition = '{}'",
        ("摘要不一致", "不能使用", "重新算出"),
    ),
}


def test_sound_ledger_is_reported_as_sound(books: Books) -> None:
    result = books.run()

    assert (result.exit_code, result.stderr) == (0, "")
    assert "账本核对无误：7 笔记录" in result.output


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_found(books: Books, damage: str) -> None:
    statement, expected = DAMAGE[damage]

    books.tamper(statement)

    report = books.verify()
    messages = "\n".join(finding.message for finding in report.findings)
    assert report.faults > 0
    for word in expected:
        assert word in messages


def test_command_names_the_first_faults_and_fails(books: Books) -> None:
    books.tamper("DELETE FROM ledger_entry WHERE seq = AWARD")

    result = books.run()

    assert result.exit_code == 1
    assert "申报" in result.stderr
    assert "没有对应的记录" in result.stderr
    assert "处不符" in result.stderr


def test_only_the_first_findings_are_kept() -> None:
    report = verification.Verification()

    for number in range(100):
        report.add(str(number), "x")

    assert report.faults == 100
    assert [f.subject for f in report.findings] == [str(n) for n in range(20)]


# What the owner of the database does to a check, and to a key.
WALLS_DOWN = {
    "ck_points_quota_room": {
        "postgresql": "ALTER TABLE points_quota DROP CONSTRAINT ck_points_quota_room",
        "sqlite": "UPDATE sqlite_master SET sql = replace(sql,"
        " 'CONSTRAINT ck_points_quota_room CHECK (', 'CONSTRAINT room CHECK (1 OR ')",
    },
    "fk_claim_posted_ref": {
        "postgresql": "ALTER TABLE claim DROP CONSTRAINT fk_claim_posted_ref;"
        "ALTER TABLE claim ADD CONSTRAINT fk_claim_posted_ref FOREIGN KEY (posted_ref)"
        " REFERENCES ledger_entry (claim_id) NOT VALID",
        "sqlite": "UPDATE sqlite_master SET sql = replace(sql,"
        " 'CONSTRAINT fk_claim_posted_ref FOREIGN KEY(posted_ref)',"
        " 'CONSTRAINT other FOREIGN KEY(id)')",
    },
    "late_entry_names_its_period": {
        "postgresql": "ALTER TABLE ledger_entry DISABLE TRIGGER late_entry_names_its_period",
        "sqlite": "DROP TRIGGER late_entry_names_its_period",
    },
}


@pytest.mark.parametrize("constraint", WALLS_DOWN)
def test_constraint_that_no_longer_holds_is_found(books: Books, constraint: str) -> None:
    with books.owner_engine.begin() as connection:
        engine = connection.dialect.name
        if engine == "sqlite":
            connection.connection.driver_connection.execute("PRAGMA writable_schema=ON")
        connection.exec_driver_sql(WALLS_DOWN[constraint][engine])

    (finding,) = books.verify().findings

    assert finding.subject == "数据库"
    assert constraint in finding.message
