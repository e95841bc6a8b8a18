"""The audit trail: events, where an id is mentioned, and seals over stretches of events.

Never import product code here: a migration must keep meaning what it meant.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations.append_only import guard

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")
JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SHOWN = sa.text("shown IS NOT NULL")


def upgrade() -> None:
    _create_event()
    _create_mention()
    _create_seal()
    _create_sample()
    guard(["audit_seal", "audit_sample"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(PG_GUARDS)
    else:
        for statement in SQLITE_GUARDS:
            op.execute(statement)


def _create_event() -> None:
    op.create_table(
        "audit_event",
        sa.Column("seq", BIGINT, sa.Identity(always=True), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("actor_kind", sa.String(7), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("operator", sa.String(40), nullable=True),
        sa.Column("on_behalf_of", sa.Uuid(), nullable=True),
        sa.Column("operation", sa.String(80), nullable=False),
        sa.Column("request_id", sa.String(40), nullable=True),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("outcome", sa.String(7), nullable=False),
        sa.Column("code", sa.String(60), nullable=False),
        sa.Column("tables", JSON, nullable=False),
        sa.Column("objects", JSON, nullable=False),
        sa.Column("object_count", sa.Integer(), nullable=False),
        sa.Column("subjects", JSON, nullable=False),
        sa.Column("shown", JSON, nullable=True),
        sa.Column("written_hmac", sa.String(64), nullable=True),
        sa.CheckConstraint(
            "actor_kind IN ('member', 'job', 'command', 'public')",
            name=op.f("ck_audit_event_actor_kind"),
        ),
        sa.CheckConstraint(
            "outcome IN ('done', 'denied', 'refused')", name=op.f("ck_audit_event_outcome")
        ),
        sa.CheckConstraint(
            "(actor_kind = 'member') = (actor_id IS NOT NULL)", name=op.f("ck_audit_event_actor")
        ),
        sa.CheckConstraint(
            "(actor_kind = 'command') = (operator IS NOT NULL)",
            name=op.f("ck_audit_event_operator"),
        ),
        sa.CheckConstraint("operation <> ''", name=op.f("ck_audit_event_operation")),
        sa.CheckConstraint("outcome = 'done' OR code <> ''", name=op.f("ck_audit_event_code")),
        sa.ForeignKeyConstraint(["actor_id"], ["member.id"], name=op.f("fk_audit_event_actor_id")),
        sa.ForeignKeyConstraint(
            ["on_behalf_of"], ["member.id"], name=op.f("fk_audit_event_on_behalf_of")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_audit_event_organization_id")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_event")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_event_actor_id", "audit_event", ["actor_id", "seq"])
    op.create_index("ix_audit_event_at", "audit_event", ["at"])
    op.create_index(
        "ix_audit_event_shown",
        "audit_event",
        ["seq"],
        postgresql_where=SHOWN,
        sqlite_where=SHOWN,
    )


def _create_mention() -> None:
    op.create_table(
        "audit_mention",
        sa.Column("mentioned_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(7), nullable=False),
        sa.Column("event_seq", BIGINT, autoincrement=False, nullable=False),
        sa.CheckConstraint(
            "role IN ('object', 'subject', 'shown')", name=op.f("ck_audit_mention_role")
        ),
        sa.PrimaryKeyConstraint("mentioned_id", "role", "event_seq", name=op.f("pk_audit_mention")),
        sqlite_with_rowid=False,
    )


def _create_seal() -> None:
    op.create_table(
        "audit_seal",
        sa.Column("number", BIGINT, autoincrement=False, nullable=False),
        sa.Column("from_seq", BIGINT, nullable=False),
        sa.Column("to_seq", BIGINT, nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("previous_digest", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("newest_at", INSTANT, nullable=False),
        sa.Column("sealed_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "events > 0 AND to_seq - from_seq >= events - 1", name=op.f("ck_audit_seal_stretch")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_seal")),
        sa.UniqueConstraint("from_seq", name=op.f("uq_audit_seal_from_seq")),
        sa.UniqueConstraint("to_seq", name=op.f("uq_audit_seal_to_seq")),
        sa.UniqueConstraint("previous_digest", name=op.f("uq_audit_seal_previous_digest")),
        sa.UniqueConstraint("digest", name=op.f("uq_audit_seal_digest")),
    )


def _create_sample() -> None:
    op.create_table(
        "audit_sample",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("seed", sa.String(64), nullable=False),
        sa.Column("population", sa.Integer(), nullable=False),
        sa.Column("entries_sha256", sa.String(64), nullable=False),
        sa.Column("drawn_by", sa.Uuid(), nullable=False),
        sa.Column("drawn_at", INSTANT, nullable=False),
        sa.CheckConstraint("size BETWEEN 1 AND 200", name=op.f("ck_audit_sample_size")),
        sa.CheckConstraint("population >= 0", name=op.f("ck_audit_sample_population")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_audit_sample_organization_id")
        ),
        sa.ForeignKeyConstraint(["drawn_by"], ["member.id"], name=op.f("fk_audit_sample_drawn_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_sample")),
    )


# The mentions of an event are written by the database, so that a batch of five hundred costs
# the client no further statement. After three years an event may go, and its mentions with it.
PG_GUARDS = """
    CREATE FUNCTION mention_in_audit() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
    BEGIN
      INSERT INTO audit_mention (mentioned_id, role, event_seq)
      SELECT DISTINCT id::uuid, role, NEW.seq FROM (
        SELECT jsonb_array_elements_text(t.value) AS id, 'object' AS role
          FROM jsonb_each(NEW.objects) t
        UNION ALL SELECT jsonb_array_elements_text(NEW.subjects), 'subject'
        UNION ALL SELECT jsonb_array_elements_text(t.value), 'shown'
          FROM jsonb_each(coalesce(NEW.shown, '{}')) t
      ) mentioned;
      RETURN NULL;
    END $$;
    CREATE TRIGGER mention AFTER INSERT ON audit_event
      FOR EACH ROW EXECUTE FUNCTION mention_in_audit();

    CREATE FUNCTION refuse_young_audit() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
    BEGIN
      IF TG_OP = 'DELETE' AND OLD.at < now() - interval '3 years' THEN
        RETURN OLD;
      END IF;
      RAISE EXCEPTION 'append-only: %', TG_TABLE_NAME;
    END $$;
    CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_event
      FOR EACH ROW EXECUTE FUNCTION refuse_young_audit();
    CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON audit_event
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

    CREATE FUNCTION refuse_live_mention() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
    BEGIN
      IF TG_OP = 'DELETE'
        AND NOT EXISTS (SELECT 1 FROM audit_event WHERE seq = OLD.event_seq)
      THEN
        RETURN OLD;
      END IF;
      RAISE EXCEPTION 'append-only: %', TG_TABLE_NAME;
    END $$;
    CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_mention
      FOR EACH ROW EXECUTE FUNCTION refuse_live_mention();
    CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON audit_mention
      FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

    DO $$ BEGIN
      IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'party_points_app') THEN
        REVOKE UPDATE ON audit_event, audit_mention FROM party_points_app;
      END IF;
    END $$
