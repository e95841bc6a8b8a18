"""Keeping in touch: contact facts, standing, policies, holds, stages, cases.

Never import product code here: a migration must keep meaning what it meant.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from migrations.append_only import guard

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")
APPEND_ONLY = ("contact_fact", "contact_fact_retraction")
TABLES = (
    "contact_fact",
    "contact_fact_retraction",
    "contact_recorded_day",
    "contact_outage",
    "contact_standing",
    "contact_policy",
    "contact_hold",
    "contact_stage_entry",
    "contact_case",
)

# Every member has a standing from the moment he is on the roster, whoever puts him there.
PG_STANDING = """
CREATE FUNCTION make_contact_standing() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  INSERT INTO contact_standing (member_id, watched_from)
  VALUES (NEW.id, (NEW.created_at AT TIME ZONE 'Asia/Shanghai')::date);
  RETURN NULL;
END $$;
CREATE TRIGGER contact_standing_of_member AFTER INSERT ON member
  FOR EACH ROW EXECUTE FUNCTION make_contact_standing();
INSERT INTO contact_standing (member_id, watched_from)
  SELECT id, (created_at AT TIME ZONE 'Asia/Shanghai')::date FROM member;
"""
SQLITE_STANDING = (
    """
CREATE TRIGGER contact_standing_of_member AFTER INSERT ON member BEGIN
  INSERT INTO contact_standing (member_id, watched_from)
  VALUES (NEW.id, date(NEW.created_at, '+8 hours'));
END
""",
    """
INSERT INTO contact_standing (member_id, watched_from)
  SELECT id, date(created_at, '+8 hours') FROM member
""",
)

# Which days an organisation has records of follows from the facts, however they come in.
FEED = "CASE NEW.kind WHEN 'attendance' THEN 'life' WHEN 'dues_paid' THEN 'dues' ELSE 'other' END"
NOTE_DAY = f"""
  INSERT INTO contact_recorded_day (organization_id, day, feed)
  VALUES (NEW.organization_id, NEW.happened_on, {FEED})
  ON CONFLICT DO NOTHING;
"""
PG_DAY = f"""
CREATE FUNCTION note_contact_day() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN {NOTE_DAY} RETURN NULL; END $$;
CREATE TRIGGER contact_day_of_fact AFTER INSERT ON contact_fact
  FOR EACH ROW EXECUTE FUNCTION note_contact_day();
