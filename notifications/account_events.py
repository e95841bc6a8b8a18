"""Changes of an account or a role, told to the one whose they are in the same transaction."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core.clock import SHANGHAI
from members import accounts, role_grants
from members.access import Actor
from members.access_models import Role, RoleGrant
from members.models import Organization
from members.role_grants import Term
from members.role_rules import ROLE_NAMES
from notifications import outbox
from notifications.outbox import Message


def change_password(session: Session, actor: Actor, *, old: str, new: str, now: datetime) -> None:
    """Change the actor's password and tell him: whoever did not do it himself learns of it.

    Raises:
        OldPasswordWrong, PasswordWeak, AccountChanged: see `members.accounts`.
    """
    account = accounts.change_password(session, actor, old=old, new=new)
    at = now.astimezone(SHANGHAI).strftime("%m月%d日 %H:%M")
    occasion = str(account.session_epoch)
    told = Message(actor.member_id, "password_changed", occasion, {"at": at})
    outbox.enqueue(session, [told], now=now)


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
