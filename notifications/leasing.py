"""Who sends what: leases, attempts and outcomes of rows that leave the house (I5).

A row is leased, its attempt is committed, and only then is the provider called, with no
transaction open. Whoever finds an attempt whose caller did not come back calls it unknown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.ids import new_id
from core.rows import insert_rows
from notifications.channels.sender import Answer, Outgoing, Result, Sender
from notifications.delivery_models import OutboxAttempt, OutboxOutcome, OutcomeSource
from notifications.models import Because, Channel, OutboxMessage, OutboxState

# Longer than connecting, sending and waiting for an answer together.
LEASE = timedelta(seconds=60)
ATTEMPTS_MAX = 5
BACKOFF_MIN = timedelta(seconds=30)
BACKOFF_MAX = timedelta(minutes=30)
_FINAL = (OutboxState.DELIVERED, OutboxState.REJECTED)


@dataclass(frozen=True, slots=True)
class Leased:
    """A row that is ours until the lease ends, with the key of its earlier attempts if any."""

    id: UUID
    key: str | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that is committed before its call: what to send, and until when it may be."""

    number: int
    outgoing: Outgoing
    lease_until: datetime


def lease(
    session: Session,
    channel: Channel,
    *,
    by: UUID,
    limit: int,
    urgent_only: bool,
    now: datetime,
) -> list[Leased]:
    """Take rows that are due; an unknown one only while repeating it is certain to do no harm."""
    may_be_repeated = (
        (OutboxMessage.state == OutboxState.UNKNOWN)
        & (OutboxMessage.idempotent_until > now + LEASE)
        & (OutboxMessage.attempts < ATTEMPTS_MAX)
        & OutboxMessage.resolved_at.is_(None)
    )
    is_due = sa.and_(
        OutboxMessage.channel == channel,
        OutboxMessage.not_before <= now,
        sa.or_(OutboxMessage.state == OutboxState.PENDING, may_be_repeated),
        OutboxMessage.is_urgent if urgent_only else sa.true(),
    )
    candidates = (
        sa.select(OutboxMessage.id)
        .where(is_due)
        .order_by(OutboxMessage.is_urgent.desc(), OutboxMessage.not_before, OutboxMessage.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("candidates")
    )
    rows = session.execute(
        sa.update(OutboxMessage)
        .where(OutboxMessage.id.in_(sa.select(candidates.c.id)), is_due)
        .values(state=OutboxState.LEASED, leased_by=by, lease_until=now + LEASE)
        .returning(OutboxMessage.id, OutboxMessage.idempotency_key)
        .execution_options(synchronize_session=False)
    ).all()
    return [Leased(row.id, row.idempotency_key) for row in sorted(rows, key=lambda row: row.id)]


def begin_attempt(
    session: Session, outgoing: Outgoing, sender: Sender, *, by: UUID, now: datetime
) -> Attempt | None:
    """Write down that the call is about to be made; None when the lease was lost meanwhile."""
    number = session.scalar(
        sa.update(OutboxMessage)
        .where(*_is_held(outgoing.id, by), OutboxMessage.lease_until > now)
        .values(
            attempts=OutboxMessage.attempts + 1,
            lease_until=now + LEASE,
            provider=sender.provider,
            idempotency_key=outgoing.key,
            # Counted from the first attempt, however many follow.
            idempotent_until=sa.func.coalesce(
                OutboxMessage.idempotent_until,
                sa.literal(now + sender.idempotent_for, OutboxMessage.idempotent_until.type),
            ),
        )
        .returning(OutboxMessage.attempts)
        .execution_options(synchronize_session=False)
    )
    if number is None:
        return None
    row = {"id": new_id(), "outbox_id": outgoing.id, "number": number, "begun_at": now}
    row |= {"provider": sender.provider, "idempotency_key": outgoing.key}
    insert_rows(session, OutboxAttempt, [row])
    return Attempt(number, outgoing, now + LEASE)


def record(
    session: Session, attempt: Attempt, answer: Answer, *, by: UUID, jitter: float, now: datetime
) -> None:
    """Write down what came of a call; a state only moves forward.

    Args:
        jitter: 0 to 1, so that what failed together is not repeated together.
    """
    message_id, number = attempt.outgoing.id, attempt.number
    state = _state_after(answer.result, number)
    values: dict[str, Any] = {
        "state": state,
        "not_before": now + backoff(number, jitter),
        "provider_code": answer.code,
        "finished_at": now if state in _FINAL else None,
    }
    if answer.provider_message_id:
        values["provider_message_id"] = answer.provider_message_id
    if not _finish_lease(session, message_id, by, values):
        _hear_late(session, message_id, number, values)
    _write_outcomes(
        session, [(message_id, number)], OutcomeSource.ANSWER, state, answer.code, now=now
    )


def put_back(session: Session, message_id: UUID, *, by: UUID, jitter: float, now: datetime) -> None:
    """Give up a lease before any attempt, because the provider gave no key for one."""
    values = {"state": OutboxState.PENDING, "not_before": now + backoff(1, jitter)}
    _finish_lease(session, message_id, by, values)


def drop(session: Session, message_id: UUID, because: Because, *, by: UUID, now: datetime) -> None:
    """What need not or must not leave any more does not."""
    is_past = because is Because.PAST
    state = OutboxState.EXPIRED if is_past else OutboxState.CANCELLED
    values = {"state": state, "suppressed_because": because, "finished_at": now}
    _finish_lease(session, message_id, by, values)


def reclaim(session: Session, *, now: datetime) -> int:
    """Take back what a process held that did not come back; returns how many became unknown."""
    nothing_taken = sa.exists().where(
        OutboxOutcome.outbox_id == OutboxMessage.id,
        OutboxOutcome.number == OutboxMessage.attempts,
        OutboxOutcome.state == OutboxState.PENDING,
    )
    is_untouched = (OutboxMessage.attempts == 0) | nothing_taken
    rows = session.execute(
        sa.update(OutboxMessage)
        .where(OutboxMessage.state == OutboxState.LEASED, OutboxMessage.lease_until < now)
        .values(
            state=sa.case((is_untouched, OutboxState.PENDING), else_=OutboxState.UNKNOWN),
            leased_by=None,
            lease_until=None,
            not_before=now,
        )
        .returning(OutboxMessage.id, OutboxMessage.attempts, OutboxMessage.state)
        .execution_options(synchronize_session=False)
    ).all()
    lost = [(row.id, row.attempts) for row in rows if row.state == OutboxState.UNKNOWN]
    _write_outcomes(session, lost, OutcomeSource.LEASE, OutboxState.UNKNOWN, "no_answer", now=now)
    return len(lost)


def backoff(number: int, jitter: float) -> timedelta:
    """How long to wait after an attempt: doubling, and half as much again at random."""
    doubled: timedelta = min(BACKOFF_MIN * 2 ** (number - 1), BACKOFF_MAX)
    return doubled * (1 + jitter / 2)


def _state_after(result: Result, number: int) -> OutboxState:
    if result is Result.TRY_AGAIN:
        return OutboxState.PENDING if number < ATTEMPTS_MAX else OutboxState.REJECTED
    return {
        Result.ACCEPTED: OutboxState.SENT,
        Result.REFUSED: OutboxState.REJECTED,
        Result.UNKNOWN: OutboxState.UNKNOWN,
    }[result]


def _is_held(message_id: UUID, by: UUID) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        OutboxMessage.id == message_id,
        OutboxMessage.state == OutboxState.LEASED,
        OutboxMessage.leased_by == by,
    )


