"""Reading migrants: who is away from a branch, who is hosted there, and whom to call next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from core.clock import business_day
from core.errors import NotFound
from core.paging import InvalidCursor, Page, cut, id_key
from members.access import (
    READING_ROLES,
    Actor,
    get_organization,
    place_of_affiliation,
    primary_affiliation_on,
    within,
)
from members.contact import policies
from members.migrant_access import is_contact_of
from members.migrant_hosts import LIVE as LIVE_PLACEMENTS
from members.migrant_models import (
    HostPlacement,
    MigrantContact,
    MigrantPlace,
    MigrantRegistration,
    MigrantTouch,
    RegistrationStatus,
)
from members.migrant_rules import Cadence, Due, find_due, migrant_since
from members.migrants import LIVE
from members.models import Affiliation, Member, Organization

Branch, Host = aliased(Organization), aliased(Organization)
Contact = aliased(Member)
_SORT_KEY: tuple[Any, ...] = (Branch.name, Branch.id, Member.name, Member.id)


@dataclass(frozen=True, slots=True)
class MigrantLine:
    """One registration in a list, with the names of all concerned and what is due next."""

    registration: MigrantRegistration
    member_name: str
    organization_id: UUID
    organization_name: str
    contact_id: UUID | None
    contact_name: str | None
    placement_id: UUID | None
    placement_status: str | None
    host_organization_id: UUID | None
    host_name: str | None
    due: Due | None
    overdue: Sequence[str]
    is_class_due: bool


@dataclass(frozen=True, slots=True)
class MigrantFile:
    """All of one registration: who kept in touch and when, where he was, who was asked to host."""

    line: MigrantLine
    contacts: Sequence[Any]
    placements: Sequence[Any]
    places: Sequence[MigrantPlace]
    touches: Sequence[Any]


def list_away(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    *,
    after: list[str | int] | None,
    limit: int,
) -> Page[MigrantLine]:
    """Members of an organisation and below who are away, proposals included: by branch, name.

    Raises:
        NotFound: the organisation is absent or out of scope.
        InvalidCursor: the cursor names nothing of this list.
    """
    top = get_organization(session, actor, organization_id, roles=READING_ROLES)
    return _page(session, actor, _lies_below(top), after, limit)


def list_hosted(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    *,
    after: list[str | int] | None,
    limit: int,
) -> Page[MigrantLine]:
    """Migrants that an organisation and below hosts or is asked to host: by home branch, name.

    Raises:
        NotFound, InvalidCursor: as in `list_away`.
    """
    top = get_organization(session, actor, organization_id, roles=READING_ROLES)
    hosted = Host.path.startswith(top.path)
    return _page(session, actor, hosted, after, limit)


def list_own_contacts(session: Session, actor: Actor) -> list[MigrantLine]:
    """The migrants with whom the actor is to keep in touch, by name."""
    query = _lines(actor).where(is_contact_of(actor)).order_by(*_SORT_KEY)
    return _shown(session, actor, query)


def find_own(session: Session, actor: Actor) -> MigrantLine | None:
    """The actor's own registration, proposed or open."""
    lines = _shown(session, actor, _lines(actor).where(Member.id == actor.member_id))
    return lines[0] if lines else None


def get_file(session: Session, actor: Actor, registration_id: UUID) -> MigrantFile:
    """One registration with its history, closed ones included.

    Raises:
        NotFound: it is absent, or neither the actor's own, nor his task, nor in his scope.
    """
    own = (MigrantRegistration.member_id == actor.member_id) | is_contact_of(actor)
    query = (
        _lines(actor, is_live=False)
        .join(Organization, place_of_affiliation())
        .where(
            MigrantRegistration.id == registration_id,
            sa.or_(own, within(actor.paths(READING_ROLES))),
        )
    )
    lines = _shown(session, actor, query)
    if not lines:
        raise NotFound
    return MigrantFile(
        lines[0],
        _named(session, MigrantContact, MigrantContact.contact_id, registration_id),
        _placements_of(session, registration_id),
        session.scalars(
            sa.select(MigrantPlace)
            .where(MigrantPlace.registration_id == registration_id)
            .order_by(MigrantPlace.id)
        ).all(),
        _named(session, MigrantTouch, MigrantTouch.recorded_by, registration_id),
    )


