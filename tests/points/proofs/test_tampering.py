"""Whoever changes the ledger is refused, or found: as the product, as its owner, in the file.

On PostgreSQL the edits are made as the owner of the tables, with triggers off and keys dropped;
on SQLite in the file itself, by another program. Both put the triggers back afterwards.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click.testing
import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy.exc import DBAPIError

from api.app import create_app
from api.extensions import db
from core.config import Settings
from points import checkpoints, leaves
from points.checkpoints import InvalidCheckpoint
from points.models import LedgerEntry
from points.verification import Verification
from tests.engines import ENGINE_KINDS, ROOT, Databases, environment, owner_url
from tests.points.proofs.sealed_books import ENTRIES, KEY, SealedBooks, build_sealed_books
from tests.world import NOW

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


@pytest.fixture(scope="module", params=ENGINE_KINDS)
def shared(
    databases: Databases, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SealedBooks]:
    """Books for tests that put back whatever they do."""
    with databases.fresh_url(request.param) as url:
        settings = Settings.from_env(environment(url, tmp_path_factory.mktemp("books")))
        yield build_sealed_books(settings, owner_url(url))


@pytest.fixture
def books(fresh_settings: Settings, fresh_owner_url: str) -> SealedBooks:
    """Books of the test's own."""
    return build_sealed_books(fresh_settings, fresh_owner_url)


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


# A title is in no sum: only the tree holds it.
RETITLED = EDITS["another title"]


def leaf_recomputed(books: SealedBooks) -> str:
    with books.session() as session:
        row = session.execute(sa.select(*leaves.COLUMNS).where(LedgerEntry.seq == EDITED)).one()
    return f"UPDATE ledger_leaf SET hash = '{leaves.hash_of(row).hex()}' WHERE seq = {EDITED}"  # noqa: S608


def test_recomputed_leaf_no_longer_fits_its_block(books: SealedBooks) -> None:
    books.tamper(*RETITLED)
    books.tamper(leaf_recomputed(books))

    assert subjects(books.verify()) == ["封存块 1", f"存证（{ENTRIES} 笔）"]


def test_recomputed_tree_no_longer_fits_the_checkpoint_beside_it(books: SealedBooks) -> None:
    books.tamper(*RETITLED)
    books.seal_anew(tables=("ledger_tile", "ledger_leaf", "ledger_block"))

    assert subjects(books.verify()) == [f"存证（{ENTRIES} 笔）"]


def test_recomputed_tree_is_caught_by_the_checkpoint_kept_elsewhere(books: SealedBooks) -> None:
    books.tamper(*RETITLED)
    books.seal_anew()

    # Nothing inside the database can tell any more. That is what the witness is for.
    assert books.verify().findings == []
    [finding] = books.verify_against_witness().findings
    assert finding.subject == f"存证（{ENTRIES} 笔）"
    assert "与签名时不一致" in finding.message


def test_ledger_cut_short_is_caught_by_the_checkpoint_kept_elsewhere(books: SealedBooks) -> None:
    books.tamper(f"DELETE FROM ledger_entry WHERE seq = {ENTRIES}")  # noqa: S608
    books.seal_anew()

    messages = [finding.message for finding in books.verify_against_witness().findings]
    assert f"只剩 {ENTRIES - 1} 笔" in messages[0]
    assert "签名时合计" in messages[1]


def test_emptied_ledger_is_caught_by_the_checkpoint_kept_elsewhere(books: SealedBooks) -> None:
    books.tamper("DELETE FROM ledger_entry")
    books.seal_anew()

    assert "只剩 0 笔" in books.verify_against_witness().findings[0].message


def test_later_entries_leave_the_old_checkpoint_good(books: SealedBooks) -> None:
    """What is posted honestly afterwards is no tampering."""
    books.post_more()

    assert books.verify().findings == []
    assert books.verify_against_witness().findings == []


