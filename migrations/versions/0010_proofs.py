"""Sealed blocks of the ledger.

Never import product code here: a migration must keep meaning what it meant.
"""

import sqlalchemy as sa
from alembic import op

from migrations.append_only import guard

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")
BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
APPEND_ONLY = ("ledger_block", "ledger_leaf", "ledger_tile", "ledger_checkpoint")


def upgrade() -> None:
    op.create_table(
        "ledger_block",
        sa.Column("number", BIGINT, autoincrement=False, nullable=False),
        sa.Column("previous_root", sa.String(64), nullable=False),
        sa.Column("root", sa.String(64), nullable=False),
        sa.Column("size", BIGINT, nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("points_total", sa.BigInteger(), nullable=False),
        sa.Column("settled_seq", sa.BigInteger(), nullable=False),
        sa.Column("sealed_at", INSTANT, nullable=False),
        sa.CheckConstraint("entries > 0 AND size >= entries", name=op.f("ck_ledger_block_entries")),
        sa.CheckConstraint("number >= 1", name=op.f("ck_ledger_block_number")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_ledger_block")),
        sa.UniqueConstraint("previous_root", name=op.f("uq_ledger_block_previous_root")),
        sa.UniqueConstraint("root", name=op.f("uq_ledger_block_root")),
        sa.UniqueConstraint("size", name=op.f("uq_ledger_block_size")),
    )
    op.create_table(
        "ledger_leaf",
        sa.Column("position", BIGINT, autoincrement=False, nullable=False),
        sa.Column("seq", BIGINT, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(["seq"], ["ledger_entry.seq"], name=op.f("fk_ledger_leaf_seq")),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_ledger_leaf")),
        sa.UniqueConstraint("seq", name=op.f("uq_ledger_leaf_seq")),
    )
    op.create_table(
        "ledger_tile",
        sa.Column("number", BIGINT, autoincrement=False, nullable=False),
        sa.Column("root", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_ledger_tile")),
    )
    op.create_table(
        "ledger_checkpoint",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("size", BIGINT, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("signature", sa.String(128), nullable=False),
        sa.Column("key_id", sa.String(16), nullable=False),
        sa.Column("signed_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_checkpoint")),
    )
    op.create_index("ix_ledger_checkpoint_size", "ledger_checkpoint", ["size"])
    guard(APPEND_ONLY)


def downgrade() -> None:
    for table in reversed(APPEND_ONLY):
        op.drop_table(table)
