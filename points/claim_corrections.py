"""A claim whose quantity was found to be another: asked again, or undone and claimed anew."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.ids import new_id
from members.access import Actor
from members.models import Organization
from points import periods, reversing
from points.claim_routing import choose_reviewer, load_reviewers
from points.claims import ClaimAlreadyDecided
from points.models import Claim, ClaimEvent, ClaimEventKind, ClaimStatus, LedgerEntry

# What a claim that takes an undone one's place repeats of it.
_REPEATED = (
    "member_id",
    "organization_id",
    "item_code",
    "source_kind",
    "source_id",
    "title",
    "happened_on",
    "flags",
    "is_flagged",
)


def requantify(
    session: Session, actor: Actor, claim: Claim, *, quantity: int, reason: str, now: datetime
) -> UUID:
    """Let the branch decide a claim on another quantity; returns the claim that now waits.

    One that waits, or was returned, waits with the new quantity. Of an approved one the entry is
    reversed, and a new claim takes its place: what was posted is never edited. The caller has
    checked that the actor may. Lock order: periods, claim, quota rows, ledger.

    Raises:
        ClaimAlreadyDecided: it was withdrawn, or decided meanwhile.
        PeriodClosed, NoOpenPeriod: no period takes the reversal now.
    """
    if claim.status == ClaimStatus.APPROVED:
        return _replace(session, actor, claim, quantity=quantity, reason=reason, now=now)
    _move(
        session,
        claim,
        ClaimStatus.PENDING,
        quantity=quantity,
        decided_by=None,
        decided_at=None,
        submitted_at=now,
        reviewer_organization_id=_reviewer_of(session, claim, actor),
    )
    _note(session, actor, claim.id, ClaimEventKind.RESUBMITTED, reason, now)
    return claim.id


def _replace(
    session: Session, actor: Actor, claim: Claim, *, quantity: int, reason: str, now: datetime
) -> UUID:
    periods.hold_all_open(session)
    _move(session, claim, ClaimStatus.UNDONE)
    entry = session.scalars(sa.select(LedgerEntry).where(LedgerEntry.claim_id == claim.id)).one()
    reversing.reverse_all(session, actor, [entry], reason=reason, now=now)
    again = Claim(
        id=new_id(),
        quantity=quantity,
        reviewer_organization_id=_reviewer_of(session, claim, actor),
        submitted_by=actor.member_id,
        submitted_at=now,
        **{name: getattr(claim, name) for name in _REPEATED},
    )
    session.add(again)
    # The steps refer to it by foreign key.
    session.flush()
    _note(session, actor, claim.id, ClaimEventKind.UNDONE, reason, now)
    _note(session, actor, again.id, ClaimEventKind.SUBMITTED, reason, now)
    return again.id


def _move(session: Session, claim: Claim, status: ClaimStatus, **values: Any) -> None:
    """Change a claim if it is still what the caller saw."""
    if claim.status in (ClaimStatus.WITHDRAWN, ClaimStatus.UNDONE):
        raise ClaimAlreadyDecided
    moved = session.execute(
        sa.update(Claim)
        .where(Claim.id == claim.id, Claim.version == claim.version)
        .values(status=status, version=Claim.version + 1, **values)
        .returning(Claim.id)
        .execution_options(synchronize_session=False)
    ).first()
    if moved is None:
        raise ClaimAlreadyDecided


def _reviewer_of(session: Session, claim: Claim, actor: Actor) -> UUID:
    home = session.get_one(Organization, claim.organization_id)
    reviewers = load_reviewers(session, [home.id], actor.on)[home.id]
    return choose_reviewer(claim.member_id, home.id, home.parent_id, reviewers)


def _note(
    session: Session,
    actor: Actor,
    claim_id: UUID,
    kind: ClaimEventKind,
    reason: str,
    now: datetime,
) -> None:
    step = ClaimEvent(claim_id=claim_id, kind=kind, actor_id=actor.member_id, reason=reason, at=now)
    session.add(step)
