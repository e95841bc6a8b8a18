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

    One outage of the whole district is one finding, not one for each branch.
    """
    dialect = dialect_of(session)
    districts = _silent(session, _silences(dialect, is_district=True), on)
    branches = _silent(session, _silences(dialect, is_district=False), on)
    roots = tuple(place.path for place in districts)
    return districts + [one for one in branches if not one.path.startswith(roots)]


def _silent(session: Session, query: sa.Select[Any], on: date) -> list[SilentPlace]:
    return [SilentPlace(*row) for row in session.execute(query, {"on": on})]


@cache
def _silences(dialect: str, *, is_district: bool) -> sa.Select[Any]:
    place = root_of(Organization.path) if is_district else Organization.path
    least = DISTRICT_LEAST if is_district else USUAL_SILENCE[0]
    silence = silences(dialect, recorded_days(place, until=ON), least=least)
    # A register of dues is written once a month, whatever lay between its dates.
    allowed = sa.case((silence.c.records_life, silence.c.usual_days), else_=REGISTER_DAYS)
    return (
        sa.select(Organization.id, Organization.name, Organization.path, silence.c.day)
        .join(silence, silence.c.place == Organization.path)
        .where(
            silence.c.next_day.is_(None),
            day_number(dialect, ON) - silence.c.number > allowed,
        )
        .order_by(Organization.path)
    )
