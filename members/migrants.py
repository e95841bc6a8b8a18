"""Registering an absence: proposed by the member or entered by his branch, which decides."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from core.errors import Conflict, NotFound
from members import classifications, migrant_contacts, migrant_hosts, migrant_touches
from members.access import (
    ROSTER_ROLES,
    Actor,
    get_managed_member,
    get_organization,
    hold_roles,
)
from members.affiliations import require_not_future, require_order
from members.belonging import find_branch, hold_member
from members.contact.models import ReasonCode
from members.migrant_access import (
    OwnRegistration,
    RegistrationChanged,
    get_registration,
    require_not_own,
)
from members.migrant_models import (
    MigrantRegistration,
    RegistrationStatus,
)
from members.migrant_rules import require_city
from members.models import MemberClass

LIVE = (RegistrationStatus.PROPOSED, RegistrationStatus.OPEN)


class AlreadyRegistered(Conflict):
    """A member is away once at a time."""

    code = "migrant.registered"
    title = "这名党员已有一项流动登记"


@dataclass(frozen=True, slots=True)
class Absence:
    """Since when, until when if known, in which city, why, and the activity card."""

    left_on: date
    expected_back_on: date | None
    city: str
    reason_code: ReasonCode
    holds_card: bool
    card_number: str = ""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What the branch arranges: who keeps in touch, which branch is asked to host him.

    `class_decision` is the branch's decision to count him as a migrant, which changes what he can
    earn; without one his class stays as it is.
    """

    contact_id: UUID
    host_organization_id: UUID | None = None
    class_decision: str = ""


def propose(
    session: Session, actor: Actor, *, absence: Absence, now: datetime
) -> MigrantRegistration:
    """The member's own report that he is leaving; his branch decides what becomes of it.

    Raises:
        NotFound: he belongs to no branch.
        AlreadyRegistered, NotACity, FutureDate, DatesReversed: it cannot be entered so.
    """
    hold_member(session, actor.member_id)
    registration = _enter(session, actor, actor.member_id, absence, now)
    migrant_touches.note_own_report(session, registration, registration.id, now=now)
    return registration


def register(
    session: Session,
    actor: Actor,
    member_id: UUID,
    *,
    absence: Absence,
    arrangement: Arrangement,
    now: datetime,
) -> MigrantRegistration:
    """Enter and open a registration for a member of the actor's branch.

    Raises:
        NotFound, Forbidden: the member is out of the actor's scope or himself, or his role was
            revoked; the contact person or the host does not fit.
        AlreadyRegistered, NotACity, FutureDate, DatesReversed: it cannot be entered so.
    """
    hold_roles(session, actor, ROSTER_ROLES)
    get_managed_member(session, actor, member_id, roles=ROSTER_ROLES)
    if member_id == actor.member_id:
        raise OwnRegistration
    registration = _enter(session, actor, member_id, absence, now)
    # He may have been taken in elsewhere while this waited for his lock.
    get_organization(session, actor, registration.home_organization_id, roles=ROSTER_ROLES)
    return _open(session, actor, registration, arrangement, now)


def accept_proposal(
    session: Session,
    actor: Actor,
    registration_id: UUID,
    *,
    arrangement: Arrangement,
    now: datetime,
) -> MigrantRegistration:
    """Open what a member proposed; what he wrote is not typed again.

    Raises:
        NotFound, Forbidden: as in `register`.
        RegistrationChanged: it is not a proposal any more.
    """
    hold_roles(session, actor, ROSTER_ROLES)
    registration = _get_proposal(session, actor, registration_id)
    return _open(session, actor, registration, arrangement, now)


def decline_proposal(
    session: Session, actor: Actor, registration_id: UUID, *, reason: str, now: datetime
) -> MigrantRegistration:
    """Decline what a member proposed, with the reason.

    Raises:
        NotFound, Forbidden, RegistrationChanged: as in `accept_proposal`.
    """
    hold_roles(session, actor, ROSTER_ROLES)
    registration = _get_proposal(session, actor, registration_id)
    registration.status = RegistrationStatus.DECLINED
    registration.decided_by, registration.decided_on = actor.member_id, business_day(now)
    registration.decision_reason = reason
    session.flush()
    return registration


