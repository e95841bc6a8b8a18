"""Bodies that may certify volunteer service: registered by the district, with a basis and dates."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities.service_models import ServiceIssuer
from core.errors import Conflict, NotFound
from members.access import Actor, get_organization, within
from members.access_models import Role
from members.models import Organization

REGISTERING_ROLES = frozenset({Role.DISTRICT_ADMIN})


class IssuerEnded(Conflict):
    """The registration has ended, or began later."""

    code = "issuer.ended"
    title = "这项登记已经结束"


@dataclass(frozen=True, slots=True)
class Registration:
    """Who is registered, and on what basis; `organization_id` is the party body that acts."""

    organization_id: UUID
    kind: str
    name: str
    basis: str
    valid_from: date


def register(
    session: Session, actor: Actor, *, registration: Registration, now: datetime
) -> ServiceIssuer:
    """Register a body as an issuer.

    Raises:
        NotFound: the party organisation is out of the actor's scope.
    """
    get_organization(session, actor, registration.organization_id, roles=REGISTERING_ROLES)
    issuer = ServiceIssuer(
        organization_id=registration.organization_id,
        kind=registration.kind,
        name=registration.name,
        basis=registration.basis,
        valid_from=registration.valid_from,
        registered_by=actor.member_id,
        registered_at=now,
    )
    session.add(issuer)
    session.flush()
    return issuer


def end(session: Session, actor: Actor, issuer_id: UUID, *, on: date) -> ServiceIssuer:
    """End a registration; `on` is the first day that it no longer covers.

    Raises:
        NotFound: absent, or out of scope.
        IssuerEnded: it has ended, or begins later than that.
    """
    issuer = session.scalar(_managed(actor).where(ServiceIssuer.id == issuer_id))
    if issuer is None:
        raise NotFound
    ended = session.scalar(
        sa.update(ServiceIssuer)
        .where(
            ServiceIssuer.id == issuer_id,
            ServiceIssuer.valid_to.is_(None),
            ServiceIssuer.valid_from <= on,
        )
        .values(valid_to=on)
        .returning(ServiceIssuer.id)
    )
    if ended is None:
        raise IssuerEnded
    return issuer


def find_issuer(session: Session, issuer_id: UUID, *, on: date) -> ServiceIssuer | None:
    """The issuer if its registration covers the day."""
    return session.scalar(
        sa.select(ServiceIssuer).where(
            ServiceIssuer.id == issuer_id,
            ServiceIssuer.valid_from <= on,
            ServiceIssuer.valid_to.is_(None) | (ServiceIssuer.valid_to > on),
        )
    )


def list_issuers(session: Session, actor: Actor) -> Sequence[ServiceIssuer]:
    """Every registration in the actor's district, ended ones too, by name; a short list."""
    return session.scalars(
        _managed(actor).order_by(ServiceIssuer.name, ServiceIssuer.valid_from)
    ).all()


def _managed(actor: Actor) -> sa.Select[ServiceIssuer]:
    return (
        sa.select(ServiceIssuer)
        .join(Organization, Organization.id == ServiceIssuer.organization_id)
        .where(within(actor.paths(REGISTERING_ROLES)))
    )
