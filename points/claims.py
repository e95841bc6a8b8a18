"""Claims: sending one in, sending it again after a return, withdrawing it, finding it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from core.errors import Conflict, NotFound, RuleViolation
from core.ids import new_id
from core.paging import Page, newest_first
from members.access import READING_ROLES, Actor, within
from members.access_models import Role
from members.models import Member, Organization
from points import periods, rules, schemes, scores
from points.claim_routing import choose_reviewer, load_reviewers
from points.definitions import Event, Item, match_items
from points.models import Claim, ClaimEvent, ClaimEventKind, ClaimStatus


class ClaimTooLate(RuleViolation):
    """The time to claim this day is over."""

    code = "claim.too_old"
    title = "超过可申报期限"


class ItemNotClaimable(RuleViolation):
    """The scheme in force has no such item."""

    code = "claim.item_unknown"
    title = "适用的积分方案没有这个项目"


class ClaimAlreadyDecided(Conflict):
    """The claim is not waiting any more, or is newer than what the caller saw."""

    code = "claim.already_decided"
    title = "这项申报已经处理过，请看最新内容"


@dataclass(frozen=True, slots=True)
class NewClaim:
    """What a life cycle hands over when something done asks for points.

    The quantity is minutes of service; a scheme that counts services counts it once.
    """

    member_id: UUID
    organization_id: UUID
    event: Event
    source_kind: str
    source_id: UUID
    title: str
    happened_on: date
    quantity: int
    flags: Sequence[str]


def submit(session: Session, actor: Actor, *, new: NewClaim, now: datetime) -> Claim:
    """Send a claim into the review queue of the organisation of that day.

    Raises:
        ClaimTooLate, PeriodClosed, ItemNotClaimable, NoSchemeInForce: why it cannot count.
    """
    organization = session.get_one(Organization, new.organization_id)
    item = require_claimable(
        session, new.member_id, organization.path, new.event, new.happened_on, now=now
    )
    claim = Claim(
        id=new_id(),
        member_id=new.member_id,
        organization_id=new.organization_id,
        reviewer_organization_id=find_reviewer(session, new.member_id, organization, actor.on),
        item_code=item.code,
        source_kind=new.source_kind,
        source_id=new.source_id,
        title=new.title,
        happened_on=new.happened_on,
        quantity=new.quantity,
        flags=list(new.flags),
        is_flagged=bool(new.flags),
        submitted_by=actor.member_id,
        submitted_at=now,
    )
    session.add(claim)
    # The event and the record above the claim refer to it by foreign key.
    session.flush()
    _note(session, actor, claim.id, ClaimEventKind.SUBMITTED, now=now)
    return claim


def require_claimable(
    session: Session,
    member_id: UUID,
    path: str,
    event: Event,
    happened_on: date,
    *,
    now: datetime,
) -> Item:
    """The item that a member's claim for this event of this day would count under.

    Raises:
        ClaimTooLate, PeriodClosed, ItemNotClaimable, NoSchemeInForce: why it cannot count.
    """
    definition = schemes.require_in_force(session, path, happened_on).definition
    deadline = rules.claim_deadline(definition.cutoff, happened_on)
    if business_day(now) > deadline:
        raise ClaimTooLate(f"{happened_on} 的服务最晚可在 {deadline} 申报。")
    periods.require_open(session, happened_on)
    asked = (member_id, happened_on)
    member_class = scores.find_classes(session, [asked]).get(asked, "")
    matching = match_items(definition, event, member_class=member_class)
    item = next((one for one in matching if one.is_claimable), None)
    if item is None:
        raise ItemNotClaimable
    return item


def resubmit(
    session: Session,
    actor: Actor,
    claim_id: UUID,
    *,
    changes: dict[str, Any],
    now: datetime,
) -> None:
    """Send a returned claim in again with corrected facts, to whoever decides it today.

    Raises:
        ClaimAlreadyDecided: it is not in the returned state any more.
    """
    claim = session.get_one(Claim, claim_id)
    organization = session.get_one(Organization, claim.organization_id)
    reviewer_id = find_reviewer(session, claim.member_id, organization, actor.on)
    _move(
        session,
        actor,
        claim_id,
        ClaimStatus.RETURNED,
        values=changes
        | {
            "status": ClaimStatus.PENDING,
            "decided_by": None,
            "decided_at": None,
            "submitted_at": now,
            "reviewer_organization_id": reviewer_id,
        },
    )
    _note(session, actor, claim_id, ClaimEventKind.RESUBMITTED, now=now)


def withdraw(session: Session, actor: Actor, claim_id: UUID, *, now: datetime) -> None:
    """Take back a claim that nobody has decided yet, or that was returned.

    Raises:
        ClaimAlreadyDecided: it was approved meanwhile, or withdrawn before.
    """
    _move(
        session,
        actor,
        claim_id,
        ClaimStatus.PENDING,
        ClaimStatus.RETURNED,
        values={"status": ClaimStatus.WITHDRAWN, "decided_by": None, "decided_at": None},
    )
    _note(session, actor, claim_id, ClaimEventKind.WITHDRAWN, now=now)


def get_claim(session: Session, actor: Actor, claim_id: UUID) -> tuple[Claim, str]:
    """A claim and its member's name: the actor's own, or in his reading scope.

    Raises:
        NotFound: absent, or out of scope.
    """
    row = session.execute(readable(actor).where(Claim.id == claim_id)).one_or_none()
    if row is None:
        raise NotFound
    return row[0], row[1]


def readable(actor: Actor) -> sa.Select[Claim, str]:
    """Claims with their members' names: the actor's own, and those in his reading scope."""
    return (
        sa.select(Claim, Member.name)
        .join(Member, Member.id == Claim.member_id)
        .join(Organization, Organization.id == Claim.organization_id)
        .where(
            (Claim.member_id == actor.member_id)
            | within(actor.paths(READING_ROLES - {Role.GROUP_LEADER})),
        )
    )


def is_live_of(source_kind: str, source_id: sa.ColumnElement[UUID]) -> sa.ColumnElement[bool]:
    """Join condition: the claim that stands for a source today.

    An undone one stays with its entry and its reversal, and another has taken its place.
    """
    return sa.and_(
        Claim.source_kind == source_kind,
        Claim.source_id == source_id,
        Claim.status != ClaimStatus.UNDONE,
    )


def get_live_id(session: Session, source_kind: str, source_id: UUID) -> UUID:
    """The id of the claim that stands for a source today."""
    live = is_live_of(source_kind, sa.literal(source_id, sa.Uuid))
    return session.scalars(sa.select(Claim.id).where(live)).one()


def list_timeline(session: Session, claim_id: UUID) -> Sequence[ClaimEvent]:
    """The steps of a claim that the caller has already been shown to be allowed to see."""
    return session.scalars(
        sa.select(ClaimEvent)
        .where(ClaimEvent.claim_id == claim_id)
        .order_by(ClaimEvent.at, ClaimEvent.id)
    ).all()


def list_own(
    session: Session, actor: Actor, *, after: list[str | int] | None, limit: int
) -> Page[Claim]:
    """The actor's claims, newest first."""
    query = sa.select(Claim).where(Claim.member_id == actor.member_id)
    return newest_first(session, query, Claim, after=after, limit=limit)


def find_reviewer(session: Session, member_id: UUID, organization: Organization, on: date) -> UUID:
    """Who decides something of one member's: see `choose_reviewer`."""
    reviewers = load_reviewers(session, [organization.id], on)[organization.id]
    return choose_reviewer(member_id, organization.id, organization.parent_id, reviewers)


def _move(
    session: Session,
    actor: Actor,
    claim_id: UUID,
    *from_statuses: ClaimStatus,
    values: dict[str, Any],
) -> None:
    moved = session.execute(
        sa.update(Claim)
        .where(
            Claim.id == claim_id,
            Claim.status.in_(from_statuses),
            (Claim.member_id == actor.member_id) | (Claim.submitted_by == actor.member_id),
        )
        .values(version=Claim.version + 1, **values)
        .returning(Claim.id)
    ).first()
    if moved is None:
        raise ClaimAlreadyDecided


def _note(
    session: Session, actor: Actor, claim_id: UUID, kind: ClaimEventKind, *, now: datetime
) -> None:
    session.add(ClaimEvent(claim_id=claim_id, kind=kind, actor_id=actor.member_id, at=now))
