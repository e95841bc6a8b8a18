"""Where a migrant is now: his own report, or what his branch enters for him."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import NotFound
from members import migrant_touches
from members.access import ROSTER_ROLES, Actor, hold_roles
from members.affiliations import require_order
from members.migrant_access import RegistrationChanged, get_registration, require_not_own
from members.migrant_models import MigrantPlace, MigrantRegistration, RegistrationStatus
from members.migrant_rules import require_city
from members.migrants import LIVE


def report_own_place(
    session: Session, actor: Actor, *, city: str, expected_back_on: date | None, now: datetime
) -> MigrantRegistration:
    """The member confirms or changes where he is; it is his own report, and counts as contact.

    Raises:
        NotFound: he is not registered.
        NotACity, DatesReversed: it cannot be entered so.
    """
    registration = session.scalar(
        sa.select(MigrantRegistration)
        .where(
            MigrantRegistration.member_id == actor.member_id,
            MigrantRegistration.status.in_(LIVE),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if registration is None:
        raise NotFound
    place = _place(session, actor, registration, city, expected_back_on, now)
    migrant_touches.note_own_report(session, registration, place.id, now=now)
    return registration


def correct_place(
    session: Session,
    actor: Actor,
    registration_id: UUID,
    *,
    city: str,
    expected_back_on: date | None,
    now: datetime,
) -> MigrantRegistration:
    """Enter for a member where he is now; that by itself is no contact with him.

    Raises:
        NotFound, Forbidden: out of the actor's scope, or his own.
        RegistrationChanged: it is not open.
        NotACity, DatesReversed: it cannot be entered so.
    """
    hold_roles(session, actor, ROSTER_ROLES)
    registration = get_registration(session, actor, registration_id)
    require_not_own(actor, registration)
    if registration.status != RegistrationStatus.OPEN:
        raise RegistrationChanged
    _place(session, actor, registration, city, expected_back_on, now)
    return registration


def _place(
    session: Session,
    actor: Actor,
    registration: MigrantRegistration,
    city: str,
    expected_back_on: date | None,
    now: datetime,
) -> MigrantPlace:
    require_order(registration.left_on, expected_back_on)
    registration.city, registration.expected_back_on = require_city(city), expected_back_on
    place = MigrantPlace(
        registration_id=registration.id,
        city=city,
        expected_back_on=expected_back_on,
        reported_by=actor.member_id,
        reported_at=now,
    )
    session.add(place)
    session.flush()
    return place
