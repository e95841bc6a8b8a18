"""Signed heads of the ledger's tree, and proofs that an entry is in one.

A checkpoint proves something only where somebody else keeps a copy of it: what was in the ledger
then cannot be altered, removed or put into another order without that copy telling.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import Conflict, NotFound, RuleViolation
from core.quantities import format_points
from core.signing import SigningKey, VerifyingKey
from members.access import Actor
from points import leaves
from points.merkle import find_path, root_of
from points.models import LedgerEntry
from points.proof_models import LedgerBlock, LedgerCheckpoint, LedgerLeaf
from points.sealing import TILE, load_leaves, load_tree

_VERSION = 1


class NothingSealed(Conflict):
    """The ledger has no sealed entry, so there is no head to sign."""

    code = "checkpoint.nothing_sealed"
    title = "账本里还没有可以签名的记录"


class NotYetProvable(Conflict):
    """No signed head covers the entry yet."""

    code = "proof.not_yet"
    title = "这笔积分还没有进入签名存证，请在下一次签名之后再取"


class InvalidCheckpoint(RuleViolation):
    """A file that is no checkpoint, or was not signed with this key."""

    code = "checkpoint.invalid"
    title = "存证文件无效，或不是用这把密钥签的"


@dataclass(frozen=True, slots=True)
class SignedHead:
    """What a checkpoint says, once its signature was found good."""

    size: int
    root: str
    points: str


def sign(session: Session, key: SigningKey, *, now: datetime) -> LedgerCheckpoint:
    """Sign the head of the tree as it is sealed now, and keep the result.

    Raises:
        NothingSealed: there is no block yet.
    """
    head = session.scalar(sa.select(LedgerBlock).order_by(LedgerBlock.number.desc()).limit(1))
    if head is None:
        raise NothingSealed
    public = key.public_key()
    content = _canonical(
        {
            "v": _VERSION,
            "size": head.size,
            "root": head.root,
            "points": format_points(head.points_total),
            "block": head.number,
            "at": now.isoformat(timespec="seconds"),
            "suite": public.suite,
            "key_id": public.id,
        }
    )
    checkpoint = LedgerCheckpoint(
        size=head.size,
        content=content,
        signature=key.sign(content.encode()).hex(),
        key_id=public.id,
        signed_at=now,
    )
    session.add(checkpoint)
    session.flush()
    return checkpoint


def to_file(checkpoint: LedgerCheckpoint) -> dict[str, str]:
    """The form in which a checkpoint is handed to witnesses."""
    return {"content": checkpoint.content, "signature": checkpoint.signature}


def open_signed(data: Any, key: VerifyingKey) -> SignedHead:
    """Read a checkpoint's file form and check its signature.

    Raises:
        InvalidCheckpoint: it is malformed, or signed with another key.
    """
    try:
        content: str = data["content"]
        if not key.is_signed(bytes.fromhex(data["signature"]), content.encode()):
            raise InvalidCheckpoint
        said = json.loads(content)
        return SignedHead(int(said["size"]), str(said["root"]), str(said["points"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidCheckpoint from error


def prove(session: Session, entry_id: UUID) -> dict[str, Any]:
    """An inclusion proof of an entry under the newest signed head; anybody can check it offline.

    Raises:
        NotFound: there is no such entry.
        NotYetProvable: no signed head covers it.
    """
    row = session.execute(
        sa.select(*leaves.COLUMNS, LedgerLeaf.position)
        .outerjoin(LedgerLeaf, LedgerLeaf.seq == LedgerEntry.seq)
        .where(LedgerEntry.id == entry_id)
    ).one_or_none()
    if row is None:
        raise NotFound
    *values, position = row
    newest = session.scalar(
        sa.select(LedgerCheckpoint)
        .order_by(LedgerCheckpoint.size.desc(), LedgerCheckpoint.signed_at.desc())
        .limit(1)
    )
    if position is None or newest is None or newest.size <= position:
        raise NotYetProvable
    return {
        "v": _VERSION,
        "entry": leaves.content_of(values),
        "position": position,
        "path": [node.hex() for node in _path(session, position, newest.size)],
        "checkpoint": to_file(newest),
    }


def prove_own(session: Session, actor: Actor, entry_id: UUID) -> dict[str, Any]:
    """The same for an entry of the actor's own.

    Raises:
        NotFound: absent, or somebody else's.
        NotYetProvable: no signed head covers it.
    """
    own = sa.select(LedgerEntry.id).where(
        LedgerEntry.id == entry_id, LedgerEntry.member_id == actor.member_id
    )
    if session.scalar(own) is None:
        raise NotFound
    return prove(session, entry_id)


def _path(session: Session, position: int, size: int) -> list[bytes]:
    """The audit path, read from the entry's own tile, the tiles' roots and the last leaves."""
    tiles, rest = load_tree(session, size)
    if rest:
        tiles.append(root_of(rest))
    number, index = divmod(position, TILE)
    start = number * TILE
    own = load_leaves(session, start, min(start + TILE, size))
    return find_path(own, index) + find_path(tiles, number)


def _canonical(data: dict[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
