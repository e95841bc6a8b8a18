"""What the database itself refuses, whatever program asks: raw SQL past every service."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core.crypto import Vault
from core.db import Base, make_engine, make_sessions
from core.ids import new_id
from points import review
from points.models import LedgerEntry
from points.review import Action, Decision
from tests.world import NOW, World, build_world


@dataclass
class Site:
    """A posted entry, a pending claim, an approved claim whose entry is still missing."""

    connection: Connection
    world: World
    entry: str
    posted: str
    pending: str
    bare: str

    def attempt(self, statement: str) -> None:
        """Run one statement in a savepoint of its own."""
        with self.connection.begin_nested():
            self.connection.exec_driver_sql(statement)

    def id_of(self, name: str) -> str:
        found = self.world.members.get(name) or self.world.organizations[name]
        return f"'{found.hex}'"

    def entry_like(self, **changes: str) -> str:
        """INSERT of a copy of the entry for the bare claim, with some columns changed."""
        return copy_of("ledger_entry", f"id = {self.entry}", {"claim_id": self.bare} | changes)

    def affiliation_like(self, name: str, **changes: str) -> str:
        return copy_of("affiliation", f"member_id = {self.id_of(name)}", changes)


def copy_of(table: str, where: str, changes: dict[str, str]) -> str:
    """INSERT INTO table SELECT ... of one row, under a new id and with the changes."""
    columns = [c.name for c in Base.metadata.tables[table].columns if c.name != "seq"]
    changes = {"id": f"'{new_id().hex}'"} | changes
    values = ", ".join(changes.get(column, column) for column in columns)
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {table} WHERE {where}"  # noqa: S608


def build_site(session: Session) -> Site:
    world = build_world(session)
    posted, pending, bare = (world.add_claim("党员甲", "一支部") for _ in range(3))
    approve(world, posted)
    session.flush()
    entry_id: UUID = session.scalars(sa.select(LedgerEntry.id)).one()
    names = [f"'{key.hex}'" for key in (entry_id, posted, pending, bare)]
    site = Site(session.connection(), world, *names)
    site.attempt(decided(site, "书记一", site.bare))
    return site


def approve(world: World, claim_id: UUID) -> None:
    decisions = [Decision(claim_id, 1, Action.APPROVE)]
    review.review(world.session, world.actor("书记一"), decisions, now=NOW)


def decided(site: Site, name: str, claim: str) -> str:
    """UPDATE of a claim to approved by somebody, as the service writes it."""
    return (
        f"UPDATE claim SET status = 'approved', posted_ref = id, decided_by = {site.id_of(name)},"  # noqa: S608
        f" decided_at = '2026-11-10T00:00:00.000000Z' WHERE id = {claim}"
    )


@pytest.fixture
def site(session: Session) -> Site:
    return build_site(session)


# One line an attempt: what somebody tries, the statement, and what the refusal names.
STATEMENTS = {
    "rewrite an entry": ("UPDATE ledger_entry SET points = 1", "append-only|denied"),
    "delete an entry": ("DELETE FROM ledger_entry", "append-only|denied"),
    "rewrite a step": ("UPDATE claim_event SET reason = 'x'", "append-only|denied"),
    "delete a step": ("DELETE FROM claim_event", "append-only|denied"),
    "delete a claim with an entry": (
        "DELETE FROM claim WHERE id = {s.posted}",
        "FOREIGN KEY|violates foreign key",
    ),
    "undo an approval without a reversal": (
        "UPDATE claim SET status = 'returned', posted_ref = NULL WHERE id = {s.posted}",
        "FOREIGN KEY|fk_ledger_entry_claim_id",
    ),
    "point an approval at another claim": (
        "UPDATE claim SET posted_ref = {s.posted} WHERE id = {s.bare}",
        "ck_claim_posted_ref",
    ),
    "approve without a reference": (
        "UPDATE claim SET status = 'approved', decided_by = {officer} WHERE id = {s.pending}",
        r"ck_claim_posted\b",
    ),
    "approve without a decider": (
        "UPDATE claim SET status = 'approved', posted_ref = id WHERE id = {s.pending}",
        "ck_claim_decided",
    ),
    "raise what is used above the cap": (
        "UPDATE points_quota SET used = cap + 1",
        "ck_points_quota_room",
    ),
    "lower what is used below zero": (
        "UPDATE points_quota SET used = -1",
        "ck_points_quota_room",
    ),
    "lower a cap below what is used": (
        "UPDATE points_quota SET cap = used - 1",
        "ck_points_quota_room",
    ),
    "make a branch its own superior": (
        "UPDATE organization SET parent_id = id WHERE id = {branch}",
        "organization.cycle",
    ),
    "hang a street below its own branch": (
        "UPDATE organization SET parent_id = {branch} WHERE id = {street}",
        "organization.cycle",
    ),
    "appoint a delegate for ever": (
        "UPDATE role_grant SET role = 'delegate' WHERE valid_to IS NULL",
        "ck_role_grant_delegate_ends",
    ),
    "appoint oneself": (
        "UPDATE role_grant SET granted_by = member_id",
        "ck_role_grant_not_oneself",
    ),
    "revoke without a name": (
        "UPDATE role_grant SET revoked_at = '2026-11-10T00:00:00.000000Z'",
        "ck_role_grant_revocation",
    ),
}


@pytest.mark.parametrize("attempt", STATEMENTS)
def test_statement_is_refused(site: Site, attempt: str) -> None:
    statement, refusal = STATEMENTS[attempt]
    statement = statement.format(
        s=site,
        branch=site.id_of("一支部"),
        street=site.id_of("街道"),
        officer=site.id_of("书记一"),
    )

    with pytest.raises(DBAPIError, match=refusal):
        site.attempt(statement)


# Columns of an entry that differ from a sound one.
ENTRIES = {
    "more than asked": ({"points": "asked + 1", "binding_cap": "'x'"}, "ck_ledger_entry_granted"),
    "less than nothing": ({"points": "-1", "binding_cap": "'x'"}, "ck_ledger_entry_granted"),
    "a cap with a full grant": ({"binding_cap": "'x'"}, "ck_ledger_entry_binding_cap"),
    "a part grant without a cap": ({"points": "asked - 1"}, "ck_ledger_entry_binding_cap"),
    "no source": ({"claim_id": "NULL"}, "ck_ledger_entry_one_source"),
    "two sources": ({"reverses_id": "id"}, "ck_ledger_entry_one_source"),
    "by the member himself": ({"actor_id": "member_id"}, "ck_ledger_entry_not_oneself"),
    "taken back by the member himself": (
        {"claim_id": "NULL", "reverses_id": "id", "actor_id": "member_id"}
        | {"points": "-points", "asked": "-points"},
        "ck_ledger_entry_not_oneself",
    ),
    "for a waiting claim": ({"claim_id": "{s.pending}"}, "FOREIGN KEY|fk_ledger_entry_claim_id"),
    "a second for a claim": ({"claim_id": "claim_id"}, r"ledger_entry[._]claim_id"),
    "under a used id": ({"id": "id"}, r"ledger_entry[._]id"),
}


@pytest.mark.parametrize("kind", ENTRIES)
def test_unsound_entry_is_refused(site: Site, kind: str) -> None:
    changes, refusal = ENTRIES[kind]
    changes = {column: value.format(s=site) for column, value in changes.items()}

    with pytest.raises(DBAPIError, match=refusal):
        site.attempt(site.entry_like(**changes))


def test_sound_entry_is_accepted(site: Site) -> None:
    """So that the refusals above are due to what they name."""
    site.attempt(site.entry_like())


def test_second_reversal_of_an_entry_is_refused(site: Site) -> None:
    reversal = {
        "claim_id": "NULL",
        "reverses_id": "id",
        "points": "-points",
        "asked": "-points",
    }
    site.attempt(site.entry_like(**reversal))

    with pytest.raises(DBAPIError, match=r"ledger_entry[._]reverses_id"):
        site.attempt(site.entry_like(**reversal))


def test_nobody_decides_his_own_claim(site: Site) -> None:
    with pytest.raises(DBAPIError, match="ck_claim_not_oneself"):
        site.attempt(decided(site, "党员甲", site.pending))


@pytest.mark.parametrize("verb", ["INSERT OR REPLACE", "REPLACE"])
def test_replacing_an_entry_is_refused(site: Site, engine_kind: str, verb: str) -> None:
    """The way past SQLite's delete triggers; PostgreSQL does not know the words."""
    refusal = "append-only" if engine_kind == "sqlite" else "syntax error"
    for statement in (
        site.entry_like(id="id", points="0", asked="0"),
        copy_of("claim_event", "kind = 'approved'", {"id": "id", "reason": "'x'"}),
    ):
        with pytest.raises(DBAPIError, match=refusal):
            site.attempt(statement.replace("INSERT", verb, 1))


