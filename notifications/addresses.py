"""Where a member is reached: his phone, and what he entered for other channels; opened at send."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import FieldProblem, NotFound, RuleViolation
from members import member_keys
from members.access import Actor
from members.models import Member
from members.resealing import SealedColumn
from notifications import push_registrations
from notifications.delivery_models import MemberChannelAddress
from notifications.models import Channel

_TOKEN = r"[A-Za-z0-9._-]{8,160}"  # noqa: S105 - what a token may look like
# What each channel takes. Robots are named by key, never by URL: nobody chooses our counterpart.
_SHAPES = {
    Channel.EMAIL: r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+",
    Channel.WECOM: _TOKEN,
    Channel.DINGTALK: rf"{_TOKEN} {_TOKEN}",
    Channel.FEISHU: rf"{_TOKEN} {_TOKEN}",
    Channel.WEBHOOK: _TOKEN,
}
SETTABLE = tuple(_SHAPES)


# For `members.resealing`, after a change of keys.
SEALED = SealedColumn(
    "member_channel_address",
    "address_sealed",
    "member_id",
    lambda row: address_context(row["member_id"], row["channel"]),
)


class AddressInvalid(RuleViolation):
    """The text is no address of the channel."""

    code = "notification.address_invalid"
    title = "这个渠道的地址格式不对"


@dataclass(frozen=True, slots=True)
class ShownAddress:
    """A channel that reaches the member, and enough of the address to recognise it."""

    channel: Channel
    address_masked: str


def set_address(
    session: Session, actor: Actor, channel: Channel, *, address: str, now: datetime
) -> None:
    """Enter or replace where a channel reaches the actor himself.

    Raises:
        AddressInvalid: it is no address of that channel.
    """
    if not re.fullmatch(_SHAPES[channel], address, re.ASCII):
        problem = FieldProblem("/address", AddressInvalid.code, AddressInvalid.title)
        raise AddressInvalid(problems=(problem,))
    # Two entries for one channel take turns.
    session.execute(
        sa.select(Member.id).where(Member.id == actor.member_id).with_for_update(key_share=True)
    )
    key = member_keys.ensure(session, [actor.member_id])[actor.member_id]
    context = address_context(actor.member_id, channel)
    session.merge(
        MemberChannelAddress(
            member_id=actor.member_id,
            channel=channel,
            address_sealed=key.seal(address.encode(), context=context),
            address_masked=mask(address),
            set_at=now,
        )
    )
    session.flush()


def remove_address(session: Session, actor: Actor, channel: Channel) -> None:
    """Forget where a channel reaches the actor.

    Raises:
        NotFound: there is none.
    """
    removed = session.execute(
        sa.delete(MemberChannelAddress)
        .where(
            MemberChannelAddress.member_id == actor.member_id,
            MemberChannelAddress.channel == channel,
        )
        .returning(MemberChannelAddress.channel)
    ).first()
    if removed is None:
        raise NotFound


def list_addresses(session: Session, actor: Actor) -> Sequence[ShownAddress]:
    """The actor's channels, masked; text messages go to the phone of the roster.

    An app stands here while it is registered for pushes.
    """
    rows = session.execute(
        sa.select(MemberChannelAddress.channel, MemberChannelAddress.address_masked)
        .where(MemberChannelAddress.member_id == actor.member_id)
        .order_by(MemberChannelAddress.channel)
    ).all()
    shown = [ShownAddress(Channel(row.channel), row.address_masked) for row in rows]
    apps = push_registrations.list_masked(session, actor.member_id)
    shown += [ShownAddress(Channel.PUSH, app) for app in apps]
    phone = session.scalar(sa.select(Member.phone_masked).where(Member.id == actor.member_id))
    return [*shown, ShownAddress(Channel.SMS, phone)] if phone else shown


def find_address(session: Session, member_id: UUID, channel: Channel) -> str | None:
    """The address in clear; only the sender of a message asks for it.

    That of pushes is the tokens of all the member's apps, with blanks between them.
    """
    if channel is Channel.PUSH:
        return " ".join(push_registrations.find_tokens(session, member_id)) or None
    sealed = session.scalar(
        sa.select(MemberChannelAddress.address_sealed).where(
            MemberChannelAddress.member_id == member_id, MemberChannelAddress.channel == channel
        )
    )
    if sealed is None:
        return None
    context = address_context(member_id, channel)
    return member_keys.open_value(session, member_id, sealed, context=context)


def mask(address: str) -> str:
    """Enough of an address to recognise one's own."""
    name, at, host = address.partition("@")
    return f"{name[:1]}***{at}{host}"[:40] if at else f"{address[:3]}***"


def address_context(member_id: UUID, channel: str) -> str:
    """The place that a sealed address is bound to."""
    return f"member_channel_address.address:{member_id}:{channel}"
