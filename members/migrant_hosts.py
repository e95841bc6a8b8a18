"""Host branches: asked by the home branch, taking a migrant in, confirming that he is there."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import Conflict, Forbidden, NotFound
from members.access import ROSTER_ROLES, Actor, hold_roles, within
from members.affiliations import (
    SECONDARY_PLACES,
    DatesReversed,
    WrongPlace,
    require_not_future,
)
from members.migrant_access import RegistrationChanged, get_registration, require_not_own
from members.migrant_closings import end_placements
from members.migrant_models import (
    HostPlacement,
    MigrantRegistration,
    PlacementStatus,
    RegistrationStatus,
)
from members.models import Affiliation, AffiliationKind, Organization, OrganizationKind

LIVE = (PlacementStatus.ASKED, PlacementStatus.ACCEPTED)


class HostAsked(Conflict):
    """One branch hosts a migrant at a time."""

    code = "host.asked"
    title = "已有一个流入地支部在办理"


class PlacementAnswered(Conflict):
    """The host has answered, or the placement is over."""

    code = "host.already_answered"
    title = "这项流入登记已经办理"


class OwnPlacement(Forbidden):
    """Nobody takes himself in."""

    code = "host.own"
    title = "不能办理本人的流入登记"


@dataclass(frozen=True, slots=True)
class Arrival:
    """From which day on he takes part here, and in which group."""

    on: date
    party_group_id: UUID | None = None


def ask_another(
    session: Session, actor: Actor, registration_id: UUID, *, organization_id: UUID, now: datetime
) -> HostPlacement:
    """Ask a branch to host a migrant whom no branch hosts or is asked to.

    Raises:
        NotFound, Forbidden: out of the actor's scope, or his own; or there is no such branch.
        RegistrationChanged: it is not open.
        HostAsked, WrongPlace: another branch is under way, or this is none.
    """
    hold_roles(session, actor, ROSTER_ROLES)
    registration = get_registration(session, actor, registration_id)
    require_not_own(actor, registration)
    if registration.status != RegistrationStatus.OPEN:
        raise RegistrationChanged
    return ask(session, actor, registration, organization_id, now=now)


def ask(
    session: Session,
    actor: Actor,
    registration: MigrantRegistration,
    organization_id: UUID,
    *,
    now: datetime,
) -> HostPlacement:
    """Ask a branch to host the member of an open registration, which the caller holds.

    Raises:
        NotFound, HostAsked, WrongPlace: as in `ask_another`.
    """
    host = session.get(Organization, organization_id)
    if host is None or host.dissolved_on is not None:
        raise NotFound
    if host.kind not in SECONDARY_PLACES[AffiliationKind.MIGRANT_HOST]:
        raise WrongPlace(f"{host.name}不能接收流入党员。")
    if host.id == registration.home_organization_id:
        raise WrongPlace("流入地支部不能是本支部。")
    under_way = sa.select(HostPlacement.id).where(
        HostPlacement.registration_id == registration.id, HostPlacement.status.in_(LIVE)
    )
    if session.scalar(under_way) is not None:
        raise HostAsked
    placement = HostPlacement(
        registration_id=registration.id,
        migrant_id=registration.member_id,
        organization_id=host.id,
        status=PlacementStatus.ASKED,
        asked_by=actor.member_id,
        asked_at=now,
    )
    session.add(placement)
    session.flush()
    return placement


def accept(
    session: Session, actor: Actor, placement_id: UUID, *, arrival: Arrival, now: datetime
) -> HostPlacement:
    """Take a migrant in: he belongs here beside his own branch, as a guest without a vote.

    Raises:
        NotFound, Forbidden: the host is out of the actor's scope, or it is his own placement.
        WrongPlace, FutureDate, DatesReversed: the group or the day is not possible.
        PlacementAnswered: somebody answered first, or the registration is closed.
    """
    hold_roles(session, actor, ROSTER_ROLES)
    placement, registration = hold_placement(session, actor, placement_id)
    require_not_future(arrival.on, now)
    if arrival.on < registration.left_on:
        raise DatesReversed("不能早于外出日期。")
    _require_group(session, placement.organization_id, arrival.party_group_id)
    affiliation = Affiliation(
        member_id=placement.migrant_id,
        organization_id=placement.organization_id,
        party_group_id=arrival.party_group_id,
        kind=AffiliationKind.MIGRANT_HOST,
        valid_from=arrival.on,
        recorded_by=actor.member_id,
        reason="流入地支部接收",
    )
    session.add(affiliation)
    # The placement refers to it by its id only.
    session.flush()
    return _answer(
        session,
        actor,
        placement_id,
        now,
        status=PlacementStatus.ACCEPTED,
        affiliation_id=affiliation.id,
    )


def decline(
    session: Session, actor: Actor, placement_id: UUID, *, reason: str, now: datetime
) -> HostPlacement:
    """Refuse to take a migrant in, with the cause.

    Raises:
        NotFound, Forbidden, PlacementAnswered: as in `accept`.
    """
    hold_roles(session, actor, ROSTER_ROLES)
    hold_placement(session, actor, placement_id)
    return _answer(
        session,
        actor,
        placement_id,
        now,
        status=PlacementStatus.DECLINED,
        answer_reason=reason,
    )


def let_go(
    session: Session, actor: Actor, placement_id: UUID, *, on: date, now: datetime
) -> HostPlacement:
    """The host says that a migrant has left; his own branch looks for him from that day on.

    Raises:
        NotFound, Forbidden, FutureDate: as in `accept`.
        PlacementAnswered: he is not placed here any more.
    """
    hold_roles(session, actor, ROSTER_ROLES)
    placement, _ = hold_placement(session, actor, placement_id)
    require_not_future(on, now)
    if placement.status != PlacementStatus.ACCEPTED:
        raise PlacementAnswered
    end_placements(session, actor, placement.registration_id, on=on)
    session.refresh(placement)
    return placement


def take_back(
    session: Session, actor: Actor, registration_id: UUID, *, on: date, now: datetime
) -> MigrantRegistration:
    """The home branch ends the placement, or takes its question back; the absence goes on.

    Raises:
        NotFound, Forbidden: out of the actor's scope, or his own.
        FutureDate: the day lies ahead.
    """
    hold_roles(session, actor, ROSTER_ROLES)
    registration = get_registration(session, actor, registration_id)
    require_not_own(actor, registration)
    require_not_future(on, now)
    end_placements(session, actor, registration_id, on=on)
    return registration


def hold_placement(
    session: Session, actor: Actor, placement_id: UUID
) -> tuple[HostPlacement, MigrantRegistration]:
    """A placement with a host in the actor's scope, its registration locked.

    The registration is locked before what belongs to it is read, as its closing does.

    Raises:
        NotFound: it is absent or out of scope.
        OwnPlacement: it is his own.
        PlacementAnswered: the registration is closed.
    """
    placement = session.scalar(
        sa.select(HostPlacement)
        .join(Organization, Organization.id == HostPlacement.organization_id)
        .where(HostPlacement.id == placement_id, within(actor.paths(ROSTER_ROLES)))
    )
    if placement is None:
        raise NotFound
    if placement.migrant_id == actor.member_id:
        raise OwnPlacement
    registration = session.scalar(
        sa.select(MigrantRegistration)
        .where(
            MigrantRegistration.id == placement.registration_id,
            MigrantRegistration.status == RegistrationStatus.OPEN,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if registration is None:
        raise PlacementAnswered
    session.refresh(placement)
    return placement, registration


def _answer(
    session: Session, actor: Actor, placement_id: UUID, now: datetime, **values: object
) -> HostPlacement:
    answered = session.scalar(
        sa.update(HostPlacement)
        .where(HostPlacement.id == placement_id, HostPlacement.status == PlacementStatus.ASKED)
        .values(answered_by=actor.member_id, answered_at=now, **values)
        .returning(HostPlacement)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    if answered is None:
        raise PlacementAnswered
    return answered


def _require_group(session: Session, branch_id: UUID, group_id: UUID | None) -> None:
    if group_id is None:
        return
    group = session.get(Organization, group_id)
    if group is None or group.kind != OrganizationKind.PARTY_GROUP or group.parent_id != branch_id:
        raise WrongPlace("这个党小组不在流入地支部。")
