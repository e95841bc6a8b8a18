"""Reversal entries: taking back many entries at once, in a constant number of statements."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from core.ids import new_id
from core.quantities import format_points
from core.rows import dialect_of, insert_rows, row_source, rows_parameter
from members.access import Actor
from notifications import outbox
from points import periods, quotas, rules
from points.models import LedgerEntry, SchemeVersion
from points.periods import PostingPeriod

# What a reversal repeats of its original.
REPEATED = (
    "member_id",
    "organization_id",
    "scheme_version_id",
    "subject",
    "item_code",
    "component_code",
    "title",
    "happened_on",
    "inputs",
)


def reverse_all(
    session: Session,
    actor: Actor,
    originals: Sequence[LedgerEntry],
    *,
    reason: str,
    now: datetime,
) -> dict[UUID, UUID]:
    """Append the entries that take others back, and free the room that they used (decision 4).

    An entry of a closed period is taken back in the open one behind it, under the closed one's
    name. The caller has checked that the actor may. Lock order: periods, quota rows by key,
    ledger.

    Args:
        originals: entries that are no reversals themselves.

    Returns:
        original entry -> its reversal; an entry that was reversed before is left out.

    Raises:
        PeriodClosed: the period of one of them is being closed.
        NoOpenPeriod: it is closed, and nothing behind it is open.
    """
    if not originals:
        return {}
    held = periods.hold(session)
    postings = {key: held.of_entry(key) for key in {one.period_id for one in originals}}
    codes = _scheme_codes(session, originals)
    # The quota rows are the lock that makes two reversals take turns; whoever comes second
    # sees the first one's entries.
    used = quotas.hold(session, {key for one in originals for key in _keys(one, codes)})
    reversed_before = _reversed(session, originals)
    fresh = [one for one in originals if one.id not in reversed_before]
    for one in fresh:
        for key in _keys(one, codes):
            used[key] -= rules.use_of(key[2], one.points)
    quotas.store(session, used)
    reversals = [
        _reversal_of(one, postings[one.period_id], actor, reason=reason, now=now) for one in fresh
    ]
    insert_rows(session, LedgerEntry, reversals)
    messages = [_message(one, postings[one.period_id], reason) for one in fresh]
    outbox.enqueue(session, messages, now=now)
    return {row["reverses_id"]: row["id"] for row in reversals}


def live_entries(
    session: Session, source_kind: str, source_ids: Sequence[UUID]
) -> dict[UUID, LedgerEntry]:
    """Source -> the entry that stands for it today; one statement."""
    given = row_source(dialect_of(session), {"id": LedgerEntry.__table__.c.source_id.type})
    reversal = aliased(LedgerEntry)
    rows = session.scalars(
        sa.select(LedgerEntry)
        .join(given, given.c.id == LedgerEntry.source_id)
        .outerjoin(reversal, reversal.reverses_id == LedgerEntry.id)
        .where(LedgerEntry.source_kind == source_kind, reversal.id.is_(None)),
        rows_parameter(session, [{"id": source_id} for source_id in source_ids]),
    )
    return {row.source_id: row for row in rows if row.source_id is not None}


def _keys(entry: LedgerEntry, codes: dict[UUID, str]) -> list[quotas.Key]:
    code = codes[entry.scheme_version_id]
    return [(entry.member_id, code, cap["bucket"]) for cap in entry.inputs["caps"]]


def _scheme_codes(session: Session, entries: Sequence[LedgerEntry]) -> dict[UUID, str]:
    versions = {entry.scheme_version_id for entry in entries}
    rows = session.execute(
        sa.select(SchemeVersion.id, SchemeVersion.scheme_code).where(SchemeVersion.id.in_(versions))
    )
    return {row[0]: row[1] for row in rows}


def _reversed(session: Session, entries: Sequence[LedgerEntry]) -> set[UUID | None]:
    given = row_source(dialect_of(session), {"id": LedgerEntry.__table__.c.id.type})
    return set(
        session.scalars(
            sa.select(LedgerEntry.reverses_id).join(given, given.c.id == LedgerEntry.reverses_id),
            rows_parameter(session, [{"id": entry.id} for entry in entries]),
        )
    )


def _reversal_of(
    original: LedgerEntry, posting: PostingPeriod, actor: Actor, *, reason: str, now: datetime
) -> dict[str, Any]:
    return {name: getattr(original, name) for name in REPEATED} | {
        "id": new_id(),
        "period_id": posting.period_id,
        # What was late itself keeps the name of the year that it is about.
        "about_period_id": original.about_period_id or posting.about_period_id,
        "reverses_id": original.id,
        "asked": -original.points,
        "points": -original.points,
        "binding_cap": None,
        "reason": reason,
        "actor_id": actor.member_id,
        "request_id": actor.request_id,
        "posted_at": now,
    }


def _message(original: LedgerEntry, posting: PostingPeriod, reason: str) -> outbox.Message:
    params = {"title": original.title, "points": format_points(original.points), "reason": reason}
    kind = "entry_reversed"
    if posting.about_code:
        kind = "entry_reversed_late"
        params |= {"old": posting.about_code, "new": posting.code}
    return outbox.Message(original.member_id, kind, str(original.id), params)
