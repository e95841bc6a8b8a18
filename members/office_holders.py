"""Who holds an office on a day: for messages to whoever is responsible there."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.rows import dialect_of, row_source, rows_parameter
from members.access_models import Role, RoleGrant, in_force
from members.models import Organization

LEADING_ROLES = (Role.BRANCH_SECRETARY, Role.DEPUTY_SECRETARY)


@dataclass(slots=True)
class Holders:
    """Members with a role in force: the branch's leaders, and the officers of the body above."""

    leaders: set[UUID] = field(default_factory=set)
    officers: set[UUID] = field(default_factory=set)


def find_holders(
    session: Session, branch_ids: Collection[UUID], *, on: date
) -> dict[UUID, Holders]:
    """Branch -> its leaders and the officers directly above it; one statement for any number."""
    found = {branch_id: Holders() for branch_id in branch_ids}
    given = row_source(dialect_of(session), {"id": sa.Uuid()})
    is_leader = (RoleGrant.organization_id == Organization.id) & RoleGrant.role.in_(LEADING_ROLES)
    is_officer = (RoleGrant.organization_id == Organization.parent_id) & (
        RoleGrant.role == Role.COMMITTEE_OFFICER
    )
    rows = session.execute(
        sa.select(Organization.id, RoleGrant.member_id, RoleGrant.role)
        .join(given, given.c.id == Organization.id)
        .join(RoleGrant, is_leader | is_officer)
        .where(
            in_force(on),
        ),
        rows_parameter(session, [{"id": branch_id} for branch_id in found]),
    )
    for branch_id, member_id, role in rows:
        holders = found[branch_id]
        (holders.leaders if role in LEADING_ROLES else holders.officers).add(member_id)
    return found


def holders_on(day: date, roles: Collection[Role]) -> sa.Subquery:
    """Each (member_id, organization_id) once, whatever number of the roles he holds there."""
    return (
        sa.select(RoleGrant.member_id, RoleGrant.organization_id)
        .where(
            RoleGrant.role.in_(roles),
            in_force(day),
        )
        .distinct()
        .subquery("holder")
    )
