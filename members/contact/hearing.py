"""Until which day each branch is heard, and with it the cutoffs that hold for its members."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from core.rows import dialect_of, row_source, rows_parameter
from members.contact.day_numbers import day_number, number_of
from members.contact.models import Clock, Feed, RecordedDay, Signal
from members.contact.outages import YEAR_DAYS
from members.contact.rules import CASE_OPENS_AT, DEFAULT, Thresholds, cutoffs, heard_until
from members.models import Organization

STAGES = range(1, 7)
# "/" and the 32 digits of the root's id and "/": a path begins with its district.
ROOT_LENGTH = 34


@dataclass(frozen=True, slots=True)
class Ladder:
    """One clock; a self-withdrawal clock has one for each of its duties."""

    clock: Clock
    signal: Signal | None = None


LADDERS = (
    Ladder(Clock.LOST_CONTACT),
    Ladder(Clock.SELF_WITHDRAWAL, Signal.LIFE),
    Ladder(Clock.SELF_WITHDRAWAL, Signal.DUES),
    Ladder(Clock.SELF_WITHDRAWAL, Signal.WORK),
    Ladder(Clock.ABROAD),
)
_FEEDS = {Signal.LIFE: Feed.LIFE, Signal.DUES: Feed.DUES}


def find_parameters(
    session: Session, ladder: Ladder, *, on: date, thresholds: Mapping[str, Thresholds]
) -> dict[str, Any] | None:
    """What a statement of `crossing` takes: the cutoffs, computed by the pure rules.

    There is a row of cutoffs for each district and last recorded day; branches share their last
    days, so these are far fewer than branches. None where no branch has recorded anything.

    Args:
        thresholds: district path -> what it has configured.
    """
    query = _distinct(dialect_of(session), ladder)
    rows = session.execute(query, {"on": on}).mappings().all()
    if not rows:
        return None
    grounds = [_ground(ladder, row, thresholds, on) for row in rows]
    return {"on": on, "newest": max(ground["first"] for ground in grounds)} | rows_parameter(
        session, grounds
    )


def hearings(dialect: str, ladder: Ladder) -> sa.Subquery:
    """Each organisation's first and last recorded day, and whether it records life (1 or 0)."""
    query = (
        sa.select(
            RecordedDay.organization_id,
            sa.func.min(RecordedDay.day).label("begun_on"),
            sa.func.max(RecordedDay.day).label("recorded_on"),
            _records_life(dialect, ladder.signal).label("records_life"),
        )
        .where(RecordedDay.day <= sa.bindparam("on", type_=sa.Date))
        .group_by(RecordedDay.organization_id)
    )
    # Work has no register of its own: a branch that records anything is heard about it.
    if ladder.signal in _FEEDS:
        query = query.where(RecordedDay.feed == _FEEDS[ladder.signal])
    return query.subquery("hearings")


def places(dialect: str, ladder: Ladder) -> sa.CTE:
    """Each branch that has records: since when, until when it is heard, and its cutoffs.

    The cutoffs are looked up, not joined: the planner knows nothing of rows in a parameter, and
    a join with them would make it believe in a handful of branches.
    """
    heard, ground = hearings(dialect, ladder), _grounds(dialect)
    told = ("heard", "lost", *(f"stage_{stage}" for stage in STAGES))
    is_mine = sa.and_(
        ground.c.root == root_of(Organization.path),
        ground.c.recorded_on == heard.c.recorded_on,
        ground.c.records_life == heard.c.records_life,
    )
    query = sa.select(
        heard.c.organization_id,
        heard.c.recorded_on,
        day_number(dialect, heard.c.begun_on).label("begun"),
        *(
            sa.select(ground.c[name])
            .where(is_mine)
            .correlate(heard, Organization)
            .scalar_subquery()
            .label(name)
            for name in told
        ),
    ).join(Organization, Organization.id == heard.c.organization_id)
    return computed_once(query, "places")


def computed_once(query: Any, name: str) -> sa.CTE:
    """A step that is computed once: flattened, it would be computed wherever it is named."""
    step: sa.CTE = query.cte(name).prefix_with("MATERIALIZED")
    return step


def _grounds(dialect: str) -> sa.Subquery:
    """The rows of `find_parameters` as a source."""
    numbers = {f"stage_{stage}": sa.Integer() for stage in STAGES}
    kinds: dict[str, TypeEngine[Any]] = {
        "root": sa.Text(),
        "recorded_on": sa.Date(),
        "records_life": sa.Integer(),
    }
    more = {"heard": sa.Integer(), "lost": sa.Integer()}
    return row_source(dialect, kinds | more | numbers)


def root_of(path: Any) -> sa.ColumnElement[str]:
    """The path of the district that an organisation belongs to."""
    return sa.func.substr(path, 1, ROOT_LENGTH)


def _records_life(dialect: str, signal: Signal | None) -> sa.ColumnElement[int]:
    if signal in _FEEDS:
        return sa.literal(int(signal == Signal.LIFE))
    life = sa.func.max(sa.case((RecordedDay.feed == Feed.LIFE, RecordedDay.day)))
    newest = sa.func.max(RecordedDay.day)
    within = day_number(dialect, life) >= day_number(dialect, newest) - YEAR_DAYS
    return sa.case((within, 1), else_=0)


@cache
def _distinct(dialect: str, ladder: Ladder) -> sa.Select[Any]:
    heard = hearings(dialect, ladder)
    return (
        sa.select(
            root_of(Organization.path).label("root"), heard.c.recorded_on, heard.c.records_life
        )
        .join(heard, heard.c.organization_id == Organization.id)
        .distinct()
    )


def _ground(
    ladder: Ladder, row: Mapping[Any, Any], thresholds: Mapping[str, Thresholds], on: date
) -> dict[str, Any]:
    day = heard_until(row["recorded_on"], on, records_life=bool(row["records_life"]))
    mine = thresholds.get(row["root"], DEFAULT)
    latest = cutoffs(ladder.clock, mine, day)
    lost = cutoffs(Clock.LOST_CONTACT, mine, on)[CASE_OPENS_AT[Clock.LOST_CONTACT]]
    stages: Sequence[tuple[int, date | None]] = [(stage, latest.get(stage)) for stage in STAGES]
    numbers = {f"stage_{stage}": number_of(found) if found else None for stage, found in stages}
    told = {"heard": number_of(day), "lost": number_of(lost), "first": max(latest.values())}
    return {**row, **told, **numbers}
