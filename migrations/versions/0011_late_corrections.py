"""Late entries name the closed period that they are about; bulletins of cadres' points.

Never import product code here: a migration must keep meaning what it meant.
"""

from alembic import op

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


def upgrade() -> None:
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    op.execute(PG_GUARD if is_postgresql else SQLITE_GUARD)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER late_entry_names_its_period ON ledger_entry")
        op.execute("DROP FUNCTION refuse_unnamed_late_entry()")
    else:
        op.execute("DROP TRIGGER late_entry_names_its_period")
