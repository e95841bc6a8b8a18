"""Recusals: a reviewer who is too close to a member or a claim says so and decides it no more."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import NotFound
from core.paging import Page, newest_first
from members.access import (
    REVIEWING_ROLES,
    Actor,
    hold_roles,
    place_of_affiliation,
    primary_affiliation_on,
    within,
)
from members.access_models import RoleGrant, in_force
from members.models import Affiliation, Member, Organization
from points import objection_escalation
from points.models import Claim, ClaimStatus
from points.objection_routing import DECIDING_ROLES
from points.publicity_models import Objection
from points.review_models import Recusal


def for_claim(
    session: Session, actor: Actor, claim_id: UUID, *, reason: str, now: datetime
) -> Recusal:
    """Step back from one claim that waits for the actor's organisation.

    Raises:
        NotFound: absent, decided, the actor's own, or not his to decide.
    """
    held = hold_roles(session, actor, REVIEWING_ROLES)
    member_id = session.scalar(
        sa.select(Claim.member_id).where(
            Claim.id == claim_id,
            Claim.status == ClaimStatus.PENDING,
            Claim.reviewer_organization_id.in_(held),
            Claim.member_id != actor.member_id,
        )
    )
    if member_id is None:
        raise NotFound
    return _declare(
        session, actor, held, Recusal(claim_id=claim_id, reason=reason), member_id, now=now
    )


def for_member(
    session: Session, actor: Actor, member_id: UUID, *, reason: str, now: datetime
) -> Recusal:
    """Step back from everything of one member, now and later; objections too.

    Raises:
        NotFound: the member is the actor, absent, or nobody whom the actor could ever decide.
    """
    held = hold_roles(session, actor, DECIDING_ROLES)
    if member_id == actor.member_id or not _may_be_decided(session, actor, held, member_id):
        raise NotFound
    return _declare(
        session, actor, held, Recusal(member_id=member_id, reason=reason), member_id, now=now
    )


def list_own(
    session: Session, actor: Actor, *, after: list[str | int] | None, limit: int
) -> Page[Recusal]:
    """What the actor has stepped back from, newest first."""
    query = sa.select(Recusal).where(Recusal.reviewer_id == actor.member_id)
    return newest_first(session, query, Recusal, after=after, limit=limit)


def is_recused(reviewer: Any, member_id: Any, claim_id: Any) -> sa.ColumnElement[bool]:
    """Filter: the reviewer has stepped back from the claim or its member; columns or values."""
    return sa.exists().where(
        Recusal.reviewer_id == reviewer,
        (Recusal.member_id == member_id) | (Recusal.claim_id == claim_id),
    )


def _may_be_decided(
    session: Session, actor: Actor, held: Collection[UUID], member_id: UUID
) -> bool:
    """Whether the member belongs where the actor decides, or left something there when he went."""
    belonging = (
        sa.select(Member.id)
        .join(Affiliation, primary_affiliation_on(actor.on))
        .join(Organization, place_of_affiliation())
        .where(Member.id == member_id, within(actor.paths(DECIDING_ROLES)))
    )
    claims = sa.exists().where(
        Claim.member_id == member_id, Claim.reviewer_organization_id.in_(held)
    )
    objections = sa.exists().where(
        Objection.member_id == member_id, Objection.deciding_organization_id.in_(held)
    )
    return bool(session.scalar(sa.select(sa.or_(belonging.exists(), claims, objections))))


def _declare(
    session: Session,
    actor: Actor,
    held: Collection[UUID],
    recusal: Recusal,
    member_id: UUID,
    *,
    now: datetime,
) -> Recusal:
    """Keep the row, and give what waits to others; its new version voids decisions under way.

    Lock order: role grants, claims by id, objections by id.
    """
    recusal.reviewer_id, recusal.declared_at = actor.member_id, now
    mine = Claim.id == recusal.claim_id if recusal.claim_id else Claim.member_id == member_id
    waiting = sa.and_(
        mine, Claim.status == ClaimStatus.PENDING, Claim.reviewer_organization_id.in_(held)
    )
    # The claims first: whoever decides one of them holds it, and is waited for.
    session.execute(sa.select(Claim.id).where(waiting).order_by(Claim.id).with_for_update())
    session.add(recusal)
    session.flush()
    session.execute(
        sa.update(Claim).where(waiting).values(version=Claim.version + 1),
        execution_options={"synchronize_session": False},
    )
    session.execute(
        sa.update(Claim)
        .where(waiting, ~_has_other_reviewer(actor))
        .values(reviewer_organization_id=_body_above())
        .execution_options(synchronize_session=False)
    )
    objection_escalation.leave_to_others(
        session,
        actor.member_id,
        held,
        member_id=member_id,
        claim_id=recusal.claim_id,
        now=now,
    )
    return recusal


def _has_other_reviewer(actor: Actor) -> sa.ColumnElement[bool]:
    """Filter: somebody else at the claim's reviewing body may decide it, or none stands above."""
    return sa.or_(
        sa.exists().where(
            RoleGrant.organization_id == Claim.reviewer_organization_id,
            RoleGrant.role.in_(REVIEWING_ROLES),
            RoleGrant.member_id != Claim.member_id,
            in_force(actor.on),
            ~is_recused(RoleGrant.member_id, Claim.member_id, Claim.id),
        ),
        _body_above().is_(None),
    )


def _body_above() -> sa.ScalarSelect[UUID | None]:
    return (
        sa.select(Organization.parent_id)
        .where(Organization.id == Claim.reviewer_organization_id)
        .scalar_subquery()
    )
