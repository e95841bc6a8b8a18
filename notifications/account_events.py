"""Changes of an account or a role, told to the one whose they are in the same transaction."""

from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import SHANGHAI
from members import accounts, refreshing, role_grants, sign_in_tickets
from members.access import Actor
from members.access_models import Role, RoleGrant
from members.device_sessions import Device, Tokens, open_session
from members.models import Member, Organization
from members.role_grants import Term
from members.role_rules import ROLE_NAMES
from notifications import outbox
from notifications.outbox import Message


def change_password(session: Session, actor: Actor, *, old: str, new: str, now: datetime) -> None:
    """Change the actor's password and tell him: whoever did not do it himself learns of it.

    Raises:
        OldPasswordWrong, PasswordWeak, AccountChanged: see `members.accounts`.
    """
    accounts.change_password(session, actor, old=old, new=new, now=now)
    told = Message(actor.member_id, "password_changed", now.isoformat(), {"at": _told_time(now)})
    outbox.enqueue(session, [told], now=now)


def redeem_ticket(
    session: Session, token: str, *, device: Device, life: timedelta, now: datetime
) -> Tokens:
    """Sign a member in by a ticket; he and who helped him are told.

    Raises:
        TicketInvalid, TicketNotForOffice, SignInRefused: see `members.sign_in_tickets`.
    """
    proven = sign_in_tickets.redeem(session, token, now=now)
    tokens = open_session(session, proven, device=device, life=life, now=now)
    helper_id = proven.assisted_by
    if helper_id is None:
        raise ValueError("a ticket has somebody who issued it")
    asked = sa.select(Member.id, Member.name).where(Member.id.in_((proven.member_id, helper_id)))
    names = {row.id: row.name for row in session.execute(asked)}
    occasion, at = str(tokens.session_id), _told_time(now)
    to_member = {"helper": names[helper_id], "at": at}
    to_helper = {"member": names[proven.member_id], "at": at}
    told = [
        Message(proven.member_id, "assisted_sign_in", occasion, to_member),
        Message(helper_id, "helped_sign_in", occasion, to_helper),
    ]
    outbox.enqueue(session, told, now=now)
    return tokens


def refresh(session: Session, token: str, *, life: timedelta, now: datetime) -> Tokens | None:
    """Renew a session; None when the token was reused, which ended it and which he is told.

    Raises:
        SessionRevoked: see `members.refreshing`.
    """
    renewed = refreshing.refresh(session, token, life=life, now=now)
    if isinstance(renewed, Tokens):
        return renewed
    params = {"at": _told_time(now)}
    told = Message(renewed.member_id, "session_ended", str(renewed.session_id), params)
    outbox.enqueue(session, [told], now=now)
    return None


def grant_role(
    session: Session, actor: Actor, member_id: UUID, *, term: Term, now: datetime
) -> RoleGrant:
    """Give a role to a member and tell him.

    Raises:
        DomainError: as `members.role_grants.grant` does.
    """
    grant = role_grants.grant(session, actor, member_id, term=term, now=now)
    organization = session.get_one(Organization, term.organization_id)
    params = {"role": ROLE_NAMES[Role(term.role)], "organization": organization.name}
    told = Message(member_id, "role_granted", str(grant.id), params)
    outbox.enqueue(session, [told], now=now)
    return grant


def _told_time(at: datetime) -> str:
    return at.astimezone(SHANGHAI).strftime("%m月%d日 %H:%M")
