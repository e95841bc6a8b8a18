"""Scheduled work: its runs, how each job stands, and alerts to the operator.

Never import product code here: a migration must keep meaning what it meant.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")


def upgrade() -> None:
    op.create_table(
        "job_run",
        sa.Column("job", sa.String(40), nullable=False),
        sa.Column("fire_at", INSTANT, nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("lease_until", INSTANT, nullable=True),
        sa.Column("started_at", INSTANT, nullable=True),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("outcome_count", sa.Integer(), nullable=True),
        sa.Column("error", sa.String(200), nullable=True),
        sa.Column("skip_reason", sa.String(100), nullable=True),
        sa.CheckConstraint("kind IN ('scheduled', 'manual')", name=op.f("ck_job_run_kind")),
        sa.CheckConstraint(
            "state IN ('claimed', 'done', 'skipped', 'failed')", name=op.f("ck_job_run_state")
        ),
        sa.CheckConstraint("attempt >= 0", name=op.f("ck_job_run_attempt")),
        sa.CheckConstraint(
            "(state = 'claimed') = (lease_until IS NOT NULL)", name=op.f("ck_job_run_leased")
        ),
        sa.CheckConstraint(
            "(state = 'claimed') = (finished_at IS NULL)", name=op.f("ck_job_run_finished")
        ),
        sa.CheckConstraint(
            "(state = 'done') = (outcome_count IS NOT NULL)", name=op.f("ck_job_run_outcome")
        ),
        sa.CheckConstraint(
            "(state = 'skipped') = (skip_reason IS NOT NULL)", name=op.f("ck_job_run_skipped")
        ),
        sa.CheckConstraint(
            "state <> 'failed' OR error IS NOT NULL", name=op.f("ck_job_run_failed")
        ),
        sa.PrimaryKeyConstraint("job", "fire_at", name=op.f("pk_job_run")),
    )
    op.create_index("ix_job_run_finished_at", "job_run", ["finished_at"])
    _keep_settled()
    op.create_table(
        "job_standing",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("calendar", sa.String(60), nullable=False),
        sa.Column("settled_until", INSTANT, nullable=True),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("late_after_seconds", sa.Integer(), nullable=False),
        sa.Column("last_success_at", INSTANT, nullable=True),
        sa.Column("last_failure_at", INSTANT, nullable=True),
        sa.Column("last_error", sa.String(200), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.CheckConstraint("failures >= 0", name=op.f("ck_job_standing_failures")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_job_standing")),
    )
    op.create_table(
        "operator_alert",
        sa.Column("code", sa.String(40), nullable=False),
        sa.Column("message", sa.String(300), nullable=False),
        sa.Column("raised_at", INSTANT, nullable=False),
        sa.Column("resolved_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_operator_alert")),
    )


def _keep_settled() -> None:
    """What has ended stays as it ended, whatever a process that was paused believes."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE TRIGGER settled BEFORE UPDATE ON job_run FOR EACH ROW"
            " WHEN (OLD.state <> 'claimed') EXECUTE FUNCTION refuse_change()"
        )
    else:
        op.execute(
            "CREATE TRIGGER job_run_settled BEFORE UPDATE ON job_run WHEN OLD.state <> 'claimed'"
            " BEGIN SELECT RAISE(ABORT, 'append-only: job_run'); END"
        )


def downgrade() -> None:
    op.drop_table("operator_alert")
    op.drop_table("job_standing")
    op.drop_table("job_run")
