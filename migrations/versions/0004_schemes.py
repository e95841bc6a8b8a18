"""Schemes as data: drafts, immutable versions, delegation, simulations; cadres as a subject.

Never import product code here: a migration must keep meaning what it meant.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations.sqlite_rebuild import rebuild_table

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")
JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
TABLE = "points_scheme_version"
CHECKS = {
    "subject": "subject IN ('party_members', 'cadres')",
    "numbered": "(status = 'draft') = (version IS NULL)",
    "dated": "(status = 'draft') = (effective_from IS NULL)",
    "published": "(status = 'draft') = (published_at IS NULL)",
    "retired": "(status = 'retired') = (retired_at IS NOT NULL)",
}
PEOPLE = ("created_by", "retired_by")

# What was published explains entries for ever: only its end may still be set. Versions for one
# subject and organisation follow each other, and a code, which names the rows of caps, has one
# subject. The organisation's row is the lock: two publications there take turns.
PG_GUARDS = """
CREATE FUNCTION refuse_scheme_change() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF TG_OP = 'DELETE' OR (
    NEW.id, NEW.scheme_code, NEW.organization_id, NEW.subject, NEW.version, NEW.revision,
    NEW.effective_from, NEW.definition, NEW.definition_sha256, NEW.created_by, NEW.created_at,
    NEW.published_by, NEW.published_at, NEW.basis
  ) IS DISTINCT FROM (
    OLD.id, OLD.scheme_code, OLD.organization_id, OLD.subject, OLD.version, OLD.revision,
    OLD.effective_from, OLD.definition, OLD.definition_sha256, OLD.created_by, OLD.created_at,
    OLD.published_by, OLD.published_at, OLD.basis
  ) THEN RAISE EXCEPTION 'published scheme' USING ERRCODE = 'check_violation',
    CONSTRAINT = 'no_change_of_published_scheme'; END IF;
  RETURN NEW;
END $$;

CREATE FUNCTION refuse_overlapping_schemes() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM 1 FROM organization WHERE id = NEW.organization_id FOR NO KEY UPDATE;
  IF EXISTS (
    SELECT 1 FROM points_scheme_version o
    WHERE o.organization_id = NEW.organization_id AND o.subject = NEW.subject
      AND o.status <> 'draft' AND o.id <> NEW.id
      AND o.effective_from < coalesce(NEW.effective_to, 'infinity')
      AND NEW.effective_from < coalesce(o.effective_to, 'infinity')
  ) THEN RAISE EXCEPTION 'overlapping schemes' USING ERRCODE = 'check_violation',
    CONSTRAINT = 'no_overlapping_schemes'; END IF;
  IF EXISTS (
    SELECT 1 FROM points_scheme_version o
    WHERE o.scheme_code = NEW.scheme_code AND o.subject <> NEW.subject AND o.status <> 'draft'
  ) THEN RAISE EXCEPTION 'two subjects' USING ERRCODE = 'check_violation',
    CONSTRAINT = 'one_subject_per_scheme'; END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER no_change_of_published_scheme BEFORE UPDATE OR DELETE ON points_scheme_version
  FOR EACH ROW WHEN (OLD.status <> 'draft') EXECUTE FUNCTION refuse_scheme_change();
CREATE TRIGGER no_truncate_of_schemes BEFORE TRUNCATE ON points_scheme_version
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER no_overlapping_schemes BEFORE INSERT OR UPDATE ON points_scheme_version
  FOR EACH ROW WHEN (NEW.status <> 'draft') EXECUTE FUNCTION refuse_overlapping_schemes();
"""
FROZEN = (
    "id", "scheme_code", "organization_id", "subject", "version", "revision", "effective_from",
    "definition", "definition_sha256", "created_by", "created_at", "published_by", "published_at",
    "basis",
)  # fmt: skip
SQLITE_OVERLAP = """
CREATE TRIGGER no_overlapping_schemes_{when} BEFORE {event} ON points_scheme_version
WHEN NEW.status <> 'draft' AND EXISTS (
  SELECT 1 FROM points_scheme_version o
  WHERE o.organization_id = NEW.organization_id AND o.subject = NEW.subject
    AND o.status <> 'draft' AND o.id <> NEW.id
    AND o.effective_from < coalesce(NEW.effective_to, '9999-12-31')
    AND NEW.effective_from < coalesce(o.effective_to, '9999-12-31'))
BEGIN SELECT RAISE(ABORT, 'constraint failed: no_overlapping_schemes'); END
"""
SQLITE_SUBJECT = """
CREATE TRIGGER one_subject_per_scheme_{when} BEFORE {event} ON points_scheme_version
WHEN NEW.status <> 'draft' AND EXISTS (
  SELECT 1 FROM points_scheme_version o
  WHERE o.scheme_code = NEW.scheme_code AND o.subject <> NEW.subject AND o.status <> 'draft')
