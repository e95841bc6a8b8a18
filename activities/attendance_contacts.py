"""Attendance as contact: who took part was heard from, wherever he took part."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities.attendance_rows import Change
from activities.life_models import ATTENDED, Attendance, AttendanceStatus, MakeUp
from activities.models import Activity
from core.clock import business_day
from members.contact import facts
from members.contact.facts import ContactFact
from members.contact.models import ContactKind, RecordedFact


def record(
    session: Session,
    entered_by: UUID,
    activity: Activity,
    changes: Sequence[Change],
    *,
    now: datetime,
) -> None:
    """Record what these changes say of contact, and take back what they say did not happen."""
    day = business_day(activity.starts_at)
    gone = [one.row.id for one in changes if one.row.status in ATTENDED and _is_other(one)]
    came = [one for one in changes if one.status in ATTENDED and _is_other(one)]
    reason = next((one.reason for one in changes if one.reason), "考勤更正")
    facts.retract(session, gone, actor_id=entered_by, reason=reason, now=now)
    facts.record(session, [_fact(one, day, entered_by) for one in came], now=now)


def rebuild(session: Session, *, now: datetime) -> int:
    """Record the facts of attendance that was entered before contact was kept; how many members.

    What is recorded already is left alone, so it may run again.
    """
    rows = session.execute(_attended()).all()
    told = [
        ContactFact(
            member_id=row.member_id,
            kind=ContactKind.ATTENDANCE,
            happened_on=row.made_up_on or business_day(row.starts_at),
            organization_id=row.organization_id,
            source_id=row.id,
            recorded_by=None,
        )
        for row in rows
    ]
    return len(facts.record(session, told, now=now))


def find_differences(session: Session) -> list[str]:
    """Attendance without its fact, facts without their attendance, days that differ."""
    stored = {
        (row.source_id, row.member_id): row.happened_on
        for row in session.execute(
            sa.select(
                RecordedFact.source_id, RecordedFact.member_id, RecordedFact.happened_on
            ).where(RecordedFact.kind == ContactKind.ATTENDANCE, facts.live())
        )
    }
    said = {
        (row.id, row.member_id): row.made_up_on or business_day(row.starts_at)
        for row in session.execute(_attended())
    }
    return [*_differing(said, stored)]


def _is_other(change: Change) -> bool:
    """Whether contact differs from what stood: another way of attending is the same contact."""
    before, after = change.row.status, change.status
    return (before in ATTENDED) != (after in ATTENDED) or (
        AttendanceStatus.MADE_UP in (before, after) and before != after
    )


def _fact(change: Change, day: date, entered_by: UUID) -> ContactFact:
    return ContactFact(
        member_id=change.row.member_id,
        kind=ContactKind.ATTENDANCE,
        happened_on=change.made_up_on or day,
        organization_id=change.row.organization_id,
        source_id=change.row.id,
        recorded_by=entered_by,
    )


def _attended() -> sa.Select[*tuple[Any, ...]]:
    made_up = (
        sa.select(sa.func.max(MakeUp.made_up_on))
        .where(MakeUp.attendance_id == Attendance.id, Attendance.status == AttendanceStatus.MADE_UP)
        .correlate(Attendance)
        .scalar_subquery()
    )
    return (
        sa.select(
            Attendance.id,
            Attendance.member_id,
            Attendance.organization_id,
            Activity.starts_at,
            made_up.label("made_up_on"),
        )
        .join(Activity, Activity.id == Attendance.activity_id)
        .where(Attendance.status.in_(ATTENDED))
    )


def _differing(said: dict[Any, date], stored: dict[Any, date]) -> Iterable[str]:
    for key in sorted(said.keys() | stored.keys()):
        if said.get(key) != stored.get(key):
            there, here = said.get(key) or "无", stored.get(key) or "无"
            yield f"考勤 {key[0]}：出席日期 {there}，联系记录 {here}"
