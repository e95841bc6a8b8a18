"""Pledges and their evaluation.

Never import product code here: a migration must keep meaning what it meant.
"""

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
