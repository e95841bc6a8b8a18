"""The review queue of an organisation: clean claims apart from flagged ones."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import NotFound
from core.paging import Page, oldest_first
from members.access import Actor
from members.models import Member
from points.models import Claim, ClaimStatus
from points.recusals import is_recused


def list_waiting(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    *,
    is_flagged: bool | None,
    after: list[str | int] | None,
    limit: int,
) -> Page[Any]:
    """Claims that wait for this organisation's decision, oldest first, never the actor's own.

    Args:
        is_flagged: only flagged ones, only clean ones, or None for both.

    Raises:
        NotFound: the actor does not review for this organisation.
    """
    query = _waiting(actor, organization_id)
    if is_flagged is not None:
        query = query.where(Claim.is_flagged == is_flagged)
    return oldest_first(session, query, Claim, after=after, limit=limit)


def count_waiting(session: Session, actor: Actor, organization_id: UUID) -> dict[str, int]:
    """How many clean and flagged claims wait for this organisation's decision.

    Raises:
        NotFound: the actor does not review for this organisation.
    """
    mine = _waiting(actor, organization_id).subquery()
    rows = session.execute(
        sa.select(mine.c.is_flagged, sa.func.count()).group_by(mine.c.is_flagged)
    )
    counts = {bool(flagged): count for flagged, count in rows}
    return {"clean": counts.get(False, 0), "flagged": counts.get(True, 0)}


def waiting(actor: Actor, organization_ids: Collection[UUID]) -> sa.ColumnElement[bool]:
    """Filter: claims for these organisations to decide, which the actor may decide himself."""
    return sa.and_(
        Claim.reviewer_organization_id.in_(organization_ids),
        Claim.status == ClaimStatus.PENDING,
        Claim.member_id != actor.member_id,
        ~is_recused(actor.member_id, Claim.member_id, Claim.id),
    )


def _waiting(actor: Actor, organization_id: UUID) -> sa.Select[Claim, str]:
    if not actor.reviews(organization_id):
        raise NotFound
    return (
        sa.select(Claim, Member.name.label("member_name"))
        .join(Member, Member.id == Claim.member_id)
        .where(waiting(actor, [organization_id]))
    )
