"""P4: the roll call of 500 that starts a meeting, against the same statements written by hand."""

import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session, sessionmaker

from activities import roll_calls
from activities.life_models import AttendanceStatus
from activities.roll_calls import Mark, RollCall
from core.db import UtcDateTime, unit_of_work
from tests.activities.lives import Life
from tests.world import NOW, build_world

PEOPLE = 500
# One in so many is marked by name, with leave.
AWAY_ONE_IN = 25

# The same locks in the same order and the same rows, with no scope, no rules and no answer but
# who is how: the grant and the activity are held, the list is frozen and locked by id, then each
# row is revised and the revision noted.
_LISTED = """
  SELECT {id}, {activity}, a.member_id, a.organization_id, a.party_group_id, a.organization_id,
    a.kind, m.kind, a.kind = 'primary', exists (SELECT 1 FROM exemption e
      WHERE e.member_id = a.member_id AND e.valid_from <= {day}
        AND (e.valid_to IS NULL OR e.valid_to > {day})), 0
  FROM affiliation a JOIN member m ON m.id = a.member_id
  WHERE a.organization_id = {organization} AND a.valid_from <= {day}
    AND (a.valid_to IS NULL OR a.valid_to > {day})
    AND m.membership_status IN ('normal', 'restored')
"""
_FREEZE = (
    """
INSERT INTO attendance (id, activity_id, member_id, organization_id, party_group_id,
  home_organization_id, affiliation_kind, member_kind, is_expected, is_exempt, revision)
"""
    + _LISTED
)
_START = """
UPDATE activity SET started_at = {now}, version = version + 1
WHERE id = {activity} AND started_at IS NULL AND cancelled_at IS NULL
"""

_POSTGRESQL = (
    """
    SELECT organization_id FROM role_grant WHERE member_id = {actor} AND revoked_at IS NULL
    ORDER BY id FOR SHARE
    """,
    _START,
    _FREEZE,
    """
    WITH away AS (SELECT * FROM jsonb_to_recordset({away}::jsonb)
      AS t(member_id uuid, status text, reason text)
    ), locked AS (
      SELECT id, member_id FROM attendance WHERE activity_id = {activity} ORDER BY id FOR UPDATE
    ), revised AS (
      UPDATE attendance SET status = coalesce(away.status, 'present'), origin = 'roll_call',
        revision = revision + 1
      FROM locked LEFT JOIN away ON away.member_id = locked.member_id
      WHERE attendance.id = locked.id
      RETURNING attendance.id, attendance.member_id, attendance.status, attendance.revision,
        coalesce(away.reason, '') AS reason
    ), noted AS (
      INSERT INTO attendance_event
        (id, attendance_id, revision, status, origin, reason, entered_by, entered_at)
      SELECT gen_random_uuid(), id, revision, status, 'roll_call', reason, {actor}, {now}
      FROM revised
    )
    SELECT member_id, status FROM revised
    """,
)
_SQLITE = (
    "SELECT organization_id FROM role_grant WHERE member_id = {actor} AND revoked_at IS NULL",
    _START,
    _FREEZE,
    """
    WITH away AS MATERIALIZED (SELECT value ->> 'member_id' AS member_id,
      value ->> 'status' AS status FROM json_each({away}))
    UPDATE attendance SET origin = 'roll_call', revision = revision + 1, status = coalesce(
      (SELECT status FROM away WHERE away.member_id = attendance.member_id), 'present')
    WHERE activity_id = {activity}
    """,
    """
    WITH away AS MATERIALIZED (SELECT value ->> 'member_id' AS member_id,
      value ->> 'reason' AS reason FROM json_each({away}))
    INSERT INTO attendance_event
      (id, attendance_id, revision, status, origin, reason, entered_by, entered_at)
    SELECT lower(hex(randomblob(16))), attendance.id, revision, attendance.status, 'roll_call',
      coalesce(away.reason, ''), {actor}, {now}
    FROM attendance LEFT JOIN away ON away.member_id = attendance.member_id
    WHERE activity_id = {activity}
    """,
    "SELECT member_id, status FROM attendance WHERE activity_id = {activity}",
)


def build(sessions: sessionmaker[Session]) -> tuple[Callable[[], float], Callable[[], float]]:
    """The two timed functions; each call plans a fresh meeting outside the clock."""
    session = sessions()
    with unit_of_work(session):
        life = Life(build_world(session))
        ids = life.add_members(PEOPLE)
    away = ids[::AWAY_ONE_IN]
    actor = life.world.actor("书记一")
    marks = [Mark(one, AttendanceStatus.LEAVE_APPROVED, "电话请假") for one in away]
    roll = RollCall(marks, AttendanceStatus.PRESENT)

    def product() -> float:
        activity_id = _plan(life)
        started = time.perf_counter()
        with sessions() as own, unit_of_work(own):
            marked = roll_calls.call_roll(own, actor, activity_id, roll=roll, now=NOW)
        elapsed = time.perf_counter() - started
        _require_all(marked)
        return elapsed

    def by_hand() -> float:
        activity_id = _plan(life)
        started = time.perf_counter()
        with sessions() as own, unit_of_work(own):
            marked = _execute(own, life, activity_id, away)
        elapsed = time.perf_counter() - started
        _require_all(marked)
        return elapsed

    return product, by_hand


def _execute(session: Session, life: Life, activity_id: UUID, away: list[UUID]) -> list[Any]:
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    values: dict[str, Any] = {
        "actor": life.world.members["书记一"],
        "activity": activity_id,
        "organization": life.world.organizations[life.branch],
        "day": NOW.date(),
        "now": NOW,
        "away": json.dumps(
            [
                {"member_id": one.hex, "status": "leave_approved", "reason": "电话请假"}
                for one in away
            ]
        ),
    }
    mark, new_id, statements = "%({})s", "gen_random_uuid()", _POSTGRESQL
    if is_sqlite:
        mark, new_id, statements = ":{}", "lower(hex(randomblob(16)))", _SQLITE
        values = {name: _as_text(value) for name, value in values.items()}
    names = {name: mark.format(name) for name in values} | {"id": new_id}
    cursor = session.connection().connection.cursor()
    for statement in statements:
        cursor.execute(statement.format(**names), values)
    return [{"member_id": row[0], "status": row[1]} for row in cursor.fetchall()]


def _as_text(value: Any) -> str:
    if isinstance(value, UUID):
        return value.hex
    return UtcDateTime.as_text(value) if value is NOW else str(value)


def _require_all(marked: list[Any]) -> None:
    if len(marked) < PEOPLE:
        raise RuntimeError(f"only {len(marked)} were marked")


def _plan(life: Life) -> UUID:
    with unit_of_work(life.session):
        return life.meeting(starts_at=NOW - timedelta(hours=1)).id
