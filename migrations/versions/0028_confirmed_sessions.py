"""When the holder of a device last showed that it is he.

Never import product code here: a migration must keep meaning what it meant.
"""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_INSTANT = {"postgresql": "TIMESTAMP WITH TIME ZONE", "sqlite": "VARCHAR(27)"}


def upgrade() -> None:
    # The check stands at its column, so that both engines drop the two together.
    kind = _INSTANT[op.get_bind().dialect.name]
    op.execute(
        f"ALTER TABLE device_session ADD COLUMN confirmed_at {kind} "
        "CONSTRAINT ck_device_session_confirmed "
        "CHECK (confirmed_at IS NULL OR confirmed_at >= created_at)"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE device_session DROP COLUMN confirmed_at")
