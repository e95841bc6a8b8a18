"""Keys of members, erasures, access to full numbers, and a place for ID numbers.

Never import product code here: a migration must keep meaning what it meant.
"""

import sqlalchemy as sa
from alembic import op

from migrations.append_only import guard
from migrations.sqlite_rebuild import rebuild_table

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")
PURPOSES = "'publish_service_record', 'verify_service_sheet'"
MORE_PURPOSES = f"{PURPOSES}, 'host_contact'"
APPEND_ONLY = ("personal_data_access", "shred_log")


def upgrade() -> None:
    op.add_column("member", sa.Column("id_number_sealed", sa.LargeBinary(), nullable=True))
    _create_member_key()
    _create_personal_data_access()
    _create_erasure()
    _create_shred_log()
    guard(APPEND_ONLY)
    _set_purposes(PURPOSES, MORE_PURPOSES)


def _key(table: str, column: str, *, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}")
    return sa.ForeignKeyConstraint([column], ["member.id"], name=name, ondelete=ondelete)


def _create_member_key() -> None:
    op.create_table(
        "member_key",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("key_sealed", sa.LargeBinary(), nullable=False),
        _key("member_key", "member_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_member_key")),
    )


def _create_personal_data_access() -> None:
    op.create_table(
        "personal_data_access",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("purpose", sa.String(200), nullable=False),
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.String(40), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "kind IN ('phone', 'id_number')", name=op.f("ck_personal_data_access_kind")
        ),
        sa.CheckConstraint("purpose <> ''", name=op.f("ck_personal_data_access_purpose")),
        sa.CheckConstraint("ordinal >= 1", name=op.f("ck_personal_data_access_ordinal")),
        sa.CheckConstraint(
            "actor_id <> member_id", name=op.f("ck_personal_data_access_not_oneself")
        ),
        sa.UniqueConstraint(
            "actor_id",
            "on_day",
            "ordinal",
            name=op.f("uq_personal_data_access_actor_id_on_day_ordinal"),
        ),
        _key("personal_data_access", "member_id"),
        _key("personal_data_access", "actor_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_personal_data_access")),
    )
    op.create_index(
        "ix_personal_data_access_member_id", "personal_data_access", ["member_id", "id"]
    )


def _create_erasure() -> None:
    op.create_table(
        "erasure",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("basis", sa.String(200), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("requested_at", INSTANT, nullable=False),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("answered_at", INSTANT, nullable=True),
        sa.Column("is_confirmed", sa.Boolean(), nullable=True),
        sa.CheckConstraint("reason <> '' AND basis <> ''", name=op.f("ck_erasure_named")),
        sa.CheckConstraint(
            "(answered_by IS NULL) = (answered_at IS NULL)"
            " AND (answered_by IS NULL) = (is_confirmed IS NULL)",
            name=op.f("ck_erasure_answered"),
        ),
        sa.CheckConstraint("answered_by <> requested_by", name=op.f("ck_erasure_two_persons")),
        sa.CheckConstraint(
            "requested_by <> member_id AND (answered_by IS NULL OR answered_by <> member_id)",
            name=op.f("ck_erasure_not_oneself"),
        ),
        _key("erasure", "member_id"),
        _key("erasure", "requested_by"),
        _key("erasure", "answered_by"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure")),
    )
    is_open = sa.text("answered_by IS NULL")
    op.create_index(
        "uq_erasure_open",
        "erasure",
        ["member_id"],
        unique=True,
        postgresql_where=is_open,
        sqlite_where=is_open,
    )


def _create_shred_log() -> None:
    op.create_table(
        "shred_log",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("basis", sa.String(200), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=True),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.CheckConstraint("reason <> '' AND basis <> ''", name=op.f("ck_shred_log_named")),
        sa.CheckConstraint(
            "(requested_by IS NULL) = (confirmed_by IS NULL) AND requested_by <> confirmed_by",
            name=op.f("ck_shred_log_two_persons"),
        ),
        _key("shred_log", "member_id"),
        _key("shred_log", "requested_by"),
        _key("shred_log", "confirmed_by"),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_shred_log")),
    )


def _set_purposes(old: str, new: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        rebuild_table("consent", [(f"purpose IN ({old})", f"purpose IN ({new})")])
        return
    name = op.f("ck_consent_purpose")
    op.drop_constraint(name, "consent", type_="check")
    op.create_check_constraint(name, "consent", f"purpose IN ({new})")


def _forget_later_purposes() -> None:
    """Decisions about what the earlier release does not know; the table is append-only."""
    forget = f"DELETE FROM consent WHERE purpose NOT IN ({PURPOSES})"
    if op.get_bind().dialect.name != "sqlite":
        op.execute("ALTER TABLE consent DISABLE TRIGGER append_only")
        op.execute(forget)
        op.execute("ALTER TABLE consent ENABLE TRIGGER append_only")
        return
    kept = sa.text("SELECT sql FROM sqlite_master WHERE name = 'consent_no_delete'")
    trigger = op.get_bind().scalar(kept)
    op.execute("DROP TRIGGER consent_no_delete")
    op.execute(forget)
    op.execute(trigger)


def downgrade() -> None:
    _forget_later_purposes()
    _set_purposes(MORE_PURPOSES, PURPOSES)
    for table in ("shred_log", "erasure", "personal_data_access", "member_key"):
        op.drop_table(table)
    op.drop_column("member", "id_number_sealed")
