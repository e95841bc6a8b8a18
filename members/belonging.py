"""Where one member belongs, read and held by everything that moves people."""

from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from members.access import primary_affiliation_on
from members.models import Affiliation, Member


def hold_member(session: Session, member_id: UUID | sa.ScalarSelect[UUID]) -> None:
    """Lock a member until the end: every change of where one person belongs takes its turn."""
    session.execute(
        sa.select(Member.id).where(Member.id == member_id).with_for_update(key_share=True)
    )


def find_branch(session: Session, member_id: UUID, *, on: date) -> UUID | None:
    """The branch of a member's primary affiliation on a day."""
    return session.scalar(
        sa.select(Affiliation.organization_id)
        .join(Member, primary_affiliation_on(on))
        .where(Member.id == member_id)
    )
