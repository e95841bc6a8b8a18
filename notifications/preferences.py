"""How members want to be told outside the inbox; the inbox itself always has everything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import FieldProblem, RuleViolation
from core.rows import insert_rows
from members.access import Actor
from members.models import Member
from notifications.catalogue import KINDS
from notifications.delivery_models import NotificationPreference
from notifications.models import Channel

AUTOMATIC, OFF = "automatic", "off"
CHOICES = (AUTOMATIC, OFF, *(str(one) for one in Channel if one is not Channel.INBOX))


class PreferenceRefused(RuleViolation):
    """A duty cannot be switched off, and not every kind goes by every channel."""

    code = "notification.choice_refused"
    title = "这类消息不能这样设置"


@dataclass(frozen=True, slots=True)
class Preference:
    """One kind that may leave the inbox, and what the member chose for it."""

    kind: str
    title: str
    is_duty: bool
    choice: str


def list_preferences(session: Session, actor: Actor) -> Sequence[Preference]:
    """Every kind that may leave the inbox, in the order of the catalogue."""
    rows = session.execute(
        sa.select(NotificationPreference.kind, NotificationPreference.channel).where(
            NotificationPreference.member_id == actor.member_id
        )
    )
    chosen = {row.kind: row.channel or OFF for row in rows}
    return [
        Preference(kind.code, kind.title, kind.is_duty, chosen.get(kind.code, AUTOMATIC))
        for kind in KINDS.values()
        if kind.goes_outside
    ]


def set_preferences(
    session: Session, actor: Actor, *, choices: Mapping[str, str]
) -> Sequence[Preference]:
    """Replace the actor's own choices; a kind that is not named is left to the system.

    Args:
        choices: kind -> one of CHOICES.

    Raises:
        PreferenceRefused: an unknown kind, a duty switched off, or a channel it does not use.
    """
    problems = tuple(
        FieldProblem(f"/choices/{number}", PreferenceRefused.code, refusal)
        for number, (kind, choice) in enumerate(choices.items())
        if (refusal := _refuse(kind, choice))
    )
    if problems:
        raise PreferenceRefused(problems[0].message, problems=problems)
    # Two changes of one member's choices take turns.
    session.execute(
        sa.select(Member.id).where(Member.id == actor.member_id).with_for_update(key_share=True)
    )
    session.execute(
        sa.delete(NotificationPreference).where(NotificationPreference.member_id == actor.member_id)
    )
    rows = [
        {
            "member_id": actor.member_id,
            "kind": kind,
            "channel": None if choice == OFF else choice,
        }
        for kind, choice in choices.items()
        if choice != AUTOMATIC
    ]
    insert_rows(session, NotificationPreference, rows)
    return list_preferences(session, actor)


def _refuse(code: str, choice: str) -> str:
    kind = KINDS.get(code)
    if kind is None or not kind.goes_outside:
        return "没有这类消息，或它只在站内。"
    if choice == OFF and kind.is_duty:
        return f"“{kind.title}”是必须告知的事项，可以选择渠道，不能关闭。"
    if choice not in (AUTOMATIC, OFF) and choice not in kind.channels:
        return f"“{kind.title}”不经这个渠道发送。"
    return ""
