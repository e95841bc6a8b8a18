"""Closing periods: sealed statements and what is carried over.

Never import product code here: a migration must keep meaning what it meant.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations.append_only import guard

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")
JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
APPEND_ONLY = ("period_closing", "period_statement", "period_seal", "period_opening")


def upgrade() -> None:
    op.create_table(
        "period_closing",
        sa.Column("period_id", sa.Uuid(), nullable=False),
        sa.Column("begun_by", sa.Uuid(), nullable=True),
        sa.Column("begun_at", INSTANT, nullable=False),
        sa.Column("late_reason", sa.String(200), nullable=False),
        sa.Column("waiting", JSON, nullable=False),
        _key("period_closing", "period_id", "points_period"),
        _key("period_closing", "begun_by", "member"),
        sa.PrimaryKeyConstraint("period_id", name=op.f("pk_period_closing")),
    )
    op.create_table(
        "period_statement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("period_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.String(20), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("scheme_version_id", sa.Uuid(), nullable=True),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("sealed_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "subject IN ('party_members', 'cadres')", name=op.f("ck_period_statement_subject")
        ),
        _key("period_statement", "period_id", "points_period"),
        _key("period_statement", "member_id", "member"),
        _key("period_statement", "organization_id", "organization"),
        _key("period_statement", "scheme_version_id", "points_scheme_version"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_period_statement")),
        sa.UniqueConstraint(
            "period_id",
            "subject",
            "member_id",
            name=op.f("uq_period_statement_period_id_subject_member_id"),
        ),
    )
    op.create_index("ix_period_statement_member", "period_statement", ["member_id", "period_id"])
    op.create_table(
        "period_seal",
        sa.Column("period_id", sa.Uuid(), nullable=False),
        sa.Column("statements", sa.Integer(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("sealed_at", INSTANT, nullable=False),
        _key("period_seal", "period_id", "points_period"),
        sa.PrimaryKeyConstraint("period_id", name=op.f("pk_period_seal")),
    )
    op.create_table(
        "period_opening",
        sa.Column("period_id", sa.Uuid(), nullable=False),
        sa.Column("from_period_id", sa.Uuid(), nullable=False),
        sa.Column("rollovers", JSON, nullable=False),
        sa.Column("opened_by", sa.Uuid(), nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        _key("period_opening", "period_id", "points_period"),
        _key("period_opening", "from_period_id", "points_period"),
        _key("period_opening", "opened_by", "member"),
        sa.PrimaryKeyConstraint("period_id", name=op.f("pk_period_opening")),
        sa.UniqueConstraint("from_period_id", name=op.f("uq_period_opening_from_period_id")),
    )
    guard(APPEND_ONLY)


def _key(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}"))


def downgrade() -> None:
    for table in reversed(APPEND_ONLY):
        op.drop_table(table)
