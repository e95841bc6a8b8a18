"""Settling what leaves the house: reads what the pure pacing needs, writes what it says."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from core.ids import new_id
from core.rows import dialect_of, ordered_insert, row_source, rows_parameter
from core.working_days import load_calendar
from members.models import Member
from members.session_models import DeviceSession
from notifications import catalogue
from notifications.delivery_models import (
    MemberChannelAddress,
    NotificationPreference,
    PushRegistration,
)
from notifications.models import Because, Channel, OutboxMessage, OutboxState
from notifications.pacing import WEEK, Reader, Verdict, Waiting, decide, next_digest

PLANNING_BATCH_MAX = 500
DIGEST_KIND = "digest"


def plan(session: Session, *, switched_on: Collection[Channel], now: datetime) -> int:
    """Settle what is due to be looked at; returns how many records. Eight statements at most.

    A record leaves by a row of its own when it is urgent, with the others of its reader as one
    row otherwise, waits until an instant, or stays in the inbox; the reason is written on it.
    """
    due = _whole_readers(_lock_due(session, now))
    if not due:
        return 0
    records = {row.id: row for row in due}
    by_member: dict[UUID, list[Waiting]] = defaultdict(list)
    for row in due:
        kind = catalogue.find_kind(row.kind, row.template_version)
        if kind is not None:
            by_member[row.member_id].append(Waiting(row.id, kind, row.created_at, row.event_on))
    readers = _read_readers(session, list(by_member), set(switched_on), now)
    calendar = load_calendar(session)
    verdicts = [
        verdict
        for member_id, waiting in by_member.items()
        for verdict in decide(waiting, readers[member_id], now=now, calendar=calendar)
    ]
    leaving = _write_leaving(session, [one for one in verdicts if one.channel], records, now)
    tomorrow = next_digest(now, calendar)
    _settle(session, [_settled(one, leaving, tomorrow) for one in verdicts])
    return len(verdicts)


def _lock_due(session: Session, now: datetime) -> Sequence[Any]:
    # In the order of the digest's hour and the reader, so that one reader's stand together.
    return session.execute(
        sa.select(
            OutboxMessage.id,
            OutboxMessage.member_id,
            OutboxMessage.kind,
            OutboxMessage.template_version,
            OutboxMessage.occasion,
            OutboxMessage.event_on,
            OutboxMessage.created_at,
        )
        .where(
            OutboxMessage.outside_after <= now,
            sa.tuple_(OutboxMessage.kind, OutboxMessage.template_version).in_(
                catalogue.known_versions()
            ),
        )
        .order_by(OutboxMessage.outside_after, OutboxMessage.member_id, OutboxMessage.id)
        .limit(PLANNING_BATCH_MAX)
        .with_for_update(skip_locked=True)
    ).all()


def _whole_readers(due: Sequence[Any]) -> Sequence[Any]:
    # A full batch may end in the middle of a reader, who would then get half a digest.
    if len(due) < PLANNING_BATCH_MAX:
        return due
    return [row for row in due if row.member_id != due[-1].member_id] or due


def _read_readers(
    session: Session, member_ids: list[UUID], switched_on: set[Channel], now: datetime
) -> dict[UUID, Reader]:
    addresses: dict[UUID, set[Channel]] = defaultdict(set)
    for member_id, channel in session.execute(_HAVING_ADDRESS, {"members": member_ids}):
        addresses[member_id].add(Channel(channel))
    choices: dict[UUID, dict[str, Channel | None]] = defaultdict(dict)
    for member_id, kind, chosen in session.execute(_CHOICES, {"members": member_ids}):
        choices[member_id][kind] = Channel(chosen) if chosen else None
    reached: dict[UUID, list[date]] = defaultdict(list)
    asked = {"members": member_ids, "since": now - WEEK}
    for member_id, left_at in session.execute(_REACHED, asked):
        reached[member_id].append(business_day(left_at))
    return {
        member_id: Reader(
            frozenset(addresses[member_id] & switched_on),
            bool(addresses[member_id]),
            choices[member_id],
            reached[member_id],
        )
        for member_id in member_ids
    }


_MEMBERS: sa.BindParameter[Any] = sa.bindparam("members", expanding=True)
_HAVING_ADDRESS = sa.union_all(
    sa.select(MemberChannelAddress.member_id, MemberChannelAddress.channel).where(
        MemberChannelAddress.member_id.in_(_MEMBERS)
    ),
    sa.select(PushRegistration.member_id, sa.literal(str(Channel.PUSH)))
    .join(DeviceSession, DeviceSession.id == PushRegistration.session_id)
    .where(PushRegistration.member_id.in_(_MEMBERS), DeviceSession.revoked_at.is_(None)),
    sa.select(Member.id, sa.literal(str(Channel.SMS))).where(
        Member.id.in_(_MEMBERS), Member.phone_sealed.is_not(None)
    ),
)
_CHOICES = sa.select(
    NotificationPreference.member_id, NotificationPreference.kind, NotificationPreference.channel
).where(NotificationPreference.member_id.in_(_MEMBERS))
_REACHED = sa.select(OutboxMessage.member_id, OutboxMessage.created_at).where(
    OutboxMessage.member_id.in_(_MEMBERS),
    OutboxMessage.channel != Channel.INBOX,
    OutboxMessage.is_urgent.is_(False),
    # A trial shows what would have left, so what it keeps back uses up the week as well.
    sa.or_(
        OutboxMessage.state.not_in((OutboxState.CANCELLED, OutboxState.EXPIRED)),
        OutboxMessage.suppressed_because == Because.TRIAL,
    ),
    OutboxMessage.created_at > sa.bindparam("since"),
)


def _write_leaving(
    session: Session,
    verdicts: Sequence[Verdict],
    records: Mapping[UUID, sa.Row[Any]],
    now: datetime,
) -> dict[UUID, UUID]:
    """Write what leaves now; returns which record is carried by which row.

    Two planners may look at one reader at the same time: the key lets one digest a day exist,
    and what the other would have put into a second waits for the next.
    """
    rows: dict[str, dict[str, Any]] = {}
    keys: dict[UUID, str] = {}
    for verdict in verdicts:
        record = records[verdict.id]
        keys[verdict.id] = key = _key(verdict, record, now)
        rows[key] = _leaving(verdict, record, key, now, is_first=key not in rows)
    if not rows:
        return {}
    given = list(rows.values())
    statement = _writing(dialect_of(session), tuple(given[0]))
    written = session.execute(statement, rows_parameter(session, given))
    ids: dict[str, UUID] = {row.dedupe_key: row.id for row in written}
    return {record_id: ids[key] for record_id, key in keys.items() if key in ids}


def _key(verdict: Verdict, record: sa.Row[Any], now: datetime) -> str:
    if verdict.is_urgent:
        return f"{record.member_id}:{record.kind}:{record.occasion}:{verdict.channel}"
    return f"{record.member_id}:{DIGEST_KIND}:{business_day(now)}:outside"


def _leaving(
    verdict: Verdict, record: sa.Row[Any], key: str, now: datetime, *, is_first: bool
) -> dict[str, Any]:
    return {
        "id": new_id(),
        "dedupe_key": key,
        "member_id": record.member_id,
        "kind": record.kind if is_first else DIGEST_KIND,
        "channel": verdict.channel,
        "params": {},
        "template_version": record.template_version if is_first else 1,
        "occasion": record.occasion if is_first else str(business_day(now)),
        "is_urgent": verdict.is_urgent,
        "attempts": 0,
        "state": OutboxState.PENDING,
        "not_before": now,
        "created_at": now,
    }


@cache
def _writing(dialect: str, names: tuple[str, ...]) -> sa.Executable:
    insert = ordered_insert(dialect, OutboxMessage, names)
    insert = insert.on_conflict_do_nothing(index_elements=["dedupe_key"])
    return insert.returning(OutboxMessage.id, OutboxMessage.dedupe_key)


def _settled(verdict: Verdict, leaving: Mapping[UUID, UUID], tomorrow: datetime) -> dict[str, Any]:
    until, because = verdict.until, verdict.because
    if verdict.channel and verdict.id not in leaving and not verdict.is_urgent:
        until, because = tomorrow, Because.DIGEST
    return {
        "id": verdict.id,
        "outside_after": until,
        "carried_by": leaving.get(verdict.id),
        "suppressed_because": because,
    }


def _settle(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        session.execute(_settling(dialect_of(session)), rows_parameter(session, rows))


@cache
def _settling(dialect: str) -> sa.Update:
    columns = OutboxMessage.__table__.c
    given = row_source(
        dialect,
        {
            name: columns[name].type
            for name in ("id", "outside_after", "carried_by", "suppressed_because")
        },
    )
    return (
        sa.update(OutboxMessage)
        .where(OutboxMessage.id == given.c.id)
        .values(
            outside_after=given.c.outside_after,
            carried_by=given.c.carried_by,
            suppressed_because=given.c.suppressed_because,
        )
        .execution_options(synchronize_session=False)
    )
