"""Guards that no single row can express: append-only, dates that overlap, trees, grants.

Never import product code here: a migration must keep meaning what it meant.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

APPEND_ONLY = ("ledger_entry", "claim_event")
APP_ROLE = "party_points_app"

# Each function names its search path: without it, a temporary table called `affiliation` would
# come before the real one, and anybody may make a temporary table.
PG_FUNCTIONS = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN RAISE EXCEPTION 'append-only: %', TG_TABLE_NAME; END $$;

CREATE FUNCTION refuse_overlapping_primary() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  -- The member row is the lock: two writers of one person's history take turns.
  PERFORM 1 FROM member WHERE id = NEW.member_id FOR NO KEY UPDATE;
  IF EXISTS (
    SELECT 1 FROM affiliation a
    WHERE a.member_id = NEW.member_id AND a.kind = 'primary' AND a.id <> NEW.id
      AND a.valid_from < coalesce(NEW.valid_to, 'infinity')
      AND NEW.valid_from < coalesce(a.valid_to, 'infinity')
  ) THEN RAISE EXCEPTION 'overlapping primary affiliation' USING ERRCODE = 'check_violation',
    CONSTRAINT = 'no_overlapping_primary'; END IF;
  RETURN NEW;
END $$;

CREATE FUNCTION refuse_tree_cycle() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  -- One move at a time: two crossing moves could each look innocent (A under B, B under A).
  PERFORM pg_advisory_xact_lock(hashtext('organization tree'));
  IF EXISTS (
    WITH RECURSIVE above(id, parent_id) AS (
      SELECT id, parent_id FROM organization WHERE id = NEW.parent_id
      UNION SELECT o.id, o.parent_id FROM organization o JOIN above ON o.id = above.parent_id
    ) SELECT 1 FROM above WHERE id = NEW.id
  ) THEN RAISE EXCEPTION 'organization cycle' USING ERRCODE = 'check_violation',
    CONSTRAINT = 'no_organization_cycle'; END IF;
  RETURN NEW;
END $$;
"""

PG_TRIGGERS = """
CREATE TRIGGER no_overlapping_primary BEFORE INSERT OR UPDATE ON affiliation
  FOR EACH ROW WHEN (NEW.kind = 'primary') EXECUTE FUNCTION refuse_overlapping_primary();
CREATE TRIGGER no_organization_cycle BEFORE UPDATE OF parent_id ON organization
  FOR EACH ROW EXECUTE FUNCTION refuse_tree_cycle();
"""

SQLITE_OVERLAP = """
CREATE TRIGGER no_overlapping_primary_{when} BEFORE {event} ON affiliation
WHEN NEW.kind = 'primary' AND EXISTS (
  SELECT 1 FROM affiliation a
  WHERE a.member_id = NEW.member_id AND a.kind = 'primary' AND a.id <> NEW.id
    AND a.valid_from < coalesce(NEW.valid_to, '9999-12-31')
    AND NEW.valid_from < coalesce(a.valid_to, '9999-12-31'))
BEGIN SELECT RAISE(ABORT, 'constraint failed: no_overlapping_primary'); END
"""

SQLITE_CYCLE = """
CREATE TRIGGER no_organization_cycle BEFORE UPDATE OF parent_id ON organization
WHEN EXISTS (
  WITH RECURSIVE above(id, parent_id) AS (
    SELECT id, parent_id FROM organization WHERE id = NEW.parent_id
    UNION SELECT o.id, o.parent_id FROM organization o JOIN above ON o.id = above.parent_id
  ) SELECT 1 FROM above WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'constraint failed: no_organization_cycle'); END
"""


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _upgrade_postgresql()
    else:
        _upgrade_sqlite()


def _upgrade_postgresql() -> None:
    op.execute(PG_FUNCTIONS)
    op.execute(PG_TRIGGERS)
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    # Tables of later migrations are granted as they are made; one that is append-only takes
    # UPDATE and DELETE back itself, beside its triggers.
    _for_app_role(f"""
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {APP_ROLE};
        GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {APP_ROLE};
        ALTER DEFAULT PRIVILEGES IN SCHEMA public
          GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {APP_ROLE};
        ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO {APP_ROLE};
        REVOKE ALL ON alembic_version FROM {APP_ROLE};
        GRANT SELECT ON alembic_version TO {APP_ROLE};
        REVOKE UPDATE, DELETE ON {", ".join(APPEND_ONLY)} FROM {APP_ROLE};
    """)


def _for_app_role(statements: str) -> None:
    # The application connects as a role that owns nothing. Where the operator has not made
    # that role (a development database), there is nobody to grant to.
    op.execute(f"""
        DO $$ BEGIN
          IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{APP_ROLE}') THEN
            {statements}
          END IF;
        END $$
    """)


def _upgrade_sqlite() -> None:
    op.execute(SQLITE_OVERLAP.format(when="insert", event="INSERT"))
    op.execute(SQLITE_OVERLAP.format(when="update", event="UPDATE"))
    op.execute(SQLITE_CYCLE)
    for table in APPEND_ONLY:
        for event in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{event.lower()} BEFORE {event} ON {table}"
                f" BEGIN SELECT RAISE(ABORT, 'append-only: {table}'); END"
            )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table in APPEND_ONLY:
            op.execute(f"DROP TRIGGER append_only ON {table}")
            op.execute(f"DROP TRIGGER append_only_truncate ON {table}")
        op.execute("DROP TRIGGER no_overlapping_primary ON affiliation")
        op.execute("DROP TRIGGER no_organization_cycle ON organization")
        for function in ("refuse_change", "refuse_overlapping_primary", "refuse_tree_cycle"):
            op.execute(f"DROP FUNCTION {function}()")
        _for_app_role(f"""
            ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM {APP_ROLE};
            ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON SEQUENCES FROM {APP_ROLE};
            REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {APP_ROLE};
            REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {APP_ROLE};
        """)
        return
    for table in APPEND_ONLY:
        op.execute(f"DROP TRIGGER {table}_no_update")
        op.execute(f"DROP TRIGGER {table}_no_delete")
    op.execute("DROP TRIGGER no_overlapping_primary_insert")
    op.execute("DROP TRIGGER no_overlapping_primary_update")
    op.execute("DROP TRIGGER no_organization_cycle")