"""
SQLITE_DAY = (
    "CREATE TRIGGER contact_day_of_fact AFTER INSERT ON contact_fact BEGIN" + NOTE_DAY + "END"
)


def upgrade() -> None:
    _create_tables()
    guard(APPEND_ONLY)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(PG_STANDING)
        op.execute(PG_DAY)
    else:
        for statement in (*SQLITE_STANDING, SQLITE_DAY):
            op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER contact_standing_of_member ON member")
        op.execute("DROP FUNCTION make_contact_standing()")
    else:
        op.execute("DROP TRIGGER contact_standing_of_member")
    for table in reversed(TABLES):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION note_contact_day()")


def _create_tables() -> None:
    _create_contact_fact()
    _create_contact_fact_retraction()
    _create_contact_recorded_day()
    _create_contact_outage()
    _create_contact_standing()
    _create_contact_policy()
    _create_contact_hold()
    _create_contact_stage_entry()
    _create_contact_case()


def _create_contact_fact() -> None:
    op.create_table(
        "contact_fact",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("strength", sa.String(length=4), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.CheckConstraint(
            "(strength = 'hard') = (kind IN ('attendance', 'dues_paid', 'transfer_accepted', 'own_report'))",
            name=op.f("ck_contact_fact_is_hard"),
        ),
        sa.CheckConstraint(
            "kind IN ('attendance', 'dues_paid', 'transfer_accepted', 'own_report', 'answered_call', 'reply', 'visit', 'host_confirmed')",
            name=op.f("ck_contact_fact_kind"),
        ),
        sa.CheckConstraint("strength IN ('hard', 'soft')", name=op.f("ck_contact_fact_strength")),
        sa.CheckConstraint("revision >= 1", name=op.f("ck_contact_fact_revision")),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_contact_fact_member_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_contact_fact_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["recorded_by"], ["member.id"], name=op.f("fk_contact_fact_recorded_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_fact")),
        sa.UniqueConstraint(
            "member_id",
            "kind",
            "source_id",
            "revision",
            name=op.f("uq_contact_fact_member_id_kind_source_id_revision"),
        ),
    )
    op.create_index("ix_contact_fact_source_id", "contact_fact", ["source_id"], unique=False)


def _create_contact_fact_retraction() -> None:
    op.create_table(
        "contact_fact_retraction",
        sa.Column("fact_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("retracted_by", sa.Uuid(), nullable=True),
        sa.Column("retracted_at", INSTANT, nullable=False),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_contact_fact_retraction_reason")),
        sa.ForeignKeyConstraint(
            ["fact_id"], ["contact_fact.id"], name=op.f("fk_contact_fact_retraction_fact_id")
        ),
        sa.ForeignKeyConstraint(
            ["retracted_by"], ["member.id"], name=op.f("fk_contact_fact_retraction_retracted_by")
        ),
        sa.PrimaryKeyConstraint("fact_id", name=op.f("pk_contact_fact_retraction")),
    )


def _create_contact_recorded_day() -> None:
    op.create_table(
        "contact_recorded_day",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("feed", sa.String(length=8), nullable=False),
        sa.CheckConstraint(
            "feed IN ('life', 'dues', 'other')", name=op.f("ck_contact_recorded_day_feed")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_contact_recorded_day_organization_id"),
        ),
        sa.PrimaryKeyConstraint(
            "organization_id", "day", "feed", name=op.f("pk_contact_recorded_day")
        ),
    )


def _create_contact_outage() -> None:
    op.create_table(
        "contact_outage",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("begins_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.CheckConstraint("ends_on >= begins_on", name=op.f("ck_contact_outage_dates")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_contact_outage_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "begins_on", name=op.f("pk_contact_outage")),
    )


def _create_contact_standing() -> None:
    op.create_table(
        "contact_standing",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("watched_from", sa.Date(), nullable=False),
        sa.Column("last_attended_on", sa.Date(), nullable=True),
        sa.Column("last_dues_on", sa.Date(), nullable=True),
        sa.Column("last_hard_on", sa.Date(), nullable=True),
        sa.Column("last_soft_on", sa.Date(), nullable=True),
        sa.Column(
            "anchor_on",
            sa.Date(),
            sa.Computed("coalesce(last_hard_on, watched_from)", persisted=True),
            nullable=False,
        ),
        sa.Column(
            "reached_on",
            sa.Date(),
            sa.Computed(
                "CASE WHEN last_soft_on > coalesce(last_hard_on, watched_from) THEN last_soft_on ELSE coalesce(last_hard_on, watched_from) END",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["member.id"],
            name=op.f("fk_contact_standing_member_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_contact_standing")),
    )
    op.create_index(
        "ix_contact_standing_reached_on", "contact_standing", ["reached_on"], unique=False
    )


def _create_contact_policy() -> None:
    op.create_table(
        "contact_policy",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("care_days", sa.Integer(), nullable=False),
        sa.Column("attention_days", sa.Integer(), nullable=False),
        sa.Column("warning_days", sa.Integer(), nullable=False),
        sa.Column("search_days", sa.Integer(), nullable=False),
        sa.Column("prelimit_months", sa.Integer(), nullable=False),
        sa.Column("limit_months", sa.Integer(), nullable=False),
        sa.Column("removal_months", sa.Integer(), nullable=False),
        sa.Column("withdrawal_months", sa.Integer(), nullable=False),
        sa.Column("abroad_contact_months", sa.Integer(), nullable=False),
        sa.Column("abroad_years", sa.Integer(), nullable=False),
        sa.Column("set_by", sa.Uuid(), nullable=False),
        sa.Column("set_at", INSTANT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "abroad_contact_months >= 6", name=op.f("ck_contact_policy_abroad_contact_months")
        ),
        sa.CheckConstraint("abroad_years >= 5", name=op.f("ck_contact_policy_abroad_years")),
        sa.CheckConstraint(
            "care_days < attention_days AND attention_days < warning_days AND warning_days < search_days AND search_days <= prelimit_months * 28 AND prelimit_months < limit_months",
            name=op.f("ck_contact_policy_order"),
        ),
        sa.CheckConstraint("care_days >= 7", name=op.f("ck_contact_policy_care_days")),
        sa.CheckConstraint(
            "limit_months <= 60 AND removal_months <= 240 AND withdrawal_months <= 60 AND abroad_contact_months <= 60 AND abroad_years <= 50",
            name=op.f("ck_contact_policy_range"),
        ),
        sa.CheckConstraint("limit_months >= 6", name=op.f("ck_contact_policy_limit_months")),
        sa.CheckConstraint("removal_months >= 24", name=op.f("ck_contact_policy_removal_months")),
        sa.CheckConstraint(
            "withdrawal_months >= 6", name=op.f("ck_contact_policy_withdrawal_months")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_contact_policy_organization_id")
        ),
        sa.ForeignKeyConstraint(["set_by"], ["member.id"], name=op.f("fk_contact_policy_set_by")),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_contact_policy")),
    )


def _create_contact_hold() -> None:
    op.create_table(
        "contact_hold",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("decided_by_organization_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "kind IN ('long_training', 'posting', 'secret_post', 'custody', 'military')",
            name=op.f("ck_contact_hold_kind"),
        ),
        sa.CheckConstraint("recorded_by <> member_id", name=op.f("ck_contact_hold_not_oneself")),
        sa.CheckConstraint("valid_to > valid_from", name=op.f("ck_contact_hold_dates")),
        sa.ForeignKeyConstraint(
            ["decided_by_organization_id"],
            ["organization.id"],
            name=op.f("fk_contact_hold_decided_by_organization_id"),
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_contact_hold_member_id")
        ),
        sa.ForeignKeyConstraint(
            ["recorded_by"], ["member.id"], name=op.f("fk_contact_hold_recorded_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_hold")),
    )
    op.create_index(
        "ix_contact_hold_member_id", "contact_hold", ["member_id", "valid_from"], unique=False
    )


def _create_contact_stage_entry() -> None:
    op.create_table(
        "contact_stage_entry",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("clock", sa.String(length=16), nullable=False),
        sa.Column("signal", sa.String(length=4), nullable=True),
        sa.Column("anchor_on", sa.Date(), nullable=False),
        sa.Column("uncounted_days", sa.Integer(), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("entered_on", sa.Date(), nullable=False),
        sa.CheckConstraint(
            "(clock = 'self_withdrawal') = (signal IS NOT NULL)",
            name=op.f("ck_contact_stage_entry_has_signal"),
        ),
        sa.CheckConstraint(
            "clock IN ('lost_contact', 'self_withdrawal', 'abroad')",
            name=op.f("ck_contact_stage_entry_clock"),
        ),
        sa.CheckConstraint(
            "signal IN ('life', 'dues', 'work')", name=op.f("ck_contact_stage_entry_signal")
        ),
        sa.CheckConstraint("stage BETWEEN 1 AND 8", name=op.f("ck_contact_stage_entry_stage")),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_contact_stage_entry_member_id")
        ),
        sa.PrimaryKeyConstraint("member_id", "clock", name=op.f("pk_contact_stage_entry")),
    )
    op.create_index(
        "ix_contact_stage_entry_entered_on", "contact_stage_entry", ["entered_on"], unique=False
    )


def _create_contact_case() -> None:
    op.create_table(
        "contact_case", *_contact_case_columns(), *_contact_case_checks(), *_contact_case_keys()
    )
    op.create_index(
        "ix_contact_case_assigned_to", "contact_case", ["assigned_to", "state"], unique=False
    )
    op.create_index("ix_contact_case_member_id", "contact_case", ["member_id", "id"], unique=False)
    op.create_index(
        "ix_contact_case_organization_id",
        "contact_case",
        ["organization_id", "state", "stage"],
        unique=False,
    )
    op.create_index(
        "uq_contact_case_open",
        "contact_case",
        ["member_id", "clock"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
        sqlite_where=sa.text("state = 'open'"),
    )


def _contact_case_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("clock", sa.String(length=16), nullable=False),
        sa.Column("signal", sa.String(length=4), nullable=True),
        sa.Column("anchor_on", sa.Date(), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("assigned_to", sa.Uuid(), nullable=True),
        sa.Column("assignee_role", sa.String(length=20), nullable=False),
        sa.Column("reason_code", sa.String(length=20), nullable=True),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.Column("closed_by", sa.Uuid(), nullable=True),
        sa.Column("closed_fact_id", sa.Uuid(), nullable=True),
        sa.Column("closing_note", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
    ]


def _contact_case_checks() -> list[sa.CheckConstraint]:
    return [
        sa.CheckConstraint(
            "(state = 'open') = (closed_at IS NULL)", name=op.f("ck_contact_case_closed")
        ),
        sa.CheckConstraint(
            "assignee_role IN ('group_leader', 'branch_secretary', 'committee')",
            name=op.f("ck_contact_case_assignee_role"),
        ),
        sa.CheckConstraint(
            "clock IN ('lost_contact', 'self_withdrawal', 'abroad')",
            name=op.f("ck_contact_case_clock"),
        ),
        sa.CheckConstraint(
            "closed_fact_id IS NULL OR state = 'recontacted'",
            name=op.f("ck_contact_case_closed_fact"),
        ),
        sa.CheckConstraint(
            "reason_code IN ('work_elsewhere', 'employer_gone', 'after_graduation', 'employer_changed', 'abroad', 'home_moved', 'other')",
            name=op.f("ck_contact_case_reason_code"),
        ),
        sa.CheckConstraint(
            "state IN ('open', 'recontacted', 'closed')", name=op.f("ck_contact_case_state")
        ),
        sa.CheckConstraint(
            "assigned_to <> member_id", name=op.f("ck_contact_case_assigned_to_another")
        ),
        sa.CheckConstraint(
            "closed_by <> member_id", name=op.f("ck_contact_case_closed_by_another")
        ),
        sa.CheckConstraint(
            "(clock = 'self_withdrawal') = (signal IS NOT NULL)",
            name=op.f("ck_contact_case_has_signal"),
        ),
        sa.CheckConstraint(
            "signal IN ('life', 'dues', 'work')", name=op.f("ck_contact_case_signal")
        ),
        sa.CheckConstraint("stage BETWEEN 3 AND 8", name=op.f("ck_contact_case_stage")),
    ]


def _contact_case_keys() -> list[sa.Constraint]:
    return [
        sa.ForeignKeyConstraint(
            ["assigned_to"], ["member.id"], name=op.f("fk_contact_case_assigned_to")
        ),
        sa.ForeignKeyConstraint(
            ["closed_by"], ["member.id"], name=op.f("fk_contact_case_closed_by")
        ),
        sa.ForeignKeyConstraint(
            ["closed_fact_id"], ["contact_fact.id"], name=op.f("fk_contact_case_closed_fact_id")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_contact_case_member_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_contact_case_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_case")),
    ]
