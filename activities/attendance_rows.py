"""The rows of a list: locked in id order, then revised, one statement each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session, aliased

from activities.life_models import Attendance, AttendanceEvent, AttendanceOrigin, AttendanceStatus
from core.ids import new_id
from core.rows import dialect_of, insert_rows, row_source, rows_parameter
from members.models import Organization


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody says about one attendance; `row` is the row that he saw, locked."""

    row: Row[Any]
    status: AttendanceStatus
    origin: AttendanceOrigin
    reason: str = ""

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
    events = [
        {
            "id": new_id(),
            "attendance_id": one.row.id,
            "revision": one.revision,
            "status": one.status,
            "origin": one.origin,
            "reason": one.reason,
            "entered_by": entered_by,
            "entered_at": now,
        }
        for one in changes
    ]
    session.execute(_revising(dialect_of(session)), rows_parameter(session, events))
    insert_rows(session, AttendanceEvent, events)


@cache
def _locking(is_one: bool) -> sa.Select[Any]:
    place, home = aliased(Organization), aliased(Organization)
    attendance = Attendance.__table__
    query = (
        sa.select(
            *attendance.c,
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
    columns = {"attendance_id": table.c.id.type, "revision": sa.Integer()}
    given = row_source(dialect, {**columns, "status": sa.Text(), "origin": sa.Text()})
    return (
        sa.update(table)
        .where(table.c.id == given.c.attendance_id, table.c.revision == given.c.revision - 1)
        .values(status=given.c.status, origin=given.c.origin, revision=given.c.revision)
    )
