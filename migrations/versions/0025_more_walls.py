"""Row-level security for assigned work, reviews of cases and disclosed numbers (PostgreSQL)."""

from alembic import op

from migrations import row_security

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

SCOPED: row_security.Scoped = {
    "assigned_work": (("organization_id",), ("member_id",)),
    "case_review": ((), ("member_id",)),
    # Whoever was shown a number counts his own showings, wherever its member is by now.
    "personal_data_access": ((), ("actor_id", "member_id")),
}


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        row_security.enable(SCOPED)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        row_security.disable(SCOPED)
