"""Adjustments, bulletins, objections, undone reviews, recusals.

Never import product code here: a migration must keep meaning what it meant.
"""

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
