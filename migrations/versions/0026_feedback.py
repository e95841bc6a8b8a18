"""Feedback and its steps; copies that members ask for of their own data.

Never import product code here: a migration must keep meaning what it meant.
"""

import sqlalchemy as sa
from alembic import op

from migrations import row_security
from migrations.append_only import guard

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")
SCOPED: row_security.Scoped = {
    "feedback": (("about_organization_id", "handling_organization_id"), ("member_id",)),
    "data_copy": ((), ("member_id",)),
}
# A step is seen by whom the policy shows its feedback.
STEPS = (
    "(SELECT scope_is_all()) OR"
    " EXISTS (SELECT 1 FROM feedback WHERE feedback.id = feedback_step.feedback_id)"
)


def upgrade() -> None:
    _create_feedback()
    _create_feedback_step()
    _create_data_copy()
    guard(("feedback_step",))
    if op.get_bind().dialect.name == "postgresql":
        row_security.enable(SCOPED)
        op.execute("ALTER TABLE feedback_step ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY scope ON feedback_step USING ({STEPS})")


def _key(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"))


def _check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def _create_feedback() -> None:
    op.create_table(
        "feedback",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("is_anonymous", sa.Boolean(), nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("topic", sa.String(13), nullable=False),
        sa.Column("text", sa.String(1000), nullable=False),
        sa.Column("page", sa.String(80), nullable=False),
        sa.Column("operation", sa.String(80), nullable=False),
        sa.Column("error_request_id", sa.String(40), nullable=False),
        sa.Column("about_organization_id", sa.Uuid(), nullable=False),
        sa.Column("about_member_id", sa.Uuid(), nullable=True),
        sa.Column("handling_organization_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(8), nullable=False),
        sa.Column("filed_at", INSTANT, nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("overdue_told_on", sa.Date(), nullable=True),
        sa.Column("taken_by", sa.Uuid(), nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("answered_at", INSTANT, nullable=True),
        sa.Column("first_answered_by", sa.Uuid(), nullable=True),
        sa.Column("unsettled_reason", sa.String(500), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        *(_check("feedback", name, condition) for name, condition in FEEDBACK_CHECKS.items()),
        *(
            _key("feedback", column, "member")
            for column in (
                *("member_id", "about_member_id", "taken_by"),
                *("answered_by", "first_answered_by"),
            )
        ),
        _key("feedback", "about_organization_id", "organization"),
        _key("feedback", "handling_organization_id", "organization"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback")),
    )
    op.create_index("ix_feedback_member_id", "feedback", ["member_id", "id"])
    op.create_index("ix_feedback_queue", "feedback", ["handling_organization_id", "status", "id"])
    waits = sa.text("status <> 'answered'")
    op.create_index(
        "ix_feedback_waiting", "feedback", ["due_on"], postgresql_where=waits, sqlite_where=waits
    )


FEEDBACK_CHECKS = {
    "kind": "kind IN ('suggestion', 'complaint', 'data_request')",
    "topic": (
        "topic IN ('formalism', 'personal_data', 'number', 'conduct', 'other', 'copy',"
        " 'correction', 'deletion')"
    ),
    "status": "status IN ('open', 'taken', 'answered')",
    "topic_of_kind": "(kind = 'data_request') = (topic IN ('copy', 'correction', 'deletion'))",
    "text": "text <> ''",
    "anonymous": "NOT is_anonymous OR (kind <> 'data_request' AND error_request_id = '')",
    "about_another": "about_member_id IS NULL OR about_member_id <> member_id",
    "answered_by_another": (
        "answered_by IS NULL OR (answered_by <> member_id"
        " AND answered_by <> coalesce(about_member_id, member_id)"
        " AND answered_by <> coalesce(first_answered_by, member_id))"
    ),
    "taken_by_another": (
        "taken_by IS NULL OR (taken_by <> member_id"
        " AND taken_by <> coalesce(about_member_id, member_id))"
    ),
    "taken": "status <> 'taken' OR taken_by IS NOT NULL",
    "answered": "(status = 'answered') = (answered_by IS NOT NULL)",
    "answered_at": "(answered_by IS NULL) = (answered_at IS NULL)",
    "unsettled": "unsettled_reason = '' OR first_answered_by IS NOT NULL",
    "version": "version >= 1",
}


def _create_feedback_step() -> None:
    op.create_table(
        "feedback_step",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("feedback_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(9), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("note", sa.String(1000), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        _check(
            "feedback_step",
            "kind",
            "kind IN ('filed', 'taken', 'forwarded', 'answered', 'unsettled', 'overdue')",
        ),
        _check(
            "feedback_step",
            "actor",
            "(kind IN ('filed', 'unsettled', 'overdue')) = (actor_id IS NULL)",
        ),
        _check("feedback_step", "note", "kind NOT IN ('forwarded', 'answered') OR note <> ''"),
        _key("feedback_step", "feedback_id", "feedback"),
        _key("feedback_step", "organization_id", "organization"),
        _key("feedback_step", "actor_id", "member"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback_step")),
    )
    op.create_index("ix_feedback_step_feedback_id", "feedback_step", ["feedback_id"])


def _create_data_copy() -> None:
    op.create_table(
        "data_copy",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("requested_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("content_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("byte_count", sa.Integer(), nullable=True),
        sa.Column("sha256", sa.String(64), nullable=True),
        _check("data_copy", "term", "expires_at > requested_at"),
        _check(
            "data_copy",
            "ready",
            "(content_sealed IS NULL) = (sha256 IS NULL)"
            " AND (content_sealed IS NULL) = (byte_count IS NULL)",
        ),
        _key("data_copy", "member_id", "member"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_copy")),
    )
    op.create_index("ix_data_copy_member_id", "data_copy", ["member_id", "id"])


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        row_security.disable(["feedback_step", *SCOPED])
    for table in ("data_copy", "feedback_step", "feedback"):
        op.drop_table(table)
