"""Transfers under way: sent with a letter, answered by the receiver; the sender is responsible."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core.clock import business_day
from core.errors import NotFound
from members.access import (
    ROSTER_ROLES,
    Actor,
    get_managed_member,
    get_organization,
    hold_roles,
)
from members.affiliations import WrongPlace, require_not_future
from members.belonging import find_branch
from members.models import Organization, OrganizationKind
from members.transfer_access import (
    OwnTransfer,
    TransferOpen,
    decide,
    find_open,
    get_transfer,
)
from members.transfer_models import Transfer, TransferStatus
from members.transfer_rules import require_letter


@dataclass(frozen=True, slots=True)
class Letter:
    """Where to, why, and the letter: a branch here, or the name of an organisation outside."""

    receiver_organization_id: UUID | None
    receiver_name: str
    reason: str
    letter_number: str
    letter_on: date
    letter_valid_to: date


def send(
    session: Session, actor: Actor, member_id: UUID, *, letter: Letter, now: datetime
) -> Transfer:
    """Open a transfer; until it is accepted the member belongs where he did.

    Raises:
        NotFound, Forbidden: the member is out of the actor's scope or himself, or his role was
            revoked; or there is no such receiver.
        WrongPlace: the receiver is no branch, or the branch that he is in.
        FutureDate, LetterTooLong: the days of the letter are not possible.
        TransferOpen: another transfer of his is under way.
    """
    hold_roles(session, actor, ROSTER_ROLES)
    # Locks the member, so that two transfers of one person take turns.
    get_managed_member(session, actor, member_id, roles=ROSTER_ROLES)
    if member_id == actor.member_id:
        raise OwnTransfer
    require_not_future(letter.letter_on, now)
    require_letter(letter.letter_on, letter.letter_valid_to)
    sender_id = find_branch(session, member_id, on=actor.on)
    if sender_id is None:
        raise NotFound
    # He may have been taken in elsewhere while this waited for his lock.
    get_organization(session, actor, sender_id, roles=ROSTER_ROLES)
    _require_receiver(session, letter, sender_id)
    if find_open(session, member_id) is not None:
        raise TransferOpen
    transfer = Transfer(
        member_id=member_id,
        sender_organization_id=sender_id,
        receiver_organization_id=letter.receiver_organization_id,
        receiver_name=letter.receiver_name,
        reason=letter.reason,
        letter_number=letter.letter_number,
        letter_on=letter.letter_on,
        letter_valid_to=letter.letter_valid_to,
        status=TransferStatus.SENT,
        sent_on=business_day(now),
        sent_by=actor.member_id,
        sent_at=now,
    )
    session.add(transfer)
    session.flush()
    return transfer


def withdraw(
    session: Session, actor: Actor, transfer_id: UUID, *, reason: str, now: datetime
) -> Transfer:
    """Take back a transfer that nobody has answered; the member stays where he is.

    Raises:
        NotFound, Forbidden: the sender is out of the actor's scope, or it is his own.
        TransferDecided: somebody was first.
    """
    hold_roles(session, actor, ROSTER_ROLES)
    transfer = get_transfer(session, actor, transfer_id, Transfer.sender_organization_id)
    if transfer.member_id == actor.member_id:
        raise OwnTransfer
    return decide(
        session,
        actor,
        transfer_id,
        now=now,
        status=TransferStatus.WITHDRAWN,
        decision_reason=reason,
    )


def _require_receiver(session: Session, letter: Letter, sender_id: UUID) -> None:
    if letter.receiver_organization_id is None:
        return
    receiver = session.get(Organization, letter.receiver_organization_id)
    if receiver is None or receiver.dissolved_on is not None:
        raise NotFound
    if receiver.kind != OrganizationKind.BRANCH:
        raise WrongPlace("组织关系只能在党支部。")
    if receiver.id == sender_id:
        raise WrongPlace("这名党员已经在这个支部。")
