"""Which activities somebody may read, organise, or handle a part of."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities.life_models import ActivityOrganization, Attendance
from activities.models import Activity
from core.errors import Conflict, NotFound
from members.access import READING_ROLES, ROSTER_ROLES, Actor, hold_roles
from members.access_models import Role
from members.models import Organization

# Who keeps the list of a meeting: the branch's leaders and those above, a group's leader for it.
ORGANISING_ROLES = ROSTER_ROLES | {Role.GROUP_LEADER}


class ActivityCancelled(Conflict):
    """The activity does not take place any more."""

    code = "activity.cancelled"
    title = "活动已经取消"


@dataclass(frozen=True, slots=True)
class Placed:
    """An activity with the tree paths of its organisation and of those that take part."""

    activity: Activity
    path: str
    joined: tuple[str, ...]

    def is_led(self, paths: Iterable[str]) -> bool:
        """Whether one of the roles' paths covers the organisation that holds the activity."""
        return any(self.path.startswith(held) for held in paths)

    def is_touched(self, paths: Iterable[str]) -> bool:
        """Whether one of the paths covers, or lies in, an organisation that takes part."""
        return any(
            path.startswith(held) or held.startswith(path)
            for path in (self.path, *self.joined)
            for held in paths
        )


def get_placed(session: Session, activity_id: UUID, *, is_held: bool = False) -> Placed:
    """An activity, whoever asks; held, its life cannot go on until the transaction ends.

    Raises:
        NotFound: there is none.
    """
    joined = sa.select(ActivityOrganization.organization_id).where(
        ActivityOrganization.activity_id == activity_id
    )
    query = (
        sa.select(Activity, Organization.id, Organization.path)
        .join(
            Organization,
            (Organization.id == Activity.organization_id) | Organization.id.in_(joined),
        )
        .where(Activity.id == activity_id)
        .execution_options(populate_existing=True)
    )
    if is_held:
        query = query.with_for_update(read=True, of=Activity)
    rows = session.execute(query).all()
    if not rows:
        raise NotFound
    activity = rows[0][0]
    paths = {organization_id: path for _, organization_id, path in rows}
    own = paths.pop(activity.organization_id)
    return Placed(activity, own, tuple(sorted(paths.values())))


def get_led(session: Session, actor: Actor, activity_id: UUID) -> Placed:
    """An activity of an organisation where the actor organises.

    Raises:
        NotFound: absent, or out of scope.
    """
    placed = get_placed(session, activity_id)
    if not placed.is_led(actor.paths(ORGANISING_ROLES)):
        raise NotFound
    return placed


def get_handled(session: Session, actor: Actor, activity_id: UUID) -> Placed:
    """An activity in which the actor organises for some of those who take part.

    Raises:
        NotFound: absent, or out of scope.
    """
    placed = get_placed(session, activity_id)
    if not placed.is_touched(actor.paths(ORGANISING_ROLES)):
        raise NotFound
    return placed


def get_readable(session: Session, actor: Actor, activity_id: UUID) -> Placed:
    """An activity of the actor's own organisation or list, or in his reading scope.

    Raises:
        NotFound: absent, or out of scope.
    """
    placed = get_placed(session, activity_id)
    own = [actor.organization_path] if actor.organization_path else []
    if placed.is_touched([*actor.paths(READING_ROLES), *own]):
        return placed
    listed = sa.select(Attendance.id).where(
        Attendance.activity_id == activity_id, Attendance.member_id == actor.member_id
    )
    if session.scalar(listed) is None:
        raise NotFound
    return placed


def hold_paths(session: Session, actor: Actor) -> tuple[str, ...]:
    """Lock the actor's organising grants; the tree paths below which they still hold.

    Raises:
        Forbidden: none of them is in force any more.
    """
    organizations = hold_roles(session, actor, ORGANISING_ROLES)
    return tuple(
        held.path
        for held in actor.held_roles
        if held.role in ORGANISING_ROLES and held.organization_id in organizations
    )


def require_not_cancelled(activity: Activity) -> None:
    """Raise ActivityCancelled if it does not take place."""
    if activity.cancelled_at is not None:
        raise ActivityCancelled
