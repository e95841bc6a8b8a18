"""Delegates of a branch: members who review its claims for a known time (decision 7)."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from core.errors import NotFound
from members import role_grants
from members.access import Actor, get_organization
from members.access_models import Role, RoleGrant
from members.role_grant_reading import not_over
from members.role_grants import Term
from members.role_rules import granters_of


def name_delegate(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    member_id: UUID,
    *,
    until: date,
    now: datetime,
) -> RoleGrant:
    """Let a member review the branch's claims from today up to the day before `until`.

    Naming him again with another end replaces the earlier grant.

    Raises:
        NotFound, RoleNotGrantable, RoleSeparation, DelegateTooLong: as in `role_grants.grant`.
    """
    current = _find_current(session, actor, organization_id, member_id, now)
    if current is not None and current.valid_to == until:
        return current
    if current is not None:
        role_grants.revoke(session, actor, current.id, now=now)
    term = Term(Role.DELEGATE, organization_id, business_day(now), until)
    return role_grants.grant(session, actor, member_id, term=term, now=now)


def end_delegation(
    session: Session, actor: Actor, organization_id: UUID, member_id: UUID, *, now: datetime
) -> None:
    """Take the delegation back at once.

    Raises:
        NotFound: the branch is out of scope, or he is not its delegate.
        RoleAlreadyEnded: somebody else took it first.
    """
    current = _find_current(session, actor, organization_id, member_id, now)
    if current is None:
        raise NotFound
    role_grants.revoke(session, actor, current.id, now=now)


def _find_current(
    session: Session, actor: Actor, organization_id: UUID, member_id: UUID, now: datetime
) -> RoleGrant | None:
    get_organization(session, actor, organization_id, roles=granters_of(Role.DELEGATE))
    return session.scalar(
        sa.select(RoleGrant)
        .where(
            RoleGrant.member_id == member_id,
            RoleGrant.organization_id == organization_id,
            RoleGrant.role == Role.DELEGATE,
            *not_over(business_day(now)),
        )
        .order_by(RoleGrant.valid_from)
        .limit(1)
    )
