"""To which circles of which organisations somebody listens today: whose objects he may hold."""

import enum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.changes import Audience
from members.access import READING_ROLES, Actor, primary_affiliation_on, within
from members.access_models import Role
from members.models import Affiliation, Member, Organization


class Circle(enum.IntEnum):
    """For whom of an organisation an object is; who decides also leads, who leads also belongs."""

    EVERYBODY = 0
    LEADERS = 1
    DECIDERS = 2


# A group's leader has his group's roster and plans; what others put forward is not his to read.
DECIDING_ROLES = READING_ROLES - {Role.GROUP_LEADER}


def find_audiences(session: Session, actor: Actor) -> list[Audience]:
    """The actor's own branch and group, and all organisations in his reading scope.

    One statement; one line for each circle that he is in, ordered.
    """
    group = (
        sa.select(Affiliation.party_group_id)
        .select_from(Member)
        .join(Affiliation, primary_affiliation_on(actor.on))
        .where(Member.id == actor.member_id)
    )
    scope = within(actor.paths(READING_ROLES))
    circle = sa.case(
        (within(actor.paths(DECIDING_ROLES)), int(Circle.DECIDERS)),
        (scope, int(Circle.LEADERS)),
        else_=int(Circle.EVERYBODY),
    )
    belongs = (Organization.id == actor.organization_id) | Organization.id.in_(group)
    rows = session.execute(
        sa.select(Organization.id, circle).where(belongs | scope).order_by(Organization.id)
    )
    return [Audience(row[0], inner) for row in rows for inner in range(row[1] + 1)]
