"""Seals over the audit trail: an event that is missing or was altered shows (I4).

Numbers of a sequence have holes where a transaction came to nothing, so a hole proves nothing.
A seal counts the events of a stretch that cannot get any more, and digests them with the seal
before; only retention may empty a stretch, and only a whole one whose time is over.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.audit_models import AuditEvent, AuditMention, AuditSeal
from core.db import database_now
from core.rows import dialect_of

# An event is written right before its COMMIT, and no statement may take longer than 30 seconds.
SETTLED_AFTER = timedelta(minutes=10)
# Three years and the day by which three years may be longer; a trigger keeps them as well.
KEPT_FOR = timedelta(days=3 * 365 + 1)
EVENTS_MAX = 5_000
_BEFORE_THE_FIRST = "0" * 64


def seal(session: Session, *, now: datetime) -> int:
    """Seal the settled events behind the last seal; return how many. A fork breaks a UNIQUE."""
    head = find_head(session)
    after = head.to_seq if head else 0
    settled = database_now(dialect_of(session), -SETTLED_AFTER)
    to_seq = session.scalar(
        sa.select(sa.func.max(AuditEvent.seq)).where(
            AuditEvent.seq > after, AuditEvent.at < settled
        )
    )
    events = _load(session, after + 1, to_seq or 0, limit=EVENTS_MAX)
    if not events:
        return 0
    previous = head.digest if head else _BEFORE_THE_FIRST
    session.add(
        AuditSeal(
            number=head.number + 1 if head else 1,
            from_seq=after + 1,
            to_seq=events[-1].seq,
            events=len(events),
            previous_digest=previous,
            digest=_digest(previous, events),
            newest_at=max(event.at for event in events),
            sealed_at=now,
        )
    )
    session.flush()
    return len(events)


def verify(session: Session, *, now: datetime) -> list[str]:
    """What is wrong with the sealed part of the trail, in sentences; nothing is well."""
    return list(_find_faults(session, now))


def purge(session: Session, *, now: datetime) -> int:
    """Delete sealed stretches that are older than they are kept; return how many events."""
    to_seq = session.scalar(
        sa.select(sa.func.max(AuditSeal.to_seq)).where(AuditSeal.newest_at < now - KEPT_FOR)
    )
    if to_seq is None:
        return 0
    gone = session.scalars(
        sa.delete(AuditEvent).where(AuditEvent.seq <= to_seq).returning(AuditEvent.seq)
    ).all()
    if gone:
        session.execute(sa.delete(AuditMention).where(AuditMention.event_seq <= to_seq))
    return len(gone)


def find_head(session: Session) -> AuditSeal | None:
    """The newest seal. Who keeps its digest elsewhere can tell whether the trail was rewritten."""
    return session.scalar(sa.select(AuditSeal).order_by(AuditSeal.number.desc()).limit(1))


def find_latest(session: Session, limit: int) -> Sequence[AuditEvent]:
    """The newest events, the newest first."""
    return session.scalars(sa.select(AuditEvent).order_by(AuditEvent.seq.desc()).limit(limit)).all()


def _find_faults(session: Session, now: datetime) -> Iterator[str]:
    seals = session.scalars(sa.select(AuditSeal).order_by(AuditSeal.number)).all()
    previous, number, to_seq = _BEFORE_THE_FIRST, 0, 0
    for one in seals:
        if (one.previous_digest, one.number, one.from_seq) != (previous, number + 1, to_seq + 1):
            yield f"第 {one.number} 段与前一段不相接"
        previous, number, to_seq = one.digest, one.number, one.to_seq
        events = _load(session, one.from_seq, one.to_seq)
        if not events and one.newest_at < now - KEPT_FOR:
            continue
        if len(events) != one.events:
            yield f"第 {one.number} 段应有 {one.events} 条，现有 {len(events)} 条"
        elif _digest(one.previous_digest, events) != one.digest:
            yield f"第 {one.number} 段的内容被改动过"


def _load(
    session: Session, from_seq: int, to_seq: int, *, limit: int | None = None
) -> Sequence[sa.Row[Any]]:
    columns = AuditEvent.__table__.c
    here = columns.seq.between(from_seq, to_seq)
    return session.execute(sa.select(*columns).where(here).order_by(columns.seq).limit(limit)).all()


def _digest(previous: str, events: Sequence[sa.Row[Any]]) -> str:
    digest = hashlib.sha256(previous.encode())
    for event in events:
        row = json.dumps(event._asdict(), default=str, sort_keys=True, ensure_ascii=False)
        digest.update(row.encode() + b"\n")
    return digest.hexdigest()
