"""Phones that press at the same moment: one list, one revision line, one entry per attendance."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities import (
    activity_life,
    attendance_codes,
    calendar,
    check_ins,
    closings,
    leave_decisions,
    leave_requests,
    roll_calls,
)
from activities.calendar import ActivityPlan
from activities.check_ins import Scan
from activities.leave_requests import LeaveFacts
from activities.life_models import Attendance, AttendanceEvent, AttendanceStatus, LeaveRequest
from activities.roll_calls import Mark, RollCall
from core.config import Settings
from core.db import vault_of
from points.models import LedgerEntry
from tests.concurrency.arena import RACES, Act, Arena
from tests.world import NOW

PRESENT, ABSENT = AttendanceStatus.PRESENT, AttendanceStatus.ABSENT_UNEXCUSED
EXPECTED = 5


@pytest.fixture
def arena(fresh_settings: Settings) -> Iterator[Arena]:
    with Arena.open(fresh_settings) as arena:
        yield arena


def plan(arena: Arena, *, is_soon: bool = False) -> UUID:
    """A meeting of the first branch, not started."""
    shift = timedelta(hours=1 if is_soon else -1)
    planned = ActivityPlan("theme_day", "主题党日", "活动室", NOW + shift, NOW + timedelta(hours=2))

    def act(session: Session) -> UUID:
        branch = arena.world.organizations["一支部"]
        actor = arena.actor(session, "书记一")
        return calendar.schedule(session, actor, branch, plan=planned, now=NOW).id

    made: UUID = arena.alone(act)
    return made


def call_roll(arena: Arena, who: str, activity_id: UUID, *marks: Mark) -> Act:
    roll = RollCall(marks, PRESENT)
    return lambda session: roll_calls.call_roll(
        session, arena.actor(session, who), activity_id, roll=roll, now=NOW
    )


def scan(arena: Arena, who: str, activity_id: UUID) -> Act:
    def act(session: Session) -> object:
        key = attendance_codes.code_key(vault_of(session))
        token = attendance_codes.issue(key, activity_id, at=NOW).token
        return check_ins.check_in(
            session, arena.actor(session, who), scan=Scan(activity_id, token), now=NOW
        )

    return act


def close(arena: Arena, who: str, activity_id: UUID) -> Act:
    return lambda session: closings.close(
        session, arena.actor(session, who), activity_id, presumes_absence=True, now=NOW
    )


def require_one_line(arena: Arena, activity_id: UUID) -> None:
    """The list exists once; each row's revisions are 1..n and the newest is what it says."""

    def act(session: Session) -> None:
        rows = session.scalars(sa.select(Attendance).filter_by(activity_id=activity_id)).all()
        assert len(rows) == EXPECTED
        for row in rows:
            events = session.scalars(
                sa.select(AttendanceEvent)
                .filter_by(attendance_id=row.id)
                .order_by(AttendanceEvent.revision)
            ).all()
            assert [one.revision for one in events] == list(range(1, row.revision + 1))
            assert row.status == (events[-1].status if events else None)

    arena.alone(act)


def live_points(arena: Arena, activity_id: UUID, name: str) -> list[int]:
    """The points of the entries of one attendance, reversals included."""

    def act(session: Session) -> list[int]:
        row = session.scalars(
            sa.select(Attendance).filter_by(
                activity_id=activity_id, member_id=arena.world.members[name]
            )
        ).one()
        own = sa.select(LedgerEntry.id).filter_by(source_id=row.id)
        query = sa.select(LedgerEntry.points).where(
            sa.or_(LedgerEntry.source_id == row.id, LedgerEntry.reverses_id.in_(own))
        )
        return list(session.scalars(query.order_by(LedgerEntry.seq)))

    found: list[int] = arena.alone(act)
    return found


