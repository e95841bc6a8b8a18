"""The rows of a list: locked in id order, then revised, one statement each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session, aliased

from activities.life_models import Attendance, AttendanceEvent, AttendanceOrigin, AttendanceStatus
from core.ids import new_id
from core.rows import dialect_of, row_source, rows_parameter
from members.models import Organization


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody says about one attendance; `row` is the row that he saw, locked.

    Args:
        made_up_on: the day on which he caught up, where that is what is said.
    """

    row: Row[Any]
    status: AttendanceStatus
    origin: AttendanceOrigin
    reason: str = ""
    made_up_on: date | None = None

    @property
    def revision(self) -> int:
        """The revision that the change makes."""
        return int(self.row.revision) + 1


def lock(session: Session, activity_id: UUID, member_id: UUID | None = None) -> Sequence[Row[Any]]:
    """The list of an activity, or one member of it, locked until the transaction ends."""
    parameters = {"activity": activity_id} | ({"member": member_id} if member_id else {})
    return session.execute(_locking(member_id is not None), parameters).all()


def revise(session: Session, entered_by: UUID, changes: Sequence[Change], *, now: datetime) -> None:
    """Give locked rows their new status and note each as a revision; two statements."""
    if not changes:
        return
    dialect = dialect_of(session)
    # Both statements read the same rows, so they are written out once.
    parameter = rows_parameter(
        session,
        [
            {
                "id": new_id(),
                "attendance_id": one.row.id,
                "revision": one.revision,
                "status": one.status,
                "origin": one.origin,
                "reason": one.reason,
            }
            for one in changes
        ],
    )
    session.execute(_revising(dialect), parameter)
    session.execute(_noting(dialect), {"actor": entered_by, "now": now} | parameter)


# Reading an id costs as much as all else of a row, so only what decisions need is read.
_READ = (
    "id",
    "member_id",
    "organization_id",
    "home_organization_id",
    "is_expected",
    "is_exempt",
    "status",
    "origin",
    "revision",
)


@cache
def _locking(is_one: bool) -> sa.Select[Any]:
    place, home = aliased(Organization), aliased(Organization)
    attendance = Attendance.__table__
    query = (
        sa.select(
            *(attendance.c[name] for name in _READ),
            # A group's path begins with its branch's, so one prefix test serves every role.
            place.path.label("path"),
            home.path.label("home_path"),
        )
        .join(
            place,
            place.id == sa.func.coalesce(attendance.c.party_group_id, attendance.c.organization_id),
        )
        .join(home, home.id == attendance.c.home_organization_id)
        .where(attendance.c.activity_id == sa.bindparam("activity", type_=sa.Uuid))
        .order_by(attendance.c.id)
        .with_for_update(of=attendance)
    )
    if is_one:
        query = query.where(attendance.c.member_id == sa.bindparam("member", type_=sa.Uuid))
    return query


@cache
def _revising(dialect: str) -> sa.Update:
    table = cast(sa.Table, Attendance.__table__)
    given = _given(dialect)
    return (
        sa.update(table)
        .where(table.c.id == given.c.attendance_id, table.c.revision == given.c.revision - 1)
        .values(status=given.c.status, origin=given.c.origin, revision=given.c.revision)
    )


@cache
def _noting(dialect: str) -> sa.Insert:
    table = cast(sa.Table, AttendanceEvent.__table__)
    given = _given(dialect)
    columns = [given.c[name] for name in _WRITTEN]
    actor = sa.bindparam("actor", type_=table.c.entered_by.type)
    now = sa.bindparam("now", type_=table.c.entered_at.type)
    query = sa.select(*columns, actor, now)
    return sa.insert(table).from_select([*_WRITTEN, "entered_by", "entered_at"], query)


_WRITTEN = ("id", "attendance_id", "revision", "status", "origin", "reason")


def _given(dialect: str) -> sa.Subquery:
    events = AttendanceEvent.__table__.c
    return row_source(dialect, {name: events[name].type for name in _WRITTEN})
