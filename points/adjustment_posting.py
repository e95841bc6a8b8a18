"""From an adjustment to its entry: at once, when its window is over, or when it is confirmed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from itertools import groupby
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from core.clock import business_day
from core.rows import dialect_of, row_source, rows_parameter
from members.access import Actor
from members.models import Organization
from points import crediting, periods, schemes, scores
from points.crediting import Credited, Occasion
from points.definitions import Event
from points.periods import NoOpenPeriod, PeriodClosed
from points.publicity_models import Adjustment, AdjustmentStatus, Objection, ObjectionStatus

SOURCE = "adjustment"
# A kind of its own, so that a veto is left out of bulletins by one column.
VETO_SOURCE = "veto"
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Place:
    """An organisation and its tree path."""

    organization_id: UUID
    path: str


def post(
    session: Session,
    actor: Actor,
    adjustment_ids: Sequence[UUID],
    *,
    now: datetime,
) -> int:
    """Post pending adjustments of one day in a constant number of statements.

    The caller has seen that a period takes them, and holds it. One that the scheme does not
    count any more is dismissed.

    Returns:
        How many entries came of it.
    """
    if not adjustment_ids:
        return 0
    rows = _lock(session, adjustment_ids)
    occasions = _occasions(session, rows)
    credited = crediting.credit(session, actor, occasions, now=now)
    marks = [_mark(one_id, became, business_day(now)) for one_id, became in credited.items()]
    session.execute(_marking(dialect_of(session)), rows_parameter(session, marks))
    return sum(one.entry_id is not None for one in credited.values())


def post_ripe(session: Session, *, now: datetime) -> int:
    """Post deductions whose window is over and that nothing stands against; run by a job.

    Whoever entered one answers for it. One that no period takes now stays where it is.
    """
    posted = 0
    rows = session.execute(
        _ripe(business_day(now)).order_by(Adjustment.entered_by, Adjustment.happened_on)
    ).all()
    for (entered_by, day), some in groupby(rows, key=lambda row: (row[1], row[2])):
        actor = Actor(entered_by, "", None, (), business_day(now), "post-deductions")
        try:
            periods.hold_posting_period(session, day)
        except (PeriodClosed, NoOpenPeriod):
            continue
        posted += post(session, actor, [row[0] for row in some], now=now)
    return posted


def is_ripe(session: Session, adjustment_id: UUID, *, today: date) -> bool:
    """Whether an adjustment may be posted: its window is over, and no objection is open."""
    query = _ripe(today).where(Adjustment.id == adjustment_id)
    return session.execute(query).first() is not None


def _ripe(today: date) -> sa.Select[UUID, UUID, date]:
    contested = sa.exists().where(
        Objection.adjustment_id == Adjustment.id, Objection.status == ObjectionStatus.OPEN
    )
    return (
        sa.select(Adjustment.id, Adjustment.entered_by, Adjustment.happened_on)
        .where(
            Adjustment.status == AdjustmentStatus.PENDING,
            Adjustment.objection_until < today,
            (Adjustment.event != Event.VETO) | Adjustment.confirmed_by.is_not(None),
            ~contested,
        )
        .limit(_AT_ONCE)
    )


def _lock(session: Session, adjustment_ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    """Those that wait and nobody contests, locked in id order, with their organisation's path."""
    given = row_source(dialect_of(session), {"id": Adjustment.__table__.c.id.type})
    table = cast(sa.Table, Adjustment.__table__)
    parameter = rows_parameter(session, [{"id": one} for one in adjustment_ids])
    rows: Sequence[Any] = session.execute(
        sa.select(*table.c, Organization.path)
        .join(given, given.c.id == table.c.id)
        .join(Organization, Organization.id == table.c.organization_id)
        .where(table.c.status == AdjustmentStatus.PENDING)
        .order_by(table.c.id)
        .with_for_update(of=table),
        parameter,
    ).all()
    # Asked once the rows are locked: an objection that was filed meanwhile has locked them too.
    contested = set(
        session.scalars(
            sa.select(Objection.adjustment_id)
            .join(given, given.c.id == Objection.adjustment_id)
            .where(Objection.status == ObjectionStatus.OPEN),
            parameter,
        )
    )
    return [row for row in rows if row.id not in contested]


def _occasions(session: Session, rows: Sequence[Row[Any]]) -> list[Occasion]:
    published = schemes.load_published(session)
    exempting: Mapping[UUID, set[str]] = {}
    if rows:
        members = {row.member_id for row in rows}
        exempting = scores.find_exempting(session, members, on=rows[0].happened_on)
    occasions = []
    for row in rows:
        scheme = schemes.choose(published, row.path, row.happened_on, subject=row.subject)
        exempt = scheme.definition.exempt if scheme else frozenset()
        occasions.append(
            _occasion(row, is_exempt=bool(exempting.get(row.member_id, set()) & exempt))
        )
    return occasions


def _occasion(row: Row[Any], *, is_exempt: bool) -> Occasion:
    return Occasion(
        source_kind=VETO_SOURCE if row.event == Event.VETO else SOURCE,
        source_id=row.id,
        revision=1,
        member_id=row.member_id,
        organization_id=row.organization_id,
        path=row.path,
        title=row.title,
        happened_on=row.happened_on,
        event=Event(row.event),
        grade=row.grade,
        quantity=row.quantity,
        item_code=row.item_code,
        points=row.given_points,
        ratings=row.ratings or {},
        member_class=row.member_class,
        is_exempt=is_exempt,
        subject=row.subject,
    )


def _mark(adjustment_id: UUID, became: Credited, today: date) -> dict[str, Any]:
    is_posted = became.entry_id is not None
    return {
        "id": adjustment_id,
        "status": AdjustmentStatus.POSTED if is_posted else AdjustmentStatus.DISMISSED,
        "entry_id": became.entry_id,
        "posted_on": today if is_posted else None,
        "closing_reason": "" if is_posted else became.note,
    }


@cache
def _marking(dialect: str) -> sa.Update:
    table = cast(sa.Table, Adjustment.__table__)
    names = ("id", "status", "entry_id", "posted_on", "closing_reason")
    given = row_source(dialect, {name: table.c[name].type for name in names})
    return (
        sa.update(table)
        .where(table.c.id == given.c.id, table.c.status == AdjustmentStatus.PENDING)
        .values({name: given.c[name] for name in names if name != "id"})
    )
