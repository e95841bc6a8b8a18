"""The organisation that an import is for, and the branches that it may fill."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import NotFound
from members.branch_names import Branch, BranchNames
from members.models import Organization, OrganizationKind
from members.organization_reading import get_root_from_console


def find_branches(session: Session, place: Organization) -> list[Branch]:
    """The branches at or below an organisation that are not dissolved, by tree and name.

    A primary affiliation is with a branch, so no other kind of organisation is offered.
    """
    above = [UUID(part) for part in place.path.strip("/").split("/")]
    rows = session.execute(
        sa.select(
            Organization.id,
            Organization.name,
            Organization.path,
            Organization.kind,
            Organization.dissolved_on,
        )
        .where(Organization.path.startswith(place.path) | Organization.id.in_(above))
        .order_by(Organization.path)
    ).all()
    names = {row.id: row.name for row in rows}
    branches = [
        Branch(row.id, row.name, _names_above(row.path, names))
        for row in rows
        if row.kind == OrganizationKind.BRANCH and row.dissolved_on is None
    ]
    return sorted(branches, key=lambda branch: (branch.ancestor_names, branch.name))


def get_place_from_console(session: Session, wanted: str | None) -> Organization:
    """The organisation of that name or id, or the whole district; for the operator only.

    Raises:
        NotFound: there is none, or there are several.
    """
    if wanted is None:
        return get_root_from_console(session)
    found = session.scalars(
        sa.select(Organization).where(
            Organization.dissolved_on.is_(None),
            (Organization.name == wanted) | (Organization.id == _as_id(wanted)),
        )
    ).all()
    if len(found) != 1:
        raise NotFound(f"名称或编号是“{wanted}”的组织有 {len(found)} 个，须恰好一个。")
    return found[0]


def _as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def find_branch_names(session: Session, place: Organization) -> BranchNames:
    """The same branches, ready to be looked up by what a sheet has written."""
    return BranchNames(find_branches(session, place))


def _names_above(path: str, names: dict[UUID, str]) -> tuple[str, ...]:
    above = [UUID(part) for part in path.strip("/").split("/")][:-1]
    return tuple(names[organization_id] for organization_id in above)
