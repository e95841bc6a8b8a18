"""Checking the Merkle tree against the ledger, and the ledger against a signed head."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.quantities import format_points
from points import leaves
from points.checkpoints import SignedHead
from points.merkle import EMPTY_ROOT, Frontier, root_of
from points.models import LedgerEntry
from points.proof_models import LedgerBlock, LedgerCheckpoint, LedgerLeaf, LedgerTile
from points.sealing import TILE
from points.verification_report import Report

_ROWS_AT_ONCE = 5000
_POINTS = leaves.FIELDS.index("points")
_OF_BLOCK = ("number", "previous_root", "root", "size", "entries", "points", "points_total")

Row = sa.Row[*tuple[Any, ...]]


def verify_proofs(session: Session, report: Report) -> None:
    """Check that every sealed entry is what the sealer read, and that the tree was only grown.

    Each leaf is its entry's hash; each block has the root, count and sum of its stretch and
    follows on the one before; each tile has its root; no entry was slipped in behind the sealer;
    each kept checkpoint lies on the tree.
    """
    blocks = session.execute(
        sa.select(
            *(getattr(LedgerBlock, name) for name in _OF_BLOCK), LedgerBlock.settled_seq
        ).order_by(LedgerBlock.number)
    ).all()
    walk = _Walk(report, blocks, _roots_of_tiles(session), _signed_sizes(session))
    for row in _leaves(session):
        walk.step(row)
    walk.end()
    _verify_kept_checkpoints(session, walk.roots, report)
    _verify_nothing_slipped_in(session, blocks, report)


def verify_checkpoint(session: Session, head: SignedHead, report: Report) -> None:
    """Check the ledger against a head that somebody else has kept, its signature checked before.

    Together with `verify_proofs`, which holds each leaf against its entry, this finds even a
    tree that was computed anew.
    """
    name = f"存证（{head.size} 笔）"
    frontier = Frontier()
    hashes = session.scalars(
        sa.select(LedgerLeaf.hash)
        .where(LedgerLeaf.position < head.size)
        .order_by(LedgerLeaf.position),
        execution_options={"yield_per": _ROWS_AT_ONCE},
    )
    frontier.extend(_bytes(text) for text in hashes)
    if frontier.size < head.size:
        report.add(name, f"账本只剩 {frontier.size} 笔已封存的记录，比签名时少。")
    elif frontier.root.hex() != head.root:
        report.add(name, "账本与签名时不一致：有记录被改动、删除、插入或调换了次序。")
    total = session.scalar(
        sa.select(sa.func.coalesce(sa.func.sum(LedgerEntry.points), 0))
        .join(LedgerLeaf, LedgerLeaf.seq == LedgerEntry.seq)
        .where(LedgerLeaf.position < head.size)
    )
    if format_points(int(total or 0)) != head.points:
        report.add(name, f"签名时合计 {head.points} 分，现为 {format_points(int(total or 0))} 分。")


@dataclass(slots=True)
class _Walk:
    """One pass over the leaves in their order, with the tree so far."""

    report: Report
    blocks: Sequence[Row]
    tiles: dict[int, str]
    signed_sizes: set[int]
    roots: dict[int, str] = field(default_factory=dict)
    frontier: Frontier = field(default_factory=Frontier)
    _tile: list[bytes] = field(default_factory=list)
    _block: int = 0
    _points: int = 0
    _total: int = 0
    _previous_root: str = EMPTY_ROOT.hex()
    _start: int = 0

    def step(self, row: Row) -> None:
        """One leaf and the entry that it is said to be of."""
        *values, seq, position, stored = row
        if position != self.frontier.size:
            self.report.add(f"封存位置 {self.frontier.size}", "缺少记录，或次序不连续。")
        if values[0] is None:
            self.report.add(f"第 {seq} 号记录", "已封存，但账本中没有了。")
        else:
            if leaves.hash_of(values).hex() != stored:
                self.report.add(f"第 {seq} 号记录 {values[1]}", "与封存时的内容不一致。")
            self._points += values[_POINTS]
        self._grow(_bytes(stored))

    def _grow(self, leaf: bytes) -> None:
        self.frontier.append(leaf)
        self._tile.append(leaf)
        size = self.frontier.size
        if len(self._tile) == TILE:
            number, root = size // TILE - 1, root_of(self._tile).hex()
            if self.tiles.pop(number, None) != root:
                self.report.add(f"封存分片 {number}", "与其中的记录不一致。")
            self._tile = []
        if size in self.signed_sizes:
            self.roots[size] = self.frontier.root.hex()
        if self._block < len(self.blocks) and self.blocks[self._block].size <= size:
            self._end_block(self.blocks[self._block])

    def _end_block(self, block: Row) -> None:
        size, root = self.frontier.size, self.frontier.root.hex()
        self._total += self._points
        found = (
            self._block + 1, self._previous_root, root, size, size - self._start, self._points,
            self._total,
        )  # fmt: skip
        if tuple(block[: len(_OF_BLOCK)]) != found:
            self.report.add(f"封存块 {block.number}", "与其中的记录或前一块不一致。")
        self._block, self._previous_root = self._block + 1, root
        self._points, self._start = 0, size

    def end(self) -> None:
        """What is left over when the leaves are through."""
        if self._block < len(self.blocks):
            self.report.add(f"封存块 {self.blocks[self._block].number}", "其中的记录缺失。")
        if self._start < self.frontier.size:
            self.report.add(f"封存位置 {self._start}", "这里之后的封存块缺失。")
        for number in sorted(self.tiles):
            self.report.add(f"封存分片 {number}", "其中的记录缺失。")


def _leaves(session: Session) -> Iterator[Row]:
    query = (
        sa.select(*leaves.COLUMNS, LedgerLeaf.seq, LedgerLeaf.position, LedgerLeaf.hash)
        .select_from(LedgerLeaf)
        .outerjoin(LedgerEntry, LedgerEntry.seq == LedgerLeaf.seq)
        .order_by(LedgerLeaf.position)
    )
    yield from session.execute(query, execution_options={"yield_per": _ROWS_AT_ONCE})


def _roots_of_tiles(session: Session) -> dict[int, str]:
    return {
        row[0]: row[1] for row in session.execute(sa.select(LedgerTile.number, LedgerTile.root))
    }


def _signed_sizes(session: Session) -> set[int]:
    return set(session.scalars(sa.select(LedgerCheckpoint.size).distinct()))


def _verify_kept_checkpoints(session: Session, roots: dict[int, str], report: Report) -> None:
    for one in session.scalars(sa.select(LedgerCheckpoint).order_by(LedgerCheckpoint.size)):
        if f'"root":"{roots.get(one.size)}"' not in one.content:
            report.add(f"存证（{one.size} 笔）", "账本与当时签名的不一致。")


def _verify_nothing_slipped_in(session: Session, blocks: Sequence[Row], report: Report) -> None:
    """Whatever is not sealed has a number above those that the sealer found settled."""
    settled = blocks[-1].settled_seq if blocks else 0
    slipped = session.execute(
        sa.select(LedgerEntry.seq, LedgerEntry.id)
        .outerjoin(LedgerLeaf, LedgerLeaf.seq == LedgerEntry.seq)
        .where(LedgerEntry.seq <= settled, LedgerLeaf.position.is_(None))
        .order_by(LedgerEntry.seq)
    )
    for seq, entry_id in slipped:
        report.add(f"第 {seq} 号记录 {entry_id}", "是事后插入的：封存时没有这一笔。")


def _bytes(text: str) -> bytes:
    # Somebody may have written anything there: that shows as a wrong root, not as a crash.
    try:
        return bytes.fromhex(text)
    except ValueError:
        return text.encode()
