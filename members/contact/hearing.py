"""Until which day each branch is heard, and with it the cutoffs that hold for its members."""

from collections.abc import Mapping
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


@dataclass(frozen=True, slots=True)
class LastDay:
    """A district, a last recorded day of branches in it, and whether they record life."""

    root: str
    recorded_on: date
    records_life: bool

    @property
    def key(self) -> str:
        """What `places` computes for the branches of which this is true."""
        return f"{self.root}{number_of(self.recorded_on) * 2 + self.records_life}"


def find_parameters(
    session: Session, *, on: date, thresholds: Mapping[str, Thresholds]
) -> dict[Ladder, dict[str, Any]]:
    """What a statement of `crossing` takes: the cutoffs, computed by the pure rules.

    For each ladder a row of cutoffs for each district and last recorded day; branches have their
    last days in common, so these are far fewer than branches. A ladder for which no branch has
    recorded anything has none. One statement.

    Args:
        thresholds: district path -> what it has configured.
    """
    rows = session.execute(_distinct(dialect_of(session)), {"on": on}).all()
    parameters = {}
    for ladder in LADDERS:
        days = {day for row in rows for day in _last_days(ladder, *row)}
        grounds = [_ground(ladder, day, thresholds.get(day.root, DEFAULT), on) for day in days]
        if grounds:
            parameters[ladder] = rows_parameter(session, grounds) | {
                "on": on,
                "newest": max(ground["first"] for ground in grounds),
                "reached_after": min(ground["lost_on"] for ground in grounds),
            }
    return parameters


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

    They are joined by one key: the planner knows nothing of rows in a parameter, and of three
    conditions it would believe that they leave a handful of branches.
    """
    heard, ground = hearings(dialect, ladder), _grounds(dialect)
    last = day_number(dialect, heard.c.recorded_on)
    key = root_of(Organization.path) + sa.cast(last * 2 + heard.c.records_life, sa.Text)
    query = (
        sa.select(
            heard.c.organization_id,
            heard.c.recorded_on,
            day_number(dialect, heard.c.begun_on).label("begun"),
            *(column for name, column in ground.c.items() if name != "key"),
        )
        .join(Organization, Organization.id == heard.c.organization_id)
        .join(ground, ground.c.key == key)
    )
    return computed_once(query, "places")


def computed_once(query: Any, name: str) -> sa.CTE:
    """A step that is computed once: flattened, it would be computed wherever it is named."""
    step: sa.CTE = query.cte(name).prefix_with("MATERIALIZED")
    return step


def _grounds(dialect: str) -> sa.CTE:
    """The rows of `find_parameters` as a source."""
    numbers = ("heard", "lost", *(f"stage_{stage}" for stage in STAGES))
    kinds: dict[str, TypeEngine[Any]] = {name: sa.Integer() for name in numbers}
    given = row_source(dialect, {"key": sa.Text()} | kinds)
    return computed_once(sa.select(given), "grounds")


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
def _distinct(dialect: str) -> sa.Select[Any]:
    """District, last day of any record and whether life is recorded, last of life, last of dues."""
    per_feed = (
        sa.func.max(sa.case((RecordedDay.feed == feed, RecordedDay.day))).label(f"{feed}_on")
        for feed in _FEEDS.values()
    )
    heard = (
        sa.select(
            RecordedDay.organization_id,
            sa.func.max(RecordedDay.day).label("recorded_on"),
            _records_life(dialect, None).label("records_life"),
            *per_feed,
        )
        .where(RecordedDay.day <= sa.bindparam("on", type_=sa.Date))
        .group_by(RecordedDay.organization_id)
        .subquery("heard")
    )
    root = root_of(Organization.path).label("root")
    told = [column for name, column in heard.c.items() if name != "organization_id"]
    return sa.select(root, *told).join(heard, heard.c.organization_id == Organization.id).distinct()


def _last_days(
    ladder: Ladder, root: str, recorded_on: date, records_life: int, *per_feed: date | None
) -> list[LastDay]:
    """What the cutoffs of a ladder follow from; nothing where its records do not exist."""
    if ladder.signal not in _FEEDS:
        return [LastDay(root, recorded_on, bool(records_life))]
    day = dict(zip(_FEEDS, per_feed, strict=True))[ladder.signal]
    return [LastDay(root, day, ladder.signal == Signal.LIFE)] if day else []


def _ground(ladder: Ladder, day: LastDay, mine: Thresholds, on: date) -> dict[str, Any]:
    heard = heard_until(day.recorded_on, on, records_life=day.records_life)
    reached = cutoffs(ladder.clock, mine, heard)
    numbers = {
        f"stage_{stage}": number_of(reached[stage]) if stage in reached else None
        for stage in STAGES
    }
    # Whoever has not been reached since that day is looked for, and does not stay away.
    lost_on = cutoffs(Clock.LOST_CONTACT, mine, on)[CASE_OPENS_AT[Clock.LOST_CONTACT]]
    told = {"heard": number_of(heard), "lost": number_of(lost_on)}
    return {"key": day.key, "first": max(reached.values()), "lost_on": lost_on, **told, **numbers}
