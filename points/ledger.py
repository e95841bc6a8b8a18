"""The append-only ledger: posting granted points, reversing an entry."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import Conflict, Forbidden, NotFound, RuleViolation
from core.ids import new_id
from core.quantities import format_points
from core.rows import insert_rows
from members.access import REVIEWING_ROLES, Actor, hold_roles
from notifications import outbox
from points import periods, quotas
from points.models import Claim, LedgerEntry, SchemeVersion
from points.rules import Grant


class AlreadyReversed(Conflict):
    """The entry has been reversed before."""

    code = "entry.already_reversed"
    title = "这笔积分已经冲正过"


class NotReversible(RuleViolation):
    """A reversal itself is not reversed; what should stand is claimed anew."""

    code = "entry.not_reversible"
    title = "冲正记录不能再冲正"


@dataclass(frozen=True, slots=True)
class Posting:
    """One approved claim on its way into the ledger."""

    claim_id: UUID
    member_id: UUID
    organization_id: UUID
    period_id: UUID
    scheme_version_id: UUID
    item_code: str
    component_code: str
    title: str
    happened_on: date
    grant: Grant
    inputs: dict[str, Any]


def post(
    session: Session, actor: Actor, postings: Sequence[Posting], *, now: datetime
) -> dict[UUID, UUID]:
    """Append one entry per posting in one statement; returns claim id -> entry id."""
    rows = [_award_row(actor, posting, now) for posting in postings]
    insert_rows(session, LedgerEntry, rows)
    return {row["claim_id"]: row["id"] for row in rows}


def reverse(
    session: Session, actor: Actor, entry_id: UUID, *, reason: str, now: datetime
) -> LedgerEntry:
    """Append the entry that takes another back, and free the room that it used (decision 4).

    A reversal needs the approval level of the original, and nobody reverses his own entry.

    Raises:
        NotFound: absent, or outside what the actor reviews.
        Forbidden: the entry is the actor's own, or his role was revoked meanwhile.
        AlreadyReversed, NotReversible, PeriodClosed: why it cannot be taken back.
    """
    original, scheme_code, reviewer_id = _get_reviewed(session, actor, entry_id)
    if original.member_id == actor.member_id:
        raise Forbidden("不能冲正本人的积分。")
    if reviewer_id not in hold_roles(session, actor, REVIEWING_ROLES):
        raise Forbidden("您的审核权限已停止，请刷新后再试。")
    periods.hold_open(session, original.period_id)
    # The quota rows are the lock that makes two reversals take turns; whoever comes second
    # sees the first one's entry.
    buckets = [cap["bucket"] for cap in original.inputs["caps"]]
    used = quotas.hold(session, original.member_id, scheme_code, buckets)
    if session.scalar(sa.select(LedgerEntry.id).where(LedgerEntry.reverses_id == entry_id)):
        raise AlreadyReversed
    quotas.store(session, {key: spent - original.points for key, spent in used.items()})
    reversal = _reversal_of(original, actor, reason, now)
    session.add(reversal)
    session.flush()
    outbox.enqueue(session, [_reversal_message(original, reason)], now=now)
    return reversal


def _get_reviewed(session: Session, actor: Actor, entry_id: UUID) -> tuple[LedgerEntry, str, UUID]:
    """The entry, its scheme's code, and the organisation whose decision it was."""
    mine = [held.organization_id for held in actor.held_roles if held.role in REVIEWING_ROLES]
    reviewer_id = sa.func.coalesce(Claim.reviewer_organization_id, LedgerEntry.organization_id)
    row = session.execute(
        sa.select(LedgerEntry, SchemeVersion.scheme_code, reviewer_id)
        .join(SchemeVersion, SchemeVersion.id == LedgerEntry.scheme_version_id)
        .outerjoin(Claim, Claim.id == LedgerEntry.claim_id)
        .where(LedgerEntry.id == entry_id, reviewer_id.in_(mine))
    ).one_or_none()
    if row is None:
        raise NotFound
    entry, scheme_code, organization_id = row
    if entry.reverses_id is not None:
        raise NotReversible
    return entry, scheme_code, organization_id


def _award_row(actor: Actor, posting: Posting, now: datetime) -> dict[str, Any]:
    grant = posting.grant
    return {
        "id": new_id(),
        "claim_id": posting.claim_id,
        "member_id": posting.member_id,
        "organization_id": posting.organization_id,
        "period_id": posting.period_id,
        "scheme_version_id": posting.scheme_version_id,
        "item_code": posting.item_code,
        "component_code": posting.component_code,
        "title": posting.title,
        "happened_on": posting.happened_on,
        "asked": grant.asked,
        "points": grant.points,
        "binding_cap": grant.binding_cap.bucket if grant.binding_cap else None,
        "inputs": posting.inputs,
        "reason": "",
        "actor_id": actor.member_id,
        "request_id": actor.request_id,
        "posted_at": now,
    }


def _reversal_of(original: LedgerEntry, actor: Actor, reason: str, now: datetime) -> LedgerEntry:
    return LedgerEntry(
        id=new_id(),
        reverses_id=original.id,
        member_id=original.member_id,
        organization_id=original.organization_id,
        period_id=original.period_id,
        scheme_version_id=original.scheme_version_id,
        item_code=original.item_code,
        component_code=original.component_code,
        title=original.title,
        happened_on=original.happened_on,
        asked=-original.points,
        points=-original.points,
        binding_cap=None,
        inputs=original.inputs,
        reason=reason,
        actor_id=actor.member_id,
        request_id=actor.request_id,
        posted_at=now,
    )


def _reversal_message(original: LedgerEntry, reason: str) -> outbox.Message:
    return outbox.Message(
        original.member_id,
        "entry_reversed",
        str(original.id),
        {"title": original.title, "points": format_points(original.points), "reason": reason},
    )
