"""Outages: days on which a branch that records recorded nothing, found from its recorded days."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from core.rows import Upsert, dialect_of, ordered_insert, row_source, rows_parameter
from members.contact.day_numbers import day_number, earlier_of, later_of
from members.contact.models import Feed, Outage, RecordedDay
from members.contact.rules import USUAL_SILENCE

YEAR_DAYS = 365
_KEY = ("organization_id", "begins_on", "ends_on")


def refresh(session: Session) -> None:
    """Make the stored outages equal to what the recorded days say.

    One pass over the recorded days finds what differs, which on most days is nothing; only then
    one statement takes away and one adds: a record entered late takes its outage away.
    """
    dialect = dialect_of(session)
    rows = session.execute(_differing(dialect)).mappings().all()
    gone = [_key_of(row) for row in rows if row["is_stored"]]
    new = [_key_of(row) for row in rows if not row["is_stored"]]
    if gone:
        session.execute(_forgetting(dialect), rows_parameter(session, gone))
    if new:
        session.execute(_keeping(dialect), rows_parameter(session, new))


def silences(dialect: str, days: sa.Subquery, *, least: int = USUAL_SILENCE[0]) -> sa.Subquery:
    """Each recorded day of a place with the silence after it and how long is usual there.

    Columns: place, day, number, next_day (null for the last), usual_days, records_life. One pass
    over the recorded days with window functions.
    """
    mine: dict[str, Any] = {"partition_by": days.c.place, "order_by": days.c.number}
    life = sa.case((days.c.is_life > 0, days.c.number))
    gaps = sa.select(
        *days.c,
        (days.c.number - sa.func.lag(days.c.number).over(**mine)).label("gap"),
        sa.func.lead(days.c.day).over(**mine).label("next_day"),
        sa.func.max(life).over(**mine).label("life_number"),
    ).subquery("gaps")
    # The one window of its own: each costs a pass over all recorded days.
    longest = sa.func.max(gaps.c.gap).over(
        partition_by=gaps.c.place, order_by=gaps.c.number, range_=(-YEAR_DAYS, 0)
    )
    most = USUAL_SILENCE[1]
    usual = sa.func.coalesce(longest * 3 // 2, most)
    return sa.select(
        gaps.c.place,
        gaps.c.day,
        gaps.c.number,
        gaps.c.next_day,
        earlier_of(dialect, later_of(dialect, usual, least), most).label("usual_days"),
        (gaps.c.life_number >= gaps.c.number - YEAR_DAYS).label("records_life"),
    ).subquery("silences")


def recorded_days(
    dialect: str, place: Any, *, source: Any = RecordedDay, until: Any = None
) -> sa.Subquery:
    """The days for which a place has records, and whether they are of organisation life.

    Args:
        place: what the days are grouped by: the organisation, or an expression over it.
        source: the recorded days, joined with what `place` needs.
        until: leaves out later days.
    """
    query = (
        sa.select(
            place.label("place"),
            RecordedDay.day,
            day_number(dialect, RecordedDay.day).label("number"),
            sa.func.max(sa.case((RecordedDay.feed == Feed.LIFE, 1), else_=0)).label("is_life"),
        )
        .select_from(source)
        .group_by(place, RecordedDay.day)
    )
    if until is not None:
        query = query.where(RecordedDay.day <= until)
    return query.subquery("days")


def found(dialect: str) -> sa.Select[Any]:
    """The outages that the recorded days show: organization_id, begins_on, ends_on.

    Only a branch that records organisation life can fall silent: dues dates lie as far apart as
    people pay.
    """
    silence = silences(dialect, recorded_days(dialect, RecordedDay.organization_id))
    is_longer = day_number(dialect, silence.c.next_day) - silence.c.number > silence.c.usual_days
    return sa.select(
        silence.c.place.label("organization_id"),
        _shifted(dialect, silence.c.day, 1).label("begins_on"),
        _shifted(dialect, silence.c.next_day, -1).label("ends_on"),
    ).where(silence.c.records_life, silence.c.next_day.is_not(None), is_longer)


def _shifted(dialect: str, day: Any, days: int) -> sa.ColumnElement[Any]:
    if dialect == "sqlite":
        return sa.func.date(day, f"{days:+d} days", type_=sa.Date)
    return sa.type_coerce(day + sa.literal(days, sa.Integer), sa.Date)


def _key_of(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {name: row[name] for name in _KEY}


@cache
def _differing(dialect: str) -> sa.CompoundSelect[Any]:
    """The outages that are stored and should not be, and those that should be and are not."""
    true = found(dialect).cte("found").prefix_with("MATERIALIZED")
    stored, missing = sa.alias(Outage.__table__, "stored"), sa.alias(true, "missing")
    return sa.union_all(
        sa.select(*(stored.c[name] for name in _KEY), sa.literal(1).label("is_stored")).where(
            ~sa.exists().where(*(true.c[name] == stored.c[name] for name in _KEY))
        ),
        sa.select(*(missing.c[name] for name in _KEY), sa.literal(0)).where(
            ~sa.exists().where(*(Outage.__table__.c[name] == missing.c[name] for name in _KEY))
        ),
    )


@cache
def _forgetting(dialect: str) -> sa.Delete:
    given = row_source(dialect, _key_types())
    return sa.delete(Outage).where(
        sa.exists()
        .where(*(given.c[name] == getattr(Outage, name) for name in _KEY))
        .correlate(Outage)
    )


@cache
def _keeping(dialect: str) -> Upsert:
    # Another scan may be adding the same.
    return ordered_insert(dialect, Outage, _KEY).on_conflict_do_nothing()


def _key_types() -> dict[str, TypeEngine[Any]]:
    return {name: Outage.__table__.c[name].type for name in _KEY}
