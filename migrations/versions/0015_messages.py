"""Messages that leave the house: attempts, outcomes, breakers, addresses, preferences.

Never import product code here: a migration must keep meaning what it meant.
"""

import sqlalchemy as sa
from alembic import op

from migrations.append_only import guard
from migrations.sqlite_rebuild import rebuild_table

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")
APPEND_ONLY = ("outbox_attempt", "outbox_outcome")
CHANNELS = "'inbox', 'push', 'email', 'wecom', 'dingtalk', 'feishu', 'webhook', 'sms'"
STATES = "'pending', 'leased', 'sent', 'delivered', 'rejected', 'unknown', 'expired', 'cancelled'"
REASONS = (
    "'no_channel', 'no_address', 'switched_off', 'digest', 'quiet_hours', 'non_working_day',"
    " 'weekly_budget', 'past', 'stopped', 'trial', 'unanswered'"
)
# name -> (type, SQLite type, value of the rows that are there or None)
COLUMNS = {
    "template_version": (sa.Integer(), "INTEGER", "1"),
    "occasion": (sa.String(120), "VARCHAR(120)", "''"),
    "topic": (sa.String(80), "VARCHAR(80)", None),
    "event_on": (sa.Date(), "DATE", None),
    "outside_after": (INSTANT, "VARCHAR(27)", None),
    "carried_by": (sa.Uuid(), "CHAR(32)", None),
    "suppressed_because": (sa.String(20), "VARCHAR(20)", None),
    "is_urgent": (sa.Boolean(), "BOOLEAN", "false"),
    "attempts": (sa.Integer(), "INTEGER", "0"),
    "leased_by": (sa.Uuid(), "CHAR(32)", None),
    "lease_until": (INSTANT, "VARCHAR(27)", None),
    "provider": (sa.String(20), "VARCHAR(20)", None),
    "idempotency_key": (sa.String(100), "VARCHAR(100)", None),
    "idempotent_until": (INSTANT, "VARCHAR(27)", None),
    "provider_message_id": (sa.String(120), "VARCHAR(120)", None),
    "provider_code": (sa.String(60), "VARCHAR(60)", None),
    "resolved_by": (sa.Uuid(), "CHAR(32)", None),
    "resolved_at": (INSTANT, "VARCHAR(27)", None),
    "resolution_note": (sa.String(200), "VARCHAR(200)", None),
}
FILLED = {name: value for name, (_, _, value) in COLUMNS.items() if value is not None}
CHECKS = {
    "suppressed_because": f"suppressed_because IN ({REASONS})",
    "record": "channel = 'inbox' OR (outside_after IS NULL AND carried_by IS NULL)",
    "lease": "(leased_by IS NULL) = (lease_until IS NULL)",
    "leased": "(state = 'leased') = (leased_by IS NOT NULL)",
    "resolution": "(resolved_by IS NULL) = (resolved_at IS NULL)",
    "not_oneself": "resolved_by IS NULL OR resolved_by <> member_id",
}
REFERENCES = {"carried_by": "outbox_message", "resolved_by": "member"}
INBOX_ONLY = "channel IN ('inbox')"
ANY_CHANNEL = f"channel IN ({CHANNELS})"
# SQLite: what the table's SQL says before, and from now on.
LAST_COLUMN = "finished_at VARCHAR(27), "
ADDITIONS = (
    "".join(
        f"\n\t{name} {kind}{'' if value is None else ' NOT NULL'}, "
        for name, (_, kind, value) in COLUMNS.items()
    )
    + "".join(
        f"\n\tCONSTRAINT ck_outbox_message_{name} CHECK ({check}), "
        for name, check in CHECKS.items()
    )
    + "".join(
        f"\n\tCONSTRAINT fk_outbox_message_{name} FOREIGN KEY({name}) REFERENCES {table} (id), "
        for name, table in REFERENCES.items()
    )
)
# name -> (columns, condition)
INDEXES = {
    "ix_outbox_message_member_id": (["member_id", "channel", "created_at"], None),
    "ix_outbox_message_outside_after": (
        ["outside_after", "member_id"],
        "outside_after IS NOT NULL",
    ),
    "ix_outbox_message_carried_by": (["carried_by"], "carried_by IS NOT NULL"),
    "ix_outbox_message_topic": (["member_id", "topic"], "topic IS NOT NULL"),
    "ix_outbox_message_provider_message_id": (
        ["provider", "provider_message_id"],
        "provider_message_id IS NOT NULL",
    ),
}
TABLES = (*APPEND_ONLY, "provider_breaker", "member_channel_address", "notification_preference")


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _extend_postgresql()
    else:
        edits = [(INBOX_ONLY, ANY_CHANNEL), (LAST_COLUMN, LAST_COLUMN + ADDITIONS)]
        rebuild_table("outbox_message", edits, filled=FILLED)
    for name, (columns, condition) in INDEXES.items():
        where = sa.text(condition) if condition else None
        op.create_index(name, "outbox_message", columns, postgresql_where=where, sqlite_where=where)
    _create_delivery()
    _create_choices()
    guard(APPEND_ONLY)