def decide_class(
    session: Session, actor: Actor, registration_id: UUID, *, decision: str, now: datetime
) -> MigrantRegistration:
    """Count a member as a migrant from today on, as his branch has decided since he left.

    Raises:
        NotFound, Forbidden: out of the actor's scope, or his own.
        RegistrationChanged: it is not open, or the branch has decided already.
    """
    hold_roles(session, actor, ROSTER_ROLES)
    registration = get_registration(session, actor, registration_id)
    require_not_own(actor, registration)
    if registration.status != RegistrationStatus.OPEN or registration.class_decision:
        raise RegistrationChanged
    registration.class_decision = decision
    session.flush()
    _classify(session, actor, registration, now)
    return registration


def withdraw_proposal(session: Session, actor: Actor, *, now: datetime) -> None:
    """Take back one's own proposal, which nobody has decided yet.

    Raises:
        NotFound: there is none.
    """
    withdrawn = session.scalar(
        sa.update(MigrantRegistration)
        .where(
            MigrantRegistration.member_id == actor.member_id,
            MigrantRegistration.status == RegistrationStatus.PROPOSED,
        )
        .values(
            status=RegistrationStatus.WITHDRAWN,
            decided_by=actor.member_id,
            decided_on=business_day(now),
        )
        .returning(MigrantRegistration.id)
    )
    if withdrawn is None:
        raise NotFound


def find_live(session: Session, member_id: UUID) -> MigrantRegistration | None:
    """The registration of a member that is proposed or open."""
    return session.scalar(
        sa.select(MigrantRegistration).where(
            MigrantRegistration.member_id == member_id, MigrantRegistration.status.in_(LIVE)
        )
    )


def _enter(
    session: Session, actor: Actor, member_id: UUID, absence: Absence, now: datetime
) -> MigrantRegistration:
    require_not_future(absence.left_on, now)
    require_order(absence.left_on, absence.expected_back_on)
    if find_live(session, member_id) is not None:
        raise AlreadyRegistered
    home_id = find_branch(session, member_id, on=actor.on)
    if home_id is None:
        raise NotFound
    registration = MigrantRegistration(
        member_id=member_id,
        home_organization_id=home_id,
        status=RegistrationStatus.PROPOSED,
        left_on=absence.left_on,
        expected_back_on=absence.expected_back_on,
        city=require_city(absence.city),
        reason_code=absence.reason_code,
        holds_card=absence.holds_card,
        card_number=absence.card_number if absence.holds_card else "",
        entered_by=actor.member_id,
        entered_at=now,
    )
    session.add(registration)
    # The rows that refer to it have no relationship() from which the order would be known.
    session.flush()
    return registration


def _open(
    session: Session,
    actor: Actor,
    registration: MigrantRegistration,
    arrangement: Arrangement,
    now: datetime,
) -> MigrantRegistration:
    today = business_day(now)
    registration.status = RegistrationStatus.OPEN
    registration.decided_by, registration.decided_on = actor.member_id, today
    registration.class_decision = arrangement.class_decision
    session.flush()
    migrant_contacts.appoint(session, actor, registration, arrangement.contact_id, now=now)
    if arrangement.host_organization_id is not None:
        migrant_hosts.ask(session, actor, registration, arrangement.host_organization_id, now=now)
    if arrangement.class_decision:
        _classify(session, actor, registration, now)
    return registration


def _classify(
    session: Session, actor: Actor, registration: MigrantRegistration, now: datetime
) -> None:
    classifications.classify(
        session,
        actor,
        registration.member_id,
        member_class=MemberClass.MIGRANT,
        on=business_day(now),
        now=now,
    )


def _get_proposal(session: Session, actor: Actor, registration_id: UUID) -> MigrantRegistration:
    registration = get_registration(session, actor, registration_id)
    require_not_own(actor, registration)
    if registration.status != RegistrationStatus.PROPOSED:
        raise RegistrationChanged
    return registration
