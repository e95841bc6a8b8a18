"""Moving an organisation, with everything below it, to another place in the tree."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from core.errors import Conflict
from members.access import Actor, get_organization
from members.models import Organization, OrganizationKind
from members.organizations import (
    TREE_ROLES,
    KindNotAllowed,
    change_row,
    lock_tree,
    replace_placement,
    require_depth,
    require_free_name,
    require_keeper,
    require_kind_under,
)


class OrganizationCycle(Conflict):
    """An organisation cannot stand below itself."""

    code = "org.cycle"
    title = "不能移到自己的下级之下"
    retry = "never"


@dataclass(frozen=True, slots=True)
class Relocation:
    """Where to move an organisation, why, and the version that the caller saw."""

    parent_id: UUID
    reason: str
    version: int


def move(
    session: Session, actor: Actor, organization_id: UUID, *, data: Relocation, now: datetime
) -> Organization:
    """Put an organisation with everything below it under another parent, as of today.

    Raises:
        NotFound, Forbidden: one of the two is out of scope, or only readable.
        OrganizationCycle, KindNotAllowed, TreeTooDeep, DuplicateName: the tree does not allow it.
        VersionConflict: the organisation changed since the caller saw it.
    """
    lock_tree(session)
    organization = get_organization(session, actor, organization_id, roles=TREE_ROLES)
    parent = get_organization(session, actor, data.parent_id, roles=TREE_ROLES)
    for node in (organization, parent):
        require_keeper(actor, node, OrganizationKind(organization.kind))
    if parent.path.startswith(organization.path):
        raise OrganizationCycle
    kind = OrganizationKind(organization.kind)
    if kind is OrganizationKind.PARTY_GROUP:
        # Its members' affiliations name this branch; they would point into two branches at once.
        raise KindNotAllowed("党小组不能移到别的支部，请逐人转接组织关系。")
    require_kind_under(kind, OrganizationKind(parent.kind))
    if parent.id == organization.parent_id:
        return organization
    require_free_name(session, parent.id, organization.name)
    require_depth(parent.depth + 1 + _height(session, organization))
    change_row(session, organization, data.version, parent_id=parent.id)
    _rewrite_paths(session, organization, parent)
    replace_placement(session, organization, actor, data.reason, business_day(now))
    return organization


def _height(session: Session, organization: Organization) -> int:
    deepest = session.scalar(
        sa.select(sa.func.max(Organization.depth)).where(
            Organization.path.startswith(organization.path)
        )
    )
    return (deepest or organization.depth) - organization.depth


def _rewrite_paths(session: Session, organization: Organization, parent: Organization) -> None:
    old_path, new_path = organization.path, f"{parent.path}{organization.id}/"
    rest = sa.func.substr(Organization.path, len(old_path) + 1)
    session.execute(
        sa.update(Organization)
        .where(Organization.path.startswith(old_path))
        .values(
            path=sa.literal(new_path, sa.String).concat(rest),
            depth=Organization.depth + (parent.depth + 1 - organization.depth),
        )
        .execution_options(synchronize_session="fetch")
    )
