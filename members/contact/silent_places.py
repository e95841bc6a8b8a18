"""Branches and districts that have stopped recording: for people to look at, one alert each."""

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.rows import dialect_of
from members.contact.crossing import ON
from members.contact.day_numbers import day_number
from members.contact.hearing import root_of
from members.contact.models import RecordedDay
from members.contact.outages import recorded_days, silences
from members.contact.rules import REGISTER_DAYS, USUAL_SILENCE
from members.models import Organization

# A district has many branches, so a few days without any record are unusual.
DISTRICT_LEAST = 3


@dataclass(frozen=True, slots=True)
class SilentPlace:
    """An organisation that has recorded nothing for longer than is usual there."""

    organization_id: UUID
    name: str
    path: str
    recorded_on: date


def find_silent(session: Session, *, on: date) -> list[SilentPlace]:
    """Silent districts, and the silent branches of districts that are not silent themselves.

    One outage of the whole district is one finding, not one for each branch: while nobody in the
    district records, a branch is not silent by itself.
    """
    dialect = dialect_of(session)
    districts = _find(session, _silences(dialect, is_district=True), on)
    branches = _find(session, _silences(dialect, is_district=False), on)
    alive = tuple(
        place.path for place, _ in districts if (on - place.recorded_on).days <= DISTRICT_LEAST
    )
    silent = [place for place, is_silent in districts if is_silent]
    return silent + [
        place for place, is_silent in branches if is_silent and place.path.startswith(alive)
    ]


def _find(session: Session, query: sa.Select[Any], on: date) -> list[tuple[SilentPlace, bool]]:
    rows = session.execute(query, {"on": on})
    return [(SilentPlace(*place), bool(is_silent)) for *place, is_silent in rows]


@cache
def _silences(dialect: str, *, is_district: bool) -> sa.Select[Any]:
    place = root_of(Organization.path) if is_district else Organization.path
    source = sa.join(RecordedDay, Organization, Organization.id == RecordedDay.organization_id)
    least = DISTRICT_LEAST if is_district else USUAL_SILENCE[0]
    days = recorded_days(dialect, place, source=source, until=ON)
    silence = silences(dialect, days, least=least)
    # A register of dues is written once a month, whatever lay between its dates.
    allowed = sa.case((silence.c.records_life, silence.c.usual_days), else_=REGISTER_DAYS)
    return (
        sa.select(
            Organization.id,
            Organization.name,
            Organization.path,
            silence.c.day,
            (day_number(dialect, ON) - silence.c.number > allowed).label("is_silent"),
        )
        .join(silence, silence.c.place == Organization.path)
        .where(silence.c.next_day.is_(None))
        .order_by(Organization.path)
    )
