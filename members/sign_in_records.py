"""How long what signing in leaves behind is kept: one DELETE for each kind of row."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from members.session_models import (
    AttemptLimit,
    DeviceSession,
    RefreshToken,
    SignInTicket,
    SmsCode,
    WechatTicket,
)

_ENDS: tuple[InstrumentedAttribute[Any], ...] = (
    DeviceSession.expires_at,
    DeviceSession.revoked_at,
    SmsCode.expires_at,
    SignInTicket.expires_at,
    WechatTicket.expires_at,
    AttemptLimit.ends_at,
)


def purge(session: Session, *, ended_before: datetime) -> int:
    """Delete what ended before an instant; returns how many rows. A session's tokens go with it."""
    return sum(_delete(session, column, ended_before) for column in _ENDS)


def purge_replaced(session: Session, *, ended_before: datetime) -> int:
    """Delete the refresh tokens replaced before an instant, which are not recognised any more."""
    return _delete(session, RefreshToken.replaced_at, ended_before)


def _delete(session: Session, column: InstrumentedAttribute[Any], before: datetime) -> int:
    model = column.class_
    gone = session.execute(
        sa.delete(model)
        .where(column < before)
        .returning(sa.literal(1))
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())
