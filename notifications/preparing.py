"""The last look before a message leaves: is it still needed, where to, in which words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from members import sms_codes
from members.models import Member
from members.phones import open_phone
from notifications import addresses, catalogue
from notifications.channels.sender import Outgoing
from notifications.code_messages import CODE_KIND
from notifications.message_kind import MessageKind
from notifications.models import Because, Channel, OutboxMessage
from notifications.stop_conditions import Carried, StopCondition
from notifications.wording import salute

# A provider may be away for a while; what it would deliver after that is no news.
SENDABLE = timedelta(days=5)
_Needed = tuple[OutboxMessage, MessageKind]


@dataclass(frozen=True, slots=True)
class Trial:
    """In trial mode only these addresses are written to, whoever they belong to."""

    is_on: bool = True
    addresses: frozenset[str] = frozenset()

    def admits(self, address: str) -> bool:
        """Whether an address may be written to."""
        return not self.is_on or address in self.addresses


class LinkMaker(Protocol):
    """The address that leaves with a message of a kind; empty where there is none to give."""

    def __call__(self, session: Session, carried: Carried, /) -> str: ...


@dataclass(frozen=True, slots=True)
class Terms:
    """What is asked and added at the last moment, by the codes that the kinds name."""

    trial: Trial = field(default_factory=Trial)
    stops: Mapping[str, StopCondition] = field(default_factory=dict)
    links: Mapping[str, LinkMaker] = field(default_factory=dict)


def prepare(
    session: Session, message_id: UUID, key: str, *, terms: Terms, now: datetime
) -> Outgoing | Because:
    """What to send, or why not; six statements, and one more for each stop condition."""
    row, name, phone_sealed = session.execute(
        sa.select(OutboxMessage, Member.name, Member.phone_sealed)
        .join(Member, Member.id == OutboxMessage.member_id)
        .where(OutboxMessage.id == message_id)
        .execution_options(populate_existing=True)
    ).one()
    if row.kind == CODE_KIND:
        phone = open_phone(session, row.member_id, phone_sealed) if phone_sealed else None
        digits = sms_codes.find_sendable(session, UUID(row.occasion), now=now)
        return _outgoing_code(message_id, key, phone, digits, terms.trial)
    if row.created_at < now - SENDABLE:
        return Because.PAST
    needed = _still_needed(session, message_id, terms.stops, now)
    if isinstance(needed, Because):
        return needed
    channel = Channel(row.channel)
    if channel is Channel.SMS:
        address = open_phone(session, row.member_id, phone_sealed) if phone_sealed else None
    else:
        address = addresses.find_address(session, row.member_id, channel)
    if address is None:
        return Because.NO_ADDRESS
    if not terms.trial.admits(address):
        return Because.TRIAL
    # A digest of three claims says once that there are some.
    matters = tuple(dict.fromkeys(kind.matter for _, kind in needed))
    link = _link(session, needed, terms.links)
    return Outgoing(message_id, key, address, salute(name), matters, row.kind, link)


def _link(session: Session, needed: Sequence[_Needed], links: Mapping[str, LinkMaker]) -> str:
    """The newest link that these messages ask for; made here, so that no table holds it."""
    asking = [(row, kind) for row, kind in needed if kind.link in links]
    if not asking:
        return ""
    row, kind = asking[-1]
    return links[kind.link](session, row)


def _outgoing_code(
    message_id: UUID, key: str, phone: str | None, digits: str | None, trial: Trial
) -> Outgoing | Because:
    if digits is None:
        return Because.PAST
    if phone is None:
        return Because.NO_ADDRESS
    if not trial.admits(phone):
        return Because.TRIAL
    return Outgoing(message_id, key, phone, "", (), CODE_KIND, code=digits)


def _still_needed(
    session: Session, message_id: UUID, stops: Mapping[str, StopCondition], now: datetime
) -> list[_Needed] | Because:
    rows = session.scalars(
        sa.select(OutboxMessage)
        .where(OutboxMessage.carried_by == message_id)
        .order_by(OutboxMessage.created_at, OutboxMessage.id)
    ).all()
    today = business_day(now)
    current = [row for row in rows if row.event_on is None or row.event_on >= today]
    if not current:
        return Because.PAST
    needed = _ask_stops(session, current, stops)
    known = [
        (row, kind)
        for row in current
        if row.id in needed
        and (kind := catalogue.find_kind(row.kind, row.template_version)) is not None
    ]
    return known or Because.STOPPED


def _ask_stops(
    session: Session, rows: Sequence[OutboxMessage], stops: Mapping[str, StopCondition]
) -> set[UUID]:
    by_stop: dict[str, list[OutboxMessage]] = {}
    for row in rows:
        kind = catalogue.find_kind(row.kind, row.template_version)
        by_stop.setdefault(kind.stop if kind else "", []).append(row)
    needed = {carried.id for carried in by_stop.pop("", [])}
    for code, carried_rows in by_stop.items():
        needed |= set(stops[code](session, carried_rows))
    return needed
