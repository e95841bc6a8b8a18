"""Study and research abroad (clock C2): half a year before the years are full, people look at it.

It is a line on the worklist and a message to the committee; no case, and never a status.
"""

from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from itertools import groupby
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from core.clock import business_day
from core.rows import dialect_of, ordered_insert, row_source, rows_parameter
from members.access import primary_affiliation_on
from members.contact import crossing, policies
from members.contact.crossing import ON
from members.contact.hearing import ROOT_LENGTH
from members.contact.models import Clock, StageEntry
from members.contact.rules import DEFAULT, abroad_review, abroad_since
from members.models import Affiliation, Exemption, ExemptionKind, Member, Organization

# The first step of the review is the stage before a limit, the second the limit.
_BEFORE_LIMIT = 4
Stay = aliased(Exemption)


@dataclass(frozen=True, slots=True)
class ReviewDue:
    """A member abroad whose years are nearly or quite full."""

    member_id: UUID
    name: str
    organization_id: UUID
    organization_name: str
    left_on: date
    stage: int


def refresh(session: Session, *, now: datetime) -> list[ReviewDue]:
    """Bring the worklist up to a day; run again on it, nothing is written. Four statements.

    Returns:
        Those who have reached a step with this run.
    """
    on = business_day(now)
    due = {one.member_id: one for one in find_due(session, on=on)}
    rows = [_entry(one, on) for one in due.values()]
    given = rows_parameter(session, rows)
    session.execute(_leaving(dialect_of(session)), given)
    if not rows:
        return []
    reached = session.scalars(_entering(dialect_of(session)), given).all()
    return [due[member_id] for member_id in reached]


def find_due(session: Session, *, on: date) -> list[ReviewDue]:
    """Whose years abroad are nearly or quite full on a day, by branch and name; two statements."""
    thresholds = policies.find_all(session)
    found = []
    for _, group in groupby(session.execute(_stays(), {"on": on}), key=lambda row: row.id):
        rows = list(group)
        first = rows[0]
        left_on = abroad_since([(row.valid_from, row.valid_to) for row in rows])
        mine = thresholds.get(first.path[:ROOT_LENGTH], DEFAULT)
        step = abroad_review(mine, left_on, on)
        if step:
            told = (first.id, first.name, first.organization_id, first.organization_name)
            found.append(ReviewDue(*told, left_on, _BEFORE_LIMIT + step))
    return found


def _entry(one: ReviewDue, on: date) -> dict[str, Any]:
    return {
        "member_id": one.member_id,
        "clock": Clock.ABROAD_REVIEW,
        "signal": None,
        "anchor_on": one.left_on,
        "uncounted_days": 0,
        "stage": one.stage,
        "entered_on": on,
    }


@cache
def _stays() -> sa.Select[*tuple[Any, ...]]:
    """The recorded stays of those who are abroad on the day, one member after the other."""
    return (
        sa.select(
            Member.id,
            Member.name,
            Organization.path,
            Organization.id.label("organization_id"),
            Organization.name.label("organization_name"),
            Stay.valid_from,
            Stay.valid_to,
        )
        .join(Stay, Stay.member_id == Member.id)
        .join(Affiliation, primary_affiliation_on(ON))
        .join(Organization, Organization.id == Affiliation.organization_id)
        .where(
            Stay.kind == ExemptionKind.ABROAD,
            Stay.valid_from <= ON,
            Member.membership_status.in_(crossing.WATCHED),
            crossing.is_abroad(Member.id),
            ~crossing.is_paused(Member.id),
        )
        .order_by(Organization.path, Member.name, Member.id, Stay.valid_from)
    )


@cache
def _entering(dialect: str) -> Any:
    table = cast(sa.Table, StageEntry.__table__)
    insert = ordered_insert(dialect, StageEntry, [column.name for column in table.columns])
    changed = ("stage", "anchor_on", "entered_on")
    excluded = insert.excluded
    return insert.on_conflict_do_update(
        index_elements=["member_id", "clock"],
        set_={name: excluded[name] for name in changed},
        where=(table.c.stage != excluded.stage) | (table.c.anchor_on != excluded.anchor_on),
    ).returning(table.c.member_id)


@cache
def _leaving(dialect: str) -> sa.Delete:
    given = row_source(dialect, {"member_id": sa.Uuid()})
    return sa.delete(StageEntry).where(
        StageEntry.clock == Clock.ABROAD_REVIEW,
        StageEntry.member_id.not_in(sa.select(given.c.member_id)),
    )
