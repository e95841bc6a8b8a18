"""Who decides a claim: the branch of that day, or the body above it (decision 7)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from members.access import REVIEWING_ROLES
from members.access_models import Role, RoleGrant, in_force
from points.review_models import Recusal


@dataclass(frozen=True, slots=True)
class Reviewers:
    """Who reviews for one organisation on a day.

    Args:
        roles: reviewer and role.
        recused: reviewer and the member from whose claims he has stepped back.
    """

    roles: set[tuple[UUID, Role]] = field(default_factory=set)
    recused: set[tuple[UUID, UUID]] = field(default_factory=set)


def load_reviewers(
    session: Session, organization_ids: Iterable[UUID], on: date
) -> dict[UUID, Reviewers]:
    """Who reviews for each of these organisations on a day; one statement."""
    found = {one: Reviewers() for one in organization_ids}
    rows = session.execute(
        sa.select(RoleGrant.organization_id, RoleGrant.member_id, RoleGrant.role, Recusal.member_id)
        .outerjoin(
            Recusal,
            (Recusal.reviewer_id == RoleGrant.member_id) & Recusal.member_id.is_not(None),
        )
        .where(
            RoleGrant.organization_id.in_(found),
            RoleGrant.role.in_(REVIEWING_ROLES),
            in_force(on),
        )
    )
    for organization_id, reviewer_id, role, recused_from in rows:
        found[organization_id].roles.add((reviewer_id, Role(role)))
        if recused_from is not None:
            found[organization_id].recused.add((reviewer_id, recused_from))
    return found


def choose_reviewer(
    member_id: UUID, organization_id: UUID, parent_id: UUID | None, reviewers: Reviewers
) -> UUID:
    """The organisation that decides a member's claim.

    A secretary's own claims go to the body above, and so does the claim of a member whose branch
    has nobody else who reviews today and has not stepped back: it would wait for ever.
    """
    is_secretary = (member_id, Role.BRANCH_SECRETARY) in reviewers.roles
    others = {one for one, _ in reviewers.roles} - {member_id}
    free = {one for one in others if (one, member_id) not in reviewers.recused}
    is_stuck = bool(reviewers.roles) and not free
    if (is_secretary or is_stuck) and parent_id is not None:
        return parent_id
    return organization_id
