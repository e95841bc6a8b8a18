"""Making tables append-only: triggers on both engines, and no grant for the application's role."""

from collections.abc import Sequence

from alembic import op

APP_ROLE = "party_points_app"


def guard(tables: Sequence[str]) -> None:
    """Refuse UPDATE, DELETE and TRUNCATE of these tables; dropping one drops its triggers."""
    if op.get_bind().dialect.name != "postgresql":
        for table in tables:
            for event in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{event.lower()} BEFORE {event} ON {table}"
                    f" BEGIN SELECT RAISE(ABORT, 'append-only: {table}'); END"
                )
        return
    for table in tables:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    # Where the operator has not made the application's role, there is nobody to revoke from.
    op.execute(f"""
        DO $$ BEGIN
          IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{APP_ROLE}') THEN
            REVOKE UPDATE, DELETE ON {", ".join(tables)} FROM {APP_ROLE};
          END IF;
        END $$
    """)
