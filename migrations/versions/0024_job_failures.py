"""Scheduled runs count their errors apart from their interruptions.

Never import product code here: a migration must keep meaning what it meant.
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "job_run", sa.Column("failures", sa.Integer(), nullable=False, server_default="0")
    )


def downgrade() -> None:
    op.drop_column("job_run", "failures")
