"""The line of organisations above a member: what feedback may be about, and who may answer it."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from members.access import Actor
from members.feedback.rules import chain_of
from members.models import Organization


def list_line(session: Session, actor: Actor) -> Sequence[Organization]:
    """The actor's branch and the bodies above it, the nearest first."""
    return session.scalars(
        sa.select(Organization)
        .where(Organization.id.in_(chain_of(actor.organization_path)))
        .order_by(Organization.depth.desc())
    ).all()
