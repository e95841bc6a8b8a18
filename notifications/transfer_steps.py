"""The steps of a transfer, each with its messages in the same transaction."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from members import transfer_answers, transfers
from members.access import Actor
from members.models import Member, Organization
from members.office_holders import Holders, find_holders
from members.transfer_answers import Acceptance
from members.transfer_models import Transfer
from members.transfers import Letter
from notifications import outbox
from notifications.outbox import Message


def send(
    session: Session, actor: Actor, member_id: UUID, *, letter: Letter, now: datetime
) -> Transfer:
    """Open a transfer and tell the receiving branch; raises as `transfers.send`."""
    transfer = transfers.send(session, actor, member_id, letter=letter, now=now)
    names = _names(session, transfer)
    params = {
        "name": names["name"],
        "sender": names["sender"],
        "letter": transfer.letter_number,
        "until": transfer.letter_valid_to.isoformat(),
    }
    people = _leaders(session, actor, transfer.receiver_organization_id)
    _tell(session, transfer, "transfer_sent", people, params, now)
    return transfer


def accept(
    session: Session, actor: Actor, transfer_id: UUID, *, acceptance: Acceptance, now: datetime
) -> Transfer:
    """Take the member in, tell him and the sender; raises as `transfer_answers.accept`."""
    transfer = transfer_answers.accept(session, actor, transfer_id, acceptance=acceptance, now=now)
    _tell_accepted(session, actor, transfer, now)
    return transfer


def record_outside_acceptance(
    session: Session,
    actor: Actor,
    transfer_id: UUID,
    *,
    on: date,
    document_number: str,
    now: datetime,
) -> Transfer:
    """Enter an acceptance from outside and tell; raises as the function of the same name."""
    transfer = transfer_answers.record_outside_acceptance(
        session, actor, transfer_id, on=on, document_number=document_number, now=now
    )
    _tell_accepted(session, actor, transfer, now)
    return transfer


def send_back(
    session: Session, actor: Actor, transfer_id: UUID, *, reason: str, now: datetime
) -> Transfer:
    """Return a transfer, tell the member and the sender; raises as `transfer_answers.send_back`."""
    transfer = transfer_answers.send_back(session, actor, transfer_id, reason=reason, now=now)
    names = _names(session, transfer)
    params = {"name": names["name"], "receiver": names["receiver"], "reason": reason}
    people = _leaders(session, actor, transfer.sender_organization_id) | {transfer.member_id}
    _tell(session, transfer, "transfer_returned", people, params, now)
    return transfer


def withdraw(
    session: Session, actor: Actor, transfer_id: UUID, *, reason: str, now: datetime
) -> Transfer:
    """Take a transfer back and tell the receiver; raises as `transfers.withdraw`."""
    transfer = transfers.withdraw(session, actor, transfer_id, reason=reason, now=now)
    names = _names(session, transfer)
    params = {"name": names["name"], "sender": names["sender"], "reason": reason}
    people = _leaders(session, actor, transfer.receiver_organization_id) | {transfer.member_id}
    _tell(session, transfer, "transfer_withdrawn", people, params, now)
    return transfer


def _tell_accepted(session: Session, actor: Actor, transfer: Transfer, now: datetime) -> None:
    names = _names(session, transfer)
    on = str(transfer.accepted_on)
    params = {"name": names["name"], "receiver": names["receiver"], "on": on}
    people = _leaders(session, actor, transfer.sender_organization_id) | {transfer.member_id}
    _tell(session, transfer, "transfer_accepted", people, params, now)


def _names(session: Session, transfer: Transfer) -> dict[str, str]:
    """The names of the member and both sides, in one statement."""
    receiver = sa.select(Organization.name).where(
        Organization.id == transfer.receiver_organization_id
    )
    row = session.execute(
        sa.select(
            Member.name.label("name"),
            Organization.name.label("sender"),
            sa.func.coalesce(receiver.scalar_subquery(), transfer.receiver_name).label("receiver"),
        )
        .join(Organization, Organization.id == transfer.sender_organization_id)
        .where(Member.id == transfer.member_id)
    ).one()
    return dict(row._mapping)


def _leaders(session: Session, actor: Actor, organization_id: UUID | None) -> set[UUID]:
    """The leaders of a branch; whoever acts knows what he did."""
    if organization_id is None:
        return set()
    found = find_holders(session, [organization_id], on=actor.on)
    return found.get(organization_id, Holders()).leaders - {actor.member_id}


def _tell(
    session: Session,
    transfer: Transfer,
    kind: str,
    people: Iterable[UUID],
    params: dict[str, Any],
    now: datetime,
) -> None:
    occasion = str(transfer.id)
    messages = [Message(person, kind, occasion, params) for person in sorted(people)]
    outbox.enqueue(session, messages, now=now)
