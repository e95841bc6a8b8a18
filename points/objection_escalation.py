"""Objections that go to the body above: overdue, or with nobody left to answer them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from core.ids import new_id
from core.rows import dialect_of, insert_rows, row_source, rows_parameter
from core.working_days import add_working_days, load_calendar
from members.models import Organization
from notifications import outbox
from points.models import LedgerEntry
from points.objection_routing import Matter, Staff, barred_by, bodies_from, load_staff
from points.publicity_models import (
    Adjustment,
    Objection,
    ObjectionEvent,
    ObjectionEventKind,
    ObjectionStatus,
)

REPLY_WORKING_DAYS = 10
_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class _Move:
    """One objection on its way up."""

    row: Any
    matter: Matter
    to: UUID
    due_on: date


def escalate_overdue(session: Session, *, now: datetime) -> int:
    """Move objections whose answer is overdue to the body above, which may then decide them.

    Both bodies, the objector and the member are told, and the time to answer begins anew. What
    the highest body owes stays with it. Constant statements; run by a job.

    Returns:
        How many moved; the job comes back for the rest.
    """
    today = business_day(now)
    rows = _lock(session, Objection.reply_due_on < today)
    if not rows:
        return 0
    due_on = add_working_days(today, REPLY_WORKING_DAYS, load_calendar(session)).day
    staff = load_staff(session, _bodies_of(rows), on=today)
    moves = [_up(row, staff, due_on) for row in rows]
    _hand_up(session, moves, staff, why="逾期没有答复", actor_id=None, now=now)
    return len(moves)


def leave_to_others(
    session: Session,
    reviewer_id: UUID,
    held: Collection[UUID],
    *,
    member_id: UUID,
    claim_id: UUID | None,
    now: datetime,
) -> None:
    """Move up what a recused reviewer's bodies have nobody else to answer.

    Its time to answer runs on. The recusal is written; objections under decision are waited for.

    Args:
        held: the organisations in which he decides.
        claim_id: the one claim that he stepped back from; None: everything of the member.
    """
    about = Objection.member_id == member_id if claim_id is None else _claim_id() == claim_id
    rows = _lock(session, about, Objection.deciding_organization_id.in_(held))
    if not rows:
        return
    staff = load_staff(session, _bodies_of(rows), on=business_day(now))
    moves = [
        _up(row, staff, row.reply_due_on)
        for row in rows
        if not staff.free(row.deciding_organization_id, _matter(row))
    ]
    _hand_up(session, moves, staff, why="原答复人已回避", actor_id=reviewer_id, now=now)


def matter_of(session: Session, objection: Objection) -> Matter:
    """What decides who may answer an objection."""
    query = _with_matter().where(Objection.id == objection.id)
    return _matter(session.execute(query).one())


def _claim_id() -> sa.ScalarSelect[UUID | None]:
    query = sa.select(LedgerEntry.claim_id).where(LedgerEntry.id == Objection.entry_id)
    return query.correlate(Objection).scalar_subquery()


def _with_matter() -> sa.Select[Any]:
    query: sa.Select[*tuple[Any, ...]] = (
        sa.select(
            *cast(sa.Table, Objection.__table__).c,
            Organization.path,
            Organization.name.label("body_name"),
            sa.func.coalesce(LedgerEntry.subject, Adjustment.subject).label("subject"),
            LedgerEntry.claim_id,
        )
        .join(Organization, Organization.id == Objection.deciding_organization_id)
        .outerjoin(LedgerEntry, LedgerEntry.id == Objection.entry_id)
        .outerjoin(Adjustment, Adjustment.id == Objection.adjustment_id)
    )
    return query


def _lock(session: Session, *where: sa.ColumnElement[bool]) -> Sequence[Any]:
    """Open objections that a body stands above, locked in id order."""
    return session.execute(
        _with_matter()
        .where(
            Objection.status == ObjectionStatus.OPEN, Organization.parent_id.is_not(None), *where
        )
        .order_by(Objection.id)
        .limit(_AT_ONCE)
        .with_for_update(of=Objection)
    ).all()


def _bodies_of(rows: Sequence[Any]) -> set[UUID]:
    return {body for row in rows for body in bodies_from(row.path)}


def _matter(row: Any) -> Matter:
    people = (
        row.member_id, row.objector_id, row.approved_by, row.confirmed_by, row.first_decided_by,
    )  # fmt: skip
    return Matter(row.subject, row.member_id, row.claim_id, barred_by(*people))


def _up(row: Any, staff: Staff, due_on: date) -> _Move:
    matter = _matter(row)
    return _Move(row, matter, staff.nearest(bodies_from(row.path)[1:], matter), due_on)


def _hand_up(
    session: Session,
    moves: Sequence[_Move],
    staff: Staff,
    *,
    why: str,
    actor_id: UUID | None,
    now: datetime,
) -> None:
    """Write the moves: the new bodies in one statement, the steps, the messages."""
    if not moves:
        return
    targets = {one.to for one in moves}
    found = session.execute(
        sa.select(Organization.id, Organization.name).where(Organization.id.in_(targets))
    )
    names: dict[UUID, str] = {row[0]: row[1] for row in found}
    rows = [
        {"id": one.row.id, "deciding_organization_id": one.to, "reply_due_on": one.due_on}
        for one in moves
    ]
    session.execute(_moving(dialect_of(session)), rows_parameter(session, rows))
    steps = [
        {
            "id": new_id(),
            "objection_id": one.row.id,
            "kind": ObjectionEventKind.ESCALATED,
            "actor_id": actor_id,
            "note": f"{why}，由{one.row.body_name}转{names[one.to]}",
            "at": now,
        }
        for one in moves
    ]
    insert_rows(session, ObjectionEvent, steps)
    messages = [message for one in moves for message in _messages(one, staff, names, why)]
    outbox.enqueue(session, messages, now=now)


@cache
def _moving(dialect: str) -> sa.Update:
    table = cast(sa.Table, Objection.__table__)
    names = ("id", "deciding_organization_id", "reply_due_on")
    given = row_source(dialect, {name: table.c[name].type for name in names})
    return (
        sa.update(table)
        .where(table.c.id == given.c.id)
        .values({name: given.c[name] for name in names[1:]})
    )


def _messages(move: _Move, staff: Staff, names: dict[UUID, str], why: str) -> list[outbox.Message]:
    """To the objector, the member, and whoever decides in the two bodies."""
    row = move.row
    told = {row.objector_id, row.member_id} | staff.free(move.to, move.matter)
    told |= staff.free(row.deciding_organization_id, move.matter)
    params = {
        "title": row.title,
        "why": why,
        "former": row.body_name,
        "body": names[move.to],
        "due": move.due_on.isoformat(),
    }
    return [
        outbox.Message(one, "objection_escalated", f"{row.id}:{move.to}", params)
        for one in sorted(told)
    ]
