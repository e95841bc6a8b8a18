"""“我在”: a link by which a member reports himself with one tap, without signing in.

It proves that somebody who was sent it has answered, and nothing else: it opens no session, tells
nobody whom it concerns, works once and for two weeks.
"""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from core.crypto import Vault
from core.db import vault_of
from core.errors import NotFound
from core.ids import new_id
from members.access import Actor, hold_roles
from members.contact import facts
from members.contact.attempts import get_attempt
from members.contact.case_access import CASE_ROLES, CaseClosed, get_case
from members.contact.case_models import OwnReportLink
from members.contact.facts import ContactFact
from members.contact.models import CaseState, ContactCase, ContactKind

LIFE = timedelta(days=14)
_SECRET_BYTES, _SIGNATURE_BYTES = 24, 16
_PURPOSE = "own_report_link"


class LinkInvalid(NotFound):
    """Unknown, expired and used links answer alike, so that trying tells nothing."""

    code = "own_report.link_invalid"
    title = "链接无效、已过期或已用过"


@dataclass(frozen=True, slots=True)
class IssuedLink:
    """A new link; its token is kept nowhere."""

    id: UUID
    member_id: UUID
    token: str
    expires_at: datetime


def issue(
    session: Session, actor: Actor, case_id: UUID, attempt_id: UUID, *, now: datetime
) -> IssuedLink:
    """Make the link that goes with an attempt, for the actor to send to the member.

    Raises:
        NotFound: the case is out of scope, or the attempt is none of its.
        CaseClosed: the case has ended.
    """
    hold_roles(session, actor, CASE_ROLES)
    case = get_case(session, actor, case_id)
    if case.state != CaseState.OPEN:
        raise CaseClosed
    if get_attempt(session, case_id, attempt_id) is None:
        raise NotFound
    link_id = new_id()
    token = token_of(vault_of(session), link_id)
    link = OwnReportLink(
        id=link_id,
        attempt_id=attempt_id,
        case_id=case_id,
        member_id=case.member_id,
        token_digest=_digest(token),
        issued_by=actor.member_id,
        issued_at=now,
        expires_at=now + LIFE,
    )
    session.add(link)
    session.flush()
    return IssuedLink(link_id, case.member_id, token, link.expires_at)


def token_of(vault: Vault, link_id: UUID) -> str:
    """The token of a link: what is sent later need not be kept until then.

    A keyed digest of its id: whoever reads the database without the keys of the deployment can
    make none.
    """
    secret = hmac.digest(vault.derive(f"{_PURPOSE}.token"), link_id.bytes, "sha256")
    secret = secret[:_SECRET_BYTES]
    return base64.urlsafe_b64encode(secret + _signature(vault, secret)).decode().rstrip("=")


def require_issued(session: Session, token: str) -> None:
    """Refuse a made-up token before it costs the database anything; tells nothing of a real one.

    Raises:
        LinkInvalid: this deployment never issued it.
    """
    if not _is_signed(vault_of(session), token):
        raise LinkInvalid


def confirm(session: Session, token: str, *, now: datetime) -> None:
    """Take the member's word: hard contact, which ends his open cases.

    Raises:
        LinkInvalid: the token is unknown, expired or used.
    """
    require_issued(session, token)
    link = session.execute(
        sa.update(OwnReportLink)
        .where(
            OwnReportLink.token_digest == _digest(token),
            OwnReportLink.answered_at.is_(None),
            OwnReportLink.expires_at > now,
        )
        .values(answered_at=now)
        .returning(OwnReportLink.id, OwnReportLink.member_id, OwnReportLink.case_id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if link is None:
        raise LinkInvalid
    organization_id = session.scalars(
        sa.select(ContactCase.organization_id).where(ContactCase.id == link.case_id)
    ).one()
    report = ContactFact(
        member_id=link.member_id,
        kind=ContactKind.OWN_REPORT,
        happened_on=business_day(now),
        organization_id=organization_id,
        source_id=link.id,
        recorded_by=link.member_id,
        note="本人点开“我在”链接",
    )
    facts.record(session, [report], now=now)


def _is_signed(vault: Vault, token: str) -> bool:
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return False
    secret, signature = raw[:_SECRET_BYTES], raw[_SECRET_BYTES:]
    return hmac.compare_digest(signature, _signature(vault, secret))


def _signature(vault: Vault, secret: bytes) -> bytes:
    return hmac.digest(vault.derive(_PURPOSE), secret, "sha256")[:_SIGNATURE_BYTES]


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
