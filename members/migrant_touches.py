"""Hearing from a migrant: recorded once, and from that record a contact fact."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from core.errors import NotFound, RuleViolation
from members.access import ROSTER_ROLES, Actor, hold_roles
from members.affiliations import DatesReversed, require_not_future
from members.contact import facts
from members.contact.facts import ContactFact
from members.contact.models import ContactKind
from members.migrant_access import (
    RegistrationChanged,
    get_registration,
    is_contact_of,
    require_not_own,
)
from members.migrant_hosts import PlacementAnswered, hold_placement
from members.migrant_models import (
    MigrantContact,
    MigrantRegistration,
    MigrantTouch,
    PlacementStatus,
    RegistrationStatus,
    TouchKind,
)

# What the people at home may say; only the host says that he is with the host.
HOME_KINDS = (TouchKind.ANSWERED_CALL, TouchKind.REPLY, TouchKind.VISIT)


class NotATalk(RuleViolation):
    """A short reply is a light touch."""

    code = "migrant.not_a_talk"
    title = "简短回复不算谈心"


@dataclass(frozen=True, slots=True)
class Touch:
    """How and when somebody heard from him, and whether it was a real talk."""

    kind: TouchKind
    happened_on: date
    is_talk: bool = False
    note: str = ""


def record(
    session: Session, actor: Actor, registration_id: UUID, *, touch: Touch, now: datetime
) -> MigrantTouch:
    """The contact person, or the branch's leaders, note that they heard from a migrant.

    Raises:
        NotFound, Forbidden: the actor is neither, or is the migrant himself.
        RegistrationChanged: it is not open.
        FutureDate, DatesReversed, NotATalk: it cannot have happened so.
    """
    registration = _get_for_contact(session, actor, registration_id)
    if registration.status != RegistrationStatus.OPEN:
        raise RegistrationChanged
    if touch.is_talk and touch.kind == TouchKind.REPLY:
        raise NotATalk
    return _add(session, actor, registration, registration.home_organization_id, touch, now)


def confirm_by_host(
    session: Session, actor: Actor, placement_id: UUID, *, on: date, note: str, now: datetime
) -> MigrantTouch:
    """The host's secretary confirms that the migrant is there (流入地确认).

    Raises:
        NotFound, Forbidden: the host is out of the actor's scope, or it is his own placement.
        PlacementAnswered: he is not placed there.
        FutureDate, DatesReversed: the day is not possible.
    """
    hold_roles(session, actor, ROSTER_ROLES)
    placement, registration = hold_placement(session, actor, placement_id)
    if placement.status != PlacementStatus.ACCEPTED:
        raise PlacementAnswered
    touch = Touch(TouchKind.HOST_CONFIRMED, on, note=note)
    return _add(session, actor, registration, placement.organization_id, touch, now)


def note_own_report(
    session: Session, registration: MigrantRegistration, source_id: UUID, *, now: datetime
) -> None:
    """What a member files about himself is hard contact; the report is its source."""
    fact = ContactFact(
        member_id=registration.member_id,
        kind=ContactKind.OWN_REPORT,
        happened_on=business_day(now),
        organization_id=registration.home_organization_id,
        source_id=source_id,
        recorded_by=registration.member_id,
        note="本人报告外出情况",
    )
    facts.record(session, [fact], now=now)


def _get_for_contact(session: Session, actor: Actor, registration_id: UUID) -> MigrantRegistration:
    registration = session.scalar(
        sa.select(MigrantRegistration)
        .join(MigrantContact, MigrantContact.registration_id == MigrantRegistration.id)
        .where(MigrantRegistration.id == registration_id, is_contact_of(actor))
        .with_for_update(of=MigrantRegistration)
    )
    if registration is not None:
        return registration
    if not actor.has_role(*ROSTER_ROLES):
        raise NotFound
    hold_roles(session, actor, ROSTER_ROLES)
    registration = get_registration(session, actor, registration_id)
    require_not_own(actor, registration)
    return registration


def _add(
    session: Session,
    actor: Actor,
    registration: MigrantRegistration,
    organization_id: UUID,
    touch: Touch,
    now: datetime,
) -> MigrantTouch:
    require_not_future(touch.happened_on, now)
    if touch.happened_on < registration.left_on:
        raise DatesReversed("不能早于外出日期。")
    added = MigrantTouch(
        registration_id=registration.id,
        migrant_id=registration.member_id,
        kind=touch.kind,
        is_talk=touch.is_talk,
        happened_on=touch.happened_on,
        note=touch.note,
        recorded_by=actor.member_id,
        recorded_at=now,
    )
    session.add(added)
    # The caller holds the registration, so two touches at once leave the later day.
    registration.last_touch_on = max(registration.last_touch_on or date.min, touch.happened_on)
    if touch.is_talk:
        registration.last_talk_on = max(registration.last_talk_on or date.min, touch.happened_on)
    # The fact names this row as its source.
    session.flush()
    fact = ContactFact(
        member_id=registration.member_id,
        kind=ContactKind(touch.kind),
        happened_on=touch.happened_on,
        organization_id=organization_id,
        source_id=added.id,
        recorded_by=actor.member_id,
        note=touch.note,
    )
    facts.record(session, [fact], now=now)
    return added
