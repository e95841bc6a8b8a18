"""Showing anew that it is oneself who holds the device, before what cannot be taken back."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import Forbidden
from members.access import Actor
from members.access_models import Account
from members.attempt_limits import Limit, Try
from members.passwords import is_password
from members.refreshing import SessionRevoked
from members.session_models import DeviceSession

LASTS = timedelta(minutes=15)
# Of this device only: whoever guesses on a stolen one keeps nobody else waiting.
PER_SESSION = Limit("confirm_session", 10, timedelta(minutes=15))


class ConfirmationFailed(Forbidden):
    """The password or the code is wrong, or the code is another member's."""

    code = "auth.confirmation_failed"
    title = "密码或验证码不对，请核对后重试"


def is_recent(confirmed_at: datetime | None, *, now: datetime) -> bool:
    """Pure: whether a confirmation still counts."""
    return confirmed_at is not None and now < confirmed_at + LASTS


def tries_of(actor: Actor) -> Sequence[Try]:
    """What a try to confirm counts against."""
    return [Try(PER_SESSION, str(actor.session_id))]


def knows_password(session: Session, actor: Actor, password: str) -> bool:
    """Whether it is the actor's password; it takes as long for who has none."""
    stored = session.scalar(
        sa.select(Account.password_hash).where(Account.member_id == actor.member_id)
    )
    return is_password(session, password, stored)


def confirm(session: Session, actor: Actor, *, now: datetime) -> datetime:
    """Note that the actor has just shown who he is; returns until when it counts.

    Raises:
        SessionRevoked: the session was ended meanwhile, by a changed password for example.
    """
    confirmed = session.scalar(
        sa.update(DeviceSession)
        .where(
            DeviceSession.id == actor.session_id,
            DeviceSession.member_id == actor.member_id,
            DeviceSession.revoked_at.is_(None),
        )
        .values(confirmed_at=now)
        .returning(DeviceSession.id)
        .execution_options(synchronize_session=False)
    )
    if confirmed is None:
        raise SessionRevoked
    return now + LASTS
