"""The sealer: takes entries into the Merkle tree, block by block, behind the transactions.

Entries get their place here, not at posting: numbers from a sequence commit in any order and
some never do, so an entry that commits late simply comes later in the tree, and none is passed
over. A chain inside the posting transaction would make one slow approval stop everybody.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.rows import dialect_of, insert_rows
from points import leaves
from points.merkle import EMPTY_ROOT, Frontier, root_of
from points.models import LedgerEntry
from points.proof_models import LedgerBlock, LedgerLeaf, LedgerTile

TILE = 256
BLOCK_ENTRIES_MAX = 1_000
ENTRIES_AT_ONCE = 10_000

Row = sa.Row[*tuple[Any, ...]]


def seal(session: Session, *, now: datetime) -> int:
    """Put committed entries that have no place yet into the tree; return how many.

    Another sealer at work means that there is nothing to do. Should both start from one head
    all the same, the second breaks a UNIQUE of the blocks, so the tree cannot fork.
    """
    if not _takes_turn(session):
        return 0
    head = session.scalar(sa.select(LedgerBlock).order_by(LedgerBlock.number.desc()).limit(1))
    newest = session.scalar(sa.select(sa.func.max(LedgerEntry.seq))) or 0
    # In this order: what begins to write after the maximum was read gets a higher number.
    is_quiet = _is_nobody_writing(session)
    settled = head.settled_seq if head else 0
    rows = _find_unsealed(session, after=settled)
    if not rows:
        return 0
    if is_quiet:
        settled = min(newest, rows[-1].seq) if len(rows) == ENTRIES_AT_ONCE else newest
    _write(session, head, rows, settled, now)
    return len(rows)


def load_tree(session: Session, size: int) -> tuple[list[bytes], list[bytes]]:
    """The roots of the full tiles of the tree's first leaves, and the leaves behind them."""
    full = size // TILE
    tiles = session.scalars(
        sa.select(LedgerTile.root).where(LedgerTile.number < full).order_by(LedgerTile.number)
    )
    return [bytes.fromhex(root) for root in tiles], load_leaves(session, full * TILE, size)


def load_leaves(session: Session, start: int, end: int) -> list[bytes]:
    """The leaf hashes of a stretch of the tree."""
    hashes = session.scalars(
        sa.select(LedgerLeaf.hash)
        .where(LedgerLeaf.position >= start, LedgerLeaf.position < end)
        .order_by(LedgerLeaf.position)
    )
    return [bytes.fromhex(text) for text in hashes]


def _takes_turn(session: Session) -> bool:
    if dialect_of(session) == "sqlite":
        return True
    lock = sa.func.pg_try_advisory_xact_lock(sa.func.hashtext("ledger sealer"))
    return bool(session.scalar(sa.select(lock)))


def _is_nobody_writing(session: Session) -> bool:
    """Whether every number given out so far belongs to a transaction that has ended.

    An INSERT locks the table before it takes a number, and keeps that lock until its end.
    """
    return dialect_of(session) == "sqlite" or not session.scalar(_WRITERS)


_WRITERS = sa.text("""
    SELECT EXISTS (
      SELECT 1 FROM pg_locks
      WHERE locktype = 'relation' AND mode = 'RowExclusiveLock'
        AND relation = 'public.ledger_entry'::regclass
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND pid IS DISTINCT FROM pg_backend_pid()
    )
""")


def _find_unsealed(session: Session, *, after: int) -> Sequence[Row]:
    return session.execute(
        sa.select(*leaves.COLUMNS)
        .outerjoin(LedgerLeaf, LedgerLeaf.seq == LedgerEntry.seq)
        .where(LedgerEntry.seq > after, LedgerLeaf.position.is_(None))
        .order_by(LedgerEntry.seq)
        .limit(ENTRIES_AT_ONCE)
    ).all()


def _write(
    session: Session,
    head: LedgerBlock | None,
    rows: Sequence[Row],
    settled: int,
    now: datetime,
) -> None:
    start = head.size if head else 0
    tree = _GrowingTree(*load_tree(session, start))
    number, total = (head.number, head.points_total) if head else (0, 0)
    root = head.root if head else EMPTY_ROOT.hex()
    blocks: list[dict[str, Any]] = []
    for offset in range(0, len(rows), BLOCK_ENTRIES_MAX):
        chunk = rows[offset : offset + BLOCK_ENTRIES_MAX]
        for row in chunk:
            tree.append(leaves.hash_of(row))
        points = sum(row.points for row in chunk)
        number, total = number + 1, total + points
        previous, root = root, tree.root.hex()
        blocks.append(
            {
                "number": number,
                "previous_root": previous,
                "root": root,
                "size": start + offset + len(chunk),
                "entries": len(chunk),
                "points": points,
                "points_total": total,
                "settled_seq": settled,
                "sealed_at": now,
            }
        )
    insert_rows(session, LedgerBlock, blocks)
    insert_rows(session, LedgerLeaf, _leaf_rows(start, rows, tree.added))
    insert_rows(session, LedgerTile, tree.new_tiles)


def _leaf_rows(start: int, rows: Sequence[Row], hashes: Sequence[bytes]) -> list[dict[str, Any]]:
    return [
        {"position": start + offset, "seq": row.seq, "hash": leaf.hex()}
        for offset, (row, leaf) in enumerate(zip(rows, hashes, strict=True))
    ]


class _GrowingTree:
    """The tree by its full tiles and the leaves behind them, and what this run has added."""

    def __init__(self, tiles: Sequence[bytes], rest: list[bytes]) -> None:
        self.added: list[bytes] = []
        self.new_tiles: list[dict[str, Any]] = []
        self._tiles = Frontier(tiles)
        self._rest = rest

    def append(self, leaf: bytes) -> None:
        self.added.append(leaf)
        self._rest.append(leaf)
        if len(self._rest) == TILE:
            root = root_of(self._rest)
            self.new_tiles.append({"number": self._tiles.size, "root": root.hex()})
            self._tiles.append(root)
            self._rest = []

    @property
    def root(self) -> bytes:
        return self._tiles.root_before(root_of(self._rest)) if self._rest else self._tiles.root
