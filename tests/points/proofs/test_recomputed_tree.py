"""Whoever recomputes the tree too is found by the checkpoint that somebody else has kept."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import click.testing
import pytest
import sqlalchemy as sa

from api.app import create_app
from api.extensions import db
from core.crypto import Suite
from core.signing import SigningKey
from points import checkpoints, leaves
from points.checkpoints import InvalidCheckpoint
from points.models import LedgerEntry
from tests.engines import ROOT
from tests.points.proofs.sealed_books import ENTRIES, KEY, SealedBooks
from tests.world import NOW

# An award, the third of nine entries.
EDITED = 3
# A title is in no sum: only the tree holds it.
RETITLED = "UPDATE ledger_entry SET title = '义务植树' WHERE seq = 3"


def subjects(books: SealedBooks) -> list[str]:
    return [finding.subject for finding in books.verify().findings]


def leaf_recomputed(books: SealedBooks) -> str:
    with books.session() as session:
        row = session.execute(sa.select(*leaves.COLUMNS).where(LedgerEntry.seq == EDITED)).one()
    return f"UPDATE ledger_leaf SET hash = '{leaves.hash_of(row).hex()}' WHERE seq = {EDITED}"  # noqa: S608


def test_recomputed_leaf_no_longer_fits_its_block(books: SealedBooks) -> None:
    books.tamper(RETITLED)
    books.tamper(leaf_recomputed(books))

    assert subjects(books) == ["封存块 1", f"存证（{ENTRIES} 笔）"]


def test_recomputed_tree_no_longer_fits_the_checkpoint_beside_it(books: SealedBooks) -> None:
    books.tamper(RETITLED)
    books.seal_anew(tables=("ledger_tile", "ledger_leaf", "ledger_block"))

    assert subjects(books) == [f"存证（{ENTRIES} 笔）"]


def test_recomputed_tree_is_caught_by_the_checkpoint_kept_elsewhere(books: SealedBooks) -> None:
    books.tamper(RETITLED)
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
    books.tamper(RETITLED)
    books.seal_anew()
    forger = SigningKey.generate(Suite.INTL)
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
    books.tamper(RETITLED)
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
    books.tamper(RETITLED)
    books.seal_anew()
    with books.session() as session:
        checkpoints.sign(session, KEY, now=NOW)
        assert entry_id is not None
        shown_today = checkpoints.prove(session, entry_id)

    assert proven(shown_today, tmp_path).startswith("NOT PROVEN")
    assert proven(books.proofs[EDITED], tmp_path).startswith("PROVEN: entry 3 (清扫社区")


def kept_outside(books: SealedBooks, folder: Path) -> tuple[Path, Path]:
    """The witness's two files."""
    checkpoint, public = folder / "checkpoint.json", folder / "public.pem"
    checkpoint.write_text(json.dumps(books.witness), encoding="utf-8")
    public.write_bytes(KEY.public_key().pem)
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
