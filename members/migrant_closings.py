"""The end of an absence: on return, or with the transfer of the formal relation."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import RuleViolation
from members import classifications
from members.access import ROSTER_ROLES, Actor, hold_roles
from members.affiliations import DatesReversed, require_not_future
from members.migrant_access import RegistrationChanged, get_registration, require_not_own
from members.migrant_models import (
    CardOutcome,
    HostPlacement,
    MigrantContact,
    MigrantRegistration,
    PlacementStatus,
    RegistrationStatus,
)
from members.models import Affiliation, MemberClass


class CardUnchecked(RuleViolation):
    """Whoever holds a card shows it on return; whoever holds none has nothing to show."""

    code = "migrant.card_unchecked"
    title = "请核对流动党员活动证"


@dataclass(frozen=True, slots=True)
class Return:
    """Since when he is back, his card, and the branch's decision on his class, if it took one."""

    returned_on: date
    card_outcome: CardOutcome | None
    class_decision: str = ""
    note: str = ""


def close(
    session: Session, actor: Actor, registration_id: UUID, *, back: Return, now: datetime
) -> MigrantRegistration:
    """Record that a migrant is back: the host's affiliation and the contact person's task end.

    Only with a decision of the branch does his class change back to ordinary.

    Raises:
        NotFound, Forbidden: out of the actor's scope, or his own.
        FutureDate, DatesReversed: the day is not possible.
        CardUnchecked: he holds a card that nobody checked, or the other way round.
        RegistrationChanged: it is not open any more.
    """
    hold_roles(session, actor, ROSTER_ROLES)
    registration = get_registration(session, actor, registration_id)
    require_not_own(actor, registration)
    require_not_future(back.returned_on, now)
    if back.returned_on < registration.left_on:
        raise DatesReversed
    if registration.holds_card is (back.card_outcome is None):
        raise CardUnchecked
    closed = _close(
        session,
        actor,
        MigrantRegistration.id == registration_id,
        returned_on=back.returned_on,
        card_outcome=back.card_outcome,
        closing_note=back.note,
    )
    if closed is None:
        raise RegistrationChanged
    if back.class_decision:
        classifications.classify(
            session,
            actor,
            closed.member_id,
            member_class=MemberClass.ORDINARY,
            on=back.returned_on,
            now=now,
        )
    return closed


def close_transferred(session: Session, actor: Actor, member_id: UUID, *, on: date) -> None:
    """End what is open of a member whose formal relation has just moved; nothing may be.

    His class stays: whether he counts as a migrant is for the new branch to decide.
    """
    _close(
        session,
        actor,
        MigrantRegistration.member_id == member_id,
        # He may have been entered as leaving on a later day than the transfer is dated.
        returned_on=sa.case(
            (MigrantRegistration.left_on > on, MigrantRegistration.left_on),
            else_=sa.literal(on, sa.Date),
        ),
        card_outcome=sa.case((MigrantRegistration.holds_card, CardOutcome.LAPSED), else_=None),
        closing_note="组织关系已转出",
    )


def _close(
    session: Session, actor: Actor, which: sa.ColumnElement[bool], **values: Any
) -> MigrantRegistration | None:
    closed = session.scalar(
        sa.update(MigrantRegistration)
        .where(which, MigrantRegistration.status == RegistrationStatus.OPEN)
        .values(status=RegistrationStatus.CLOSED, closed_by=actor.member_id, **values)
        .returning(MigrantRegistration)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    if closed is not None and closed.returned_on is not None:
        end_placements(session, actor, closed.id, on=closed.returned_on)
        _end_contact(session, closed.id, on=closed.returned_on)
    return closed


def end_placements(session: Session, actor: Actor, registration_id: UUID, *, on: date) -> None:
    """End the accepted placement of a registration with its affiliation; take back a question."""
    belongs = HostPlacement.registration_id == registration_id
    session.execute(
        sa.update(Affiliation)
        .where(
            Affiliation.id.in_(
                sa.select(HostPlacement.affiliation_id).where(
                    belongs, HostPlacement.status == PlacementStatus.ACCEPTED
                )
            ),
            Affiliation.valid_to.is_(None) | (Affiliation.valid_to > on),
        )
        # An affiliation that began later covers no day at all.
        .values(valid_to=_not_before(Affiliation.valid_from, on))
    )
    session.execute(
        sa.update(HostPlacement)
        .where(belongs, HostPlacement.status == PlacementStatus.ACCEPTED)
        .values(status=PlacementStatus.ENDED)
    )
    session.execute(
        sa.update(HostPlacement)
        .where(belongs, HostPlacement.status == PlacementStatus.ASKED)
        .values(status=PlacementStatus.WITHDRAWN, answered_by=actor.member_id)
    )


def _end_contact(session: Session, registration_id: UUID, *, on: date) -> None:
    session.execute(
        sa.update(MigrantContact)
        .where(MigrantContact.registration_id == registration_id, MigrantContact.valid_to.is_(None))
        .values(valid_to=_not_before(MigrantContact.valid_from, on))
    )


def _not_before(first: Any, on: date) -> sa.ColumnElement[date]:
    return sa.case((first > on, first), else_=sa.literal(on, sa.Date))