def test_checkpoint_of_another_key_convinces_nobody(books: SealedBooks) -> None:
    books.tamper(*RETITLED)
    books.seal_anew()
    forger = Ed25519PrivateKey.generate()
    with books.session() as session:
        forged = checkpoints.to_file(checkpoints.sign(session, forger, now=NOW))

    with pytest.raises(InvalidCheckpoint):
        checkpoints.open_signed(forged, KEY.public_key())


@pytest.mark.parametrize("field", ["size", "root", "points", "at"])
def test_edited_checkpoint_is_no_checkpoint(shared: SealedBooks, field: str) -> None:
    content = json.loads(shared.witness["content"])
    content[field] = 8 if field == "size" else "0"
    edited = shared.witness | {"content": json.dumps(content)}

    with pytest.raises(InvalidCheckpoint):
        checkpoints.open_signed(edited, KEY.public_key())


def test_command_finds_the_recomputed_tree(books: SealedBooks, tmp_path: Path) -> None:
    checkpoint, public = kept_outside(books, tmp_path)
    options = ["--checkpoint", str(checkpoint), "--pub", str(public)]
    sound = run(books, options)
    books.tamper(*RETITLED)
    named = run(books, [])
    books.seal_anew()

    silent, caught = run(books, []), run(books, options)

    assert (sound.exit_code, silent.exit_code) == (0, 0)
    assert f"签名时的 {ENTRIES} 笔记录没有改动" in sound.output
    assert named.exit_code == 1
    assert named.stderr.startswith(f"第 {EDITED} 号记录")
    assert caught.exit_code == 1
    assert "账本与签名时不一致" in caught.stderr


def test_members_kept_proof_convicts_the_recomputed_ledger(
    books: SealedBooks, tmp_path: Path
) -> None:
    """Even one who has the signing key cannot make the new proof fit the old checkpoint."""
    kept_outside(books, tmp_path)
    assert "PROVEN: entry 3 (清扫社区" in proven(books.proofs[EDITED], tmp_path)
    with books.session() as session:
        entry_id = session.scalar(sa.select(LedgerEntry.id).where(LedgerEntry.seq == EDITED))
    books.tamper(*RETITLED)
    books.seal_anew()
    with books.session() as session:
        checkpoints.sign(session, KEY, now=NOW)
        assert entry_id is not None
        shown_today = checkpoints.prove(session, entry_id)

    assert proven(shown_today, tmp_path).startswith("NOT PROVEN")
    assert proven(books.proofs[EDITED], tmp_path).startswith("PROVEN: entry 3 (清扫社区")


def test_byte_changed_in_the_file_is_found(databases: Databases, tmp_path: Path) -> None:
    """No SQL at all: the letters of a title, replaced by as many others."""
    with databases.fresh_url("sqlite") as url:
        books = build_sealed_books(Settings.from_env(environment(url, tmp_path)), url)
        content = books.file.read_bytes()
        assert content.count("清扫社区".encode()) >= ENTRIES
        books.file.write_bytes(content.replace("清扫社区".encode(), "义务植树".encode()))

        assert entries_named(books.verify()) == list(range(1, ENTRIES + 1))
        assert books.verify().faults >= ENTRIES


def kept_outside(books: SealedBooks, folder: Path) -> tuple[Path, Path]:
    """The witness's two files."""
    checkpoint, public = folder / "checkpoint.json", folder / "public.pem"
    checkpoint.write_text(json.dumps(books.witness), encoding="utf-8")
    public.write_bytes(
        KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    return checkpoint, public


def run(books: SealedBooks, options: list[str]) -> click.testing.Result:
    app = create_app(books.settings)
    result = app.test_cli_runner().invoke(args=["ledger", "verify", *options])
    with app.app_context():
        db.engine.dispose()
    return result


def proven(proof: dict[str, Any], folder: Path) -> str:
    """What the stand-alone script says of a proof, with the witness's files."""
    file = folder / "proof.json"
    file.write_text(json.dumps(proof), encoding="utf-8")
    names = [file, folder / "public.pem", folder / "checkpoint.json"]
    command = [sys.executable, "-X", "utf8", ROOT / "docs/verify_proof.py", *names]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout
