"""The tree of organisations: which kind stands under which, founding, renaming, history."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from core.errors import Conflict, Forbidden, RuleViolation, VersionConflict
from core.ids import new_id
from members.access import READING_ROLES, ROSTER_ROLES, Actor, get_organization
from members.access_models import Role
from members.models import Organization, OrganizationKind, OrganizationPlacement, Sector

Kind = OrganizationKind

BRANCH_KINDS = frozenset({Kind.BRANCH, Kind.TEMPORARY_BRANCH, Kind.FUNCTIONAL_BRANCH})
# Every branch stands below a body with officers, because they decide its secretary's claims
# (decision 7); hence no branch directly under the district's department.
_BODIES_ABOVE_BRANCHES = frozenset({Kind.WORKING_COMMITTEE, Kind.COMMITTEE, Kind.GENERAL_BRANCH})
MAY_STAND_UNDER: dict[Kind, frozenset[Kind]] = {
    Kind.DISTRICT_ORGANIZATION_DEPARTMENT: frozenset(),
    Kind.WORKING_COMMITTEE: frozenset({Kind.DISTRICT_ORGANIZATION_DEPARTMENT}),
    Kind.COMMITTEE: frozenset(
        {Kind.DISTRICT_ORGANIZATION_DEPARTMENT, Kind.WORKING_COMMITTEE, Kind.COMMITTEE}
    ),
    Kind.GENERAL_BRANCH: frozenset({Kind.WORKING_COMMITTEE, Kind.COMMITTEE}),
    Kind.BRANCH: _BODIES_ABOVE_BRANCHES,
    Kind.TEMPORARY_BRANCH: _BODIES_ABOVE_BRANCHES,
    Kind.FUNCTIONAL_BRANCH: _BODIES_ABOVE_BRANCHES,
    Kind.PARTY_GROUP: BRANCH_KINDS,
}
KIND_NAMES: dict[Kind, str] = {
    Kind.DISTRICT_ORGANIZATION_DEPARTMENT: "区委组织部",
    Kind.WORKING_COMMITTEE: "党工委",
    Kind.COMMITTEE: "党委",
    Kind.GENERAL_BRANCH: "党总支",
    Kind.BRANCH: "党支部",
    Kind.TEMPORARY_BRANCH: "临时党支部",
    Kind.FUNCTIONAL_BRANCH: "功能型党支部",
    Kind.PARTY_GROUP: "党小组",
}
# Ten identifiers fill the 400 characters of Organization.path.
DEPTH_MAX = 9
TREE_ROLES = READING_ROLES | {Role.SYSTEM_ADMIN}


class KindNotAllowed(RuleViolation):
    """This kind of organisation does not stand under that kind."""

    code = "org.kind_not_allowed"
    title = "这类组织不能设在该上级之下"


class TreeTooDeep(RuleViolation):
    """The tree would have more levels than a path can hold."""

    code = "org.too_deep"
    title = "组织层级过多"


class DuplicateName(Conflict):
    """The parent already has an organisation of this name."""

    code = "org.duplicate_name"
    title = "同一上级下已有同名组织"
    retry = "never"


@dataclass(frozen=True, slots=True)
class OrganizationData:
    """What an organisation is called and what field it works in."""

    name: str
    sector: Sector = Sector.OTHER


def create(
    session: Session,
    actor: Actor,
    parent_id: UUID,
    *,
    kind: OrganizationKind,
    data: OrganizationData,
    now: datetime,
) -> Organization:
    """Found an organisation under a parent, as of today. Its kind never changes afterwards.

    A district administrator founds any; whoever keeps a branch's roster also its party groups.

    Raises:
        NotFound, Forbidden: the parent is out of scope, or only readable.
        KindNotAllowed, TreeTooDeep, DuplicateName: the tree does not allow it.
    """
    lock_tree(session)
    parent = get_organization(session, actor, parent_id, roles=TREE_ROLES)
    require_keeper(actor, parent, kind)
    require_kind_under(kind, Kind(parent.kind))
    require_depth(parent.depth + 1)
    require_free_name(session, parent.id, data.name)
    own_id = new_id()
    organization = Organization(
        id=own_id,
        parent_id=parent.id,
        kind=kind,
        sector=data.sector,
        name=data.name,
        path=f"{parent.path}{own_id}/",
        depth=parent.depth + 1,
        version=1,
    )
    session.add(organization)
    # The placement refers to the organisation by a plain foreign key.
    session.flush()
    _open_placement(session, organization, actor, "设立", business_day(now))
    return organization


def update(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    *,
    data: OrganizationData,
    version: int,
    now: datetime,
) -> Organization:
    """Change the name and the sector; a change of name goes into the history.

    Raises:
        NotFound, Forbidden: out of scope, or only readable.
        DuplicateName, VersionConflict: somebody else was first.
    """
    lock_tree(session)
    organization = get_organization(session, actor, organization_id, roles=TREE_ROLES)
    require_keeper(actor, organization, Kind(organization.kind))
    is_renamed = data.name != organization.name
    if is_renamed and organization.parent_id:
        require_free_name(session, organization.parent_id, data.name)
    change_row(session, organization, version, name=data.name, sector=data.sector)
    if is_renamed:
        replace_placement(session, organization, actor, "更名", business_day(now))
    return organization


def require_kind_under(kind: Kind, parent_kind: Kind) -> None:
    """Raise KindNotAllowed unless the table allows this kind under that one."""
    if parent_kind not in MAY_STAND_UNDER[kind]:
        raise KindNotAllowed(f"{KIND_NAMES[kind]}不能设在{KIND_NAMES[parent_kind]}之下。")


def lock_tree(session: Session) -> None:
    """One change of the tree at a time: a path is copied from a parent that must not move.

    SQLite has the lock already, because its write transaction began before.
    """
    session.execute(
        sa.select(Organization.id)
        .where(Organization.depth == 0)
        .order_by(Organization.id)
        .with_for_update(key_share=True)
    )


def require_keeper(actor: Actor, node: Organization, kind: Kind) -> None:
    """Raise Forbidden unless the actor may found and change organisations of the kind there."""
    roles = ROSTER_ROLES if kind is Kind.PARTY_GROUP else {Role.DISTRICT_ADMIN}
    if not actor.covers(node.path, roles):
        raise Forbidden


def require_depth(depth: int) -> None:
    """Raise TreeTooDeep if a path of this depth could not be stored."""
    if depth > DEPTH_MAX:
        raise TreeTooDeep(f"组织最多 {DEPTH_MAX + 1} 级。")


def require_free_name(session: Session, parent_id: UUID, name: str) -> None:
    """Raise DuplicateName if the parent has an organisation of this name."""
    same = sa.select(Organization.id).where(
        Organization.parent_id == parent_id, Organization.name == name
    )
    if session.scalar(same) is not None:
        raise DuplicateName


def change_row(
    session: Session, organization: Organization, version: int, **values: str | UUID
) -> None:
    """Write the values if the row still has this version, else raise VersionConflict."""
    changed = session.scalar(
        sa.update(Organization)
        .where(Organization.id == organization.id, Organization.version == version)
        .values(version=Organization.version + 1, **values)
        .returning(Organization.id)
    )
    if changed is None:
        raise VersionConflict


def replace_placement(
    session: Session, organization: Organization, actor: Actor, reason: str, on: date
) -> None:
    """Close the open entry of the history and open one with the present parent and name."""
    session.execute(
        sa.update(OrganizationPlacement)
        .where(
            OrganizationPlacement.organization_id == organization.id,
            OrganizationPlacement.valid_to.is_(None),
        )
        .values(valid_to=on)
    )
    _open_placement(session, organization, actor, reason, on)


def _open_placement(
    session: Session, organization: Organization, actor: Actor, reason: str, on: date
) -> None:
    session.add(
        OrganizationPlacement(
            organization_id=organization.id,
            parent_id=organization.parent_id,
            name=organization.name,
            valid_from=on,
            changed_by=actor.member_id,
            reason=reason,
        )
    )
    session.flush()
