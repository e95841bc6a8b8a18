"""Which body answers an objection: the nearest one that has somebody free to do so."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from members.access import REVIEWING_ROLES
from members.access_models import Role, RoleGrant, in_force
from points.models import Subject
from points.review_models import Recusal

DECIDING_ROLES = REVIEWING_ROLES | {Role.DISTRICT_ADMIN}
_OF_CADRES = frozenset({Role.COMMITTEE_OFFICER, Role.DISTRICT_ADMIN})


@dataclass(frozen=True, slots=True)
class Matter:
    """What decides who may answer: whose points, and who has a part in it.

    Args:
        barred: who is concerned, has objected, has approved, or has decided before.
    """

    subject: str
    member_id: UUID
    claim_id: UUID | None
    barred: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class Staff:
    """Who decides in some bodies, and what they have stepped back from."""

    grants: Sequence[Any]
    recusals: frozenset[tuple[UUID, UUID]]

    def nearest(self, bodies: Sequence[UUID], matter: Matter) -> UUID:
        """The first of the bodies with somebody free; the last one where there is nobody."""
        return next((body for body in bodies if self.free(body, matter)), bodies[-1])

    def free(self, body: UUID, matter: Matter) -> set[UUID]:
        """Who may answer the matter in a body."""
        roles = deciding_roles(matter.subject)
        return {
            member_id
            for organization_id, member_id, role in self.grants
            if organization_id == body
            and role in roles
            and member_id not in matter.barred
            and not self.recusals & {(member_id, matter.member_id), (member_id, matter.claim_id)}
        }


def deciding_roles(subject: str) -> frozenset[Role]:
    """Who answers about a subject: what a branch leader may not read he does not decide."""
    return _OF_CADRES if subject == Subject.CADRES else DECIDING_ROLES


def bodies_from(path: str) -> list[UUID]:
    """The organisations of a tree path, the nearest first."""
    return [UUID(part) for part in reversed(path.strip("/").split("/"))]


def load_staff(session: Session, bodies: Collection[UUID], *, on: date) -> Staff:
    """Who decides in these bodies that day; two statements."""
    grants = session.execute(
        sa.select(RoleGrant.organization_id, RoleGrant.member_id, RoleGrant.role).where(
            RoleGrant.organization_id.in_(bodies),
            RoleGrant.role.in_(DECIDING_ROLES),
            in_force(on),
        )
    ).all()
    stepped_back = session.execute(
        sa.select(Recusal.reviewer_id, sa.func.coalesce(Recusal.member_id, Recusal.claim_id)).where(
            Recusal.reviewer_id.in_({grant.member_id for grant in grants})
        )
    )
    return Staff(grants, frozenset((row[0], row[1]) for row in stepped_back))


def barred_by(*people: UUID | None) -> frozenset[UUID]:
    """Whoever of these there is."""
    return frozenset(one for one in people if one is not None)


def has_stepped_back(session: Session, reviewer_id: UUID, matter_ids: Iterable[Any]) -> bool:
    """Whether somebody has recused himself from a member or a claim."""
    targets = [one for one in matter_ids if one is not None]
    query = sa.select(Recusal.id).where(
        Recusal.reviewer_id == reviewer_id,
        Recusal.member_id.in_(targets) | Recusal.claim_id.in_(targets),
    )
    return session.scalar(query.limit(1)) is not None
