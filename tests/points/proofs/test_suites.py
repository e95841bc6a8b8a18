"""Checkpoints signed in either suite, checked here and by the program that knows nothing of us."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.crypto import Suite
from core.signing import SigningKey
from points import checkpoints
from points.checkpoints import InvalidCheckpoint
from points.models import LedgerEntry
from tests.engines import ROOT
from tests.points.proofs.sealed_books import SealedBooks
from tests.world import NOW


@pytest.mark.parametrize("suite", Suite)
def test_proof_in_either_suite_is_checked_offline(
    shared: SealedBooks, suite: Suite, tmp_path: Path
) -> None:
    key = SigningKey(suite, bytes(range(1, 33)))
    with shared.session() as session:
        signed = checkpoints.to_file(checkpoints.sign(session, key, now=NOW + timedelta(days=1)))
        entry_id = session.scalars(sa.select(LedgerEntry.id).limit(1)).one()
        proof = checkpoints.prove(session, entry_id)
    stranger = SigningKey(suite, bytes(range(2, 34)))
    (tmp_path / "proof.json").write_text(json.dumps(proof), encoding="utf-8")
    (tmp_path / "key.pem").write_bytes(key.public_key().pem)
    (tmp_path / "other.pem").write_bytes(stranger.public_key().pem)

    assert json.loads(signed["content"])["suite"] == suite
    assert checkpoints.open_signed(signed, key.public_key()).size > 0
    with pytest.raises(InvalidCheckpoint):
        checkpoints.open_signed(signed, stranger.public_key())
    assert _offline(tmp_path, "key.pem").startswith("PROVEN: entry")
    assert _offline(tmp_path, "other.pem").startswith("NOT PROVEN")


def _offline(directory: Path, key: str) -> str:
    script = ROOT / "docs/verify_proof.py"
    command = [sys.executable, script, directory / "proof.json", directory / key]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout
