"""Who publishes whose points: a branch its members', the officers above the cadres'."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy.orm import Session

from core.errors import NotFound
from members.access import Actor, hold_roles
from members.access_models import Role
from members.models import Organization
from points.models import Subject

PUBLISHING_ROLES = frozenset({Role.BRANCH_SECRETARY, Role.DEPUTY_SECRETARY, Role.DELEGATE})
CADRE_PUBLISHING_ROLES = frozenset({Role.COMMITTEE_OFFICER, Role.DISTRICT_ADMIN})


def get_place(session: Session, actor: Actor, organization_id: UUID, subject: str) -> Organization:
    """An organisation for which the actor publishes the points of a subject.

    Raises:
        NotFound: absent, or he does not.
    """
    place = session.get(Organization, organization_id)
    if place is None or not _publishes(actor, place, subject):
        raise NotFound
    return place


def hold_publishing(session: Session, actor: Actor, place: Organization, subject: str) -> None:
    """Lock the actor's grants, and ask again whether one of them publishes this there.

    Raises:
        NotFound: none does.
    """
    roles = PUBLISHING_ROLES | CADRE_PUBLISHING_ROLES
    if not _publishes(actor, place, subject, hold_roles(session, actor, roles)):
        raise NotFound


def _publishes(
    actor: Actor, place: Organization, subject: str, held: Collection[UUID] | None = None
) -> bool:
    """Whether a role of the actor's, of those held if given, publishes this subject there."""
    is_cadres = subject == Subject.CADRES
    roles = CADRE_PUBLISHING_ROLES if is_cadres else PUBLISHING_ROLES
    return any(
        one.role in roles
        and (held is None or one.organization_id in held)
        and (place.path.startswith(one.path) if is_cadres else one.organization_id == place.id)
        for one in actor.held_roles
    )
