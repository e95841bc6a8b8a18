"""Where members belong: one primary place at any time, secondary ones beside it, all dated."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from core.errors import Conflict, NotFound, RuleViolation
from members.access import ROSTER_ROLES, Actor, get_managed_member, get_organization
from members.models import Affiliation, AffiliationKind, Organization, OrganizationKind
from members.transfer_access import TransferOpen, find_open

# Where each kind of secondary affiliation may point. The formal relation is with a branch.
SECONDARY_PLACES: dict[AffiliationKind, frozenset[OrganizationKind]] = {
    AffiliationKind.MIGRANT_HOST: frozenset(
        {OrganizationKind.BRANCH, OrganizationKind.FUNCTIONAL_BRANCH}
    ),
    AffiliationKind.COMMUNITY_REGISTRATION: frozenset(
        {OrganizationKind.BRANCH, OrganizationKind.GENERAL_BRANCH, OrganizationKind.COMMITTEE}
    ),
    AffiliationKind.TEMPORARY: frozenset(
        {OrganizationKind.TEMPORARY_BRANCH, OrganizationKind.FUNCTIONAL_BRANCH}
    ),
}


class WrongPlace(RuleViolation):
    """Members do not belong to this kind of organisation in this way."""

    code = "member.wrong_place"
    title = "党员不能编入这个组织"


class FutureDate(RuleViolation):
    """What has not happened yet cannot be recorded."""

    code = "member.future_date"
    title = "日期不能在今天之后"


class DatesReversed(RuleViolation):
    """An end that does not come after its beginning."""

    code = "member.dates_reversed"
    title = "结束日期应在开始日期之后"


class AffiliationOverlap(Conflict):
    """The member already belongs elsewhere, or just there, on some of these days."""

    code = "member.overlap"
    title = "组织关系的日期重叠"
    retry = "refresh"


@dataclass(frozen=True, slots=True)
class Belonging:
    """A primary place: the branch, its party group if any, from which day, and why."""

    organization_id: UUID
    party_group_id: UUID | None
    valid_from: date
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Guest:
    """A secondary place; [valid_from, valid_to), open when there is no end yet."""

    kind: AffiliationKind
    organization_id: UUID
    valid_from: date
    valid_to: date | None
    reason: str = ""


def transfer(
    session: Session, actor: Actor, member_id: UUID, *, to: Belonging, now: datetime
) -> Affiliation:
    """Close the primary affiliation and open the next on the same day, also for another group.

    For moves within the actor's own scope; `transfers.send` asks a branch outside of it. Points
    and claims stay as they are: the organisation at the time of an activity decides it.

    Raises:
        NotFound, Forbidden: the member or the destination is out of the actor's scope.
        TransferOpen: a letter of transfer is under way; it is answered or withdrawn first.
        WrongPlace, FutureDate: the destination or the day is not possible.
        AffiliationOverlap: the present affiliation began later than that day, or just changed.
    """
    get_managed_member(session, actor, member_id, roles=ROSTER_ROLES)
    get_branch_place(session, actor, to)
    require_not_future(to.valid_from, now)
    current = session.scalar(
        sa.select(Affiliation).where(
            Affiliation.member_id == member_id,
            Affiliation.kind == AffiliationKind.PRIMARY,
            Affiliation.valid_to.is_(None),
        )
    )
    if current is None or current.valid_from > to.valid_from:
        raise AffiliationOverlap("现有组织关系的开始日期更晚，请核对转接日期。")
    if (current.organization_id, current.party_group_id) == (to.organization_id, to.party_group_id):
        raise WrongPlace("这名党员已经在这个支部（小组）。")
    if current.organization_id != to.organization_id and find_open(session, member_id) is not None:
        raise TransferOpen
    current.valid_to = to.valid_from
    # Closed before the next one is opened, or the trigger would see both on the same days.
    session.flush()
    return _add(session, actor, member_id, to, AffiliationKind.PRIMARY)


def add_guest(
    session: Session, actor: Actor, member_id: UUID, *, guest: Guest, now: datetime
) -> Affiliation:
    """Open a secondary affiliation: migrant host, community registration, temporary branch.

    Raises:
        NotFound, Forbidden: the member or the organisation is out of the actor's scope.
        WrongPlace, FutureDate, DatesReversed: the organisation or the days are not possible.
        AffiliationOverlap: the same affiliation already covers some of these days.
    """
    get_managed_member(session, actor, member_id, roles=ROSTER_ROLES)
    place = get_organization(session, actor, guest.organization_id, roles=ROSTER_ROLES)
    if place.kind not in SECONDARY_PLACES.get(guest.kind, ()):
        raise WrongPlace(f"{place.name}不能作这种编入。")
    require_not_future(guest.valid_from, now)
    require_order(guest.valid_from, guest.valid_to)
    same = sa.select(Affiliation.id).where(
        Affiliation.member_id == member_id,
        Affiliation.organization_id == place.id,
        Affiliation.kind == guest.kind,
        Affiliation.valid_from < (guest.valid_to or date.max),
        Affiliation.valid_to.is_(None) | (Affiliation.valid_to > guest.valid_from),
    )
    if session.scalar(same.limit(1)) is not None:
        raise AffiliationOverlap
    return _add(session, actor, member_id, guest, guest.kind)


def end_guest(
    session: Session,
    actor: Actor,
    member_id: UUID,
    affiliation_id: UUID,
    *,
    on: date,
    now: datetime,
) -> Affiliation:
    """End a secondary affiliation; `on` is the first day that it no longer covers.

    Raises:
        NotFound, Forbidden: the member is out of scope, or has no such affiliation.
        FutureDate: the day lies ahead.
        AffiliationOverlap: it began later, or has already ended.
    """
    get_managed_member(session, actor, member_id, roles=ROSTER_ROLES)
    require_not_future(on, now)
    affiliation = session.get(Affiliation, affiliation_id)
    if affiliation is None or affiliation.member_id != member_id:
        raise NotFound
    if affiliation.kind == AffiliationKind.PRIMARY:
        raise WrongPlace("组织关系只能转接，不能结束。")
    ended = session.scalar(
        sa.update(Affiliation)
        .where(
            Affiliation.id == affiliation_id,
            Affiliation.valid_from <= on,
            Affiliation.valid_to.is_(None) | (Affiliation.valid_to > on),
        )
        .values(valid_to=on)
        .returning(Affiliation.id)
    )
    if ended is None:
        raise AffiliationOverlap("它已经结束，或开始日期更晚。")
    return affiliation


def get_branch_place(session: Session, actor: Actor, belonging: Belonging) -> Organization:
    """The branch that a primary affiliation names, with its group checked.

    Raises:
        NotFound: the branch or the group is out of the actor's scope.
        WrongPlace: it is no branch, or the group is another branch's.
    """
    branch = get_organization(session, actor, belonging.organization_id, roles=ROSTER_ROLES)
    if branch.kind != OrganizationKind.BRANCH:
        raise WrongPlace("组织关系只能在党支部。")
    if belonging.party_group_id is None:
        return branch
    group = get_organization(session, actor, belonging.party_group_id, roles=ROSTER_ROLES)
    if group.kind != OrganizationKind.PARTY_GROUP or group.parent_id != branch.id:
        raise WrongPlace(f"{group.name}不是{branch.name}的党小组。")
    return branch


def require_not_future(day: date, now: datetime) -> None:
    """Raise FutureDate if the day lies after today."""
    if day > business_day(now):
        raise FutureDate


def require_order(valid_from: date, valid_to: date | None) -> None:
    """Raise DatesReversed unless the end, if any, comes after the beginning."""
    if valid_to is not None and valid_to <= valid_from:
        raise DatesReversed


def _add(
    session: Session,
    actor: Actor,
    member_id: UUID,
    place: Belonging | Guest,
    kind: AffiliationKind,
) -> Affiliation:
    affiliation = Affiliation(
        member_id=member_id,
        organization_id=place.organization_id,
        party_group_id=place.party_group_id if isinstance(place, Belonging) else None,
        kind=kind,
        valid_from=place.valid_from,
        valid_to=place.valid_to if isinstance(place, Guest) else None,
        recorded_by=actor.member_id,
        reason=place.reason,
    )
    session.add(affiliation)
    session.flush()
    return affiliation
