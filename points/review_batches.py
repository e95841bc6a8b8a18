"""Deciding in batches that can be undone: for ten minutes the reviewer may take one back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from core.errors import Conflict, NotFound, RuleViolation
from core.ids import new_id
from core.rows import dialect_of, insert_rows, row_source, rows_parameter
from members.access import REVIEWING_ROLES, Actor, hold_roles
from notifications import outbox
from points import periods, reversing, review
from points.models import Claim, ClaimEvent, ClaimEventKind, ClaimStatus, LedgerEntry
from points.review import Decision, Outcome, Result
from points.review_models import ReviewBatch, ReviewBatchDecision

UNDO_WITHIN = timedelta(minutes=10)
_REASON = "审核人撤销了这次审核"


class UndoExpired(RuleViolation):
    """The minutes are over; a single entry can still be reversed with a reason."""

    code = "review.undo_expired"
    title = "已过可撤销的时间，请逐笔冲正"


class AlreadyUndone(Conflict):
    """A batch is undone once."""

    code = "review.already_undone"
    title = "这次审核已经撤销过"
    retry = "never"


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What one request decided, and until when it can be undone; no id if nothing was decided."""

    review_id: UUID | None
    undo_until: datetime | None
    results: list[Result]


@dataclass(frozen=True, slots=True)
class Undone:
    """How many decisions no longer stand; what others have changed since is left alone."""

    reversed: int
    reopened: int
    left: int


def decide(
    session: Session, actor: Actor, decisions: Sequence[Decision], *, now: datetime
) -> Reviewed:
    """Review claims and remember what was decided; two statements more than `review.review`.

    Raises:
        Forbidden: the actor's reviewing role was revoked meanwhile.
    """
    results = review.review(session, actor, decisions, now=now)
    versions = {decision.claim_id: decision.version + 1 for decision in decisions}
    decided = [one for one in results if one.outcome is not Outcome.REFUSED]
    if not decided:
        return Reviewed(None, None, results)
    batch = ReviewBatch(
        id=new_id(), reviewer_id=actor.member_id, reviewed_at=now, undo_until=now + UNDO_WITHIN
    )
    session.add(batch)
    session.flush()
    insert_rows(
        session,
        ReviewBatchDecision,
        [
            {
                "review_id": batch.id,
                "claim_id": one.claim_id,
                "version": versions[one.claim_id],
                "entry_id": one.entry_id,
            }
            for one in decided
        ],
    )
    return Reviewed(batch.id, batch.undo_until, results)


def undo(session: Session, actor: Actor, review_id: UUID, *, now: datetime) -> Undone:
    """Take back a batch: approvals are reversed and wait anew, returns wait again.

    A decision that did not stay the last word is left alone: the claim was sent in again, or
    its entry was reversed by somebody else. Constant statements. Lock order: role grants,
    periods, batch, claims by id, quota rows by key, ledger.

    Raises:
        NotFound: it is none of the actor's batches.
        UndoExpired, AlreadyUndone, PeriodClosed, NoOpenPeriod: why not.
    """
    batch = session.get(ReviewBatch, review_id)
    if batch is None or batch.reviewer_id != actor.member_id:
        raise NotFound
    if now > batch.undo_until:
        raise UndoExpired
    hold_roles(session, actor, REVIEWING_ROLES)
    periods.hold_all_open(session)
    _mark_undone(session, review_id, now)
    claims = _lock_claims(session, review_id)
    approved = [one for one in claims if one.status == ClaimStatus.APPROVED]
    returned = [one for one in claims if one.status == ClaimStatus.RETURNED]
    entries = _entries(session, review_id)
    mine = [entries[one.id] for one in approved]
    made = reversing.reverse_all(session, actor, mine, reason=_REASON, now=now)
    taken = [one for one in approved if entries[one.id].id in made]
    _move(session, taken, ClaimStatus.UNDONE)
    _move(session, returned, ClaimStatus.PENDING)
    again = [_again(one) for one in taken]
    insert_rows(session, Claim, again)
    insert_rows(session, ClaimEvent, _steps(actor, taken, returned, again, now))
    outbox.enqueue(session, [_message(one, review_id) for one in returned], now=now)
    decided = session.scalar(
        sa.select(sa.func.count()).where(ReviewBatchDecision.review_id == review_id)
    )
    left = (decided or 0) - len(taken) - len(returned)
    return Undone(len(taken), len(returned), left)


