"""Whoever changes the ledger is refused, or found: as the product, as its owner, in the file.

On PostgreSQL the edits are made as the owner of the tables, with triggers off and keys dropped;
on SQLite in the file itself, by another program. Both put the triggers back afterwards.
"""

import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from core.config import Settings
from points import leaves
from points.models import LedgerEntry
from points.verification import Verification
from tests.engines import Databases, environment
from tests.points.proofs.sealed_books import ENTRIES, SealedBooks, build_sealed_books

# The third of nine entries, an award.
EDITED = 3
REFUSED = r"append-only|permission denied"


def set_(assignment: str) -> tuple[str, ...]:
    return (f"UPDATE ledger_entry SET {assignment} WHERE seq = {EDITED}",)  # noqa: S608


# Each names the entry that it changes; many change nothing that any sum would show.
EDITS: dict[str, tuple[str, ...]] = {
    "more points": set_("points = points + 100"),
    "more points and as many asked": set_("points = points + 100, asked = asked + 100"),
    "one hundredth less": set_("points = points - 1, asked = asked - 1"),
    "another title": set_("title = '义务植树'"),
    "a title with a space more": set_("title = title || ' '"),
    "another day": set_("happened_on = '2026-11-06'"),
    "another instant of posting": set_("posted_at = '2026-11-10T02:00:00.000001Z'"),
    "another member": set_(
        "member_id = (SELECT id FROM member WHERE id <> ledger_entry.member_id ORDER BY id LIMIT 1)"
    ),
    "another branch": set_(
        "organization_id = (SELECT id FROM organization"
        " WHERE id <> ledger_entry.organization_id ORDER BY id LIMIT 1)"
    ),
    "another approver": set_(
        "actor_id = (SELECT id FROM member WHERE id <> ledger_entry.actor_id ORDER BY id LIMIT 1)"
    ),
    "another item": set_("item_code = 'theme_day'"),
    "another component": set_("component_code = 'base'"),
    "another subject": set_("subject = 'cadres'"),
    "a reason made up": set_("reason = '经支委会研究'"),
    "another request": set_("request_id = 'x'"),
    "other inputs": set_("inputs = '{\"quantity\": 6000}'"),
    "a cap made up": set_("binding_cap = 'x'"),
    "another identity": set_("id = period_id"),
    "a period spoken about": set_("about_period_id = period_id"),
    "a source made up": set_("source_kind = 'x', source_id = id, source_revision = 1"),
    "made a reversal": set_("claim_id = NULL, reverses_id = id, points = -points"),
    "deleted": (f"DELETE FROM ledger_entry WHERE seq = {EDITED}",),  # noqa: S608
}


def ledger_of(books: SealedBooks) -> list[bytes]:
    with books.session() as session:
        rows = session.execute(sa.select(*leaves.COLUMNS).order_by(LedgerEntry.seq))
        return [leaves.hash_of(row) for row in rows]


def entries_named(report: Verification) -> list[int]:
    """The numbers of entries in the findings, in their order."""
    assert report.faults > 0
    found = (re.match(r"第 (\d+) 号记录", one.subject) for one in report.findings)
    return [int(match[1]) for match in found if match]


def test_untouched_ledger_is_sound(shared: SealedBooks) -> None:
    assert shared.verify().findings == []
    assert shared.verify_against_witness().findings == []


def test_tampering_that_changes_nothing_leaves_no_trace(shared: SealedBooks) -> None:
    """So that what is found below is what was changed, and not how."""
    with shared.tampered("UPDATE ledger_entry SET points = points") as report:
        assert report.findings == []


