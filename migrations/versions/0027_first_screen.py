"""What the first screen asks: the number that a branch makes known, and a member's open links."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("organization", sa.Column("contact_phone", sa.String(20), nullable=True))
    op.create_index("ix_own_report_link_member_id", "own_report_link", ["member_id"])


def downgrade() -> None:
    op.drop_index("ix_own_report_link_member_id", "own_report_link")
    op.drop_column("organization", "contact_phone")
