"""Which body answers an objection: the nearest one that has somebody free to do so."""

from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from members.access import REVIEWING_ROLES
from members.access_models import Role, RoleGrant
from points.models import Subject

DECIDING_ROLES = REVIEWING_ROLES | {Role.DISTRICT_ADMIN}
_OF_CADRES = frozenset({Role.COMMITTEE_OFFICER, Role.DISTRICT_ADMIN})


def deciding_roles(subject: str) -> frozenset[Role]:
    """Who answers about a subject: what a branch leader may not read he does not decide."""
    return _OF_CADRES if subject == Subject.CADRES else DECIDING_ROLES


def bodies_from(path: str) -> list[UUID]:
    """The organisations of a tree path, the nearest first."""
    return [UUID(part) for part in reversed(path.strip("/").split("/"))]


def find_deciding_body(
    session: Session,
    bodies: Sequence[UUID],
    *,
    barred: Collection[UUID],
    roles: Collection[Role],
    on: date,
) -> UUID:
    """The first of the bodies in which somebody may decide; the last one where nobody may.

    Args:
        bodies: nearest first, at least one.
        barred: who is concerned, has objected, has approved, or has decided before.
        roles: see `deciding_roles`.
    """
    staffed = set(
        session.scalars(
            sa.select(RoleGrant.organization_id).where(
                RoleGrant.organization_id.in_(bodies),
                RoleGrant.role.in_(roles),
                RoleGrant.member_id.not_in(barred),
                RoleGrant.revoked_at.is_(None),
                RoleGrant.valid_from <= on,
                RoleGrant.valid_to.is_(None) | (RoleGrant.valid_to > on),
            )
        )
    )
    return next((body for body in bodies if body in staffed), bodies[-1])
