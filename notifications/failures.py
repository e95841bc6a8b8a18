"""What did not reach a member for sure: shown to people, and settled by one of them."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import Conflict, Forbidden, NotFound
from core.ids import new_id
from core.paging import Page, cut, id_key
from core.rows import insert_rows
from members.access import (
    ROSTER_ROLES,
    Actor,
    get_organization,
    hold_roles,
    place_of_affiliation,
    primary_affiliation_on,
    within,
)
from members.models import Affiliation, Member, Organization
from notifications.delivery_models import MemberChannelAddress, OutboxOutcome, OutcomeSource
from notifications.models import Channel, OutboxMessage, OutboxState

# Whoever keeps the roster, and so the phone numbers, sees what went astray.
RESOLVING_ROLES = ROSTER_ROLES
_FAILED = (OutboxState.UNKNOWN, OutboxState.REJECTED)


class FailureSettled(Conflict):
    """It was settled by somebody else or by a report, or is being sent again right now."""

    code = "message.settled"
    title = "这条消息已有结果"


class Resolution(enum.StrEnum):
    """What a person found out."""

    REACHED = "reached"
    NOT_REACHED = "not_reached"


@dataclass(frozen=True, slots=True)
class MessageFailure:
    """A message that may not have arrived: neither its text nor the address in clear."""

    id: UUID
    member_id: UUID
    name: str
    kind: str
    channel: str
    state: str
    address_masked: str | None
    provider_code: str | None
    attempts: int
    created_at: datetime


def list_failures(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    *,
    after: Sequence[str | int] | None,
    limit: int,
) -> Page[MessageFailure]:
    """What is unknown or refused at the organisation and below, newest first.

    Raises:
        NotFound: the organisation is absent or out of scope.
    """
    organization = get_organization(session, actor, organization_id, roles=RESOLVING_ROLES)
    phone = (OutboxMessage.channel == Channel.SMS, Member.phone_masked)
    query = (
        sa.select(
            OutboxMessage.id,
            OutboxMessage.member_id,
            Member.name,
            OutboxMessage.kind,
            OutboxMessage.channel,
            OutboxMessage.state,
            sa.case(phone, else_=MemberChannelAddress.address_masked),
            OutboxMessage.provider_code,
            OutboxMessage.attempts,
            OutboxMessage.created_at,
        )
        .join(Member, Member.id == OutboxMessage.member_id)
        .join(Affiliation, primary_affiliation_on(actor.on))
        .join(Organization, place_of_affiliation())
        .outerjoin(
            MemberChannelAddress,
            (MemberChannelAddress.member_id == OutboxMessage.member_id)
            & (MemberChannelAddress.channel == OutboxMessage.channel),
        )
        .where(
            within([organization.path]),
            OutboxMessage.channel != Channel.INBOX,
            OutboxMessage.state.in_(_FAILED),
            OutboxMessage.resolved_at.is_(None),
        )
    )
    last_id = id_key(list(after) if after else None)
    if last_id is not None:
        query = query.where(OutboxMessage.id < last_id)
    rows = session.execute(query.order_by(OutboxMessage.id.desc()).limit(limit + 1)).all()
    failures = [MessageFailure(*row) for row in rows]
    return cut(failures, limit, lambda failure: [str(failure.id)])


def resolve(
    session: Session,
    actor: Actor,
    message_id: UUID,
    *,
    resolution: Resolution,
    note: str,
    now: datetime,
) -> None:
    """Settle what nobody knew, after having asked: it has arrived or has not.

    A refused message stays refused; that somebody has seen to it takes it off the list.

    Raises:
        NotFound: there is no such message in the actor's scope.
        Forbidden: it is addressed to the actor himself, or his role was revoked meanwhile.
        FailureSettled: somebody, or a report, was first.
    """
    hold_roles(session, actor, RESOLVING_ROLES)
    message = _get_in_scope(session, actor, message_id)
    if message.member_id == actor.member_id:
        raise Forbidden("发给自己的消息由他人核实。")
    is_reached = resolution is Resolution.REACHED
    known = OutboxState.DELIVERED if is_reached else OutboxState.REJECTED
    settled = session.execute(
        sa.update(OutboxMessage)
        .where(
            OutboxMessage.id == message_id,
            OutboxMessage.state.in_(_FAILED),
            OutboxMessage.resolved_at.is_(None),
        )
        .values(
            state=sa.case((OutboxMessage.state == OutboxState.UNKNOWN, known), else_="rejected"),
            resolved_by=actor.member_id,
            resolved_at=now,
            resolution_note=note,
            finished_at=now,
        )
        .returning(OutboxMessage.attempts, OutboxMessage.state)
        .execution_options(synchronize_session=False)
    ).first()
    if settled is None:
        raise FailureSettled
    row = {"id": new_id(), "outbox_id": message_id, "number": settled.attempts, "heard_at": now}
    row |= {"source": OutcomeSource.PERSON, "state": settled.state, "code": resolution}
    insert_rows(session, OutboxOutcome, [row | {"told_by": actor.member_id}])


def _get_in_scope(session: Session, actor: Actor, message_id: UUID) -> OutboxMessage:
    message = session.scalar(
        sa.select(OutboxMessage)
        .join(Member, Member.id == OutboxMessage.member_id)
        .join(Affiliation, primary_affiliation_on(actor.on))
        .join(Organization, place_of_affiliation())
        .where(
            OutboxMessage.id == message_id,
            OutboxMessage.channel != Channel.INBOX,
            within(actor.paths(RESOLVING_ROLES)),
        )
    )
    if message is None:
        raise NotFound
    return message