"""
SQLITE_GUARDS = (
    """
    CREATE TRIGGER audit_event_mention AFTER INSERT ON audit_event BEGIN
      INSERT INTO audit_mention (mentioned_id, role, event_seq)
      SELECT DISTINCT id, role, NEW.seq FROM (
        SELECT e.value AS id, 'object' AS role
          FROM json_each(NEW.objects) t, json_each(t.value) e
        UNION ALL SELECT e.value, 'subject' FROM json_each(NEW.subjects) e
        UNION ALL SELECT e.value, 'shown'
          FROM json_each(coalesce(NEW.shown, '{}')) t, json_each(t.value) e
      );
    END
    """,
    """
    CREATE TRIGGER audit_event_no_update BEFORE UPDATE ON audit_event
    BEGIN SELECT RAISE(ABORT, 'append-only: audit_event'); END
    """,
    """
    CREATE TRIGGER audit_event_no_delete BEFORE DELETE ON audit_event
    WHEN OLD.at >= strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', '-3 years')
    BEGIN SELECT RAISE(ABORT, 'append-only: audit_event'); END
    """,
    """
    CREATE TRIGGER audit_mention_no_update BEFORE UPDATE ON audit_mention
    BEGIN SELECT RAISE(ABORT, 'append-only: audit_mention'); END
    """,
    """
    CREATE TRIGGER audit_mention_no_delete BEFORE DELETE ON audit_mention
    WHEN EXISTS (SELECT 1 FROM audit_event WHERE seq = OLD.event_seq)
    BEGIN SELECT RAISE(ABORT, 'append-only: audit_mention'); END
    """,
)


def downgrade() -> None:
    op.drop_table("audit_sample")
    op.drop_table("audit_seal")
    op.drop_table("audit_mention")
    op.drop_table("audit_event")
    if op.get_bind().dialect.name == "postgresql":
        for function in ("mention_in_audit", "refuse_young_audit", "refuse_live_mention"):
            op.execute(f"DROP FUNCTION {function}()")
