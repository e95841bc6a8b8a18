"""Who holds a role where on a day: for messages to whoever is responsible there."""

from collections.abc import Collection
from datetime import date

import sqlalchemy as sa

from members.access_models import Role, RoleGrant


def holders_on(day: date, roles: Collection[Role]) -> sa.Subquery:
    """Each (member_id, organization_id) once, whatever number of the roles he holds there."""
    return (
        sa.select(RoleGrant.member_id, RoleGrant.organization_id)
        .where(
            RoleGrant.role.in_(roles),
            RoleGrant.revoked_at.is_(None),
            RoleGrant.valid_from <= day,
            RoleGrant.valid_to.is_(None) | (RoleGrant.valid_to > day),
        )
        .distinct()
        .subquery("holder")
    )