def _extend_postgresql() -> None:
    for name, (kind, _, value) in COLUMNS.items():
        default = None if value is None else sa.text(value)
        column = sa.Column(name, kind, nullable=value is None, server_default=default)
        op.add_column("outbox_message", column)
        if value is not None:
            op.alter_column("outbox_message", name, server_default=None)
    for name, table in REFERENCES.items():
        key = op.f(f"fk_outbox_message_{name}")
        op.create_foreign_key(key, "outbox_message", table, [name], ["id"])
    op.drop_constraint(op.f("ck_outbox_message_channel"), "outbox_message")
    for name, check in ({"channel": ANY_CHANNEL} | CHECKS).items():
        op.create_check_constraint(op.f(f"ck_outbox_message_{name}"), "outbox_message", check)


def _create_delivery() -> None:
    op.create_table(
        "outbox_attempt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("outbox_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(20), nullable=False),
        sa.Column("idempotency_key", sa.String(100), nullable=False),
        sa.Column("begun_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["outbox_id"], ["outbox_message.id"], name=op.f("fk_outbox_attempt_outbox_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_attempt")),
        sa.UniqueConstraint("outbox_id", "number", name=op.f("uq_outbox_attempt_outbox_id_number")),
    )
    op.create_table(
        "outbox_outcome",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("outbox_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(8), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("code", sa.String(60), nullable=False),
        sa.Column("told_by", sa.Uuid(), nullable=True),
        sa.Column("heard_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "source IN ('answer', 'lease', 'report', 'person')",
            name=op.f("ck_outbox_outcome_source"),
        ),
        sa.CheckConstraint(f"state IN ({STATES})", name=op.f("ck_outbox_outcome_state")),
        sa.CheckConstraint(
            "(source = 'person') = (told_by IS NOT NULL)", name=op.f("ck_outbox_outcome_told_by")
        ),
        sa.ForeignKeyConstraint(
            ["outbox_id"], ["outbox_message.id"], name=op.f("fk_outbox_outcome_outbox_id")
        ),
        sa.ForeignKeyConstraint(["told_by"], ["member.id"], name=op.f("fk_outbox_outcome_told_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_outcome")),
    )
    op.create_index("ix_outbox_outcome_outbox_id", "outbox_outcome", ["outbox_id", "number"])
    op.create_table(
        "provider_breaker",
        sa.Column("provider", sa.String(20), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("open_until", INSTANT, nullable=True),
        sa.CheckConstraint("failures >= 0", name=op.f("ck_provider_breaker_failures")),
        sa.PrimaryKeyConstraint("provider", name=op.f("pk_provider_breaker")),
    )


def _create_choices() -> None:
    op.create_table(
        "member_channel_address",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("address_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("address_masked", sa.String(40), nullable=False),
        sa.Column("set_at", INSTANT, nullable=False),
        sa.CheckConstraint(ANY_CHANNEL, name=op.f("ck_member_channel_address_channel")),
        sa.CheckConstraint(
            "channel NOT IN ('inbox', 'sms')", name=op.f("ck_member_channel_address_kept_elsewhere")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_member_channel_address_member_id")
        ),
        sa.PrimaryKeyConstraint("member_id", "channel", name=op.f("pk_member_channel_address")),
    )
    op.create_table(
        "notification_preference",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("channel", sa.String(16), nullable=True),
        sa.CheckConstraint(ANY_CHANNEL, name=op.f("ck_notification_preference_channel")),
        sa.CheckConstraint("channel <> 'inbox'", name=op.f("ck_notification_preference_outside")),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_notification_preference_member_id")
        ),
        sa.PrimaryKeyConstraint("member_id", "kind", name=op.f("pk_notification_preference")),
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    for name in reversed(INDEXES):
        op.drop_index(name, table_name="outbox_message")
    # Without these columns nobody could tell any more what left the house and what did not.
    op.execute("UPDATE outbox_message SET carried_by = NULL")
    op.execute("DELETE FROM outbox_message WHERE channel <> 'inbox'")
    if op.get_bind().dialect.name == "postgresql":
        _reduce_postgresql()
    else:
        edits = [(ANY_CHANNEL, INBOX_ONLY), (LAST_COLUMN + ADDITIONS, LAST_COLUMN)]
        rebuild_table("outbox_message", edits)


def _reduce_postgresql() -> None:
    for name in ("channel", *CHECKS):
        op.drop_constraint(op.f(f"ck_outbox_message_{name}"), "outbox_message")
    op.create_check_constraint(op.f("ck_outbox_message_channel"), "outbox_message", INBOX_ONLY)
    for name in REFERENCES:
        op.drop_constraint(op.f(f"fk_outbox_message_{name}"), "outbox_message")
    for name in reversed(COLUMNS):
        op.drop_column("outbox_message", name)
