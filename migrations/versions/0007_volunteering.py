"""Volunteer opportunities, sign-up, confirmation, corrections, record sheets.

Never import product code here: a migration must keep meaning what it meant.
"""

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
