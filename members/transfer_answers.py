"""Answering a transfer: the receiver accepts or returns it; a document speaks for outsiders."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import NotFound, RuleViolation
from members import migrant_closings, migrant_contacts
from members.access import ROSTER_ROLES, Actor, hold_roles
from members.affiliations import AffiliationOverlap, WrongPlace, require_not_future
from members.belonging import hold_member
from members.contact import facts
from members.contact.facts import ContactFact
from members.contact.models import ContactKind
from members.models import Affiliation, AffiliationKind, Organization
from members.transfer_access import OwnTransfer, decide, get_transfer
from members.transfer_models import Transfer, TransferStatus


class BeforeSending(RuleViolation):
    """Nothing can be accepted before it was sent."""

    code = "transfer.before_sending"
    title = "接收日期不能早于转出日期"


@dataclass(frozen=True, slots=True)
class Acceptance:
    """From which day on the receiver is responsible, and in which group the member is."""

    on: date
    party_group_id: UUID | None = None


def accept(
    session: Session, actor: Actor, transfer_id: UUID, *, acceptance: Acceptance, now: datetime
) -> Transfer:
    """Take the member in: his primary affiliation changes on the day, in this transaction.

    Points and claims stay as they are (I13). A registration as a migrant ends with it.
    Lock order: role grants, member, transfer.

    Raises:
        NotFound, Forbidden: it is not addressed to the actor's scope; or it is his own, or he
            sent it.
        WrongPlace, FutureDate, BeforeSending: the group or the day is not possible.
        TransferDecided: somebody was first.
        AffiliationOverlap: the member does not belong to the sender any more.
    """
    hold_roles(session, actor, ROSTER_ROLES)
    transfer = get_transfer(session, actor, transfer_id, Transfer.receiver_organization_id)
    _require_other_person(actor, transfer)
    _require_day(transfer, acceptance.on, now)
    _require_group(session, transfer.receiver_organization_id, acceptance.party_group_id)
    hold_member(session, transfer.member_id)
    decided = decide(
        session,
        actor,
        transfer_id,
        now=now,
        status=TransferStatus.ACCEPTED,
        accepted_on=acceptance.on,
    )
    _leave(session, decided)
    session.add(
        Affiliation(
            member_id=decided.member_id,
            organization_id=decided.receiver_organization_id,
            party_group_id=acceptance.party_group_id,
            kind=AffiliationKind.PRIMARY,
            valid_from=acceptance.on,
            recorded_by=actor.member_id,
            reason=decided.reason,
        )
    )
    session.flush()
    _settle(session, actor, decided, on=acceptance.on, now=now)
    return decided


def send_back(
    session: Session, actor: Actor, transfer_id: UUID, *, reason: str, now: datetime
) -> Transfer:
    """Return a transfer to its sender, with the cause: there is no refusal without one.

    Raises:
        NotFound, Forbidden: as in `accept`.
        TransferDecided: somebody was first.
    """
    hold_roles(session, actor, ROSTER_ROLES)
    transfer = get_transfer(session, actor, transfer_id, Transfer.receiver_organization_id)
    _require_other_person(actor, transfer)
    return decide(
        session,
        actor,
        transfer_id,
        now=now,
        status=TransferStatus.RETURNED,
        decision_reason=reason,
    )


def record_outside_acceptance(
    session: Session,
    actor: Actor,
    transfer_id: UUID,
    *,
    on: date,
    document_number: str,
    now: datetime,
) -> Transfer:
    """Enter that an organisation outside has taken the member in, as its document says.

    He belongs nowhere here from that day on; what he has in the ledger stays.

    Raises:
        NotFound, Forbidden: the sender is out of the actor's scope, the receiver is a branch
            that answers for itself, or it is his own transfer.
        FutureDate, BeforeSending: the day is not possible.
        TransferDecided, AffiliationOverlap: as in `accept`.
    """
    hold_roles(session, actor, ROSTER_ROLES)
    transfer = get_transfer(session, actor, transfer_id, Transfer.sender_organization_id)
    if transfer.receiver_organization_id is not None:
        raise NotFound
    if transfer.member_id == actor.member_id:
        raise OwnTransfer
    _require_day(transfer, on, now)
    hold_member(session, transfer.member_id)
    decided = decide(
        session,
        actor,
        transfer_id,
        now=now,
        status=TransferStatus.ACCEPTED,
        accepted_on=on,
        document_number=document_number,
    )
    _leave(session, decided)
    _settle(session, actor, decided, on=on, now=now)
    return decided


def _leave(session: Session, transfer: Transfer) -> None:
    """Close the primary affiliation with the sender, so that the next one can be opened."""
    left = session.scalar(
        sa.update(Affiliation)
        .where(
            Affiliation.member_id == transfer.member_id,
            Affiliation.organization_id == transfer.sender_organization_id,
            Affiliation.kind == AffiliationKind.PRIMARY,
            Affiliation.valid_to.is_(None),
            Affiliation.valid_from <= transfer.accepted_on,
        )
        .values(valid_to=transfer.accepted_on)
        .returning(Affiliation.id)
    )
    if left is None:
        raise AffiliationOverlap("这名党员已不在转出支部，或到支部的日期更晚，请核对。")


def _settle(session: Session, actor: Actor, transfer: Transfer, *, on: date, now: datetime) -> None:
    """What follows from an acceptance: contact, and nothing left to do for the old branch."""
    migrant_closings.close_transferred(session, actor, transfer.member_id, on=on)
    migrant_contacts.end_tasks(session, transfer.member_id, on=on)
    fact = ContactFact(
        member_id=transfer.member_id,
        kind=ContactKind.TRANSFER_ACCEPTED,
        happened_on=on,
        organization_id=transfer.receiver_organization_id or transfer.sender_organization_id,
        source_id=transfer.id,
        recorded_by=actor.member_id,
        note="组织关系已接收",
    )
    facts.record(session, [fact], now=now)


def _require_group(session: Session, branch_id: UUID | None, group_id: UUID | None) -> None:
    if group_id is None:
        return
    group = session.get(Organization, group_id)
    if group is None or group.parent_id != branch_id:
        raise WrongPlace("这个党小组不在接收支部。")


def _require_other_person(actor: Actor, transfer: Transfer) -> None:
    if actor.member_id in (transfer.member_id, transfer.sent_by):
        raise OwnTransfer


def _require_day(transfer: Transfer, on: date, now: datetime) -> None:
    require_not_future(on, now)
    if on < transfer.sent_on:
        raise BeforeSending
