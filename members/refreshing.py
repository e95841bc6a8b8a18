"""Renewing a session: each refresh token works once, with a grace for an answer that was lost.

The successor of a token is its HMAC under a key of the server. So the same token gives the same
successor, however often it is asked within the grace, and nothing that could be used is stored.
"""

import base64
import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from core.crypto import Vault
from core.db import vault_of
from core.errors import Unauthenticated
from core.rows import insert_rows
from members.access_models import Account
from members.device_sessions import Tokens, digest_of
from members.session_models import DeviceSession, RefreshToken, SessionEnd, SignInMeans

GRACE = timedelta(seconds=60)
_SHAPE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


class SessionRevoked(Unauthenticated):
    """The session was ended, is over, or never was: the app asks for a sign-in."""

    code = "auth.session_revoked"
    title = "登录已失效，请重新登录"


@dataclass(frozen=True, slots=True)
class Reused:
    """A replaced token came back after its grace; the session it belonged to is ended now."""

    session_id: UUID
    member_id: UUID


def refresh(session: Session, token: str, *, life: timedelta, now: datetime) -> Tokens | Reused:
    """Replace a refresh token by its successor and prolong the session.

    Of two that come at once, the second finds the token replaced and gets the same successor.
    The caller commits before he tells of a reuse, or the session would live on.

    Raises:
        SessionRevoked: nobody was given this token, or its session has ended.
    """
    if not _SHAPE.fullmatch(token):
        raise SessionRevoked
    digest = digest_of(token)
    session_id = session.scalar(
        sa.update(RefreshToken)
        .where(RefreshToken.digest == digest, RefreshToken.replaced_at.is_(None))
        .values(replaced_at=now)
        .returning(RefreshToken.session_id)
        .execution_options(synchronize_session=False)
    )
    if session_id is None:
        return _refresh_again(session, token, digest, now)
    prolonged = session.execute(
        sa.update(DeviceSession)
        .where(*_is_live(session_id, now))
        .values(renewed_at=now, expires_at=now + life)
        .returning(*_KEPT)
        .execution_options(synchronize_session=False)
    ).first()
    tokens = _tokens(session, prolonged, token)
    row = {"digest": digest_of(tokens.refresh_token), "session_id": session_id, "issued_at": now}
    insert_rows(session, RefreshToken, [row])
    return tokens


def _refresh_again(session: Session, token: str, digest: str, now: datetime) -> Tokens | Reused:
    known = session.execute(
        sa.select(RefreshToken.session_id, RefreshToken.replaced_at).where(
            RefreshToken.digest == digest
        )
    ).first()
    if known is None:
        raise SessionRevoked
    if known.replaced_at is not None and known.replaced_at > now - GRACE:
        # The answer was lost, or two requests of one app crossed.
        live = session.execute(sa.select(*_KEPT).where(*_is_live(known.session_id, now))).first()
        return _tokens(session, live, token)
    member_id = session.scalar(
        sa.update(DeviceSession)
        .where(*_is_live(known.session_id, now))
        .values(revoked_at=now, revoked_because=SessionEnd.TOKEN_REUSED)
        .returning(DeviceSession.member_id)
        .execution_options(synchronize_session=False)
    )
    if member_id is None:
        raise SessionRevoked
    return Reused(known.session_id, member_id)


_KEPT = (DeviceSession.id, DeviceSession.member_id, DeviceSession.means)


def _is_live(session_id: UUID, now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    # An account that is disabled has no session left, so it need not be asked.
    return (
        DeviceSession.id == session_id,
        DeviceSession.revoked_at.is_(None),
        DeviceSession.expires_at > now,
    )


def _tokens(session: Session, kept: Row[UUID, UUID, str] | None, token: str) -> Tokens:
    if kept is None:
        raise SessionRevoked
    initial = sa.select(Account.must_change_password).where(Account.member_id == kept.member_id)
    must_change = kept.means == SignInMeans.PASSWORD and bool(session.scalar(initial))
    successor = _successor(vault_of(session), token)
    return Tokens(kept.id, kept.member_id, successor, must_change)


def _successor(vault: Vault, token: str) -> str:
    mac = hmac.digest(vault.derive("refresh_token"), token.encode(), "sha256")
    return base64.urlsafe_b64encode(mac).decode().rstrip("=")
