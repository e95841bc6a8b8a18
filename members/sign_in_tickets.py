"""A ticket that a branch leader shows to a member, whose phone scans it and is signed in.

For those who find codes and passwords hard. It works once, for five minutes, for members who
hold no office, and the session says for ever who helped.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from core.errors import Forbidden, Unauthenticated
from core.ids import new_id
from members import accounts
from members.access import Actor, get_managed_member, hold_roles
from members.access_models import Role
from members.device_sessions import TOKEN_BYTES, Proven, digest_of
from members.role_grant_reading import find_live_grants
from members.session_models import SignInMeans, SignInTicket

LIFE = timedelta(minutes=5)
HELPING_ROLES = frozenset({Role.BRANCH_SECRETARY, Role.DEPUTY_SECRETARY})


class TicketNotForOffice(Forbidden):
    """Whoever holds an office signs in by himself; nobody may act as him for five minutes."""

    code = "ticket.holds_office"
    title = "担任职务的人员不能用扫码协助登录"


class TicketNotForOneself(Forbidden):
    """A ticket is for somebody else's phone."""

    code = "ticket.oneself"
    title = "不能给自己开扫码登录"


class TicketInvalid(Unauthenticated):
    """Unknown, used and expired tickets answer alike."""

    code = "auth.ticket_invalid"
    title = "登录码无效、已过期或已用过，请支部书记重新出示"


@dataclass(frozen=True, slots=True)
class IssuedTicket:
    """A new ticket; its token is shown this once."""

    token: str
    expires_at: datetime


def issue(session: Session, actor: Actor, member_id: UUID, *, now: datetime) -> IssuedTicket:
    """A ticket for a member of the actor's branch.

    Raises:
        NotFound: the member is out of scope.
        TicketNotForOneself, TicketNotForOffice: he is the actor, or holds a role.
    """
    if member_id == actor.member_id:
        raise TicketNotForOneself
    hold_roles(session, actor, HELPING_ROLES)
    get_managed_member(session, actor, member_id, roles=HELPING_ROLES)
    if find_live_grants(session, member_id, on=business_day(now)):
        raise TicketNotForOffice
    token = secrets.token_urlsafe(TOKEN_BYTES)
    ticket = SignInTicket(
        id=new_id(),
        member_id=member_id,
        digest=digest_of(token),
        issued_by=actor.member_id,
        issued_at=now,
        expires_at=now + LIFE,
    )
    session.add(ticket)
    session.flush()
    return IssuedTicket(token, ticket.expires_at)


def redeem(session: Session, token: str, *, now: datetime) -> Proven:
    """Whom a ticket signs in; it is used up, and by two phones at once only by one.

    Raises:
        TicketInvalid: it is unknown, used or expired.
        TicketNotForOffice: he was given a role since.
    """
    ticket = session.execute(
        sa.update(SignInTicket)
        .where(
            SignInTicket.digest == digest_of(token),
            SignInTicket.used_at.is_(None),
            SignInTicket.expires_at > now,
        )
        .values(used_at=now)
        .returning(SignInTicket.member_id, SignInTicket.issued_by)
        .execution_options(synchronize_session=False)
    ).first()
    if ticket is None:
        raise TicketInvalid
    if find_live_grants(session, ticket.member_id, on=business_day(now)):
        raise TicketNotForOffice
    accounts.open_plain(session, ticket.member_id, now=now)
    return Proven(ticket.member_id, SignInMeans.TICKET, assisted_by=ticket.issued_by)
