"""Pledges and their evaluation.

Never import product code here: a migration must keep meaning what it meant.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from migrations.append_only import guard

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")
APPEND_ONLY = ("pledge_revision", "pledge_event", "pledge_note", "pledge_evaluation")


def upgrade() -> None:
    _create_pledge()
    _create_pledge_evaluation()
    _create_pledge_event()
    _create_pledge_note()
    _create_pledge_revision()
    guard(APPEND_ONLY)


def _create_pledge() -> None:
    op.create_table("pledge", *_pledge_columns(), *_pledge_checks(), *_pledge_keys())
    op.create_index("ix_pledge_member_id", "pledge", ["member_id", "id"], unique=False)
    op.create_index(
        "uq_pledge_title",
        "pledge",
        ["member_id", "year", "title"],
        unique=True,
        postgresql_where=sa.text("status <> 'withdrawn'"),
        sqlite_where=sa.text("status <> 'withdrawn'"),
    )
    op.create_index(
        "ix_pledge_organization_id", "pledge", ["organization_id", "year", "status"], unique=False
    )


def _pledge_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("reviewer_organization_id", sa.Uuid(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("text_number", sa.Integer(), nullable=False),
        sa.Column("text_in_force", sa.Integer(), nullable=False),
        sa.Column("published_at", INSTANT, nullable=True),
        sa.Column("excuse_reason", sa.String(length=200), nullable=False),
        sa.Column("grade", sa.String(length=20), nullable=False),
        sa.Column("evaluation_revision", sa.Integer(), nullable=False),
        sa.Column("evaluated_by", sa.Uuid(), nullable=True),
        sa.Column("entered_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("category", sa.String(length=16), nullable=False),
        sa.Column("title", sa.String(length=100), nullable=False),
        sa.Column("content", sa.String(length=1000), nullable=False),
        sa.Column("target", sa.String(length=200), nullable=False),
        sa.Column("beneficiary", sa.String(length=120), nullable=False),
        sa.Column("post", sa.String(length=60), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", INSTANT, nullable=True),
        sa.Column("decision_reason", sa.String(length=200), nullable=False),
        sa.Column("approval_body", sa.String(length=20), nullable=True),
        sa.Column("approval_meeting_on", sa.Date(), nullable=True),
        sa.Column("approval_reference", sa.String(length=120), nullable=False),
    ]


def _pledge_checks() -> list[sa.CheckConstraint]:
    return [
        sa.CheckConstraint(
            "(status IN ('draft', 'submitted', 'withdrawn')) = (decided_by IS NULL)",
            name=op.f("ck_pledge_decided"),
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'submitted', 'returned', 'withdrawn') OR (approval_body IS NOT NULL AND text_in_force > 0)",
            name=op.f("ck_pledge_approved"),
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'submitted', 'returned', 'withdrawn', 'approved') OR published_at IS NOT NULL",
            name=op.f("ck_pledge_published"),
        ),
        sa.CheckConstraint(
            "approval_body <> 'general_meeting' OR (approval_meeting_on IS NOT NULL AND approval_reference <> '')",
            name=op.f("ck_pledge_general_meeting"),
        ),
        sa.CheckConstraint(
            "text_in_force BETWEEN 0 AND text_number", name=op.f("ck_pledge_text_in_force")
        ),
        sa.CheckConstraint(
            "approval_body IN ('branch_committee', 'general_meeting', 'upper_committee')",
            name=op.f("ck_pledge_approval_body"),
        ),
        sa.CheckConstraint(
            "category IN ('study', 'work', 'self_discipline', 'service')",
            name=op.f("ck_pledge_category"),
        ),
        sa.CheckConstraint(
            "kind IN ('annual_pledge', 'ad_hoc_pledge')", name=op.f("ck_pledge_kind")
        ),
        sa.CheckConstraint(
            "status <> 'unfulfilled_excused' OR excuse_reason <> ''",
            name=op.f("ck_pledge_excuse_reason"),
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'submitted', 'returned', 'withdrawn', 'approved', 'published', 'in_progress', 'amended', 'suspended', 'fulfilment_reported', 'evaluated', 'unfulfilled', 'unfulfilled_excused', 'closed')",
            name=op.f("ck_pledge_status"),
        ),
        sa.CheckConstraint(
            "status NOT IN ('evaluated', 'unfulfilled') OR evaluation_revision > 0",
            name=op.f("ck_pledge_evaluated_status"),
        ),
        sa.CheckConstraint(
            "(evaluation_revision = 0) = (evaluated_by IS NULL)", name=op.f("ck_pledge_evaluated")
        ),
        sa.CheckConstraint(
            "decided_by IS NULL OR decided_by <> member_id", name=op.f("ck_pledge_not_oneself")
        ),
        sa.CheckConstraint(
            "evaluated_by IS NULL OR evaluated_by <> member_id",
            name=op.f("ck_pledge_not_evaluated_by_oneself"),
        ),
        sa.CheckConstraint("year BETWEEN 2000 AND 2100", name=op.f("ck_pledge_year")),
    ]


def _pledge_keys() -> list[sa.Constraint]:
    return [
        sa.ForeignKeyConstraint(["decided_by"], ["member.id"], name=op.f("fk_pledge_decided_by")),
        sa.ForeignKeyConstraint(["entered_by"], ["member.id"], name=op.f("fk_pledge_entered_by")),
        sa.ForeignKeyConstraint(
            ["evaluated_by"], ["member.id"], name=op.f("fk_pledge_evaluated_by")
        ),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_pledge_member_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_pledge_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["reviewer_organization_id"],
            ["organization.id"],
            name=op.f("fk_pledge_reviewer_organization_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pledge")),
    ]


def _create_pledge_evaluation() -> None:
    op.create_table(
        "pledge_evaluation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("pledge_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("is_fulfilled", sa.Boolean(), nullable=False),
        sa.Column("member_rating", sa.String(length=20), nullable=False),
        sa.Column("masses_rating", sa.String(length=20), nullable=False),
        sa.Column("organization_rating", sa.String(length=20), nullable=False),
        sa.Column("grade", sa.String(length=20), nullable=False),
        sa.Column("body", sa.String(length=20), nullable=False),
        sa.Column("meeting_on", sa.Date(), nullable=False),
        sa.Column("reference", sa.String(length=120), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=True),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("evaluated_by", sa.Uuid(), nullable=False),
        sa.Column("evaluated_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "body IN ('branch_committee', 'general_meeting', 'upper_committee')",
            name=op.f("ck_pledge_evaluation_body"),
        ),
        sa.CheckConstraint(
            "evaluated_by <> member_id", name=op.f("ck_pledge_evaluation_not_oneself")
        ),
        sa.CheckConstraint(
            "(revision = 1 AND is_fulfilled) OR reason <> ''",
            name=op.f("ck_pledge_evaluation_reason"),
        ),
        sa.CheckConstraint(
            "NOT is_fulfilled OR (member_rating <> '' AND masses_rating <> '' AND organization_rating <> '')",
            name=op.f("ck_pledge_evaluation_ratings"),
        ),
        sa.CheckConstraint(
            "grade <> '' AND reference <> ''", name=op.f("ck_pledge_evaluation_grade")
        ),
        sa.CheckConstraint(
            "entry_id IS NOT NULL OR note <> ''", name=op.f("ck_pledge_evaluation_note")
        ),
        sa.CheckConstraint("revision >= 1", name=op.f("ck_pledge_evaluation_revision")),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["ledger_entry.id"], name=op.f("fk_pledge_evaluation_entry_id")
        ),
        sa.ForeignKeyConstraint(
            ["evaluated_by"], ["member.id"], name=op.f("fk_pledge_evaluation_evaluated_by")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_pledge_evaluation_member_id")
        ),
        sa.ForeignKeyConstraint(
            ["pledge_id"], ["pledge.id"], name=op.f("fk_pledge_evaluation_pledge_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pledge_evaluation")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_pledge_evaluation_entry_id")),
        sa.UniqueConstraint(
            "pledge_id", "revision", name=op.f("uq_pledge_evaluation_pledge_id_revision")
        ),
    )


def _create_pledge_event() -> None:
    op.create_table(
        "pledge_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("pledge_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("body", sa.String(length=20), nullable=True),
        sa.Column("meeting_on", sa.Date(), nullable=True),
        sa.Column("reference", sa.String(length=120), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "actor_id <> member_id OR kind NOT IN ('approve', 'return', 'supervise', 'extend', 'suspend', 'resume', 'excuse', 'evaluate', 'find_unfulfilled', 'close')",
            name=op.f("ck_pledge_event_not_oneself"),
        ),
        sa.CheckConstraint(
            "kind IN ('create', 'edit', 'submit', 'withdraw', 'amend', 'note_progress', 'report_fulfilment', 'publish', 'approve', 'return', 'supervise', 'extend', 'suspend', 'resume', 'excuse', 'evaluate', 'find_unfulfilled', 'close')",
            name=op.f("ck_pledge_event_kind"),
        ),
        sa.ForeignKeyConstraint(["actor_id"], ["member.id"], name=op.f("fk_pledge_event_actor_id")),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_pledge_event_member_id")
        ),
        sa.ForeignKeyConstraint(
            ["pledge_id"], ["pledge.id"], name=op.f("fk_pledge_event_pledge_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pledge_event")),
    )
    op.create_index(op.f("ix_pledge_event_pledge_id"), "pledge_event", ["pledge_id"], unique=False)


def _create_pledge_note() -> None:
    op.create_table(
        "pledge_note",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("pledge_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.CheckConstraint("kind IN ('progress', 'supervision')", name=op.f("ck_pledge_note_kind")),
        sa.ForeignKeyConstraint(
            ["author_id"], ["member.id"], name=op.f("fk_pledge_note_author_id")
        ),
        sa.ForeignKeyConstraint(
            ["pledge_id"], ["pledge.id"], name=op.f("fk_pledge_note_pledge_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pledge_note")),
    )
    op.create_index(op.f("ix_pledge_note_pledge_id"), "pledge_note", ["pledge_id"], unique=False)


def _create_pledge_revision() -> None:
    op.create_table(
        "pledge_revision",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("pledge_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("proposed_by", sa.Uuid(), nullable=False),
        sa.Column("proposed_at", INSTANT, nullable=False),
        sa.Column("category", sa.String(length=16), nullable=False),
        sa.Column("title", sa.String(length=100), nullable=False),
        sa.Column("content", sa.String(length=1000), nullable=False),
        sa.Column("target", sa.String(length=200), nullable=False),
        sa.Column("beneficiary", sa.String(length=120), nullable=False),
        sa.Column("post", sa.String(length=60), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["pledge_id"], ["pledge.id"], name=op.f("fk_pledge_revision_pledge_id")
        ),
        sa.ForeignKeyConstraint(
            ["proposed_by"], ["member.id"], name=op.f("fk_pledge_revision_proposed_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pledge_revision")),
        sa.UniqueConstraint(
            "pledge_id", "number", name=op.f("uq_pledge_revision_pledge_id_number")
        ),
    )


def downgrade() -> None:
    op.drop_table("pledge_revision")
    op.drop_index(op.f("ix_pledge_note_pledge_id"), table_name="pledge_note")
    op.drop_table("pledge_note")
    op.drop_index(op.f("ix_pledge_event_pledge_id"), table_name="pledge_event")
    op.drop_table("pledge_event")
    op.drop_table("pledge_evaluation")
    op.drop_index("ix_pledge_organization_id", table_name="pledge")
    op.drop_index("uq_pledge_title", table_name="pledge")
    op.drop_index("ix_pledge_member_id", table_name="pledge")
    op.drop_table("pledge")