def test_insert_that_would_update_an_entry_is_refused(site: Site) -> None:
    statement = site.entry_like(id="id") + " ON CONFLICT (id) DO UPDATE SET points = 0, asked = 0"

    with pytest.raises(DBAPIError, match=r"append-only|denied"):
        site.attempt(statement)


AFFILIATIONS = {
    "an open second": {},
    "a past one within": {"valid_from": "'2021-01-01'", "valid_to": "'2021-02-01'"},
    "one from before into it": {"valid_from": "'2019-01-01'", "valid_to": "'2020-01-02'"},
}


@pytest.mark.parametrize("kind", AFFILIATIONS)
def test_overlapping_primary_affiliation_is_refused(site: Site, kind: str) -> None:
    with pytest.raises(DBAPIError, match=r"overlapping.primary"):
        site.attempt(site.affiliation_like("党员甲", **AFFILIATIONS[kind]))


def test_affiliation_that_becomes_primary_is_refused(site: Site) -> None:
    site.attempt(site.affiliation_like("党员甲", kind="'temporary'"))

    with pytest.raises(DBAPIError, match=r"overlapping.primary"):
        site.attempt("UPDATE affiliation SET kind = 'primary' WHERE kind = 'temporary'")


def test_affiliation_that_ends_where_the_next_begins_is_accepted(site: Site) -> None:
    site.attempt(
        site.affiliation_like("党员甲", valid_from="'2019-01-01'", valid_to="'2020-01-01'")
    )


@pytest.fixture
def private(fresh_database_url: str, settings: object, vault: Vault) -> Iterator[Session]:
    """A session on a private database, for what shows at a real COMMIT only."""
    engine = make_engine(settings, url=fresh_database_url)  # type: ignore[arg-type]
    with make_sessions(engine, vault)() as session:
        yield session
    engine.dispose()


def test_approval_without_an_entry_does_not_commit(private: Session) -> None:
    build_site(private)  # Its bare claim is approved and has no entry.

    with pytest.raises(DBAPIError, match=r"FOREIGN KEY|fk_claim_posted_ref"):
        private.commit()


def test_approval_with_its_entry_commits(private: Session) -> None:
    site = build_site(private)
    site.attempt(site.entry_like())

    private.commit()
