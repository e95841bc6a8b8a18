"""Reading role grants: who holds or will hold which role."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.paging import Page, cut, id_key
from members.access import Actor, within
from members.access_models import Role, RoleGrant
from members.models import Member, Organization
from members.role_rules import GRANTING_ROLES

LISTING_ROLES = GRANTING_ROLES | {Role.AUDITOR}


@dataclass(frozen=True, slots=True)
class GrantLine:
    """A grant in a list, with the present names of the person and the organisation."""

    grant: RoleGrant
    member_name: str
    organization_name: str


def list_grants(
    session: Session, actor: Actor, *, after: list[str | int] | None, limit: int
) -> Page[GrantLine]:
    """Grants in force or to come where the actor grants or audits, oldest first."""
    query = (
        sa.select(RoleGrant, Member.name, Organization.name)
        .join(Member, Member.id == RoleGrant.member_id)
        .join(Organization, Organization.id == RoleGrant.organization_id)
        .where(within(actor.paths(LISTING_ROLES)), *not_over(actor.on))
        .order_by(RoleGrant.id)
        .limit(limit + 1)
    )
    last_id = id_key(after)
    if last_id is not None:
        query = query.where(RoleGrant.id > last_id)
    lines = [GrantLine(*row) for row in session.execute(query)]
    return cut(lines, limit, lambda line: [str(line.grant.id)])


def find_live_grants(session: Session, member_id: UUID, *, on: date) -> list[tuple[Role, str]]:
    """Roles of a member in force or to come, each with the path of its organisation."""
    rows = session.execute(
        sa.select(RoleGrant.role, Organization.path)
        .join(Organization, Organization.id == RoleGrant.organization_id)
        .where(RoleGrant.member_id == member_id, *not_over(on))
    )
    return [(Role(role), path) for role, path in rows]


def not_over(day: date) -> tuple[sa.ColumnElement[bool], ...]:
    """Filters: grants in force on the day or later."""
    return (
        RoleGrant.revoked_at.is_(None),
        RoleGrant.valid_to.is_(None) | (RoleGrant.valid_to > day),
    )