def test_two_starts_freeze_one_list(arena: Arena) -> None:
    for _ in range(RACES):
        activity_id = plan(arena)

        def start(who: str, key: UUID = activity_id) -> Act:
            return lambda session: activity_life.start(
                session, arena.actor(session, who), key, now=NOW
            )

        finishes = arena.race(start("书记一"), start("副书记一"), pauses=(arena.pause(),))

        assert all(finish.won for finish in finishes)
        require_one_line(arena, activity_id)


def test_two_roll_calls_and_a_closing_credit_each_attendance_once(arena: Arena) -> None:
    member_id = arena.world.members["党员乙"]
    for _ in range(RACES):
        activity_id = plan(arena)
        arena.race(
            call_roll(arena, "书记一", activity_id),
            call_roll(arena, "副书记一", activity_id, Mark(member_id, ABSENT)),
            pauses=(arena.pause(), arena.pause()),
        )
        require_one_line(arena, activity_id)

        finishes = arena.race(
            close(arena, "书记一", activity_id),
            close(arena, "副书记一", activity_id),
            pauses=(arena.pause(), arena.pause()),
        )

        assert sorted(finish.won for finish in finishes) == [False, True]
        assert len(live_points(arena, activity_id, "党员甲")) == 1
        assert len(live_points(arena, activity_id, "党员乙")) == 1
    assert arena.faults() == []


def test_roll_call_and_scan_agree(arena: Arena) -> None:
    member_id = arena.world.members["党员甲"]
    for _ in range(RACES):
        activity_id = plan(arena)

        finishes = arena.race(
            scan(arena, "党员甲", activity_id),
            call_roll(arena, "书记一", activity_id, Mark(member_id, PRESENT)),
            scan(arena, "党员甲", activity_id),
            pauses=(arena.pause(), arena.pause(), arena.pause()),
        )

        assert all(finish.won for finish in finishes)
        require_one_line(arena, activity_id)
        arena.alone(close(arena, "书记一", activity_id))
        assert len(live_points(arena, activity_id, "党员甲")) == 1
    assert arena.faults() == []


def test_scan_and_closing_end_in_one_standing_entry(arena: Arena) -> None:
    for _ in range(RACES):
        activity_id = plan(arena)
        arena.alone(
            lambda session, key=activity_id: activity_life.start(
                session, arena.actor(session, "书记一"), key, now=NOW
            )
        )

        scanned, closed = arena.race(
            scan(arena, "党员甲", activity_id),
            close(arena, "书记一", activity_id),
            pauses=(arena.pause(), arena.pause()),
        )

        assert (scanned.won, closed.won) == (True, True)
        require_one_line(arena, activity_id)
        points = live_points(arena, activity_id, "党员甲")
        # The scan came first, or it overturned the absence that the closing had presumed. The
        # year's cap on theme days grants nothing more in the end, and the base is empty then.
        assert len(points) in (1, 3)
        if len(points) == 3:
            assert points[0] + points[1] == 0
        assert scanned.value.status == "present"
    assert arena.faults() == []


def test_leave_decided_at_the_start_is_on_the_list_either_way(arena: Arena) -> None:
    for _ in range(RACES):
        activity_id = plan(arena, is_soon=True)
        leave_id = arena.alone(
            lambda session, key=activity_id: (
                leave_requests.request(
                    session, arena.actor(session, "党员甲"), key, facts=LeaveFacts("sick"), now=NOW
                ).id
            )
        )

        def decide(session: Session, key: UUID = leave_id) -> LeaveRequest:
            actor = arena.actor(session, "副书记一")
            return leave_decisions.decide(session, actor, key, is_approved=True, reason="", now=NOW)

        finishes = arena.race(
            decide,
            lambda session, key=activity_id: activity_life.start(
                session, arena.actor(session, "书记一"), key, now=NOW
            ),
            pauses=(arena.pause(), arena.pause()),
        )

        assert all(finish.won for finish in finishes)
        require_one_line(arena, activity_id)
        status = arena.alone(
            lambda session, key=activity_id: session.scalar(
                sa.select(Attendance.status).filter_by(
                    activity_id=key, member_id=arena.world.members["党员甲"]
                )
            )
        )
        assert status == "leave_approved"