def _finish_lease(session: Session, message_id: UUID, by: UUID, values: dict[str, Any]) -> bool:
    kept = session.execute(
        sa.update(OutboxMessage)
        .where(*_is_held(message_id, by))
        .values(leased_by=None, lease_until=None, **values)
        .returning(OutboxMessage.id)
        .execution_options(synchronize_session=False)
    ).first()
    return kept is not None


def _hear_late(session: Session, message_id: UUID, number: int, values: dict[str, Any]) -> None:
    """An answer to a call that was given up: it may settle the unknown, and nothing else.

    A report may have been faster than the answer; then only the provider's number is new.
    """
    if values["state"] in (OutboxState.SENT, OutboxState.REJECTED):
        session.execute(
            sa.update(OutboxMessage)
            .where(
                OutboxMessage.id == message_id,
                OutboxMessage.state == OutboxState.UNKNOWN,
                OutboxMessage.attempts == number,
            )
            .values(**values)
            .execution_options(synchronize_session=False)
        )
    if "provider_message_id" in values:
        session.execute(
            sa.update(OutboxMessage)
            .where(OutboxMessage.id == message_id, OutboxMessage.provider_message_id.is_(None))
            .values(provider_message_id=values["provider_message_id"])
            .execution_options(synchronize_session=False)
        )


def _write_outcomes(
    session: Session,
    attempts: Sequence[tuple[UUID, int]],
    source: OutcomeSource,
    state: OutboxState,
    code: str,
    *,
    now: datetime,
) -> None:
    common = {"source": source, "state": state, "code": code, "heard_at": now}
    insert_rows(
        session,
        OutboxOutcome,
        [
            {"id": new_id(), "outbox_id": message_id, "number": number} | common
            for message_id, number in attempts
        ],
    )
