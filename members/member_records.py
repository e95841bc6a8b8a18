"""Reading members: one record with what holds today, and the roster of a subtree."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from core.paging import InvalidCursor, Page, cut, id_key
from members.access import (
    READING_ROLES,
    Actor,
    get_member,
    get_organization,
    place_of_affiliation,
    primary_affiliation_on,
    within,
)
from members.access_models import Role
from members.models import (
    Affiliation,
    AffiliationKind,
    Exemption,
    Member,
    MemberClass,
    MemberClassification,
    Organization,
)

# A kind of exemption hints at a person's health: the branch's leaders need it, a group's
# leader does not (domain 8.4).
EXEMPTION_ROLES = READING_ROLES - {Role.GROUP_LEADER}
Branch, Group = aliased(Organization), aliased(Organization)
# By branch and group, then by name: lists of people are never sorted by points (decision 1).
SORT_KEY: tuple[Any, ...] = (
    Branch.name,
    Branch.id,
    sa.func.coalesce(Group.name, ""),
    Member.name,
    Member.id,
)


@dataclass(frozen=True, slots=True)
class AffiliationRecord:
    """An affiliation with the present names of the organisations that it points to."""

    affiliation: Affiliation
    organization_name: str
    party_group_name: str | None


@dataclass(frozen=True, slots=True)
class MemberRecord:
    """A member with his affiliations, class and exemptions as of today."""

    member: Member
    affiliations: Sequence[AffiliationRecord]
    member_class: MemberClass
    exemptions: Sequence[Exemption]


@dataclass(frozen=True, slots=True)
class RosterLine:
    """One member in a list: particulars, where he belongs today and his class."""

    member: Member
    organization_id: UUID
    organization_name: str
    party_group_id: UUID | None
    party_group_name: str | None
    member_class: MemberClass


def get(session: Session, actor: Actor, member_id: UUID) -> MemberRecord:
    """One member as of today, the actor himself included.

    Raises:
        NotFound: he is absent or out of scope.
    """
    member = get_member(session, actor, member_id, roles=READING_ROLES)
    affiliations = _affiliations_of(session, actor, member_id)
    member_class = session.scalar(
        sa.select(MemberClassification.member_class).where(
            MemberClassification.member_id == member_id,
            _class_today(actor),
        )
    )
    return MemberRecord(
        member,
        affiliations,
        MemberClass(member_class or MemberClass.ORDINARY),
        _exemptions_of(session, actor, member_id),
    )


def list_members(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    *,
    after: list[str | int] | None,
    limit: int,
) -> Page[RosterLine]:
    """Members who belong today to the organisation or below it: by branch and group, then name.

    Raises:
        NotFound: the organisation is absent or out of scope.
        InvalidCursor: the cursor names nobody of this list.
    """
    top = get_organization(session, actor, organization_id, roles=READING_ROLES)
    query = (
        _lines(actor)
        .where(Organization.path.startswith(top.path))
        .order_by(*SORT_KEY)
        .limit(limit + 1)
    )
    last_id = id_key(after)
    if last_id is not None:
        query = query.where(_comes_after(session, actor, top, last_id))
    lines = [line_of(row) for row in session.execute(query)]
    return cut(lines, limit, lambda line: [str(line.member.id)])


def readable(actor: Actor) -> sa.Select[Any]:
    """Rows for `line_of`: the members who belong today where the actor has a reading role."""
    return _lines(actor).where(within(actor.paths(READING_ROLES)))


def line_of(row: Any) -> RosterLine:
    """A row of `readable` as a line of the roster."""
    return RosterLine(
        member=row[0],
        organization_id=row[1],
        organization_name=row[2],
        party_group_id=row[3],
        party_group_name=row[4],
        member_class=MemberClass(row[5] or MemberClass.ORDINARY),
    )


def _lines(actor: Actor) -> sa.Select[Any]:
    shown = (Member, Branch.id, Branch.name, Group.id, Group.name)
    return _places_today(actor, *shown, MemberClassification.member_class).outerjoin(
        MemberClassification,
        (MemberClassification.member_id == Member.id) & _class_today(actor),
    )


def _comes_after(
    session: Session, actor: Actor, top: Organization, last_id: UUID
) -> sa.ColumnElement[bool]:
    """Filter: rows behind this member. The cursor is his id, because a sort key has no bound."""
    last = session.execute(
        _places_today(actor, *SORT_KEY).where(
            Member.id == last_id, Organization.path.startswith(top.path)
        )
    ).one_or_none()
    if last is None:
        raise InvalidCursor
    values = [sa.literal(part, column.type) for part, column in zip(last, SORT_KEY, strict=True)]
    return sa.tuple_(*SORT_KEY) > sa.tuple_(*values)


def _affiliations_of(session: Session, actor: Actor, member_id: UUID) -> list[AffiliationRecord]:
    rows = session.execute(
        sa.select(Affiliation, Branch.name, Group.name)
        .join(Branch, Branch.id == Affiliation.organization_id)
        .outerjoin(Group, Group.id == Affiliation.party_group_id)
        .where(
            Affiliation.member_id == member_id,
            Affiliation.valid_from <= actor.on,
            Affiliation.valid_to.is_(None) | (Affiliation.valid_to > actor.on),
        )
        .order_by(Affiliation.kind != AffiliationKind.PRIMARY, Affiliation.valid_from)
    )
    return [AffiliationRecord(*row) for row in rows]


def _exemptions_of(session: Session, actor: Actor, member_id: UUID) -> Sequence[Exemption]:
    query = (
        sa.select(Exemption)
        .where(Exemption.member_id == member_id, Exemption.valid_to > actor.on)
        .order_by(Exemption.valid_from, Exemption.id)
    )
    if member_id != actor.member_id:
        may_see = _places_today(actor, sa.literal(1)).where(
            Member.id == member_id, within(actor.paths(EXEMPTION_ROLES))
        )
        query = query.where(may_see.exists())
    return session.scalars(query).all()


def _places_today(actor: Actor, *columns: Any) -> sa.Select[Any]:
    """Members joined with where they belong today: narrowest place, branch and group."""
    return (
        sa.select(*columns)
        .select_from(Member)
        .join(Affiliation, primary_affiliation_on(actor.on))
        .join(Organization, place_of_affiliation())
        .join(Branch, Branch.id == Affiliation.organization_id)
        .outerjoin(Group, Group.id == Affiliation.party_group_id)
    )


def _class_today(actor: Actor) -> sa.ColumnElement[bool]:
    return (MemberClassification.valid_from <= actor.on) & (
        MemberClassification.valid_to.is_(None) | (MemberClassification.valid_to > actor.on)
    )
