"""Who at home keeps in touch with a migrant: a member of his branch, named and replaceable."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from core.errors import RuleViolation
from members.access import ROSTER_ROLES, Actor, hold_roles
from members.belonging import find_branch
from members.migrant_access import RegistrationChanged, get_registration, require_not_own
from members.migrant_models import MigrantContact, MigrantRegistration, RegistrationStatus


class WrongContact(RuleViolation):
    """The contact person is a member of the migrant's own branch, and not the migrant."""

    code = "migrant.wrong_contact"
    title = "联系人应是同一支部的其他党员"


def replace(
    session: Session, actor: Actor, registration_id: UUID, *, contact_id: UUID, now: datetime
) -> MigrantContact:
    """Name another contact person from today on; who it was, and who named him, stays on record.

    Raises:
        NotFound, Forbidden: out of the actor's scope, or his own.
        RegistrationChanged: it is not open, or this person is the contact already.
        WrongContact: he is not of the same branch.
    """
    hold_roles(session, actor, ROSTER_ROLES)
    registration = get_registration(session, actor, registration_id)
    require_not_own(actor, registration)
    if registration.status != RegistrationStatus.OPEN:
        raise RegistrationChanged
    # The registration is held, so nobody else names one meanwhile.
    present = session.scalar(
        sa.select(MigrantContact).where(
            MigrantContact.registration_id == registration_id, MigrantContact.valid_to.is_(None)
        )
    )
    if present is not None and present.contact_id == contact_id:
        raise RegistrationChanged("他已经是联系人。")
    if present is not None:
        present.valid_to = business_day(now)
        # Ended before the next one begins: only one may be open.
        session.flush()
    return appoint(session, actor, registration, contact_id, now=now)


def appoint(
    session: Session,
    actor: Actor,
    registration: MigrantRegistration,
    contact_id: UUID,
    *,
    now: datetime,
) -> MigrantContact:
    """Name the contact person of a registration that has none.

    Raises:
        WrongContact: he is not of the same branch, or is the migrant himself.
    """
    home_id = find_branch(session, registration.member_id, on=actor.on)
    if contact_id == registration.member_id or home_id is None:
        raise WrongContact
    if find_branch(session, contact_id, on=actor.on) != home_id:
        raise WrongContact
    contact = MigrantContact(
        registration_id=registration.id,
        migrant_id=registration.member_id,
        contact_id=contact_id,
        valid_from=business_day(now),
        set_by=actor.member_id,
        set_at=now,
    )
    session.add(contact)
    session.flush()
    return contact


def end_tasks(session: Session, contact_id: UUID, *, on: date) -> None:
    """End the tasks of a contact person who has left the branch; its leaders name another."""
    session.execute(
        sa.update(MigrantContact)
        .where(MigrantContact.contact_id == contact_id, MigrantContact.valid_to.is_(None))
        .values(
            valid_to=sa.case(
                (MigrantContact.valid_from > on, MigrantContact.valid_from),
                else_=sa.literal(on, sa.Date),
            )
        )
    )
