"""The work calendar, adjustments, bulletins, objections, batches of review, recusals.

Never import product code here: a migration must keep meaning what it meant.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations.append_only import guard

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")
JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
APPEND_ONLY = (
    "bulletin_entry",
    "bulletin_confirmation",
    "objection_event",
    "review_batch_decision",
    "recusal",
)
TABLES = (
    "work_calendar_day",
    "adjustment",
    "bulletin",
    "bulletin_entry",
    "bulletin_confirmation",
    "objection",
    "objection_event",
    "review_batch",
    "review_batch_decision",
    "recusal",
)

# Points are taken away only by a roll call, an evaluation, a sealed statement, or an adjustment
# that was told to the member and whose window is over (guardrail 10); a veto likewise.
IS_TAKING = (
    "NEW.reverses_id IS NULL AND coalesce(NEW.source_kind, '')"
    " NOT IN ('attendance', 'pledge', 'carry_over')"
    " AND (NEW.asked < 0 OR NEW.source_kind = 'veto')"
)
IS_RIPE = """
  SELECT 1 FROM adjustment a
  WHERE a.id = NEW.source_id AND a.member_id = NEW.member_id AND a.status = 'pending'
    AND a.is_deduction AND a.objection_until < {posted_on}
    AND (a.event = 'veto') = (NEW.source_kind = 'veto')
    AND NEW.source_kind IN ('adjustment', 'veto')
    AND (a.event <> 'veto' OR a.confirmed_by IS NOT NULL)
"""
PG_GUARD = f"""
CREATE FUNCTION refuse_early_deduction() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NOT EXISTS ({IS_RIPE.format(posted_on="(NEW.posted_at AT TIME ZONE 'Asia/Shanghai')::date")})
  THEN RAISE EXCEPTION 'early deduction' USING ERRCODE = 'check_violation',
    CONSTRAINT = 'deduction_after_window'; END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER deduction_after_window BEFORE INSERT ON ledger_entry
  FOR EACH ROW WHEN ({IS_TAKING}) EXECUTE FUNCTION refuse_early_deduction();
