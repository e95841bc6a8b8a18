"""Names of branches for those who send a member somewhere: the only look beyond one's scope."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from members.models import Organization, OrganizationKind

FOUND_MAX = 50


def find_branches(session: Session, *, name: str) -> Sequence[Any]:
    """Branches whose name contains the text, each with the name of the body above, by name.

    Names only, so that a member can be sent to a branch of another committee. Nothing of such a
    branch can be read or changed with its id.
    """
    above = aliased(Organization)
    return session.execute(
        sa.select(Organization.id, Organization.name, above.name.label("parent_name"))
        .join(above, above.id == Organization.parent_id)
        .where(
            Organization.kind.in_((OrganizationKind.BRANCH, OrganizationKind.FUNCTIONAL_BRANCH)),
            Organization.dissolved_on.is_(None),
            Organization.name.contains(name, autoescape=True),
        )
        .order_by(Organization.name, above.name, Organization.id)
        .limit(FOUND_MAX)
    ).all()
