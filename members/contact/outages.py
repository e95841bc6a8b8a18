"""Outages: days on which a branch that records recorded nothing, found from its recorded days."""

from functools import cache
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from core.rows import dialect_of
from members.contact.day_numbers import day_number, earlier_of, later_of
from members.contact.models import Feed, Outage, RecordedDay
from members.contact.rules import USUAL_SILENCE

YEAR_DAYS = 365


def refresh(session: Session) -> None:
    """Make the stored outages equal to what the recorded days say; two statements.

    Both write only what has changed: a record entered late takes its outage away.
    """
    dialect = dialect_of(session)
    session.execute(_forgetting(dialect))
    session.execute(_keeping(dialect))


def silences(dialect: str, days: sa.Subquery, *, least: int = USUAL_SILENCE[0]) -> sa.Subquery:
    """Each recorded day of a place with the silence after it and how long is usual there.

    Columns: place, day, number, next_day (null for the last), usual_days, records_life. One pass
    over the recorded days with window functions.
    """
    mine: dict[str, Any] = {"partition_by": days.c.place, "order_by": days.c.day}
    number = day_number(dialect, days.c.day)
    gaps = sa.select(
        *days.c,
        number.label("number"),
        (number - sa.func.lag(number).over(**mine)).label("gap"),
        sa.func.lead(days.c.day).over(**mine).label("next_day"),
    ).subquery("gaps")
    year: dict[str, Any] = {
        "partition_by": gaps.c.place,
        "order_by": gaps.c.number,
        "range_": (-YEAR_DAYS, 0),
    }
    most = USUAL_SILENCE[1]
    longest = sa.func.max(gaps.c.gap).over(**year) * 3 // 2
    usual = earlier_of(dialect, later_of(dialect, sa.func.coalesce(longest, most), least), most)
    return sa.select(
        gaps.c.place,
        gaps.c.day,
        gaps.c.number,
        gaps.c.next_day,
        usual.label("usual_days"),
        (sa.func.max(gaps.c.is_life).over(**year) > 0).label("records_life"),
    ).subquery("silences")


def recorded_days(place: Any, *, source: Any = RecordedDay, until: Any = None) -> sa.Subquery:
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
    silence = silences(dialect, recorded_days(RecordedDay.organization_id))
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


@cache
def _forgetting(dialect: str) -> sa.Delete:
    true = found(dialect).subquery("found")
    return sa.delete(Outage).where(
        ~sa.exists()
        .where(
            true.c.organization_id == Outage.organization_id,
            true.c.begins_on == Outage.begins_on,
            true.c.ends_on == Outage.ends_on,
        )
        .correlate(Outage)
    )


@cache
def _keeping(dialect: str) -> Any:
    table = cast(sa.Table, Outage.__table__)
    insert = sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
    true = found(dialect).subquery("found")
    # SQLite cannot tell ON CONFLICT from a join's ON unless the SELECT has a WHERE.
    query = sa.select(true).where(sa.true()).order_by(true.c.organization_id, true.c.begins_on)
    names = ["organization_id", "begins_on", "ends_on"]
    return insert.from_select(names, query).on_conflict_do_nothing()
