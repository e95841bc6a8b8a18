"""Who answers feedback: the nearest body that has somebody with no part in it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from members.access import Actor
from members.access_models import Role, RoleGrant, in_force
from members.feedback.models import Feedback

HANDLING_ROLES = frozenset(
    {Role.BRANCH_SECRETARY, Role.DEPUTY_SECRETARY, Role.COMMITTEE_OFFICER, Role.DISTRICT_ADMIN}
)
READING_FEEDBACK = HANDLING_ROLES | {Role.AUDITOR}


@dataclass(frozen=True, slots=True)
class Matter:
    """Whom it concerns: they do not answer it.

    Args:
        about_organization_id: who holds an office there does not answer for it from above.
        barred: the sender, whom it is about, and who has answered before.
    """

    about_organization_id: UUID
    barred: frozenset[UUID]

    def without(self, member_id: UUID | None) -> "Matter":
        """The same, with somebody more who does not answer."""
        more = frozenset() if member_id is None else frozenset({member_id})
        return Matter(self.about_organization_id, self.barred | more)


@dataclass(frozen=True, slots=True)
class Staff:
    """Who answers in which body on a day."""

    grants: Sequence[Any]

    def free(self, body: UUID, matter: Matter) -> set[UUID]:
        """Who may answer the matter in a body."""
        free = self._in(body) - matter.barred
        is_its_own = body == matter.about_organization_id
        return free if is_its_own else free - self._in(matter.about_organization_id)

    def nearest(self, bodies: Sequence[UUID], matter: Matter) -> UUID:
        """The first of the bodies with somebody free; the last one where there is nobody."""
        return next((body for body in bodies if self.free(body, matter)), bodies[-1])

    def _in(self, body: UUID) -> set[UUID]:
        return {member_id for organization_id, member_id in self.grants if organization_id == body}


def matter_of(feedback: Feedback) -> Matter:
    """Whom feedback concerns."""
    people = (feedback.member_id, feedback.about_member_id, feedback.first_answered_by)
    return Matter(
        feedback.about_organization_id, frozenset(one for one in people if one is not None)
    )


def load_staff(session: Session, bodies: Collection[UUID], *, on: date) -> Staff:
    """Who answers in these bodies that day; one statement."""
    grants = session.execute(
        sa.select(RoleGrant.organization_id, RoleGrant.member_id).where(
            RoleGrant.organization_id.in_(bodies),
            RoleGrant.role.in_(HANDLING_ROLES),
            in_force(on),
        )
    ).all()
    return Staff(grants)


def offices_of(actor: Actor) -> list[UUID]:
    """The bodies for which the actor answers."""
    return [one.organization_id for one in actor.held_roles if one.role in HANDLING_ROLES]


def is_none_of(actor: Actor) -> sa.ColumnElement[bool]:
    """Filter: the actor is not concerned; the same rule as `Staff.free`, for who reads."""
    return (
        (Feedback.member_id != actor.member_id)
        & (Feedback.about_member_id.is_(None) | (Feedback.about_member_id != actor.member_id))
        & (Feedback.first_answered_by.is_(None) | (Feedback.first_answered_by != actor.member_id))
        & (
            (Feedback.about_organization_id == Feedback.handling_organization_id)
            | Feedback.about_organization_id.not_in(offices_of(actor))
        )
    )
