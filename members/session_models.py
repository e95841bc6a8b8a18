"""Tables of signing in: sessions of devices, their refresh tokens, codes, tickets and limits."""

import enum
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, UtcDateTime, one_of
from core.ids import new_id

CODE_TRIES_MAX = 5


class SignInMeans(enum.StrEnum):
    """What a member showed to open a session."""

    PASSWORD = "password"  # noqa: S105 - the name of a means, not a password
    SMS = "sms"
    WECHAT = "wechat"
    TICKET = "ticket"


# WeChat does not say how it knows its user, and a ticket is another's word.
CONFIRMING_MEANS = frozenset({SignInMeans.PASSWORD, SignInMeans.SMS})


class SessionEnd(enum.StrEnum):
    """Why a session was ended before its time."""

    SIGNED_OUT = "signed_out"
    # By the member, from another device or after his password.
    REVOKED = "revoked"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a reason
    ACCOUNT_REISSUED = "account_reissued"
    ACCOUNT_DISABLED = "account_disabled"
    # A refresh token came back that had been replaced: one of two holders is a thief.
    TOKEN_REUSED = "token_reused"  # noqa: S105 - a reason


class CodePurpose(enum.StrEnum):
    """What a code in a text message opens; one for the one opens nothing of the other."""

    SIGN_IN = "sign_in"
    BIND_WECHAT = "bind_wechat"


class DeviceSession(Base):
    """One device that one member signed in on; every token of it names it.

    `renewed_at` moves when the refresh token does, so reading writes nothing. Only the member
    himself is shown it.
    """

    __tablename__ = "device_session"
    __table_args__ = (
        one_of("means", SignInMeans),
        one_of("revoked_because", SessionEnd),
        sa.CheckConstraint("(revoked_at IS NULL) = (revoked_because IS NULL)", name="revocation"),
        sa.CheckConstraint("(means = 'ticket') = (assisted_by IS NOT NULL)", name="assisted"),
        sa.CheckConstraint("assisted_by IS NULL OR assisted_by <> member_id", name="not_oneself"),
        sa.CheckConstraint("confirmed_at IS NULL OR confirmed_at >= created_at", name="confirmed"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"), index=True)
    means: Mapped[str] = mapped_column(sa.String(8))
    device_name: Mapped[str] = mapped_column(sa.String(80))
    platform: Mapped[str] = mapped_column(sa.String(16))
    app_version: Mapped[str] = mapped_column(sa.String(32))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    renewed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    # When the member himself last showed a password or a code on this device.
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    assisted_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_because: Mapped[str | None] = mapped_column(sa.String(16))


class RefreshToken(Base):
    """The digest of a refresh token; those that were replaced stay, to be recognised if used."""

    __tablename__ = "refresh_token"

    digest: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    session_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("device_session.id", ondelete="CASCADE"), index=True
    )
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    replaced_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


_UNQUEUED = sa.text("queued_at IS NULL")


class SmsCode(Base):
    """A code that was asked for, also by a phone that nobody has; its digits stand nowhere."""

    __tablename__ = "sms_code"
    __table_args__ = (
        one_of("purpose", CodePurpose),
        sa.CheckConstraint(f"tries BETWEEN 0 AND {CODE_TRIES_MAX}", name="tries"),
        sa.CheckConstraint("used_at IS NULL OR member_id IS NOT NULL", name="used"),
        sa.Index("ix_sms_code_phone_index", "phone_index", "purpose", "created_at"),
        sa.Index(
            "ix_sms_code_queued_at",
            "created_at",
            postgresql_where=_UNQUEUED,
            sqlite_where=_UNQUEUED,
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    phone_index: Mapped[str] = mapped_column(sa.String(64))
    purpose: Mapped[str] = mapped_column(sa.String(12))
    member_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    tries: Mapped[int] = mapped_column(default=0)
    # When its message was written; whoever asks for a code never waits for that.
    queued_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SignInTicket(Base):
    """A branch leader's help for one member to sign in on his own phone, once."""

    __tablename__ = "sign_in_ticket"
    __table_args__ = (sa.CheckConstraint("issued_by <> member_id", name="not_oneself"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    digest: Mapped[str] = mapped_column(sa.String(64), unique=True)
    issued_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class WechatBinding(Base):
    """Whose WeChat it is; the openid is kept as a keyed digest only."""

    __tablename__ = "wechat_binding"

    openid_digest: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    member_id: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"), unique=True)
    bound_at: Mapped[datetime] = mapped_column(UtcDateTime)


class WechatTicket(Base):
    """That WeChat vouched for an openid a moment ago; binds it to a member once."""

    __tablename__ = "wechat_ticket"

    digest: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    openid_digest: Mapped[str] = mapped_column(sa.String(64))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class AttemptLimit(Base):
    """How often something was tried within a window that the first try begins.

    The subject is a keyed digest: neither a phone nor an address can be read here.
    """

    __tablename__ = "attempt_limit"
    __table_args__ = (
        sa.CheckConstraint("count BETWEEN 0 AND count_max", name="count"),
        sa.Index("ix_attempt_limit_ends_at", "ends_at"),
    )

    name: Mapped[str] = mapped_column(sa.String(24), primary_key=True)
    subject: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    count: Mapped[int] = mapped_column()
    count_max: Mapped[int] = mapped_column()
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
