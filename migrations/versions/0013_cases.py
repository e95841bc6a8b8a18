"""Work on cases of lost contact, and decisions about memberships.

Never import product code here: a migration must keep meaning what it meant.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from migrations.append_only import guard

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")
APPEND_ONLY = ("contact_attempt", "case_assignment", "case_access_record", "membership_decision")
TABLES = (
    "contact_number",
    "contact_attempt",
    "case_assignment",
    "case_access_record",
    "own_report_link",
    "contact_contest",
    "membership_decision",
)

# The newest decision is the one reason for which a status changes.
IS_DECIDED = """
  SELECT 1 FROM membership_decision d
  WHERE d.member_id = NEW.id AND d.from_status = OLD.membership_status
    AND d.to_status = NEW.membership_status
    AND d.number = (SELECT max(n.number) FROM membership_decision n WHERE n.member_id = NEW.id)
"""
# A decision begins where the member stands and where his last decision ended.
IS_NEXT = """
  SELECT 1 FROM member m
  WHERE m.id = NEW.member_id AND m.membership_status = NEW.from_status
    AND NEW.number = 1 + (SELECT count(*) FROM membership_decision n WHERE n.member_id = m.id)
"""
# 除名 of somebody out of contact comes two years after his 停止党籍 at the earliest.
IS_TOO_EARLY = """
  NEW.kind = 'removal' AND NEW.ground = 'lost_contact' AND NOT EXISTS (
    SELECT 1 FROM membership_decision d
    WHERE d.member_id = NEW.member_id AND d.number = NEW.number - 1 AND d.kind = 'suspension'
      AND {two_years_later} <= NEW.decided_on)
"""
# SQLite's "+2 years" makes 1 March of 29 February, where the last day of February is meant.
SQLITE_TWO_YEARS_LATER = (
    "CASE strftime('%m-%d', d.approved_on) WHEN '02-29' THEN date(d.approved_on, '-1 day', '+2 years')"
    " ELSE date(d.approved_on, '+2 years') END"
)
PG_GUARD = f"""
CREATE FUNCTION refuse_undecided_status() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF EXISTS ({IS_DECIDED}) THEN RETURN NEW; END IF;
  END IF;
  RAISE EXCEPTION 'undecided membership status' USING ERRCODE = 'check_violation',
    CONSTRAINT = 'membership_status_decided';
END $$;
CREATE FUNCTION refuse_unfounded_decision() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM 1 FROM member m WHERE m.id = NEW.member_id FOR NO KEY UPDATE;
  IF NOT EXISTS ({IS_NEXT}) THEN
    RAISE EXCEPTION 'decision out of turn' USING ERRCODE = 'check_violation',
      CONSTRAINT = 'membership_decision_follows'; END IF;
  IF {IS_TOO_EARLY.format(two_years_later="(d.approved_on + interval '24 months')::date")} THEN
    RAISE EXCEPTION 'early removal' USING ERRCODE = 'check_violation',
      CONSTRAINT = 'removal_after_two_years'; END IF;
  RETURN NEW;
END $$;
CREATE FUNCTION apply_membership_decision() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  UPDATE member SET membership_status = NEW.to_status WHERE id = NEW.member_id;
  RETURN NULL;
END $$;
CREATE TRIGGER membership_status_normal BEFORE INSERT ON member FOR EACH ROW
  WHEN (NEW.membership_status <> 'normal') EXECUTE FUNCTION refuse_undecided_status();
CREATE TRIGGER membership_status_decided BEFORE UPDATE ON member FOR EACH ROW
  WHEN (NEW.membership_status <> OLD.membership_status) EXECUTE FUNCTION refuse_undecided_status();
CREATE TRIGGER membership_decision_follows BEFORE INSERT ON membership_decision
  FOR EACH ROW EXECUTE FUNCTION refuse_unfounded_decision();
CREATE TRIGGER membership_decision_applies AFTER INSERT ON membership_decision
  FOR EACH ROW EXECUTE FUNCTION apply_membership_decision();
"""
PG_FUNCTIONS = (
    "refuse_undecided_status",
    "refuse_unfounded_decision",
    "apply_membership_decision",
)
SQLITE_GUARDS = (
    """
CREATE TRIGGER membership_status_normal BEFORE INSERT ON member
WHEN NEW.membership_status <> 'normal'
BEGIN SELECT RAISE(ABORT, 'constraint failed: membership_status_decided'); END
""",
    f"""
CREATE TRIGGER membership_status_decided BEFORE UPDATE ON member
WHEN NEW.membership_status <> OLD.membership_status AND NOT EXISTS ({IS_DECIDED})
BEGIN SELECT RAISE(ABORT, 'constraint failed: membership_status_decided'); END
""",
    f"""
