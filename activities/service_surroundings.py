"""What else people did around the time of a service: their records, their branch's meetings."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities.models import Activity, VolunteerRecord
from activities.service_rules import Surroundings
from core.db import UtcDateTime
from core.rows import dialect_of, row_source, rows_parameter

_NEAR = timedelta(days=1)


def load_surroundings(
    session: Session,
    starts_at: datetime,
    ends_at: datetime,
    homes: Mapping[UUID, UUID | None],
    *,
    but: UUID | None = None,
) -> dict[UUID, Surroundings]:
    """Member -> his other records near the times, and the meetings of his branch; two statements.

    Args:
        homes: member -> his branch of that day.
        but: the record that is being changed.
    """
    times = {"starts_at": starts_at - _NEAR, "ends_at": ends_at + _NEAR}
    given = rows_parameter(session, [{"id": member_id} for member_id in homes])
    records: dict[UUID, list[tuple[datetime, datetime, int]]] = defaultdict(list)
    for record_id, member_id, start, end, minutes in session.execute(
        _records(dialect_of(session)), times | given
    ):
        if record_id != but:
            records[member_id].append((start, end, minutes))
    branches = [{"id": one} for one in set(homes.values()) - {None}]
    meetings: dict[UUID | None, list[tuple[datetime, datetime]]] = defaultdict(list)
    for organization_id, start, end in session.execute(
        _meetings(dialect_of(session)), times | rows_parameter(session, branches)
    ):
        meetings[organization_id].append((start, end))
    return {
        member_id: Surroundings(records[member_id], meetings[home])
        for member_id, home in homes.items()
    }


@cache
def _records(dialect: str) -> sa.Select[*tuple[Any, ...]]:
    given = row_source(dialect, {"id": VolunteerRecord.__table__.c.member_id.type})
    return (
        sa.select(
            VolunteerRecord.id,
            VolunteerRecord.member_id,
            VolunteerRecord.starts_at,
            VolunteerRecord.ends_at,
            sa.func.coalesce(VolunteerRecord.confirmed_minutes, VolunteerRecord.claimed_minutes),
        )
        .join(given, given.c.id == VolunteerRecord.member_id)
        .where(VolunteerRecord.withdrawn_at.is_(None), _touches(VolunteerRecord))
    )


@cache
def _meetings(dialect: str) -> sa.Select[*tuple[Any, ...]]:
    given = row_source(dialect, {"id": Activity.__table__.c.organization_id.type})
    return (
        sa.select(Activity.organization_id, Activity.starts_at, Activity.ends_at)
        .join(given, given.c.id == Activity.organization_id)
        .where(Activity.cancelled_at.is_(None), _touches(Activity))
    )


def _touches(what: type[VolunteerRecord] | type[Activity]) -> sa.ColumnElement[bool]:
    starts_at = sa.bindparam("starts_at", type_=UtcDateTime)
    ends_at = sa.bindparam("ends_at", type_=UtcDateTime)
    return (what.starts_at < ends_at) & (what.ends_at > starts_at)
