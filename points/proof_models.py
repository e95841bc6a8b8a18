"""Tables of proofs: the ledger's entries as one Merkle tree, sealed block by block.

Nothing here is ever changed; a second sealer that starts from the same head breaks a UNIQUE.
"""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, UtcDateTime
from core.ids import new_id

_BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


class LedgerBlock(Base):
    """One stretch of the tree: its root once the stretch is in, and the root before it."""

    __tablename__ = "ledger_block"
    __table_args__ = (
        sa.CheckConstraint("entries > 0 AND size >= entries", name="entries"),
        # The tree's size only grows, so its numbers have no holes unless a block was removed.
        sa.CheckConstraint("number >= 1", name="number"),
    )

    number: Mapped[int] = mapped_column(_BIGINT, primary_key=True, autoincrement=False)
    previous_root: Mapped[str] = mapped_column(sa.String(64), unique=True)
    root: Mapped[str] = mapped_column(sa.String(64), unique=True)
    # Leaves in the whole tree after this block, and how many of them are its own.
    size: Mapped[int] = mapped_column(_BIGINT, unique=True)
    entries: Mapped[int] = mapped_column()
    points: Mapped[int] = mapped_column(sa.BigInteger)
    # Sum over the whole tree, which a checkpoint signs.
    points_total: Mapped[int] = mapped_column(sa.BigInteger)
    # No entry with this number or a lower one can appear any more; the next search begins here.
    settled_seq: Mapped[int] = mapped_column(sa.BigInteger)
    sealed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class LedgerLeaf(Base):
    """The place of an entry in the tree, given by the sealer, and the hash of what it read."""

    __tablename__ = "ledger_leaf"

    position: Mapped[int] = mapped_column(_BIGINT, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(_BIGINT, sa.ForeignKey("ledger_entry.seq"), unique=True)
    hash: Mapped[str] = mapped_column(sa.String(64))


class LedgerTile(Base):
    """The root of 256 neighbouring leaves, so that a proof need not read the whole tree."""

    __tablename__ = "ledger_tile"

    number: Mapped[int] = mapped_column(_BIGINT, primary_key=True, autoincrement=False)
    root: Mapped[str] = mapped_column(sa.String(64))


class LedgerCheckpoint(Base):
    """A signed head, kept beside the ledger for proofs; only copies held elsewhere prove more."""

    __tablename__ = "ledger_checkpoint"
    __table_args__ = (sa.Index("ix_ledger_checkpoint_size", "size"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    size: Mapped[int] = mapped_column(_BIGINT)
    # The exact signed text, and its signature in hexadecimal: Ed25519, or SM2 with SM3.
    content: Mapped[str] = mapped_column(sa.Text)
    signature: Mapped[str] = mapped_column(sa.String(128))
    key_id: Mapped[str] = mapped_column(sa.String(16))
    signed_at: Mapped[datetime] = mapped_column(UtcDateTime)
