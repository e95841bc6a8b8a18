"""Organisation life: templates, expected lists, attendance, leave, codes.

Never import product code here: a migration must keep meaning what it meant.
"""

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
