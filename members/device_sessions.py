"""Sessions of devices: opened by a proof of who it is, listed and ended by the member himself."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from core.errors import NotFound, Unauthenticated
from core.ids import new_id
from members.access import Actor
from members.access_models import Account
from members.models import Member
from members.session_models import (
    CONFIRMING_MEANS,
    DeviceSession,
    RefreshToken,
    SessionEnd,
    SignInMeans,
)

TOKEN_BYTES = 32


class SignInRefused(Unauthenticated):
    """The account was disabled, or its password changed, while it was being opened."""

    code = "auth.refused"
    title = "账号已停用或密码刚刚改过，请重新登录，或联系支部书记"


@dataclass(frozen=True, slots=True)
class Device:
    """What an app says about the phone that it runs on, for its owner to recognise it."""

    device_name: str = ""
    platform: str = ""
    app_version: str = ""


@dataclass(frozen=True, slots=True)
class Proven:
    """Who it was shown to be, and by what.

    Args:
        password_hash: what the password was checked against; by then it may be another.
        assisted_by: the branch leader who helped.
    """

    member_id: UUID
    means: SignInMeans
    password_hash: str | None = None
    assisted_by: UUID | None = None


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a device gets: whose session, and the token by which it is renewed, shown once."""

    session_id: UUID
    member_id: UUID
    refresh_token: str
    must_change_password: bool


@dataclass(frozen=True, slots=True)
class ShownSession:
    """A session in the member's own list."""

    id: UUID
    means: str
    device_name: str
    platform: str
    app_version: str
    created_at: datetime
    renewed_at: datetime
    assisted_by_name: str | None
    is_current: bool


def open_session(
    session: Session, proven: Proven, *, device: Device, life: timedelta, now: datetime
) -> Tokens:
    """A new session with its first refresh token.

    The account is held meanwhile: a changed password or a disabled account that commits first
    opens nothing, and one that comes later ends this session with the others.

    Raises:
        SignInRefused: the account does not open any more.
    """
    account = session.scalar(
        sa.select(Account)
        .where(Account.member_id == proven.member_id)
        .with_for_update(read=True)
        .execution_options(populate_existing=True)
    )
    is_password = proven.means is SignInMeans.PASSWORD
    if account is None or account.disabled_at is not None:
        raise SignInRefused
    if is_password and account.password_hash != proven.password_hash:
        raise SignInRefused
    opened = DeviceSession(
        id=new_id(),
        member_id=proven.member_id,
        means=proven.means,
        device_name=device.device_name,
        platform=device.platform,
        app_version=device.app_version,
        created_at=now,
        renewed_at=now,
        expires_at=now + life,
        confirmed_at=now if proven.means in CONFIRMING_MEANS else None,
        assisted_by=proven.assisted_by,
    )
    token = secrets.token_urlsafe(TOKEN_BYTES)
    first = RefreshToken(digest=digest_of(token), session_id=opened.id, issued_at=now)
    session.add_all((opened, first))
    session.flush()
    must_change = is_password and account.must_change_password
    return Tokens(opened.id, proven.member_id, token, must_change)


def digest_of(token: str) -> str:
    """What is kept of a random token: it has 256 bits, so a plain digest cannot be guessed."""
    return hashlib.sha256(token.encode()).hexdigest()


def list_own(session: Session, actor: Actor, *, now: datetime) -> Sequence[ShownSession]:
    """Where the actor is signed in, the newest first."""
    helper = aliased(Member)
    rows = session.execute(
        sa.select(
            DeviceSession.id,
            DeviceSession.means,
            DeviceSession.device_name,
            DeviceSession.platform,
            DeviceSession.app_version,
            DeviceSession.created_at,
            DeviceSession.renewed_at,
            helper.name,
            DeviceSession.id == actor.session_id,
        )
        .outerjoin(helper, helper.id == DeviceSession.assisted_by)
        .where(
            DeviceSession.member_id == actor.member_id,
            DeviceSession.revoked_at.is_(None),
            DeviceSession.expires_at > now,
        )
        .order_by(DeviceSession.id.desc())
    )
    return [ShownSession(*row) for row in rows]


def end_own(session: Session, actor: Actor, session_id: UUID, *, now: datetime) -> None:
    """Sign one of the actor's devices out, this one or another, at once.

    Raises:
        NotFound: he has no such session.
    """
    is_this = session_id == actor.session_id
    because = SessionEnd.SIGNED_OUT if is_this else SessionEnd.REVOKED
    if not _end(session, DeviceSession.id == session_id, actor.member_id, because, now):
        raise NotFound


def end_all(
    session: Session,
    member_id: UUID,
    *,
    because: SessionEnd,
    now: datetime,
    but: UUID | None = None,
) -> None:
    """Sign a member out everywhere, or everywhere but on one device."""
    which = DeviceSession.id != but if but else sa.true()
    _end(session, which, member_id, because, now)


def _end(
    session: Session,
    which: sa.ColumnElement[bool],
    member_id: UUID,
    because: SessionEnd,
    now: datetime,
) -> bool:
    ended = session.execute(
        sa.update(DeviceSession)
        .where(which, DeviceSession.member_id == member_id, DeviceSession.revoked_at.is_(None))
        .values(revoked_at=now, revoked_because=because)
        .returning(DeviceSession.id)
        .execution_options(synchronize_session=False)
    )
    return bool(ended.all())
