"""Row-level security: what a query forgets to filter, the database does not show (PostgreSQL).

The application's role is bound; the owner, who migrates and backs up, is not. SQLite has none.
"""

from alembic import op

from migrations import row_security

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

# Table -> the columns that say where a row belongs, and whom it is about.
SCOPED: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "adjustment": (("organization_id", "entered_at_organization_id"), ("member_id",)),
    "attendance": (("organization_id", "home_organization_id"), ("member_id",)),
    "claim": (("organization_id", "reviewer_organization_id"), ("member_id",)),
    "contact_attempt": ((), ("member_id",)),
    "contact_case": (("organization_id",), ("member_id",)),
    "contact_contest": ((), ("member_id",)),
    "contact_fact": (("organization_id",), ("member_id",)),
    "contact_hold": (("decided_by_organization_id",), ("member_id",)),
    "contact_number": ((), ("member_id",)),
    "exemption": (("decided_by_organization_id",), ("member_id",)),
    "ledger_entry": (("organization_id",), ("member_id",)),
    "member_channel_address": ((), ("member_id",)),
    "membership_decision": (("organization_id",), ("member_id",)),
    "migrant_registration": (("home_organization_id",), ("member_id",)),
    "objection": (("organization_id", "deciding_organization_id"), ("objector_id", "member_id")),
    "pledge": (("organization_id", "reviewer_organization_id"), ("member_id",)),
    "service_correction": (("organization_id",), ("member_id",)),
    "service_sheet": (("organization_id",), ("member_id",)),
    "transfer": (("sender_organization_id", "receiver_organization_id"), ("member_id",)),
    "volunteer_record": (("organization_id",), ("member_id",)),
}

# A setting that was local to an earlier transaction is empty afterwards, not absent.
SETTINGS = """
CREATE FUNCTION scope_is_all() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS
  $$ SELECT coalesce(current_setting('app.scope', true), '') = 'all' $$;
CREATE FUNCTION scope_member() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS
  $$ SELECT nullif(current_setting('app.member', true), '')::uuid $$;
CREATE FUNCTION scope_organizations() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE AS
  $$ SELECT nullif(current_setting('app.organizations', true), '')::uuid[] $$;
"""
# Where somebody belongs or belonged, by whatever kind of affiliation, and where he holds a role:
# that and everything below it. A role at the top of the tree is everywhere.
ENTER = """
CREATE FUNCTION enter_scope(asking uuid) RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  is_everywhere boolean;
  places uuid[];
BEGIN
  SELECT coalesce(bool_or(o.parent_id IS NULL), false) INTO is_everywhere
    FROM role_grant g JOIN organization o ON o.id = g.organization_id
    WHERE g.member_id = asking AND g.revoked_at IS NULL;
  IF NOT is_everywhere THEN
    WITH RECURSIVE below (id) AS (
      SELECT organization_id FROM role_grant WHERE member_id = asking AND revoked_at IS NULL
      UNION SELECT organization_id FROM affiliation WHERE member_id = asking
      UNION SELECT o.id FROM organization o JOIN below ON o.parent_id = below.id
    )
    SELECT array_agg(id) INTO places FROM below;
  END IF;
  PERFORM set_config('app.scope', CASE WHEN is_everywhere THEN 'all' ELSE 'some' END, true),
    set_config('app.member', asking::text, true),
    set_config('app.organizations', coalesce(places, '{}')::text, true);
END $$;
"""
# People with whom these organisations have to do, though a row may belong elsewhere: who is or was
# theirs, is on his way to them, is their guest, or has taken part in what they organised. Read
# past the policies, or they would ask themselves; a set, so that a statement that meets many rows
# of others works it out once, and one that meets none never does.
PEOPLE = """
CREATE FUNCTION scope_people() RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT member_id FROM affiliation WHERE organization_id = ANY (scope_organizations())
  UNION SELECT member_id FROM transfer
    WHERE receiver_organization_id = ANY (scope_organizations())
  UNION SELECT migrant_id FROM host_placement WHERE organization_id = ANY (scope_organizations())
  UNION SELECT s.member_id FROM service_signup s
    JOIN service_opportunity o ON o.id = s.opportunity_id
    WHERE o.organization_id = ANY (scope_organizations())
  UNION SELECT a.member_id FROM attendance a JOIN activity y ON y.id = a.activity_id
    WHERE y.organization_id = ANY (scope_organizations())
$$;
"""
FUNCTIONS = (
    "scope_people()",
    "enter_scope(uuid)",
    "scope_organizations()",
    "scope_member()",
    "scope_is_all()",
)


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for statement in (SETTINGS, ENTER, PEOPLE):
        op.execute(statement)
    row_security.enable(SCOPED)


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    row_security.disable(SCOPED)
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}")
