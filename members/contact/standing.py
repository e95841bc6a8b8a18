"""The standing of each member: when he was last heard from, kept beside the facts."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.rows import Upsert, dialect_of, ordered_insert, row_source, rows_parameter
from members.contact.models import (
    ContactKind,
    FactRetraction,
    RecordedFact,
    Standing,
    Strength,
)

# Column -> which facts it is the newest day of.
PARTS: dict[str, tuple[str, str]] = {
    "last_attended_on": ("kind", ContactKind.ATTENDANCE),
    "last_dues_on": ("kind", ContactKind.DUES_PAID),
    "last_hard_on": ("strength", Strength.HARD),
    "last_soft_on": ("strength", Strength.SOFT),
}


def advance(session: Session, facts: Sequence[Mapping[str, Any]]) -> None:
    """Move standings forward by new facts, in one statement and in the order of member ids."""
    newest: dict[UUID, dict[str, date | None]] = {}
    for fact in facts:
        mine = newest.setdefault(fact["member_id"], dict.fromkeys(PARTS))
        for part, (field, value) in PARTS.items():
            day = fact["happened_on"]
            if fact[field] == value and (mine[part] is None or day > mine[part]):
                mine[part] = day
    # The row is there since the member is; the day that an INSERT would need is never used.
    rows = [{"member_id": one, "watched_from": date.max} | mine for one, mine in newest.items()]
    session.execute(_advancing(dialect_of(session)), rows_parameter(session, rows))


def derive(session: Session, fact_ids: Sequence[UUID]) -> set[UUID]:
    """Derive the standings of these facts' members again from all their facts.

    The rows are locked before the facts are read: a fact that is being recorded meanwhile is
    either seen or waits, so none is lost.
    """
    given = rows_parameter(session, [{"fact_id": one} for one in fact_ids])
    locked = session.scalars(_locking(dialect_of(session)), given).all()
    members = rows_parameter(session, [{"member_id": one} for one in locked])
    session.execute(_deriving(dialect_of(session)), members)
    return set(locked)


def note_work(session: Session, member_id: UUID) -> None:
    """Take a member's standing, as a contact does, and show that his assigned work has changed."""
    session.execute(
        sa.update(Standing)
        .where(Standing.member_id == member_id)
        .values(work_version=Standing.work_version + 1)
        .execution_options(synchronize_session=False)
    )


def derived(*, until: Any = None, members: Any = None) -> sa.Subquery:
    """What the facts say: one row for each member with facts.

    Args:
        until: leaves out the facts after this day.
        members: a query of the members to look at, where it is not all of them.
    """
    query = (
        sa.select(
            RecordedFact.member_id,
            *(
                sa.func.max(
                    sa.case((getattr(RecordedFact, field) == value, RecordedFact.happened_on)),
                    type_=sa.Date,
                ).label(part)
                for part, (field, value) in PARTS.items()
            ),
        )
        .where(~sa.exists().where(FactRetraction.fact_id == RecordedFact.id))
        .group_by(RecordedFact.member_id)
    )
    if until is not None:
        query = query.where(RecordedFact.happened_on <= until)
    if members is not None:
        query = query.where(RecordedFact.member_id.in_(members))
    return query.subquery("derived")


@cache
def _advancing(dialect: str) -> Upsert:
    insert = ordered_insert(dialect, Standing, ("member_id", "watched_from", *PARTS))
    later = {
        part: _later(dialect, getattr(Standing, part), insert.excluded[part]) for part in PARTS
    }
    return insert.on_conflict_do_update(index_elements=["member_id"], set_=later)


def _later(dialect: str, one: Any, other: Any) -> Any:
    # PostgreSQL's greatest() passes over nulls; SQLite's max() of two does not.
    if dialect == "sqlite":
        return sa.func.coalesce(sa.func.max(one, other), one, other)
    return sa.func.greatest(one, other)


@cache
def _locking(dialect: str) -> sa.Select[Any]:
    given = row_source(dialect, {"fact_id": sa.Uuid()})
    members = sa.select(RecordedFact.member_id).join(given, given.c.fact_id == RecordedFact.id)
    return (
        sa.select(Standing.member_id)
        .where(Standing.member_id.in_(members))
        .order_by(Standing.member_id)
        .with_for_update(key_share=True)
    )


@cache
def _deriving(dialect: str) -> sa.Update:
    table = cast(sa.Table, Standing.__table__)
    given = row_source(dialect, {"member_id": sa.Uuid()})
    values = {
        part: sa.select(sa.func.max(RecordedFact.happened_on))
        .where(
            RecordedFact.member_id == table.c.member_id,
            getattr(RecordedFact, field) == value,
            ~sa.exists().where(FactRetraction.fact_id == RecordedFact.id),
        )
        .correlate(table)
        .scalar_subquery()
        for part, (field, value) in PARTS.items()
    }
    return (
        sa.update(table).where(table.c.member_id.in_(sa.select(given.c.member_id))).values(values)
    )
