"""A private, sealed and signed ledger, and the ways past its guards."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from core.config import Settings
from core.crypto import Suite
from core.db import make_engine, make_sessions
from core.signing import SigningKey
from members.access import find_actor
from points import checkpoints, ledger, review, sealing, verification, verification_proofs
from points.models import LedgerEntry
from points.review import Action, Decision
from points.verification_periods import APPEND_ONLY
from tests.devices import add_session
from tests.world import NOW, build_world

KEY = SigningKey(Suite.INTL, bytes(range(32)))
MINUTES = (60, 150, 420, 30)
TREE = ("ledger_checkpoint", "ledger_tile", "ledger_leaf", "ledger_block")
ENTRIES = 2 * len(MINUTES) + 1


@dataclass
class SealedBooks:
    """Eight awards and a reversal under one signed head, of which a witness keeps a copy."""

    settings: Settings
    owner_url: str
    witness: dict[str, str]
    proofs: dict[int, dict[str, Any]]

    @property
    def on_sqlite(self) -> bool:
        return self.owner_url.startswith("sqlite")

    @property
    def file(self) -> Path:
        """SQLite's file."""
        return Path(self.owner_url.removeprefix("sqlite:///"))

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session of the product's own role."""
        engine = make_engine(self.settings)
        try:
            with make_sessions(engine, self.settings.vault)() as session:
                yield session
        finally:
            engine.dispose()

    def tamper(self, *statements: str) -> None:
        """Run statements past every guard, then put the guards back as if nothing had been."""
        if self.on_sqlite:
            self._edit_file(statements)
        else:
            self._edit_as_owner(statements)

    def _edit_file(self, statements: tuple[str, ...]) -> None:
        with closing(sqlite3.connect(self.file)) as raw, raw:
            raw.execute("PRAGMA foreign_keys=OFF")
            raw.execute("PRAGMA ignore_check_constraints=ON")
            guards = raw.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
            ).fetchall()
            for name, _ in guards:
                raw.execute(f"DROP TRIGGER {name}")
            for statement in statements:
                raw.execute(statement)
            for _, sql in guards:
                raw.execute(sql)

    def _edit_as_owner(self, statements: tuple[str, ...]) -> None:
        with self._owner() as connection, connection.begin():
            _edit(connection, statements)

    @contextmanager
    def tampered(self, *statements: str) -> Iterator[verification.Verification]:
        """What a verification says while the ledger is tampered with; undone afterwards."""
        if self.on_sqlite:
            before = self.file.read_bytes()
            try:
                self._edit_file(statements)
                yield self.verify()
            finally:
                self.file.write_bytes(before)
            return
        with self._owner() as connection, connection.begin() as outer:
            _edit(connection, statements)
            with Session(connection, join_transaction_mode="create_savepoint") as session:
                yield verification.verify(session)
            outer.rollback()

    @contextmanager
    def _owner(self) -> Iterator[sa.Connection]:
        engine = sa.create_engine(self.owner_url)
        try:
            with engine.connect() as connection:
                yield connection
        finally:
            engine.dispose()

    def seal_anew(self, tables: tuple[str, ...] = TREE) -> None:
        """Compute the whole tree again from the ledger as it stands now."""
        self.tamper(*(f"DELETE FROM {table}" for table in tables))  # noqa: S608
        with self.session() as session:
            sealing.seal(session, now=NOW)
            session.commit()

    def post_more(self) -> None:
        """Take one more award back, and seal that."""
        with self.session() as session:
            second = session.scalars(sa.select(LedgerEntry).where(LedgerEntry.seq == 2)).one()
            session_id = add_session(session, second.actor_id, now=NOW)
            officer = find_actor(
                session, second.actor_id, session_id, on=business_day(NOW), request_id="test"
            )
            assert officer is not None
            ledger.reverse(session, officer, second.id, reason="重复申报", now=NOW)
            session.commit()
            assert sealing.seal(session, now=NOW) == 1
            session.commit()

    def verify(self) -> verification.Verification:
        """What `flask ledger verify` reads, without a checkpoint."""
        with self.session() as session:
            return verification.verify(session)

    def verify_against_witness(self) -> verification.Verification:
        """What `flask ledger verify --checkpoint` adds."""
        report = verification.Verification()
        with self.session() as session:
            head = checkpoints.open_signed(self.witness, KEY.public_key())
            verification_proofs.verify_checkpoint(session, head, report)
        return report


_CONSTRAINTS = sa.text("""
    SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid)
    FROM pg_constraint
    WHERE contype IN ('f', 'c')
      AND (conrelid::regclass::text = ANY(:tables) OR confrelid::regclass::text = ANY(:tables))
""")


def _edit(connection: sa.Connection, statements: tuple[str, ...]) -> None:
    constraints = connection.execute(_CONSTRAINTS, {"tables": list(APPEND_ONLY)}).all()
    for table, name, _ in constraints:
        connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    for table in APPEND_ONLY:
        connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    for statement in statements:
        connection.exec_driver_sql(statement)
    for table in APPEND_ONLY:
        connection.exec_driver_sql(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    for table, name, definition in constraints:
        # One that the edit has made impossible stays away, and is found missing.
        with suppress(sa.exc.IntegrityError), connection.begin_nested():
            connection.exec_driver_sql(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")


def build_sealed_books(settings: Settings, owner_url: str) -> SealedBooks:
    """Post, reverse, seal and sign; keep the signed head and every proof outside."""
    books = SealedBooks(settings, owner_url, {}, {})
    with books.session() as session:
        _post(session)
        session.commit()
        sealing.seal(session, now=NOW)
        books.witness = checkpoints.to_file(checkpoints.sign(session, KEY, now=NOW))
        session.commit()
        rows = session.execute(sa.select(LedgerEntry.seq, LedgerEntry.id))
        for seq, entry_id in rows.all():
            books.proofs[seq] = checkpoints.prove(session, entry_id)
    assert len(books.proofs) == ENTRIES == json.loads(books.witness["content"])["size"]
    return books


def _post(session: Session) -> None:
    world = build_world(session)
    claims = [
        world.add_claim(name, "一支部", minutes=minutes)
        for name in ("党员甲", "党员乙")
        for minutes in MINUTES
    ]
    officer = world.actor("书记一")
    decisions = [Decision(claim_id, 1, Action.APPROVE) for claim_id in claims]
    review.review(session, officer, decisions, now=NOW)
    first: UUID = session.scalars(sa.select(LedgerEntry.id).order_by(LedgerEntry.seq)).all()[0]
    ledger.reverse(session, officer, first, reason="重复申报", now=NOW)