def _mark_undone(session: Session, review_id: UUID, now: datetime) -> None:
    first = session.execute(
        sa.update(ReviewBatch)
        .where(ReviewBatch.id == review_id, ReviewBatch.undone_at.is_(None))
        .values(undone_at=now)
        .returning(ReviewBatch.id)
    ).first()
    if first is None:
        raise AlreadyUndone


def _lock_claims(session: Session, review_id: UUID) -> Sequence[Row[Any]]:
    """The claims whose last word is still that of the batch, locked in id order."""
    table, decided = cast(sa.Table, Claim.__table__), ReviewBatchDecision.__table__
    rows: Sequence[Any] = session.execute(
        sa.select(*table.c)
        .join(decided, decided.c.claim_id == table.c.id)
        .where(decided.c.review_id == review_id, table.c.version == decided.c.version)
        .order_by(table.c.id)
        .with_for_update(of=table)
    ).all()
    return rows


def _entries(session: Session, review_id: UUID) -> dict[UUID, LedgerEntry]:
    rows = session.execute(
        sa.select(ReviewBatchDecision.claim_id, LedgerEntry)
        .join(LedgerEntry, LedgerEntry.id == ReviewBatchDecision.entry_id)
        .where(ReviewBatchDecision.review_id == review_id)
    )
    return {row[0]: row[1] for row in rows}


def _move(session: Session, claims: Sequence[Row[Any]], status: ClaimStatus) -> None:
    if claims:
        session.execute(
            _moving(dialect_of(session), status),
            rows_parameter(session, [{"id": one.id} for one in claims]),
        )


@cache
def _moving(dialect: str, status: ClaimStatus) -> sa.Update:
    table = cast(sa.Table, Claim.__table__)
    given = row_source(dialect, {"id": table.c.id.type})
    values: dict[str, Any] = {"status": status.value, "version": table.c.version + 1}
    if status is ClaimStatus.PENDING:
        values |= {"decided_by": None, "decided_at": None, "decision_reason": ""}
    return sa.update(table).where(table.c.id == given.c.id).values(values)


def _again(claim: Row[Any]) -> dict[str, Any]:
    """The claim that takes the place of an undone one, in every column that was not decided."""
    kept = (
        "member_id", "organization_id", "reviewer_organization_id", "item_code", "source_kind",
        "source_id", "title", "happened_on", "quantity", "flags", "is_flagged", "submitted_by",
        "submitted_at",
    )  # fmt: skip
    return {name: getattr(claim, name) for name in kept} | {
        "id": new_id(),
        "status": ClaimStatus.PENDING,
        "decision_reason": "",
        "version": 1,
    }


def _steps(
    actor: Actor,
    taken: Sequence[Row[Any]],
    returned: Sequence[Row[Any]],
    again: Sequence[dict[str, Any]],
    now: datetime,
) -> list[dict[str, Any]]:
    steps = [(one.id, ClaimEventKind.UNDONE) for one in (*taken, *returned)]
    steps += [(row["id"], ClaimEventKind.SUBMITTED) for row in again]
    common = {"actor_id": actor.member_id, "reason": _REASON, "at": now}
    return [
        {"id": new_id(), "claim_id": claim_id, "kind": kind} | common for claim_id, kind in steps
    ]


def _message(claim: Row[Any], review_id: UUID) -> outbox.Message:
    # The reversal of an approval tells its member by itself.
    params = {"title": claim.title}
    return outbox.Message(claim.member_id, "review_undone", f"{review_id}:{claim.id}", params)
