"""The feed of changes that phones follow, written by triggers on the tables that they hold.

Never import product code here: a migration must keep meaning what it meant.
"""

from dataclasses import dataclass

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")
BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
EVENTS = ("INSERT", "UPDATE", "DELETE")


@dataclass(frozen=True)
class Source:
    """What a change of a table's rows means to phones.

    Args:
        columns: those of a changed row that the selects read.
        selects: kind, object, member, organisation and circle, from `{rows} r`.
        moves: an update may change for whom the object is, so the old row counts too.
    """

    columns: str
    selects: tuple[str, ...]
    events: tuple[str, ...] = EVENTS
    moves: bool = False


# Circle 0 is everybody of the organisation, 1 whoever leads there, 2 whoever decides there.
# A plan that nobody has announced is the organisers' own business.
ANNOUNCED = "CASE WHEN {0}.published_at IS NULL AND {0}.started_at IS NULL THEN 1 ELSE 0 END"
HOME = "a.member_id = {} AND a.kind = 'primary' AND a.valid_to IS NULL"
PLACE = "coalesce(a.party_group_id, a.organization_id)"
SOURCES = {
    "claim": Source(
        "id, member_id, organization_id",
        ("SELECT 'claim', r.id, r.member_id, r.organization_id, 2 FROM {rows} r",),
    ),
    "volunteer_record": Source(
        "id, member_id, organization_id",
        ("SELECT 'service_record', r.id, r.member_id, r.organization_id, 2 FROM {rows} r",),
    ),
    "pledge": Source(
        "id, member_id, organization_id, status",
        (
            (
                "SELECT 'pledge', r.id, r.member_id, CASE WHEN r.status NOT IN ('draft', 'withdrawn')"
                " THEN r.organization_id END, 2 FROM {rows} r"
            ),
        ),
        moves=True,
    ),
    # Cadres' points move their pay; no phone carries those of others, and no list mixes them.
    "ledger_entry": Source(
        "id, reverses_id, member_id, organization_id, subject",
        (
            (
                "SELECT 'points_entry', r.id, r.member_id, r.organization_id, 2"
                " FROM {rows} r WHERE r.subject = 'party_members'"
            ),
            (
                "SELECT 'points_entry', r.reverses_id, r.member_id, r.organization_id, 2"
                " FROM {rows} r WHERE r.subject = 'party_members' AND r.reverses_id IS NOT NULL"
            ),
        ),
        events=("INSERT",),
    ),
    "bulletin": Source(
        "id, organization_id, subject",
        (
            (
                "SELECT 'bulletin', r.id, {none}, r.organization_id, 0"
                " FROM {rows} r WHERE r.subject = 'party_members'"
            ),
        ),
    ),
    "inbox_message": Source(
        "id, member_id", ("SELECT 'message', r.id, r.member_id, {none}, 0 FROM {rows} r",)
    ),
    "affiliation": Source(
        "member_id, organization_id, party_group_id, kind",
        (
            (
                f"SELECT 'member', a.member_id, {{none}}, {PLACE}, 1"
                " FROM {rows} a WHERE a.kind = 'primary'"
            ),
        ),
        moves=True,
    ),
    "member": Source(
        "id",
        (
            (
                f"SELECT 'member', r.id, {{none}}, {PLACE}, 1"
                f" FROM {{rows}} r JOIN affiliation a ON {HOME.format('r.id')}"
            ),
        ),
        events=("UPDATE",),
    ),
    "member_classification": Source(
        "member_id",
        (
            (
                f"SELECT 'member', r.member_id, {{none}}, {PLACE}, 1"
                f" FROM {{rows}} r JOIN affiliation a ON {HOME.format('r.member_id')}"
            ),
        ),
    ),
    "activity": Source(
        "id, organization_id, published_at, started_at",
        (
            (
                f"SELECT 'activity', r.id, {{none}}, r.organization_id, {ANNOUNCED.format('r')}"
                " FROM {rows} r"
            ),
            (
                f"SELECT 'activity', r.id, {{none}}, j.organization_id, {ANNOUNCED.format('r')}"
                " FROM {rows} r JOIN activity_organization j ON j.activity_id = r.id"
            ),
            # Guests, and those who have been transferred since.
            (
                "SELECT 'activity', r.id, t.member_id, {none}, 0"
                " FROM {rows} r JOIN attendance t ON t.activity_id = r.id"
            ),
        ),
    ),
    "activity_organization": Source(
        "activity_id, organization_id",
        (
            (
                f"SELECT 'activity', r.activity_id, {{none}}, r.organization_id, {ANNOUNCED.format('a')}"
                " FROM {rows} r JOIN activity a ON a.id = r.activity_id"
            ),
        ),
        events=("INSERT", "DELETE"),
    ),
    "attendance": Source(
        "activity_id, member_id",
        ("SELECT 'activity', r.activity_id, r.member_id, {none}, 0 FROM {rows} r",),
    ),
    "leave_request": Source(
        "activity_id, member_id",
        ("SELECT 'activity', r.activity_id, r.member_id, {none}, 0 FROM {rows} r",),
    ),
}


