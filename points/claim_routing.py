"""Who decides a claim: the branch of that day, or the body above it (decision 7)."""

from collections.abc import Collection, Iterable
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from members.access import REVIEWING_ROLES
from members.access_models import Role, RoleGrant

# Whoever reviews for an organisation on a day, with the roles that he does it by.
Reviewers = Collection[tuple[UUID, Role]]


def load_reviewers(
    session: Session, organization_ids: Iterable[UUID], on: date
) -> dict[UUID, set[tuple[UUID, Role]]]:
    """Who reviews for each of these organisations on a day; one statement."""
    found: dict[UUID, set[tuple[UUID, Role]]] = {one: set() for one in organization_ids}
    rows = session.execute(
        sa.select(RoleGrant.organization_id, RoleGrant.member_id, RoleGrant.role).where(
            RoleGrant.organization_id.in_(found),
            RoleGrant.role.in_(REVIEWING_ROLES),
            RoleGrant.revoked_at.is_(None),
            RoleGrant.valid_from <= on,
            RoleGrant.valid_to.is_(None) | (RoleGrant.valid_to > on),
        )
    )
    for organization_id, member_id, role in rows:
        found[organization_id].add((member_id, Role(role)))
    return found


def choose_reviewer(
    member_id: UUID, organization_id: UUID, parent_id: UUID | None, reviewers: Reviewers
) -> UUID:
    """The organisation that decides a member's claim.

    A secretary's own claims go to the body above, and so does the claim of a member whose branch
    has nobody else who reviews today: it would wait for ever.
    """
    is_secretary = (member_id, Role.BRANCH_SECRETARY) in reviewers
    is_alone = {one for one, _ in reviewers} == {member_id}
    if (is_secretary or is_alone) and parent_id is not None:
        return parent_id
    return organization_id