CREATE TRIGGER membership_decision_follows BEFORE INSERT ON membership_decision
WHEN NOT EXISTS ({IS_NEXT})
BEGIN SELECT RAISE(ABORT, 'constraint failed: membership_decision_follows'); END
""",
    f"""
CREATE TRIGGER removal_after_two_years BEFORE INSERT ON membership_decision
WHEN {IS_TOO_EARLY.format(two_years_later=SQLITE_TWO_YEARS_LATER)}
BEGIN SELECT RAISE(ABORT, 'constraint failed: removal_after_two_years'); END
""",
    """
CREATE TRIGGER membership_decision_applies AFTER INSERT ON membership_decision
BEGIN UPDATE member SET membership_status = NEW.to_status WHERE id = NEW.member_id; END
""",
)


def upgrade() -> None:
    _create_contact_number()
    _create_contact_attempt()
    _create_case_assignment()
    _create_case_access_record()
    _create_own_report_link()
    _create_contact_contest()
    _create_membership_decision()
    guard(APPEND_ONLY)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(PG_GUARD)
        return
    for trigger in SQLITE_GUARDS:
        op.execute(trigger)


def downgrade() -> None:
    on_member = ("membership_status_normal", "membership_status_decided")
    if op.get_bind().dialect.name == "postgresql":
        for trigger in on_member:
            op.execute(f"DROP TRIGGER {trigger} ON member")
        op.drop_table("membership_decision")
        for function in PG_FUNCTIONS:
            op.execute(f"DROP FUNCTION {function}()")
    else:
        for trigger in on_member:
            op.execute(f"DROP TRIGGER {trigger}")
        op.drop_table("membership_decision")
    for table in reversed(TABLES[:-1]):
        op.drop_table(table)


def _create_contact_number() -> None:
    op.create_table(
        "contact_number",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("relation", sa.String(length=16), nullable=False),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("phone_index", sa.String(length=64), nullable=False),
        sa.Column("phone_masked", sa.String(length=20), nullable=False),
        sa.Column("consented_on", sa.Date(), nullable=True),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("retired_at", INSTANT, nullable=True),
        sa.Column("retired_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "relation = 'member' OR consented_on IS NOT NULL",
            name=op.f("ck_contact_number_consent"),
        ),
        sa.CheckConstraint(
            "relation IN ('member', 'spouse', 'parent', 'child', 'other_relative', 'friend', 'employer')",
            name=op.f("ck_contact_number_relation"),
        ),
        sa.CheckConstraint(
            "(retired_at IS NULL) = (retired_by IS NULL)", name=op.f("ck_contact_number_retirement")
        ),
        sa.CheckConstraint("recorded_by <> member_id", name=op.f("ck_contact_number_not_oneself")),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_contact_number_member_id")
        ),
        sa.ForeignKeyConstraint(
            ["recorded_by"], ["member.id"], name=op.f("fk_contact_number_recorded_by")
        ),
        sa.ForeignKeyConstraint(
            ["retired_by"], ["member.id"], name=op.f("fk_contact_number_retired_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_number")),
    )
    op.create_index(
        "uq_contact_number_live",
        "contact_number",
        ["member_id", "phone_index"],
        unique=True,
        postgresql_where=sa.text("retired_at IS NULL"),
        sqlite_where=sa.text("retired_at IS NULL"),
    )


def _create_contact_attempt() -> None:
    op.create_table(
        "contact_attempt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("method", sa.String(length=24), nullable=False),
        sa.Column("contacted", sa.String(length=16), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("attempted_at", INSTANT, nullable=False),
        sa.Column("number_id", sa.Uuid(), nullable=True),
        sa.Column("promised_on", sa.Date(), nullable=True),
        sa.Column("not_before", INSTANT, nullable=True),
        sa.Column("document_number", sa.String(length=80), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "(outcome = 'promised_date') = (promised_on IS NOT NULL)",
            name=op.f("ck_contact_attempt_promised"),
        ),
        sa.CheckConstraint(
            "contacted IN ('nobody', 'member', 'spouse', 'parent', 'child', 'other_relative', 'friend', 'neighbour', 'employer', 'colleague', 'host_branch', 'public_office')",
            name=op.f("ck_contact_attempt_contacted"),
        ),
        sa.CheckConstraint(
            "method <> 'official_letter' OR document_number <> ''",
            name=op.f("ck_contact_attempt_letter_document"),
        ),
        sa.CheckConstraint(
            "method IN ('phone_call', 'message', 'wechat', 'home_visit', 'last_address_visit', 'family', 'friend', 'employer', 'host_branch_query', 'official_letter', 'written_notice')",
            name=op.f("ck_contact_attempt_method"),
        ),
        sa.CheckConstraint(
            "outcome IN ('reached', 'promised_date', 'refused', 'relative_answered', 'no_answer', 'powered_off', 'wrong_number', 'moved_away', 'not_found', 'awaiting_reply')",
            name=op.f("ck_contact_attempt_outcome"),
        ),
        sa.CheckConstraint("recorded_by <> member_id", name=op.f("ck_contact_attempt_not_oneself")),
        sa.ForeignKeyConstraint(
            ["case_id"], ["contact_case.id"], name=op.f("fk_contact_attempt_case_id")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_contact_attempt_member_id")
        ),
        sa.ForeignKeyConstraint(
            ["number_id"], ["contact_number.id"], name=op.f("fk_contact_attempt_number_id")
        ),
        sa.ForeignKeyConstraint(
            ["recorded_by"], ["member.id"], name=op.f("fk_contact_attempt_recorded_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_attempt")),
    )
    op.create_index(
        "ix_contact_attempt_case_id", "contact_attempt", ["case_id", "attempted_at"], unique=False
    )


def _create_case_assignment() -> None:
    op.create_table(
        "case_assignment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("assignee_id", sa.Uuid(), nullable=False),
        sa.Column("assignee_role", sa.String(length=16), nullable=False),
        sa.Column("assigned_by", sa.Uuid(), nullable=False),
        sa.Column("assigned_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "assignee_role IN ('group_leader', 'branch_secretary', 'committee')",
            name=op.f("ck_case_assignment_assignee_role"),
        ),
        sa.CheckConstraint(
            "assignee_id <> member_id AND assigned_by <> member_id",
            name=op.f("ck_case_assignment_not_oneself"),
        ),
        sa.ForeignKeyConstraint(
            ["assigned_by"], ["member.id"], name=op.f("fk_case_assignment_assigned_by")
        ),
        sa.ForeignKeyConstraint(
            ["assignee_id"], ["member.id"], name=op.f("fk_case_assignment_assignee_id")
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["contact_case.id"], name=op.f("fk_case_assignment_case_id")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_case_assignment_member_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_assignment")),
    )
    op.create_index(
        "ix_case_assignment_case_id", "case_assignment", ["case_id", "assigned_at"], unique=False
    )


def _create_case_access_record() -> None:
    op.create_table(
        "case_access_record",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("purpose", sa.String(length=200), nullable=False),
        sa.Column("number_id", sa.Uuid(), nullable=True),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "kind <> 'number' OR purpose <> ''", name=op.f("ck_case_access_record_purpose")
        ),
        sa.CheckConstraint(
            "kind IN ('list', 'case', 'number', 'form')", name=op.f("ck_case_access_record_kind")
        ),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["member.id"], name=op.f("fk_case_access_record_actor_id")
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["contact_case.id"], name=op.f("fk_case_access_record_case_id")
        ),
        sa.ForeignKeyConstraint(
            ["number_id"], ["contact_number.id"], name=op.f("fk_case_access_record_number_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_access_record")),
    )
    op.create_index(
        "ix_case_access_record_case_id", "case_access_record", ["case_id", "id"], unique=False
    )


def _create_own_report_link() -> None:
    op.create_table(
        "own_report_link",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.Column("issued_by", sa.Uuid(), nullable=False),
        sa.Column("issued_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("answered_at", INSTANT, nullable=True),
        sa.CheckConstraint("expires_at > issued_at", name=op.f("ck_own_report_link_dates")),
        sa.CheckConstraint("issued_by <> member_id", name=op.f("ck_own_report_link_not_oneself")),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["contact_attempt.id"], name=op.f("fk_own_report_link_attempt_id")
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["contact_case.id"], name=op.f("fk_own_report_link_case_id")
        ),
        sa.ForeignKeyConstraint(
            ["issued_by"], ["member.id"], name=op.f("fk_own_report_link_issued_by")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_own_report_link_member_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_own_report_link")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_own_report_link_token_digest")),
    )
    op.create_index(
        "ix_own_report_link_attempt_id", "own_report_link", ["attempt_id"], unique=False
    )


def _create_contact_contest() -> None:
    op.create_table(
        "contact_contest",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("filed_at", INSTANT, nullable=False),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("answered_at", INSTANT, nullable=True),
        sa.Column("answer", sa.String(length=500), nullable=False),
        sa.CheckConstraint(
            "(state = 'open') = (answered_by IS NULL)", name=op.f("ck_contact_contest_answered")
        ),
        sa.CheckConstraint(
            "answered_by IS NULL OR answer <> ''", name=op.f("ck_contact_contest_answer")
        ),
        sa.CheckConstraint(
            "state IN ('open', 'upheld', 'rejected')", name=op.f("ck_contact_contest_state")
        ),
        sa.CheckConstraint(
            "(answered_by IS NULL) = (answered_at IS NULL)",
            name=op.f("ck_contact_contest_answered_at"),
        ),
        sa.CheckConstraint(
            "answered_by IS NULL OR answered_by <> member_id",
            name=op.f("ck_contact_contest_not_oneself"),
        ),
        sa.ForeignKeyConstraint(
            ["answered_by"], ["member.id"], name=op.f("fk_contact_contest_answered_by")
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["contact_case.id"], name=op.f("fk_contact_contest_case_id")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_contact_contest_member_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_contest")),
    )
    op.create_index(
        "ix_contact_contest_member_id", "contact_contest", ["member_id", "id"], unique=False
    )
    op.create_index(
        "uq_contact_contest_open",
        "contact_contest",
        ["case_id"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
        sqlite_where=sa.text("state = 'open'"),
    )


def _create_membership_decision() -> None:
    op.create_table(
        "membership_decision",
        *_membership_decision_columns(),
        *_membership_decision_checks(),
        *_membership_decision_keys(),
    )


def _membership_decision_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("ground", sa.String(length=16), nullable=False),
        sa.Column("from_status", sa.String(length=16), nullable=False),
        sa.Column("to_status", sa.String(length=16), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("deciding_body", sa.String(length=120), nullable=False),
        sa.Column("decided_on", sa.Date(), nullable=False),
        sa.Column("document_number", sa.String(length=80), nullable=False),
        sa.Column("approving_body", sa.String(length=120), nullable=False),
        sa.Column("approved_on", sa.Date(), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("entered_by", sa.Uuid(), nullable=False),
        sa.Column("entered_at", INSTANT, nullable=False),
    ]


def _membership_decision_checks() -> list[sa.CheckConstraint]:
    return [
        sa.CheckConstraint(
            "(kind = 'expulsion') = (ground = 'discipline')",
            name=op.f("ck_membership_decision_discipline"),
        ),
        sa.CheckConstraint(
            "(kind = 'suspension' AND from_status IN ('normal', 'restored') AND to_status = 'suspended') OR (kind = 'restoration' AND from_status = 'suspended' AND to_status = 'restored') OR (kind = 'removal' AND from_status IN ('normal', 'restored', 'suspended') AND to_status = 'removed') OR (kind = 'expulsion' AND from_status IN ('normal', 'restored', 'suspended') AND to_status = 'expelled')",
            name=op.f("ck_membership_decision_step"),
        ),
        sa.CheckConstraint(
            "deciding_body <> '' AND document_number <> '' AND approving_body <> ''",
            name=op.f("ck_membership_decision_named"),
        ),
        sa.CheckConstraint(
            "from_status IN ('normal', 'suspended', 'restored', 'removed', 'expelled')",
            name=op.f("ck_membership_decision_from_status"),
        ),
        sa.CheckConstraint(
            "ground IN ('lost_contact', 'self_withdrawal', 'abroad', 'own_request', 'discipline')",
            name=op.f("ck_membership_decision_ground"),
        ),
        sa.CheckConstraint(
            "kind <> 'removal' OR ground <> 'lost_contact' OR from_status = 'suspended'",
            name=op.f("ck_membership_decision_suspended_first"),
        ),
        sa.CheckConstraint(
            "kind IN ('suspension', 'restoration', 'removal', 'expulsion')",
            name=op.f("ck_membership_decision_kind"),
        ),
        sa.CheckConstraint(
            "to_status IN ('normal', 'suspended', 'restored', 'removed', 'expelled')",
            name=op.f("ck_membership_decision_to_status"),
        ),
        sa.CheckConstraint(
            "approved_on >= decided_on", name=op.f("ck_membership_decision_approved_after")
        ),
        sa.CheckConstraint(
            "entered_by <> member_id", name=op.f("ck_membership_decision_not_oneself")
        ),
    ]


def _membership_decision_keys() -> list[sa.Constraint]:
    return [
        sa.ForeignKeyConstraint(
            ["case_id"], ["contact_case.id"], name=op.f("fk_membership_decision_case_id")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["member.id"], name=op.f("fk_membership_decision_entered_by")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_membership_decision_member_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_membership_decision_organization_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_membership_decision")),
        sa.UniqueConstraint(
            "member_id", "number", name=op.f("uq_membership_decision_member_id_number")
        ),
    ]