BEGIN SELECT RAISE(ABORT, 'constraint failed: one_subject_per_scheme'); END
"""
SQLITE_TRIGGERS = (
    "no_change_of_published_scheme_update", "no_change_of_published_scheme_delete",
    "no_overlapping_schemes_insert", "no_overlapping_schemes_update",
    "one_subject_per_scheme_insert", "one_subject_per_scheme_update",
)  # fmt: skip


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _change_schemes_on_postgresql()
        op.execute(PG_GUARDS)
    else:
        _rebuild_schemes_on_sqlite()
        _guard_on_sqlite()
    _create_delegation()
    _create_appointment()
    _create_simulation()


def _change_schemes_on_postgresql() -> None:
    op.alter_column(TABLE, "version", nullable=True)
    op.alter_column(TABLE, "effective_from", nullable=True)
    op.add_column(TABLE, sa.Column("subject", sa.String(20)))
    op.add_column(TABLE, sa.Column("revision", sa.Integer()))
    for column in PEOPLE:
        op.add_column(TABLE, sa.Column(column, sa.Uuid()))
        op.create_foreign_key(op.f(f"fk_{TABLE}_{column}"), TABLE, "member", [column], ["id"])
    op.add_column(TABLE, sa.Column("created_at", INSTANT))
    op.add_column(TABLE, sa.Column("basis", sa.String(200)))
    op.add_column(TABLE, sa.Column("retired_at", INSTANT))
    op.add_column(TABLE, sa.Column("retirement_basis", sa.String(200)))
    # Up to now the command line alone published, and nothing was a draft or retired.
    op.execute(f"""
        UPDATE {TABLE} SET subject = coalesce(definition ->> 'subject', 'party_members'),
          revision = 1, created_at = coalesce(published_at, now()), basis = '',
          published_at = coalesce(published_at, now()), retirement_basis = ''
    """)
    for column in ("subject", "revision", "created_at", "basis", "retirement_basis"):
        op.alter_column(TABLE, column, nullable=False)
    for name, check in CHECKS.items():
        op.create_check_constraint(op.f(f"ck_{TABLE}_{name}"), TABLE, check)


NUMBER, START = "version INTEGER NOT NULL", "effective_from DATE NOT NULL"
COLUMNS = """subject VARCHAR(20) NOT NULL, 
	revision INTEGER NOT NULL, 
	created_by CHAR(32), 
	created_at VARCHAR(27) NOT NULL, 
	basis VARCHAR(200) NOT NULL, 
	retired_by CHAR(32), 
	retired_at VARCHAR(27), 
	retirement_basis VARCHAR(200) NOT NULL, 
	"""  # noqa: W291 - SQLite keeps the spaces of its CREATE TABLE statements.
ADDITIONS = "".join(f"CONSTRAINT ck_{TABLE}_{n} CHECK ({c}), \n\t" for n, c in CHECKS.items())
ADDITIONS += "".join(
    f"CONSTRAINT fk_{TABLE}_{name} FOREIGN KEY({name}) REFERENCES member (id), \n\t"
    for name in PEOPLE
)
FIRST = f"CONSTRAINT pk_{TABLE}"
SINCE = "coalesce(published_at, '1970-01-01T00:00:00.000000Z')"


def _rebuild_schemes_on_sqlite() -> None:
    rebuild_table(
        TABLE,
        [
            (NUMBER, "version INTEGER"),
            (START, "effective_from DATE"),
            (FIRST, COLUMNS + ADDITIONS + FIRST),
        ],
        filled={
            "subject": "coalesce(json_extract(definition, '$.subject'), 'party_members')",
            "revision": "1",
            "created_at": SINCE,
            "basis": "''",
            "retirement_basis": "''",
        },
    )


def _guard_on_sqlite() -> None:
    changed = " OR ".join(f"NEW.{column} IS NOT OLD.{column}" for column in FROZEN)
    frozen = "BEGIN SELECT RAISE(ABORT, 'constraint failed: no_change_of_published_scheme'); END"
    op.execute(
        f"CREATE TRIGGER no_change_of_published_scheme_update BEFORE UPDATE ON {TABLE}"
        f" WHEN OLD.status <> 'draft' AND (NEW.status = 'draft' OR {changed}) {frozen}"
    )
    op.execute(
        f"CREATE TRIGGER no_change_of_published_scheme_delete BEFORE DELETE ON {TABLE}"
        f" WHEN OLD.status <> 'draft' {frozen}"
    )
    for when, event in (("insert", "INSERT"), ("update", "UPDATE")):
        op.execute(SQLITE_OVERLAP.format(when=when, event=event))
        op.execute(SQLITE_SUBJECT.format(when=when, event=event))


def _create_delegation() -> None:
    op.create_table(
        "scheme_delegation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("basis", sa.String(length=200), nullable=False),
        sa.Column("granted_by", sa.Uuid(), nullable=False),
        sa.Column("granted_at", INSTANT, nullable=False),
        sa.Column("revoked_by", sa.Uuid(), nullable=True),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "valid_to IS NULL OR valid_to > valid_from", name=op.f("ck_scheme_delegation_dates")
        ),
        sa.CheckConstraint(
            "(revoked_at IS NULL) = (revoked_by IS NULL)",
            name=op.f("ck_scheme_delegation_revocation"),
        ),
        *_keys(
            "scheme_delegation", {"organization_id": "organization"}, "granted_by", "revoked_by"
        ),
    )
    live = sa.text("revoked_at IS NULL AND valid_to IS NULL")
    op.create_index(
        "uq_scheme_delegation_live",
        "scheme_delegation",
        ["organization_id"],
        unique=True,
        postgresql_where=live,
        sqlite_where=live,
    )


def _create_appointment() -> None:
    op.create_table(
        "cadre_appointment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("post", sa.String(length=60), nullable=False),
        sa.Column("basis", sa.String(length=200), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "valid_to IS NULL OR valid_to > valid_from", name=op.f("ck_cadre_appointment_dates")
        ),
        sa.CheckConstraint(
            "recorded_by <> member_id", name=op.f("ck_cadre_appointment_not_oneself")
        ),
        *_keys(
            "cadre_appointment", {"organization_id": "organization"}, "member_id", "recorded_by"
        ),
    )
    still = sa.text("valid_to IS NULL")
    op.create_index(
        "uq_cadre_appointment_open",
        "cadre_appointment",
        ["member_id"],
        unique=True,
        postgresql_where=still,
        sqlite_where=still,
    )
    op.create_index(
        "ix_cadre_appointment_member_id", "cadre_appointment", ["member_id", "valid_from"]
    )
    op.create_index(
        "ix_cadre_appointment_organization_id", "cadre_appointment", ["organization_id", "valid_to"]
    )


def _create_simulation() -> None:
    op.create_table(
        "scheme_simulation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("scheme_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("definition", JSON, nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("through_on", sa.Date(), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("requested_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("last_member_id", sa.Uuid(), nullable=True),
        sa.Column("examined", sa.Integer(), nullable=False),
        sa.CheckConstraint("examined >= 0", name=op.f("ck_scheme_simulation_examined")),
        *_keys("scheme_simulation", {"organization_id": "organization"}, "requested_by"),
        sa.ForeignKeyConstraint(
            ["scheme_id"],
            [f"{TABLE}.id"],
            name=op.f("fk_scheme_simulation_scheme_id"),
            ondelete="CASCADE",
        ),
    )
    op.create_index(op.f("ix_scheme_simulation_scheme_id"), "scheme_simulation", ["scheme_id"])
    op.create_table(
        "scheme_simulation_change",
        sa.Column("simulation_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("party_group_id", sa.Uuid(), nullable=True),
        sa.Column("total_before", sa.Integer(), nullable=True),
        sa.Column("total_after", sa.Integer(), nullable=True),
        sa.Column("band_before", sa.String(length=40), nullable=True),
        sa.Column("band_after", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(
            ["simulation_id"],
            ["scheme_simulation.id"],
            name=op.f("fk_scheme_simulation_change_simulation_id"),
            ondelete="CASCADE",
        ),
        *_keys(
            "scheme_simulation_change",
            {"organization_id": "organization", "party_group_id": "organization"},
            "member_id",
            primary=("simulation_id", "member_id"),
        ),
    )


def _keys(
    table: str, places: dict[str, str], *people: str, primary: tuple[str, ...] = ("id",)
) -> list[sa.schema.Constraint]:
    targets = places | dict.fromkeys(people, "member")
    keys: list[sa.schema.Constraint] = [
        sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"))
        for column, target in targets.items()
    ]
    return [*keys, sa.PrimaryKeyConstraint(*primary, name=op.f(f"pk_{table}"))]


def downgrade() -> None:
    for table in (
        "scheme_simulation_change",
        "scheme_simulation",
        "cadre_appointment",
        "scheme_delegation",
    ):
        op.drop_table(table)
    # A draft has neither number nor days, which the schema before demands; a retired version
    # keeps its last day.
    if op.get_bind().dialect.name == "postgresql":
        _downgrade_postgresql()
    else:
        _downgrade_sqlite()


def _downgrade_postgresql() -> None:
    for trigger in (
        "no_change_of_published_scheme",
        "no_truncate_of_schemes",
        "no_overlapping_schemes",
    ):
        op.execute(f"DROP TRIGGER {trigger} ON {TABLE}")
    for function in ("refuse_scheme_change", "refuse_overlapping_schemes"):
        op.execute(f"DROP FUNCTION {function}()")
    op.execute(f"DELETE FROM {TABLE} WHERE status = 'draft'")
    for name in CHECKS:
        op.drop_constraint(op.f(f"ck_{TABLE}_{name}"), TABLE)
    for column in (
        "subject", "revision", "created_by", "created_at", "basis", "retired_by", "retired_at",
        "retirement_basis",
    ):  # fmt: skip
        op.drop_column(TABLE, column)
    op.alter_column(TABLE, "version", nullable=False)
    op.alter_column(TABLE, "effective_from", nullable=False)


def _downgrade_sqlite() -> None:
    for trigger in SQLITE_TRIGGERS:
        op.execute(f"DROP TRIGGER {trigger}")
    op.execute(f"DELETE FROM {TABLE} WHERE status = 'draft'")
    rebuild_table(
        TABLE,
        [
            ("version INTEGER", NUMBER),
            ("effective_from DATE", START),
            (COLUMNS + ADDITIONS + FIRST, FIRST),
        ],
    )