"""
SQLITE_GUARD = f"""
CREATE TRIGGER deduction_after_window BEFORE INSERT ON ledger_entry
WHEN {IS_TAKING} AND NOT EXISTS ({IS_RIPE.format(posted_on="date(NEW.posted_at, '+8 hours')")})
BEGIN SELECT RAISE(ABORT, 'constraint failed: deduction_after_window'); END
"""


def upgrade() -> None:
    _create_work_calendar_day()
    _create_adjustment()
    _create_bulletin()
    _create_bulletin_entry()
    _create_bulletin_confirmation()
    _create_objection()
    _create_objection_event()
    _create_review_batch()
    _create_review_batch_decision()
    _create_recusal()
    guard(APPEND_ONLY)
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    op.execute(PG_GUARD if is_postgresql else SQLITE_GUARD)


def _create_work_calendar_day() -> None:
    op.create_table(
        "work_calendar_day",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("is_working", sa.Boolean(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("notice_year", sa.Integer(), nullable=False),
        sa.Column("set_by", sa.Uuid(), nullable=True),
        sa.Column("set_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "notice_year BETWEEN 2000 AND 2100", name=op.f("ck_work_calendar_day_notice_year")
        ),
        sa.ForeignKeyConstraint(
            ["set_by"], ["member.id"], name=op.f("fk_work_calendar_day_set_by")
        ),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_work_calendar_day")),
    )
    op.create_index(
        "ix_work_calendar_day_notice_year", "work_calendar_day", ["notice_year"], unique=False
    )


def _create_adjustment() -> None:
    op.create_table(
        "adjustment", *_adjustment_columns(), *_adjustment_checks(), *_adjustment_keys()
    )
    op.create_index("ix_adjustment_member_id", "adjustment", ["member_id", "id"], unique=False)
    op.create_index(
        "ix_adjustment_organization_id",
        "adjustment",
        ["organization_id", "status", "id"],
        unique=False,
    )
    op.create_index(
        "ix_adjustment_pending",
        "adjustment",
        ["objection_until"],
        unique=False,
        postgresql_where=sa.text("status = 'pending'"),
        sqlite_where=sa.text("status = 'pending'"),
    )


def _adjustment_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.String(length=20), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("entered_at_organization_id", sa.Uuid(), nullable=False),
        sa.Column("event", sa.String(length=20), nullable=False),
        sa.Column("item_code", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("grade", sa.String(length=40), nullable=False),
        sa.Column("given_points", sa.Integer(), nullable=True),
        sa.Column("ratings", JSON, nullable=True),
        sa.Column("member_class", sa.String(length=24), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("is_deduction", sa.Boolean(), nullable=False),
        sa.Column("basis", sa.String(length=500), nullable=False),
        sa.Column("document_number", sa.String(length=80), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("entered_by", sa.Uuid(), nullable=False),
        sa.Column("entered_at", INSTANT, nullable=False),
        sa.Column("notified_on", sa.Date(), nullable=True),
        sa.Column("objection_until", sa.Date(), nullable=True),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("confirmed_at", INSTANT, nullable=True),
        sa.Column("closing_reason", sa.String(length=200), nullable=False),
        sa.Column("posted_on", sa.Date(), nullable=True),
        sa.Column("entry_id", sa.Uuid(), nullable=True),
    ]


def _adjustment_checks() -> list[sa.CheckConstraint]:
    return [
        sa.CheckConstraint(
            "(status = 'posted') = (entry_id IS NOT NULL)", name=op.f("ck_adjustment_posted")
        ),
        sa.CheckConstraint(
            "(status = 'posted') = (posted_on IS NOT NULL)", name=op.f("ck_adjustment_posted_on")
        ),
        sa.CheckConstraint(
            "NOT is_deduction OR status <> 'posted' OR posted_on > objection_until",
            name=op.f("ck_adjustment_window"),
        ),
        sa.CheckConstraint("basis <> ''", name=op.f("ck_adjustment_basis")),
        sa.CheckConstraint(
            "event <> 'veto' OR (is_deduction AND document_number <> '')",
            name=op.f("ck_adjustment_veto_document"),
        ),
        sa.CheckConstraint(
            "event <> 'veto' OR status <> 'posted' OR confirmed_by IS NOT NULL",
            name=op.f("ck_adjustment_veto_confirmed"),
        ),
        sa.CheckConstraint(
            "event IN ('manual', 'appraisal', 'veto')", name=op.f("ck_adjustment_event")
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'posted', 'withdrawn', 'dismissed')",
            name=op.f("ck_adjustment_status"),
        ),
        sa.CheckConstraint(
            "subject IN ('party_members', 'cadres')", name=op.f("ck_adjustment_subject")
        ),
        sa.CheckConstraint(
            "NOT is_deduction OR (notified_on IS NOT NULL AND objection_until IS NOT NULL AND objection_until > notified_on)",
            name=op.f("ck_adjustment_notice"),
        ),
        sa.CheckConstraint(
            "confirmed_by IS NULL OR (confirmed_by <> member_id AND confirmed_by <> entered_by)",
            name=op.f("ck_adjustment_confirmed_by_another"),
        ),
        sa.CheckConstraint("entered_by <> member_id", name=op.f("ck_adjustment_not_oneself")),
        sa.CheckConstraint("is_deduction OR asked >= 0", name=op.f("ck_adjustment_deduction")),
    ]


def _adjustment_keys() -> list[sa.Constraint]:
    return [
        sa.ForeignKeyConstraint(
            ["confirmed_by"], ["member.id"], name=op.f("fk_adjustment_confirmed_by")
        ),
        sa.ForeignKeyConstraint(
            ["entered_at_organization_id"],
            ["organization.id"],
            name=op.f("fk_adjustment_entered_at_organization_id"),
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["member.id"], name=op.f("fk_adjustment_entered_by")
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["ledger_entry.id"], name=op.f("fk_adjustment_entry_id")
        ),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_adjustment_member_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_adjustment_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adjustment")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_adjustment_entry_id")),
    ]


def _create_bulletin() -> None:
    op.create_table(
        "bulletin",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("status", sa.String(length=6), nullable=False),
        sa.Column("working_days", sa.Integer(), nullable=False),
        sa.Column("published_by", sa.Uuid(), nullable=False),
        sa.Column("published_at", INSTANT, nullable=False),
        sa.Column("published_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("is_estimated", sa.Boolean(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("closed_by", sa.Uuid(), nullable=True),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "(status = 'closed') = (closed_on IS NOT NULL)", name=op.f("ck_bulletin_closed")
        ),
        sa.CheckConstraint(
            "status <> 'closed' OR closed_on > ends_on",
            name=op.f("ck_bulletin_closed_after_window"),
        ),
        sa.CheckConstraint("status IN ('open', 'closed')", name=op.f("ck_bulletin_status")),
        sa.CheckConstraint("ends_on > published_on", name=op.f("ck_bulletin_window")),
        sa.ForeignKeyConstraint(["closed_by"], ["member.id"], name=op.f("fk_bulletin_closed_by")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_bulletin_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["published_by"], ["member.id"], name=op.f("fk_bulletin_published_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulletin")),
        sa.UniqueConstraint(
            "organization_id", "month", name=op.f("uq_bulletin_organization_id_month")
        ),
    )
    op.create_index(
        "ix_bulletin_open",
        "bulletin",
        ["ends_on"],
        unique=False,
        postgresql_where=sa.text("status = 'open'"),
        sqlite_where=sa.text("status = 'open'"),
    )


def _create_bulletin_entry() -> None:
    op.create_table(
        "bulletin_entry",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("bulletin_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("group_name", sa.String(length=80), nullable=False),
        sa.Column("member_name", sa.String(length=60), nullable=False),
        sa.Column("item_name", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["bulletin_id"], ["bulletin.id"], name=op.f("fk_bulletin_entry_bulletin_id")
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["ledger_entry.id"], name=op.f("fk_bulletin_entry_entry_id")
        ),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_bulletin_entry")),
        sa.UniqueConstraint(
            "bulletin_id", "entry_id", name=op.f("uq_bulletin_entry_bulletin_id_entry_id")
        ),
        sa.UniqueConstraint(
            "bulletin_id", "position", name=op.f("uq_bulletin_entry_bulletin_id_position")
        ),
    )


def _create_bulletin_confirmation() -> None:
    op.create_table(
        "bulletin_confirmation",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("bulletin_id", sa.Uuid(), nullable=False),
        sa.Column("confirmed_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["bulletin_id", "entry_id"],
            ["bulletin_entry.bulletin_id", "bulletin_entry.entry_id"],
            name="fk_bulletin_confirmation_row",
        ),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_bulletin_confirmation")),
    )


def _create_objection() -> None:
    op.create_table("objection", *_objection_columns(), *_objection_checks(), *_objection_keys())
    op.create_index(
        op.f("ix_objection_adjustment_id"), "objection", ["adjustment_id"], unique=False
    )
    op.create_index(op.f("ix_objection_entry_id"), "objection", ["entry_id"], unique=False)
    op.create_index(op.f("ix_objection_objector_id"), "objection", ["objector_id"], unique=False)
    op.create_index(
        "ix_objection_queue",
        "objection",
        ["deciding_organization_id", "status", "id"],
        unique=False,
    )
    op.create_index(
        "uq_objection_adjustment",
        "objection",
        ["objector_id", "adjustment_id"],
        unique=True,
        postgresql_where=sa.text("appeal_of_id IS NULL AND status <> 'withdrawn'"),
        sqlite_where=sa.text("appeal_of_id IS NULL AND status <> 'withdrawn'"),
    )
    op.create_index(
        "uq_objection_entry",
        "objection",
        ["objector_id", "entry_id"],
        unique=True,
        postgresql_where=sa.text("appeal_of_id IS NULL AND status <> 'withdrawn'"),
        sqlite_where=sa.text("appeal_of_id IS NULL AND status <> 'withdrawn'"),
    )


def _objection_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=True),
        sa.Column("adjustment_id", sa.Uuid(), nullable=True),
        sa.Column("appeal_of_id", sa.Uuid(), nullable=True),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("deciding_organization_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("objector_id", sa.Uuid(), nullable=False),
        sa.Column("approved_by", sa.Uuid(), nullable=False),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("first_decided_by", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("filed_at", INSTANT, nullable=False),
        sa.Column("reply_due_on", sa.Date(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", INSTANT, nullable=True),
        sa.Column("reply", sa.String(length=500), nullable=False),
        sa.Column("reversal_id", sa.Uuid(), nullable=True),
    ]


def _objection_checks() -> list[sa.CheckConstraint]:
    return [
        sa.CheckConstraint(
            "(status IN ('upheld', 'rejected')) = (decided_by IS NOT NULL)",
            name=op.f("ck_objection_decided"),
        ),
        sa.CheckConstraint("decided_by IS NULL OR reply <> ''", name=op.f("ck_objection_reply")),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_objection_reason")),
        sa.CheckConstraint(
            "reversal_id IS NULL OR status = 'upheld'", name=op.f("ck_objection_reversal")
        ),
        sa.CheckConstraint(
            "status IN ('open', 'upheld', 'rejected', 'withdrawn')",
            name=op.f("ck_objection_status"),
        ),
        sa.CheckConstraint(
            "(appeal_of_id IS NULL) = (first_decided_by IS NULL)",
            name=op.f("ck_objection_first_decided_by"),
        ),
        sa.CheckConstraint(
            "(entry_id IS NULL) <> (adjustment_id IS NULL)", name=op.f("ck_objection_one_target")
        ),
        sa.CheckConstraint(
            "decided_by IS NULL OR (decided_by <> member_id AND decided_by <> objector_id AND decided_by <> approved_by AND decided_by <> coalesce(confirmed_by, objector_id) AND decided_by <> coalesce(first_decided_by, objector_id))",
            name=op.f("ck_objection_decided_by_another"),
        ),
    ]


def _objection_keys() -> list[sa.Constraint]:
    return [
        sa.ForeignKeyConstraint(
            ["adjustment_id"], ["adjustment.id"], name=op.f("fk_objection_adjustment_id")
        ),
        sa.ForeignKeyConstraint(
            ["appeal_of_id"], ["objection.id"], name=op.f("fk_objection_appeal_of_id")
        ),
        sa.ForeignKeyConstraint(
            ["approved_by"], ["member.id"], name=op.f("fk_objection_approved_by")
        ),
        sa.ForeignKeyConstraint(
            ["confirmed_by"], ["member.id"], name=op.f("fk_objection_confirmed_by")
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["member.id"], name=op.f("fk_objection_decided_by")
        ),
        sa.ForeignKeyConstraint(
            ["deciding_organization_id"],
            ["organization.id"],
            name=op.f("fk_objection_deciding_organization_id"),
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["ledger_entry.id"], name=op.f("fk_objection_entry_id")
        ),
        sa.ForeignKeyConstraint(
            ["first_decided_by"], ["member.id"], name=op.f("fk_objection_first_decided_by")
        ),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_objection_member_id")),
        sa.ForeignKeyConstraint(
            ["objector_id"], ["member.id"], name=op.f("fk_objection_objector_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_objection_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["reversal_id"], ["ledger_entry.id"], name=op.f("fk_objection_reversal_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_objection")),
        sa.UniqueConstraint("appeal_of_id", name=op.f("uq_objection_appeal_of_id")),
    ]


def _create_objection_event() -> None:
    op.create_table(
        "objection_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("objection_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "kind IN ('filed', 'appealed', 'upheld', 'rejected', 'withdrawn')",
            name=op.f("ck_objection_event_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["member.id"], name=op.f("fk_objection_event_actor_id")
        ),
        sa.ForeignKeyConstraint(
            ["objection_id"], ["objection.id"], name=op.f("fk_objection_event_objection_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_objection_event")),
    )
    op.create_index(
        op.f("ix_objection_event_objection_id"), "objection_event", ["objection_id"], unique=False
    )


def _create_review_batch() -> None:
    op.create_table(
        "review_batch",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reviewer_id", sa.Uuid(), nullable=False),
        sa.Column("reviewed_at", INSTANT, nullable=False),
        sa.Column("undo_until", INSTANT, nullable=False),
        sa.Column("undone_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "undone_at IS NULL OR undone_at <= undo_until",
            name=op.f("ck_review_batch_undone_in_time"),
        ),
        sa.ForeignKeyConstraint(
            ["reviewer_id"], ["member.id"], name=op.f("fk_review_batch_reviewer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_batch")),
    )


def _create_review_batch_decision() -> None:
    op.create_table(
        "review_batch_decision",
        sa.Column("review_id", sa.Uuid(), nullable=False),
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["claim_id"], ["claim.id"], name=op.f("fk_review_batch_decision_claim_id")
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["ledger_entry.id"], name=op.f("fk_review_batch_decision_entry_id")
        ),
        sa.ForeignKeyConstraint(
            ["review_id"], ["review_batch.id"], name=op.f("fk_review_batch_decision_review_id")
        ),
        sa.PrimaryKeyConstraint("review_id", "claim_id", name=op.f("pk_review_batch_decision")),
    )


def _create_recusal() -> None:
    op.create_table(
        "recusal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reviewer_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("claim_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("declared_at", INSTANT, nullable=False),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_recusal_reason")),
        sa.CheckConstraint(
            "(member_id IS NULL) <> (claim_id IS NULL)", name=op.f("ck_recusal_one_target")
        ),
        sa.ForeignKeyConstraint(["claim_id"], ["claim.id"], name=op.f("fk_recusal_claim_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_recusal_member_id")),
        sa.ForeignKeyConstraint(
            ["reviewer_id"], ["member.id"], name=op.f("fk_recusal_reviewer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recusal")),
        sa.UniqueConstraint(
            "reviewer_id", "claim_id", name=op.f("uq_recusal_reviewer_id_claim_id")
        ),
        sa.UniqueConstraint(
            "reviewer_id", "member_id", name=op.f("uq_recusal_reviewer_id_member_id")
        ),
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER deduction_after_window ON ledger_entry")
        op.execute("DROP FUNCTION refuse_early_deduction()")
    else:
        op.execute("DROP TRIGGER deduction_after_window")
    for table in reversed(TABLES):
        op.drop_table(table)
