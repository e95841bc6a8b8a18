"""Sessions of devices: refresh tokens, codes, tickets, WeChat, limits, push registrations.

Never import product code here: a migration must keep meaning what it meant.
"""

import sqlalchemy as sa
from alembic import op

from migrations.sqlite_rebuild import rebuild_table

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")
_INITIAL = "password_hash IS NOT NULL OR NOT must_change_password"
_ELSEWHERE, _ELSEWHERE_BEFORE = (
    "channel NOT IN ('inbox', 'sms', 'push')",
    "channel NOT IN ('inbox', 'sms')",
)


def upgrade() -> None:
    _loosen_account()
    # An app registers again when it next starts; its token is of no use to anybody else.
    op.execute("DELETE FROM member_channel_address WHERE channel = 'push'")
    _keep_elsewhere(_ELSEWHERE_BEFORE, _ELSEWHERE)
    _create_sessions()
    _create_codes_and_tickets()
    _create_wechat()
    _create_push_registrations()
    op.create_table(
        "attempt_limit",
        sa.Column("name", sa.String(24), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("count_max", sa.Integer(), nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.CheckConstraint("count BETWEEN 0 AND count_max", name=op.f("ck_attempt_limit_count")),
        sa.PrimaryKeyConstraint("name", "subject", name=op.f("pk_attempt_limit")),
    )
    op.create_index("ix_attempt_limit_ends_at", "attempt_limit", ["ends_at"])


def _loosen_account() -> None:
    """Who signs in without a password has none; a session that ended needs no epoch."""
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("account", "phone_index", nullable=True)
        op.alter_column("account", "password_hash", nullable=True)
        op.drop_column("account", "session_epoch")
        op.create_check_constraint(op.f("ck_account_initial"), "account", _INITIAL)
    else:
        rebuild_table(
            "account",
            [
                ("phone_index VARCHAR(64) NOT NULL", "phone_index VARCHAR(64)"),
                ("password_hash VARCHAR(200) NOT NULL", "password_hash VARCHAR(200)"),
                ("session_epoch INTEGER NOT NULL, ", ""),
                (
                    "CONSTRAINT pk_account",
                    f"CONSTRAINT ck_account_initial CHECK ({_INITIAL}), CONSTRAINT pk_account",
                ),
            ],
        )


def _tighten_account() -> None:
    op.execute("DELETE FROM account WHERE phone_index IS NULL OR password_hash IS NULL")
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint(op.f("ck_account_initial"), "account")
        op.alter_column("account", "phone_index", nullable=False)
        op.alter_column("account", "password_hash", nullable=False)
        op.add_column(
            "account",
            sa.Column("session_epoch", sa.Integer(), nullable=False, server_default="1"),
        )
        op.alter_column("account", "session_epoch", server_default=None)
    else:
        rebuild_table(
            "account",
            [
                ("phone_index VARCHAR(64)", "phone_index VARCHAR(64) NOT NULL"),
                (
                    "password_hash VARCHAR(200)",
                    "password_hash VARCHAR(200) NOT NULL, session_epoch INTEGER NOT NULL",
                ),
                (f"CONSTRAINT ck_account_initial CHECK ({_INITIAL}), ", ""),
            ],
            filled={"session_epoch": "1"},
        )


def _keep_elsewhere(before: str, after: str) -> None:
    table, name = "member_channel_address", "ck_member_channel_address_kept_elsewhere"
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint(op.f(name), table)
        op.create_check_constraint(op.f(name), table, after)
    else:
        rebuild_table(table, [(before, after)])


def _create_sessions() -> None:
    op.create_table(
        "device_session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("means", sa.String(8), nullable=False),
        sa.Column("device_name", sa.String(80), nullable=False),
        sa.Column("platform", sa.String(16), nullable=False),
        sa.Column("app_version", sa.String(32), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("renewed_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("assisted_by", sa.Uuid(), nullable=True),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.Column("revoked_because", sa.String(16), nullable=True),
        sa.CheckConstraint(
            "means IN ('password', 'sms', 'wechat', 'ticket')",
            name=op.f("ck_device_session_means"),
        ),
        sa.CheckConstraint(
            "revoked_because IN ('signed_out', 'revoked', 'password_changed',"
            " 'account_reissued', 'account_disabled', 'token_reused')",
            name=op.f("ck_device_session_revoked_because"),
        ),
        sa.CheckConstraint(
            "(revoked_at IS NULL) = (revoked_because IS NULL)",
            name=op.f("ck_device_session_revocation"),
        ),
        sa.CheckConstraint(
            "(means = 'ticket') = (assisted_by IS NOT NULL)",
            name=op.f("ck_device_session_assisted"),
        ),
        sa.CheckConstraint(
            "assisted_by IS NULL OR assisted_by <> member_id",
            name=op.f("ck_device_session_not_oneself"),
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_device_session_member_id")
        ),
        sa.ForeignKeyConstraint(
            ["assisted_by"], ["member.id"], name=op.f("fk_device_session_assisted_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_session")),
    )
    op.create_index("ix_device_session_member_id", "device_session", ["member_id"])
    op.create_index("ix_device_session_expires_at", "device_session", ["expires_at"])
    op.create_table(
        "refresh_token",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("issued_at", INSTANT, nullable=False),
        sa.Column("replaced_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["device_session.id"],
            name=op.f("fk_refresh_token_session_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_refresh_token")),
    )
    op.create_index("ix_refresh_token_session_id", "refresh_token", ["session_id"])


def _create_codes_and_tickets() -> None:
    op.create_table(
        "sms_code",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("phone_index", sa.String(64), nullable=False),
        sa.Column("purpose", sa.String(12), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("queued_at", INSTANT, nullable=True),
        sa.Column("used_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "purpose IN ('sign_in', 'bind_wechat')", name=op.f("ck_sms_code_purpose")
        ),
        sa.CheckConstraint("tries BETWEEN 0 AND 5", name=op.f("ck_sms_code_tries")),
        sa.CheckConstraint(
            "used_at IS NULL OR member_id IS NOT NULL", name=op.f("ck_sms_code_used")
        ),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_sms_code_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sms_code")),
    )
    op.create_index("ix_sms_code_phone_index", "sms_code", ["phone_index", "purpose", "created_at"])
    unqueued = sa.text("queued_at IS NULL")
    op.create_index(
        "ix_sms_code_queued_at",
        "sms_code",
        ["created_at"],
        postgresql_where=unqueued,
        sqlite_where=unqueued,
    )
    op.create_table(
        "sign_in_ticket",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("issued_by", sa.Uuid(), nullable=False),
        sa.Column("issued_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT, nullable=True),
        sa.CheckConstraint("issued_by <> member_id", name=op.f("ck_sign_in_ticket_not_oneself")),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_sign_in_ticket_member_id")
        ),
        sa.ForeignKeyConstraint(
            ["issued_by"], ["member.id"], name=op.f("fk_sign_in_ticket_issued_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_ticket")),
        sa.UniqueConstraint("digest", name=op.f("uq_sign_in_ticket_digest")),
    )


def _create_wechat() -> None:
    op.create_table(
        "wechat_binding",
        sa.Column("openid_digest", sa.String(64), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("bound_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_wechat_binding_member_id")
        ),
        sa.PrimaryKeyConstraint("openid_digest", name=op.f("pk_wechat_binding")),
        sa.UniqueConstraint("member_id", name=op.f("uq_wechat_binding_member_id")),
    )
    op.create_table(
        "wechat_ticket",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("openid_digest", sa.String(64), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_wechat_ticket")),
    )


def _create_push_registrations() -> None:
    op.create_table(
        "push_registration",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("platform", sa.String(16), nullable=False),
        sa.Column("provider", sa.String(8), nullable=False),
        sa.Column("token_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("token_masked", sa.String(40), nullable=False),
        sa.Column("app_version", sa.String(32), nullable=False),
        sa.Column("registered_at", INSTANT, nullable=False),
        sa.CheckConstraint("provider IN ('jpush')", name=op.f("ck_push_registration_provider")),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_push_registration_member_id")
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["device_session.id"],
            name=op.f("fk_push_registration_session_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("member_id", "id", name=op.f("pk_push_registration")),
    )
    op.create_index("ix_push_registration_session_id", "push_registration", ["session_id"])


def downgrade() -> None:
    for table in (
        "attempt_limit",
        "push_registration",
        "wechat_ticket",
        "wechat_binding",
        "sign_in_ticket",
        "sms_code",
        "refresh_token",
        "device_session",
    ):
        op.drop_table(table)
    _keep_elsewhere(_ELSEWHERE, _ELSEWHERE_BEFORE)
    _tighten_account()
