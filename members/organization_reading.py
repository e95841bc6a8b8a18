"""Reading the tree of organisations: a subtree with head counts, and where a node once stood."""

from collections import Counter
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import NotFound
from members.access import (
    Actor,
    get_organization,
    place_of_affiliation,
    primary_affiliation_on,
)
from members.models import Affiliation, Member, Organization, OrganizationPlacement
from members.organizations import TREE_ROLES


@dataclass(frozen=True, slots=True)
class TreeNode:
    """An organisation and how many members belong to it and to what stands below it."""

    organization: Organization
    members_count: int


@dataclass(frozen=True, slots=True)
class PastPlace:
    """One entry of an organisation's history and the present name of its parent then."""

    placement: OrganizationPlacement
    parent_name: str | None


def get(session: Session, actor: Actor, organization_id: UUID) -> TreeNode:
    """One organisation with its head count.

    Raises:
        NotFound: it is absent or out of scope.
    """
    return find_tree(session, actor, organization_id, levels=0)[0]


def find_tree(
    session: Session, actor: Actor, organization_id: UUID, *, levels: int
) -> list[TreeNode]:
    """The organisation and so many levels below it; parents first, siblings by name.

    Raises:
        NotFound: it is absent or out of scope.
    """
    top = get_organization(session, actor, organization_id, roles=TREE_ROLES)
    nodes = session.scalars(
        sa.select(Organization)
        .where(Organization.path.startswith(top.path), Organization.depth <= top.depth + levels)
        .order_by(Organization.depth, Organization.name, Organization.id)
    )
    counts = _head_counts(session, actor, top)
    return [TreeNode(node, counts[node.id]) for node in nodes]


def find_history(session: Session, actor: Actor, organization_id: UUID) -> list[PastPlace]:
    """Where the organisation stood and what it was called, oldest first.

    Raises:
        NotFound: it is absent or out of scope.
    """
    get_organization(session, actor, organization_id, roles=TREE_ROLES)
    rows = session.execute(
        sa.select(OrganizationPlacement, Organization.name)
        .outerjoin(Organization, Organization.id == OrganizationPlacement.parent_id)
        .where(OrganizationPlacement.organization_id == organization_id)
        .order_by(OrganizationPlacement.valid_from, OrganizationPlacement.id)
    )
    return [PastPlace(placement, parent_name) for placement, parent_name in rows]


def get_root_from_console(session: Session) -> Organization:
    """The top of the tree; for the operator at the command line only.

    Raises:
        NotFound: no organisation has been imported yet.
    """
    root = session.scalar(sa.select(Organization).where(Organization.depth == 0))
    if root is None:
        raise NotFound("还没有组织，请先导入组织名单。")
    return root


def get_named_from_console(session: Session, name: str) -> Organization:
    """The one organisation of this name; for the operator at the command line only.

    Raises:
        NotFound: there is none, or more than one.
    """
    found = session.scalars(sa.select(Organization).where(Organization.name == name)).all()
    if len(found) != 1:
        raise NotFound(f"名为“{name}”的组织有 {len(found)} 个，须恰好一个。")
    return found[0]


def _head_counts(session: Session, actor: Actor, top: Organization) -> Counter[UUID]:
    """Members today by organisation, each counted at every node from his own up to the top."""
    direct = session.execute(
        sa.select(Organization.path, sa.func.count())
        .select_from(Member)
        .join(Affiliation, primary_affiliation_on(actor.on))
        .join(Organization, place_of_affiliation())
        .where(Organization.path.startswith(top.path))
        .group_by(Organization.path)
    )
    counts: Counter[UUID] = Counter()
    for path, members in direct:
        for part in path.strip("/").split("/"):
            counts[UUID(part)] += members
    return counts
