"""Idempotency keys: a request that is repeated has its effect once.

Never import product code here: a migration must keep meaning what it meant.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def upgrade() -> None:
    op.create_table(
        "idempotency_key",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("operation", sa.String(80), nullable=False),
        sa.Column("key", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("used_at", INSTANT, nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("sealed_answer", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("status BETWEEN 200 AND 499", name=op.f("ck_idempotency_key_status")),
        sa.CheckConstraint(
            "(status IS NULL) = (sealed_answer IS NULL)", name=op.f("ck_idempotency_key_answer")
        ),
        sa.PrimaryKeyConstraint("member_id", "operation", "key", name=op.f("pk_idempotency_key")),
    )
    op.create_index("ix_idempotency_key_used_at", "idempotency_key", ["used_at"])


def downgrade() -> None:
    op.drop_table("idempotency_key")
