"""What waits for who answers feedback."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from core.todo import Part, TodoKind, Words, part
from members.access import Actor
from members.access_models import RoleGrant, in_force
from members.feedback.models import Feedback, FeedbackStatus
from members.feedback.routing import HANDLING_ROLES, is_none_of

WORDS: Mapping[TodoKind, Words] = {
    TodoKind.FEEDBACK: Words(
        "有 1 条意见待答复，{day}前答复", "有 {count} 条意见待答复，最早的{day}前答复"
    ),
}


def office_parts(actor: Actor) -> Sequence[Part]:
    """What the bodies of the actor have to answer, but what another of them has taken."""
    offices = actor.places(HANDLING_ROLES)
    if not offices:
        return []
    head = part(
        TodoKind.FEEDBACK,
        counted=Feedback.id,
        place=Feedback.handling_organization_id,
        on_day=Feedback.due_on,
    )
    # Whoever took it may have left office since: then it is everybody's again.
    is_on_it = sa.exists().where(
        RoleGrant.member_id == Feedback.taken_by,
        RoleGrant.organization_id == Feedback.handling_organization_id,
        RoleGrant.role.in_(HANDLING_ROLES),
        in_force(actor.on),
    )
    is_for_him = (Feedback.taken_by == actor.member_id) | ~is_on_it
    return [
        head.where(
            Feedback.handling_organization_id.in_(offices),
            Feedback.status != FeedbackStatus.ANSWERED,
            is_none_of(actor),
            is_for_him,
        ).group_by(Feedback.handling_organization_id)
    ]
