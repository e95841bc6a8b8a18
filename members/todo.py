"""What waits for a member, or for somebody in office, about people."""

from collections.abc import Mapping, Sequence

from core.todo import Part, TodoKind, Words, part
from members.access import ROSTER_ROLES, Actor
from members.contact import todo as contact_todo
from members.feedback import todo as feedback_todo
from members.transfer_models import Transfer, TransferStatus

WORDS: Mapping[TodoKind, Words] = {
    **contact_todo.WORDS,
    **feedback_todo.WORDS,
    TodoKind.TRANSFERS_IN: Words("有 1 名党员转来，等待接收", "有 {count} 名党员转来，等待接收"),
}


def own_parts() -> list[Part]:
    """What waits for a member himself; for the parameters member and now."""
    return contact_todo.own_parts()


def office_parts(actor: Actor) -> Sequence[Part]:
    """What waits for the actor where he holds an office; nothing without a role."""
    return [
        *contact_todo.office_parts(actor), *feedback_todo.office_parts(actor), *_arriving(actor)
    ]  # fmt: skip


def _arriving(actor: Actor) -> Sequence[Part]:
    keeping = actor.places(ROSTER_ROLES)
    if not keeping:
        return []
    place = Transfer.receiver_organization_id
    head = part(TodoKind.TRANSFERS_IN, counted=Transfer.id, place=place)
    return [
        head.where(
            Transfer.status == TransferStatus.SENT,
            Transfer.member_id != actor.member_id,
            place.in_(keeping),
        ).group_by(place)
    ]