def _page(
    session: Session,
    actor: Actor,
    which: sa.ColumnElement[bool],
    after: list[str | int] | None,
    limit: int,
) -> Page[MigrantLine]:
    query = _lines(actor).join(Organization, place_of_affiliation()).where(which)
    last_id = id_key(after)
    if last_id is not None:
        query = query.where(_comes_after(session, query, last_id))
    lines = _shown(session, actor, query.order_by(*_SORT_KEY).limit(limit + 1))
    return cut(lines, limit, lambda line: [str(line.registration.member_id)])


def _comes_after(
    session: Session, query: sa.Select[*tuple[Any, ...]], last_id: UUID
) -> sa.ColumnElement[bool]:
    """Filter: rows behind this member, whose sort key is read afresh."""
    last = session.execute(
        query.with_only_columns(*_SORT_KEY).where(Member.id == last_id)
    ).one_or_none()
    if last is None:
        raise InvalidCursor
    values = [sa.literal(part, column.type) for part, column in zip(last, _SORT_KEY, strict=True)]
    return sa.tuple_(*_SORT_KEY) > sa.tuple_(*values)


def _lies_below(top: Organization) -> sa.ColumnElement[bool]:
    return Organization.path.startswith(top.path)


def _lines(actor: Actor, *, is_live: bool = True) -> sa.Select[*tuple[Any, ...]]:
    """Registrations with the member's branch, contact person, and host."""
    query = (
        sa.select(
            MigrantRegistration,
            Member.name.label("member_name"),
            Branch.id.label("organization_id"),
            Branch.name.label("organization_name"),
            Branch.path.label("path"),
            MigrantContact.contact_id,
            Contact.name.label("contact_name"),
            HostPlacement.id.label("placement_id"),
            HostPlacement.status.label("placement_status"),
            Host.id.label("host_organization_id"),
            Host.name.label("host_name"),
        )
        .join(Member, Member.id == MigrantRegistration.member_id)
        .join(Affiliation, primary_affiliation_on(actor.on))
        .join(Branch, Branch.id == Affiliation.organization_id)
        .outerjoin(
            MigrantContact,
            (MigrantContact.registration_id == MigrantRegistration.id)
            & MigrantContact.valid_to.is_(None),
        )
        .outerjoin(Contact, Contact.id == MigrantContact.contact_id)
        .outerjoin(
            HostPlacement,
            (HostPlacement.registration_id == MigrantRegistration.id)
            & HostPlacement.status.in_(LIVE_PLACEMENTS),
        )
        .outerjoin(Host, Host.id == HostPlacement.organization_id)
    )
    return query.where(MigrantRegistration.status.in_(LIVE)) if is_live else query


def _shown(session: Session, actor: Actor, query: sa.Select[*tuple[Any, ...]]) -> list[MigrantLine]:
    known = policies.find_all(session)
    rows = [dict(row) for row in session.execute(query).mappings()]
    return [_line(row, policies.cadence_of(known, row.pop("path")), actor.on) for row in rows]


def _line(given: dict[str, Any], cadence: Cadence, on: date) -> MigrantLine:
    registration: MigrantRegistration = given.pop("MigrantRegistration")
    due = None
    is_open = registration.status == RegistrationStatus.OPEN
    if is_open:
        due = find_due(
            since_of(registration),
            last_touch_on=registration.last_touch_on,
            last_talk_on=registration.last_talk_on,
            cadence=cadence,
        )
    return MigrantLine(
        registration,
        **given,
        due=due,
        overdue=due.overdue(on) if due else [],
        is_class_due=is_open
        and not registration.class_decision
        and migrant_since(registration.left_on) <= on,
    )


def since_of(registration: MigrantRegistration) -> date:
    """From which day on somebody keeps in touch: since the branch registered him."""
    return registration.decided_on or business_day(registration.entered_at)


def _named(session: Session, model: Any, person_id: Any, registration_id: UUID) -> Sequence[Any]:
    """The rows of a registration in the order of entry, each with one person's name."""
    return session.execute(
        sa.select(model, Contact.name)
        .join(Contact, Contact.id == person_id)
        .where(model.registration_id == registration_id)
        .order_by(model.id)
    ).all()


def _placements_of(session: Session, registration_id: UUID) -> Sequence[Any]:
    return session.execute(
        sa.select(HostPlacement, Host.name)
        .join(Host, Host.id == HostPlacement.organization_id)
        .where(HostPlacement.registration_id == registration_id)
        .order_by(HostPlacement.id)
    ).all()
