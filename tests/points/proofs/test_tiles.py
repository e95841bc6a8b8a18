"""Small tiles and blocks, so that nine entries fill several: proofs go through them, and damage."""

import importlib.util
import json
from types import ModuleType
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.exceptions import InvalidSignature

from core.config import Settings
from core.crypto import Suite
from core.signing import SigningKey
from points import checkpoints, sealing, verification_proofs
from points.proof_models import LedgerBlock, LedgerTile
from tests.engines import ROOT
from tests.points.proofs.sealed_books import ENTRIES, KEY, SealedBooks, build_sealed_books
from tests.world import NOW


@pytest.fixture
def books(
    fresh_settings: Settings, fresh_owner_url: str, monkeypatch: pytest.MonkeyPatch
) -> SealedBooks:
    for module in (sealing, checkpoints, verification_proofs):
        monkeypatch.setattr(module, "TILE", 4)
    monkeypatch.setattr(sealing, "BLOCK_ENTRIES_MAX", 2)
    return build_sealed_books(fresh_settings, fresh_owner_url)


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The stand-alone program that members are given."""
    spec = importlib.util.spec_from_file_location("verify_proof", ROOT / "docs/verify_proof.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_proof_convinces_the_script(books: SealedBooks, script: ModuleType) -> None:
    for seq, proof in books.proofs.items():
        entry, head = script.verify(proof, script.load_key(KEY.public_key().pem), books.witness)
        assert (entry["seq"], head["size"]) == (seq, ENTRIES)


def altered(proof: dict[str, Any], change: str) -> dict[str, Any]:
    entry = json.loads(proof["entry"])
    changes: dict[str, dict[str, Any]] = {
        "entry": {"entry": json.dumps(entry | {"points": 1})},
        "place": {"position": proof["position"] + 1},
        "place outside": {"position": ENTRIES},
        "place below zero": {"position": -1},
        "shorter path": {"path": proof["path"][:-1]},
        "longer path": {"path": [*proof["path"], "00" * 32]},
        "path": {"path": ["00" * 32, *proof["path"][1:]]},
        "path in another order": {"path": proof["path"][::-1]},
    }
    return proof | changes[change]


@pytest.mark.parametrize(
    "change",
    ["entry", "place", "place outside", "place below zero", "shorter path", "longer path", "path",
     "path in another order"],
)  # fmt: skip
def test_altered_proof_convinces_nobody(
    books: SealedBooks, script: ModuleType, change: str
) -> None:
    # The last entry's path has one step, which reads the same from behind.
    for seq in range(1, ENTRIES):
        proof = books.proofs[seq]
        with pytest.raises(ValueError, match=r"."):
            script.verify(
                altered(proof, change), script.load_key(KEY.public_key().pem), books.witness
            )


def test_proof_under_another_key_convinces_nobody(books: SealedBooks, script: ModuleType) -> None:
    stranger = script.load_key(SigningKey.generate(Suite.INTL).public_key().pem)

    with pytest.raises(InvalidSignature):
        script.verify(books.proofs[1], stranger)


def test_tiles_and_blocks_are_full_but_for_the_last(books: SealedBooks) -> None:
    with books.session() as session:
        tiles = session.scalars(sa.select(LedgerTile.number).order_by(LedgerTile.number)).all()
        blocks = session.execute(
            sa.select(LedgerBlock.number, LedgerBlock.size, LedgerBlock.entries).order_by(
                LedgerBlock.number
            )
        ).all()

    assert list(tiles) == [0, 1]
    assert [tuple(one) for one in blocks] == [(1, 2, 2), (2, 4, 2), (3, 6, 2), (4, 8, 2), (5, 9, 1)]
    assert books.verify().findings == []


def test_sealing_again_seals_nothing(books: SealedBooks) -> None:
    with books.session() as session:
        assert sealing.seal(session, now=NOW) == 0


def test_sealing_goes_on_where_it_ended(books: SealedBooks) -> None:
    books.post_more()

    assert books.verify().findings == []
    assert books.verify_against_witness().findings == []


@pytest.mark.parametrize(
    ("statement", "subject"),
    [
        ("UPDATE ledger_tile SET root = 'x' WHERE number = 1", "封存分片 1"),
        ("DELETE FROM ledger_tile WHERE number = 0", "封存分片 0"),
        ("UPDATE ledger_block SET root = 'x' WHERE number = 3", "封存块 3"),
        ("DELETE FROM ledger_block WHERE number = 2", "封存块 3"),
        ("DELETE FROM ledger_block WHERE number = 5", "封存位置 8"),
        ("UPDATE ledger_leaf SET hash = 'x' WHERE position = 5", "封存块 3"),
    ],
)  # fmt: skip
def test_damage_is_found_where_it_is(books: SealedBooks, statement: str, subject: str) -> None:
    with books.tampered(statement) as report:
        subjects = [finding.subject for finding in report.findings]

    assert subject in subjects
