"""Late entries name the closed period that they are about; bulletins of cadres' points; escalation.

Never import product code here: a migration must keep meaning what it meant.
"""

import sqlalchemy as sa
from alembic import op

from migrations.sqlite_rebuild import rebuild_table

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# What is about a closed period stands in an open one behind it (I9).
IS_ASTRAY = """
  NEW.about_period_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM points_period own JOIN points_period about ON about.ends_on < own.starts_on
    WHERE own.id = NEW.period_id AND own.status = 'open'
      AND about.id = NEW.about_period_id AND about.status = 'closed'
  )
"""
# A reversal stands beside its original, or late under the name of the year that it is about.
IS_UNNAMED = """
  EXISTS (
    SELECT 1 FROM ledger_entry original WHERE original.id = NEW.reverses_id
      AND coalesce(NEW.about_period_id, NEW.period_id)
        <> coalesce(original.about_period_id, original.period_id)
  )
"""
IS_JUDGED = "NEW.about_period_id IS NOT NULL OR NEW.reverses_id IS NOT NULL"
PG_GUARD = f"""
CREATE FUNCTION refuse_unnamed_late_entry() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF ({IS_ASTRAY}) OR ({IS_UNNAMED})
  THEN RAISE EXCEPTION 'late entry' USING ERRCODE = 'check_violation',
    CONSTRAINT = 'late_entry_names_its_period'; END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER late_entry_names_its_period BEFORE INSERT ON ledger_entry
  FOR EACH ROW WHEN ({IS_JUDGED}) EXECUTE FUNCTION refuse_unnamed_late_entry();
"""
SQLITE_GUARD = f"""
CREATE TRIGGER late_entry_names_its_period BEFORE INSERT ON ledger_entry
WHEN ({IS_JUDGED}) AND (({IS_ASTRAY}) OR ({IS_UNNAMED}))
BEGIN SELECT RAISE(ABORT, 'constraint failed: late_entry_names_its_period'); END
"""

# Cadres' entries and members' never share a bulletin.
IS_OF_ANOTHER = """
  NOT EXISTS (
    SELECT 1 FROM bulletin b JOIN ledger_entry e ON e.subject = b.subject
    WHERE b.id = NEW.bulletin_id AND e.id = NEW.entry_id
  )
"""
PG_SUBJECT_GUARD = f"""
CREATE FUNCTION refuse_entry_of_another_subject() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF {IS_OF_ANOTHER}
  THEN RAISE EXCEPTION 'entry of another subject' USING ERRCODE = 'check_violation',
    CONSTRAINT = 'bulletin_is_of_one_subject'; END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER bulletin_is_of_one_subject BEFORE INSERT ON bulletin_entry
  FOR EACH ROW EXECUTE FUNCTION refuse_entry_of_another_subject();
"""
SQLITE_SUBJECT_GUARD = f"""
CREATE TRIGGER bulletin_is_of_one_subject BEFORE INSERT ON bulletin_entry
WHEN {IS_OF_ANOTHER}
BEGIN SELECT RAISE(ABORT, 'constraint failed: bulletin_is_of_one_subject'); END
"""
OLD_KEY = "uq_bulletin_organization_id_month"
NEW_KEY = "uq_bulletin_organization_id_month_subject"
IS_SUBJECT = "subject IN ('party_members', 'cadres')"
OLD_UNIQUE = f"CONSTRAINT {OLD_KEY} UNIQUE (organization_id, month)"
NEW_UNIQUE = f"CONSTRAINT {NEW_KEY} UNIQUE (organization_id, month, subject)"
OLD_STEPS = "kind IN ('filed', 'appealed', 'upheld', 'rejected', 'withdrawn')"
NEW_STEPS = "kind IN ('filed', 'appealed', 'upheld', 'rejected', 'withdrawn', 'escalated')"
HAS_ACTOR = "actor_id IS NOT NULL OR kind = 'escalated'"
STEPPED = "CONSTRAINT ck_objection_event_kind CHECK"
ACTOR_CHECKED = f", CONSTRAINT ck_objection_event_actor CHECK ({HAS_ACTOR})"
CHECKED = f", CONSTRAINT ck_bulletin_subject CHECK ({IS_SUBJECT})"


def upgrade() -> None:
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    op.execute(PG_GUARD if is_postgresql else SQLITE_GUARD)
    if is_postgresql:
        _divide_bulletins()
        op.alter_column("objection_event", "actor_id", nullable=True)
        op.drop_constraint("ck_objection_event_kind", "objection_event")
        op.create_check_constraint(op.f("ck_objection_event_kind"), "objection_event", NEW_STEPS)
        op.create_check_constraint(op.f("ck_objection_event_actor"), "objection_event", HAS_ACTOR)
    else:
        rebuild_table(
            "bulletin",
            [
                ("month VARCHAR(7)", "subject VARCHAR(20) NOT NULL, month VARCHAR(7)"),
                (OLD_UNIQUE, NEW_UNIQUE + CHECKED),
            ],
            filled={"subject": "'party_members'"},
        )
        rebuild_table(
            "objection_event",
            [
                ("actor_id CHAR(32) NOT NULL", "actor_id CHAR(32)"),
                (f"{STEPPED} ({OLD_STEPS})", f"{STEPPED} ({NEW_STEPS}){ACTOR_CHECKED}"),
            ],
        )
    op.execute(PG_SUBJECT_GUARD if is_postgresql else SQLITE_SUBJECT_GUARD)


def _divide_bulletins() -> None:
    """Every bulletin so far is of members' points."""
    op.add_column(
        "bulletin",
        sa.Column("subject", sa.String(20), nullable=False, server_default="party_members"),
    )
    op.alter_column("bulletin", "subject", server_default=None)
    op.create_check_constraint(op.f("ck_bulletin_subject"), "bulletin", IS_SUBJECT)
    op.drop_constraint(OLD_KEY, "bulletin")
    op.create_unique_constraint(NEW_KEY, "bulletin", ["organization_id", "month", "subject"])


def downgrade() -> None:
    """Refused where an organisation has bulletins of both subjects, or an objection went up."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER bulletin_is_of_one_subject ON bulletin_entry")
        op.execute("DROP FUNCTION refuse_entry_of_another_subject()")
        op.execute("DROP TRIGGER late_entry_names_its_period ON ledger_entry")
        op.execute("DROP FUNCTION refuse_unnamed_late_entry()")
        op.drop_constraint(NEW_KEY, "bulletin")
        op.create_unique_constraint(OLD_KEY, "bulletin", ["organization_id", "month"])
        op.drop_constraint("ck_bulletin_subject", "bulletin")
        op.drop_column("bulletin", "subject")
        op.drop_constraint("ck_objection_event_actor", "objection_event")
        op.drop_constraint("ck_objection_event_kind", "objection_event")
        op.create_check_constraint(op.f("ck_objection_event_kind"), "objection_event", OLD_STEPS)
        op.alter_column("objection_event", "actor_id", nullable=False)
        return
    op.execute("DROP TRIGGER bulletin_is_of_one_subject")
    op.execute("DROP TRIGGER late_entry_names_its_period")
    rebuild_table(
        "bulletin",
        [("subject VARCHAR(20) NOT NULL, ", ""), (NEW_UNIQUE + CHECKED, OLD_UNIQUE)],
    )
    rebuild_table(
        "objection_event",
        [
            ("actor_id CHAR(32)", "actor_id CHAR(32) NOT NULL"),
            (f"{STEPPED} ({NEW_STEPS}){ACTOR_CHECKED}", f"{STEPPED} ({OLD_STEPS})"),
        ],
    )