def test_products_own_role_succeeds_with_no_edit(shared: SealedBooks) -> None:
    before = ledger_of(shared)
    with shared.session() as session:
        for [statement] in EDITS.values():
            with pytest.raises(DBAPIError, match=REFUSED):
                session.connection().exec_driver_sql(statement)
            session.rollback()

    assert ledger_of(shared) == before
    assert len(EDITS) >= 12


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger_block SET root = root",
        "UPDATE ledger_leaf SET hash = hash",
        "UPDATE ledger_checkpoint SET id = id",
        "DELETE FROM ledger_block",
        "DELETE FROM ledger_leaf",
        "DELETE FROM ledger_checkpoint",
    ],
)
def test_products_own_role_cannot_touch_the_tree(shared: SealedBooks, change: str) -> None:
    with shared.session() as session:
        with pytest.raises(DBAPIError, match=REFUSED):
            session.connection().exec_driver_sql(change)
        session.rollback()

    assert shared.verify().findings == []


@pytest.mark.parametrize("edit", EDITS)
def test_edit_is_found_and_its_entry_is_the_first_named(shared: SealedBooks, edit: str) -> None:
    with shared.tampered(*EDITS[edit]) as report:
        assert entries_named(report)[0] == EDITED


def test_of_several_edits_the_first_entry_is_named_first(shared: SealedBooks) -> None:
    edits = (f"UPDATE ledger_entry SET request_id = 'x' WHERE seq = {n}" for n in (8, 5, 4))  # noqa: S608
    with shared.tampered(*edits) as report:
        assert entries_named(report) == [4, 5, 8]


def test_entry_slipped_in_is_named(shared: SealedBooks) -> None:
    sources = {"claim_id": "NULL", "source_kind": "'x'", "source_id": "id", "source_revision": "1"}
    changes = {"seq": "0", "id": "period_id", **sources}
    values = ", ".join(changes.get(name, name) for name in leaves.FIELDS)
    into = f"INSERT INTO ledger_entry ({', '.join(leaves.FIELDS)})"
    if not shared.on_sqlite:
        into += " OVERRIDING SYSTEM VALUE"

    insert = f"{into} SELECT {values} FROM ledger_entry WHERE seq = {EDITED}"  # noqa: S608
    with shared.tampered(insert) as report:
        assert entries_named(report)[0] == 0


def test_leaves_in_another_order_are_found(books: SealedBooks) -> None:
    steps = ((2, -1), (3, 2), (-1, 3))
    books.tamper(*(f"UPDATE ledger_leaf SET position = {to} WHERE position = {at}"  # noqa: S608
                   for at, to in steps))  # fmt: skip

    assert "封存块 1" in subjects(books.verify())
    assert books.verify_against_witness().faults == 1


@pytest.mark.parametrize(
    ("statement", "subject"),
    [
        ("DELETE FROM ledger_leaf WHERE position = 8", "封存块 1"),
        ("DELETE FROM ledger_leaf WHERE position = 4", "封存位置 4"),
        ("DELETE FROM ledger_block", "封存位置 0"),
        ("UPDATE ledger_block SET points = points + 1", "封存块 1"),
        ("UPDATE ledger_block SET points_total = points_total + 1", "封存块 1"),
        ("UPDATE ledger_block SET previous_root = 'x'", "封存块 1"),
        ("UPDATE ledger_block SET number = 2", "封存块 2"),
        ("INSERT INTO ledger_tile (number, root) VALUES (0, 'x')", "封存分片 0"),
        ("UPDATE ledger_leaf SET hash = 'x' WHERE position = 2", "封存块 1"),
    ],
)
def test_damaged_tree_is_found(shared: SealedBooks, statement: str, subject: str) -> None:
    with shared.tampered(statement) as report:
        assert subject in subjects(report)


def subjects(report: Verification) -> list[str]:
    return [finding.subject for finding in report.findings]


def test_byte_changed_in_the_file_is_found(databases: Databases, tmp_path: Path) -> None:
    """No SQL at all: the letters of a title, replaced by as many others."""
    with databases.fresh_url("sqlite") as url:
        books = build_sealed_books(Settings.from_env(environment(url, tmp_path)), url)
        content = books.file.read_bytes()
        assert content.count("清扫社区".encode()) >= ENTRIES
        books.file.write_bytes(content.replace("清扫社区".encode(), "义务植树".encode()))

        assert entries_named(books.verify()) == list(range(1, ENTRIES + 1))
        assert books.verify().faults >= ENTRIES