def upgrade() -> None:
    op.create_table(
        "change",
        sa.Column("seq", BIGINT, sa.Identity(always=True), nullable=False),
        sa.Column("xid", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("object_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("circle", sa.SmallInteger(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.CheckConstraint("circle BETWEEN 0 AND 2", name=op.f("ck_change_circle")),
        sa.CheckConstraint(
            "member_id IS NOT NULL OR organization_id IS NOT NULL", name=op.f("ck_change_audience")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_change")),
        sqlite_autoincrement=True,
    )
    _index("ix_change_member_id", "member_id", "xid", "seq")
    _index("ix_change_organization_id", "organization_id", "circle", "xid", "seq")
    watch = _watch_statements if op.get_bind().dialect.name == "postgresql" else _watch_rows
    for table, source in SOURCES.items():
        watch(table, source)


def _index(name: str, audience: str, *rest: str) -> None:
    told = sa.text(f"{audience} IS NOT NULL")
    op.create_index(name, "change", [audience, *rest], postgresql_where=told, sqlite_where=told)


def _watch_statements(table: str, source: Source) -> None:
    """One statement for a batch, whatever its size: PostgreSQL hands over the changed rows."""
    both = ("new_rows", "old_rows") if source.moves else ("new_rows",)
    rows = {"INSERT": ("new_rows",), "UPDATE": both, "DELETE": ("old_rows",)}
    given = {"INSERT": "NEW TABLE AS new_rows", "DELETE": "OLD TABLE AS old_rows"}
    given["UPDATE"] = f"{given['INSERT']} {given['DELETE']}"
    branches = " ELS".join(
        f"IF TG_OP = '{event}' THEN {_insert_for_postgresql(source, rows[event])}"
        for event in source.events
    )
    # It runs as its owner: whom a change is for does not depend on what its writer may see.
    op.execute(f"""
        CREATE FUNCTION note_{table}() RETURNS trigger LANGUAGE plpgsql
        SECURITY DEFINER SET search_path FROM CURRENT AS $$
        BEGIN {branches} END IF; RETURN NULL; END $$
    """)
    for event in source.events:
        op.execute(
            f"CREATE TRIGGER noted_{event.lower()} AFTER {event} ON {table}"
            f" REFERENCING {given[event]} FOR EACH STATEMENT EXECUTE FUNCTION note_{table}()"
        )


def _insert_for_postgresql(source: Source, rows: tuple[str, ...]) -> str:
    # Only rows of two kinds of table can be the same.
    together = " UNION ALL " if len(rows) == 1 else " UNION "
    selects = together.join(
        select.format(rows=name, none="NULL::uuid") for name in rows for select in source.selects
    )
    return (
        "INSERT INTO change (kind, object_id, member_id, organization_id, circle, xid, at)"
        " SELECT told.*, pg_current_xact_id()::text::bigint, now()"
        f" FROM ({selects}) AS told (kind, object_id, member_id, organization_id, circle);"
    )


def _watch_rows(table: str, source: Source) -> None:
    for event in source.events:
        both = ("NEW", "OLD") if source.moves else ("NEW",)
        sides = {"INSERT": ("NEW",), "UPDATE": both, "DELETE": ("OLD",)}[event]
        selects = " UNION ".join(
            select.format(rows=f"({_row_of(side, source.columns)})", none="NULL")
            for side in sides
            for select in source.selects
        )
        op.execute(
            f"CREATE TRIGGER {table}_noted_{event.lower()} AFTER {event} ON {table} BEGIN"
            " INSERT INTO change (kind, object_id, member_id, organization_id, circle, xid, at)"
            f" SELECT told.*, 0, strftime('%Y-%m-%dT%H:%M:%f000Z', 'now') FROM ({selects}) told;"
            " END"
        )


def _row_of(side: str, columns: str) -> str:
    return "SELECT " + ", ".join(f"{side}.{name} AS {name}" for name in columns.split(", "))


def downgrade() -> None:
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    for table, source in SOURCES.items():
        for event in source.events:
            name = f"noted_{event.lower()}"
            op.execute(
                f"DROP TRIGGER {name} ON {table}"
                if on_postgresql
                else f"DROP TRIGGER {table}_{name}"
            )
        if on_postgresql:
            op.execute(f"DROP FUNCTION note_{table}()")
    op.drop_table("change")
