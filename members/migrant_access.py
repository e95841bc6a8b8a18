"""Which registrations somebody may handle: by where the member belongs today."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import Conflict, Forbidden, NotFound
from members.access import (
    ROSTER_ROLES,
    Actor,
    place_of_affiliation,
    primary_affiliation_on,
    within,
)
from members.belonging import hold_member
from members.migrant_models import MigrantContact, MigrantRegistration
from members.models import Affiliation, Member, Organization


class RegistrationChanged(Conflict):
    """It was decided or closed meanwhile, or is not open yet."""

    code = "migrant.changed"
    title = "这项流动登记的状态已经变化"


class OwnRegistration(Forbidden):
    """Nobody registers himself; he may propose it."""

    code = "migrant.own"
    title = "不能办理本人的流动登记，请由支部其他负责人办理"


def get_registration(session: Session, actor: Actor, registration_id: UUID) -> MigrantRegistration:
    """A registration of a member who belongs today where the actor keeps the roster; locked.

    The member is locked first, as whatever moves or classifies him does; where he belongs is read
    after that.

    Raises:
        NotFound: it is absent or out of scope.
    """
    hold_member(
        session,
        sa.select(MigrantRegistration.member_id)
        .where(MigrantRegistration.id == registration_id)
        .scalar_subquery(),
    )
    registration = session.scalar(
        sa.select(MigrantRegistration)
        .join(Member, Member.id == MigrantRegistration.member_id)
        .join(Affiliation, primary_affiliation_on(actor.on))
        .join(Organization, place_of_affiliation())
        .where(MigrantRegistration.id == registration_id, within(actor.paths(ROSTER_ROLES)))
        .with_for_update(of=MigrantRegistration)
        .execution_options(populate_existing=True)
    )
    if registration is None:
        raise NotFound
    return registration


def is_contact_of(actor: Actor) -> sa.ColumnElement[bool]:
    """Filter: contact tasks that are the actor's today."""
    return (
        (MigrantContact.contact_id == actor.member_id)
        & (MigrantContact.valid_from <= actor.on)
        & MigrantContact.valid_to.is_(None)
    )


def require_not_own(actor: Actor, registration: MigrantRegistration) -> None:
    """Raise OwnRegistration if the actor is the migrant himself."""
    if registration.member_id == actor.member_id:
        raise OwnRegistration
