"""Apps that take pushes: registered in a session, and reached while it lasts."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import FieldProblem, NotFound, RuleViolation
from members import member_keys
from members.access import Actor
from members.models import Member
from members.resealing import SealedColumn
from members.session_models import DeviceSession
from notifications.delivery_models import PushProvider, PushRegistration

_TOKEN = re.compile(r"[A-Za-z0-9._-]{8,160}", re.ASCII)
# For `members.resealing`, after a change of keys.
SEALED = SealedColumn(
    "push_registration",
    "token_sealed",
    "member_id",
    lambda row: token_context(row["member_id"], row["id"]),
)


class PushTokenInvalid(RuleViolation):
    """No provider issues such a token."""

    code = "push.token_invalid"
    title = "推送注册号的格式不对"


@dataclass(frozen=True, slots=True)
class App:
    """What an app says of itself; the token is its address at the provider."""

    provider: PushProvider
    token: str
    platform: str
    app_version: str


def register(
    session: Session, actor: Actor, registration_id: UUID, *, app: App, now: datetime
) -> None:
    """Enter or renew an app of the actor's, for the session that he calls in.

    Raises:
        PushTokenInvalid: the token is none.
    """
    if not _TOKEN.fullmatch(app.token):
        problem = FieldProblem("/token", PushTokenInvalid.code, PushTokenInvalid.title)
        raise PushTokenInvalid(problems=(problem,))
    # Two calls of one app take turns.
    session.execute(
        sa.select(Member.id).where(Member.id == actor.member_id).with_for_update(key_share=True)
    )
    key = member_keys.ensure(session, [actor.member_id])[actor.member_id]
    context = token_context(actor.member_id, registration_id)
    session.merge(
        PushRegistration(
            member_id=actor.member_id,
            id=registration_id,
            session_id=actor.session_id,
            platform=app.platform,
            provider=app.provider,
            token_sealed=key.seal(app.token.encode(), context=context),
            token_masked=f"{app.token[:3]}***",
            app_version=app.app_version,
            registered_at=now,
        )
    )
    session.flush()


def remove(session: Session, actor: Actor, registration_id: UUID) -> None:
    """Send no more pushes to an app.

    Raises:
        NotFound: the actor has registered none of that number.
    """
    removed = session.scalar(
        sa.delete(PushRegistration)
        .where(
            PushRegistration.member_id == actor.member_id, PushRegistration.id == registration_id
        )
        .returning(PushRegistration.id)
        .execution_options(synchronize_session=False)
    )
    if removed is None:
        raise NotFound


def find_tokens(session: Session, member_id: UUID) -> Sequence[str]:
    """Where the member's apps are reached now; only the sender of a message asks for it."""
    rows = session.execute(
        sa.select(PushRegistration.id, PushRegistration.token_sealed)
        .join(DeviceSession, DeviceSession.id == PushRegistration.session_id)
        .where(PushRegistration.member_id == member_id, DeviceSession.revoked_at.is_(None))
        .order_by(PushRegistration.id)
    ).all()
    key = member_keys.keys_of(session, [member_id]).get(member_id)
    if key is None:
        return []
    tokens = [
        key.open(row.token_sealed, context=token_context(member_id, row.id)).decode()
        for row in rows
    ]
    # An app that was removed and came back registers its token under a new number.
    return list(dict.fromkeys(tokens))


def list_masked(session: Session, member_id: UUID) -> Sequence[str]:
    """Enough of each token to recognise it."""
    return session.scalars(
        sa.select(PushRegistration.token_masked)
        .join(DeviceSession, DeviceSession.id == PushRegistration.session_id)
        .where(PushRegistration.member_id == member_id, DeviceSession.revoked_at.is_(None))
        .order_by(PushRegistration.id)
    ).all()


def token_context(member_id: UUID, registration_id: UUID) -> str:
    """What a sealed token is bound to."""
    return f"push_registration.token:{member_id}:{registration_id}"
