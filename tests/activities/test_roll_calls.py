"""Roll call: everybody in one call, exceptions, corrections, constant statements."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from activities import closings, roll_calls
from activities.activity_access import ActivityCancelled
from activities.calendar import AlreadyClosed, cancel
from activities.closings import NotStarted, Unmarked
from activities.expected_lists import TooEarly
from activities.life_models import Attendance, AttendanceEvent
from activities.models import ActivityKind
from activities.roll_calls import Mark, MarkOutcome, RepeatedMember, RollCall
from core.errors import Forbidden, NotFound
from members.access_models import Role
from points import verification
from points.models import LedgerEntry, Period
from tests.activities.lives import ABSENT, LEAVE, PRESENT, Life
from tests.statements import counted_statements
from tests.world import NOW


def test_all_present_then_the_exceptions(life: Life) -> None:
    activity = life.meeting(tags=("party_lecture",))

    marked = life.call(activity, life.mark("党员乙", ABSENT))
    life.close(activity)

    assert len(marked) == 5
    assert {one.outcome for one in marked.values()} == {MarkOutcome.RECORDED}
    assert life.row(activity, "党员甲").status == "present"
    assert life.row(activity, "党员乙").status == "absent_unexcused"
    assert life.points("党员甲") == [200]
    assert life.points("党员乙") == [-200]
    assert verification.verify(life.session).findings == []


def test_several_kinds_of_one_meeting_are_credited_once(life: Life) -> None:
    activity = life.meeting(
        kind=ActivityKind.PARTY_LECTURE, tags=("theme_day", "general_meeting", "party_lecture")
    )

    life.call(activity)
    life.close(activity)

    assert activity.tags == ["general_meeting", "theme_day"]
    assert life.points("党员甲") == [200]


def test_organiser_on_the_list_is_credited_by_his_own_roll_call(life: Life) -> None:
    activity = life.meeting()

    life.call(activity)
    life.close(activity)

    assert life.points("书记一") == [200]


def test_correction_after_the_closing_reverses_and_credits_the_next_revision(life: Life) -> None:
    activity = life.meeting()
    life.call(activity, life.mark("党员乙", ABSENT))
    life.close(activity)

    marked = life.call(activity, life.mark("党员乙", PRESENT, "记错了"), default=None)

    assert marked[life.world.members["党员乙"]].points == 200
    assert life.points("党员乙") == [-200, 200, 200]
    assert life.events(activity, "党员乙") == [
        (1, "absent_unexcused", "roll_call"),
        (2, "present", "roll_call"),
    ]
    assert verification.verify(life.session).findings == []


def test_correction_after_the_closing_needs_a_reason_and_somebody_else(life: Life) -> None:
    activity = life.meeting()
    life.call(activity)
    life.close(activity)

    marked = life.call(
        activity, life.mark("党员乙", ABSENT), life.mark("书记一", ABSENT, "我没到"), default=None
    )

    codes = [one.code for one in marked.values()]
    assert codes == ["attendance.reason_required", "attendance.own"]
    assert life.points("党员乙") == life.points("书记一") == [200]


def test_same_status_again_makes_no_revision(life: Life) -> None:
    activity = life.meeting()
    life.call(activity)

    marked = life.call(activity, life.mark("党员乙", PRESENT))

    assert [one.outcome for one in marked.values()] == [MarkOutcome.UNCHANGED]
    assert len(life.events(activity, "党员乙")) == 1


def test_default_leaves_alone_what_somebody_has_said(life: Life) -> None:
    activity = life.meeting()
    life.call(activity, life.mark("党员乙", ABSENT), default=None)

    life.call(activity)

    assert life.row(activity, "党员乙").status == "absent_unexcused"


def test_stranger_and_other_branch_are_refused_alone(life: Life) -> None:
    activity = life.meeting()

    marked = life.call(activity, life.mark("党员丙", PRESENT), life.mark("党员乙", PRESENT))

    refused = marked[life.world.members["党员丙"]]
    assert (refused.outcome, refused.code) == (MarkOutcome.REFUSED, "not_found")
    assert marked[life.world.members["党员乙"]].outcome is MarkOutcome.RECORDED


def test_roll_call_of_another_branch_is_absent(life: Life) -> None:
    activity = life.meeting()

    with pytest.raises(NotFound):
        life.call(activity, who="书记二")
    with pytest.raises(NotFound):
        life.close(activity, who="书记二")


def test_group_leader_calls_his_group_only(life: Life) -> None:
    activity = life.meeting()

    marked = life.call(activity, life.mark("党员乙", ABSENT), who="组长")

    assert marked[life.world.members["党员乙"]].code == "not_found"
    assert marked[life.world.members["党员甲"]].outcome is MarkOutcome.RECORDED
    assert len(marked) == 2


def test_leave_at_the_roll_call_is_the_secretarys_with_a_reason(life: Life) -> None:
    activity = life.meeting()

    life.call(activity, default=None)
    by_leader = life.call(activity, life.mark("党员甲", LEAVE, "病了"), who="组长", default=None)
    unreasoned = life.call(activity, life.mark("党员甲", LEAVE), default=None)
    own = life.call(activity, life.mark("书记一", LEAVE, "出差"), default=None)
    done = life.call(activity, life.mark("党员甲", LEAVE, "电话请假"), default=None)

    codes = [next(iter(one.values())).code for one in (by_leader, unreasoned, own, done)]
    assert codes == ["leave.secretary_only", "attendance.reason_required", "leave.own", ""]


def test_closing_asks_for_the_unmarked_and_may_presume(life: Life) -> None:
    activity = life.meeting()
    with pytest.raises(NotStarted):
        life.close(activity)
    life.call(activity, life.mark("党员甲", PRESENT), default=None)

    with pytest.raises(Unmarked, match="4 人"), life.session.begin_nested():
        life.close(activity)
    closing = life.close(activity, presumes_absence=True)

    assert (closing.counts.expected, closing.counts.present, closing.entries) == (5, 1, 5)
    assert life.events(activity, "党员乙") == [(1, "absent_unexcused", "closing")]
    with pytest.raises(AlreadyClosed):
        life.close(activity)


def test_cancelled_or_far_activity_takes_no_roll_call(life: Life) -> None:
    gone, far = (
        life.meeting(),
        life.meeting(starts_at=NOW + timedelta(hours=3), ends_at=NOW + timedelta(hours=4)),
    )
    actor = life.world.actor("书记一")
    cancel(life.session, actor, gone.organization_id, gone.id, reason="暴雨", now=NOW)

    with pytest.raises(ActivityCancelled):
        life.call(gone)
    with pytest.raises(TooEarly):
        life.call(far)


def test_one_roll_call_names_nobody_twice(life: Life) -> None:
    activity = life.meeting()

    with pytest.raises(RepeatedMember) as refused:
        life.call(activity, life.mark("党员甲", PRESENT), life.mark("党员甲", ABSENT))

    assert [one.pointer for one in refused.value.problems] == [
        "/items/0/member_id",
        "/items/1/member_id",
    ]


def test_closed_year_keeps_the_fact_without_points(life: Life) -> None:
    life.session.execute(sa.update(Period).values(status="closed"))
    activity = life.meeting()

    life.call(activity)
    closing = life.close(activity)

    assert (closing.counts.present, closing.entries) == (5, 0)


def test_ended_role_records_nothing(life: Life) -> None:
    activity = life.meeting()
    life.world.grant("党员乙", Role.DEPUTY_SECRETARY, "一支部", valid_to=date(2026, 1, 1))

    with pytest.raises(Forbidden):
        life.call(activity, who="党员乙")


@pytest.mark.parametrize("members", [1, 45, 500])
def test_statements_do_not_grow_with_the_branch(life: Life, members: int) -> None:
    ids = life.add_members(members)
    activity = life.meeting()
    actor = life.world.actor("书记一")
    roll = RollCall([Mark(ids[0], ABSENT)], PRESENT)

    with counted_statements(life.session) as calling:
        marked = roll_calls.call_roll(life.session, actor, activity.id, roll=roll, now=NOW)
    with counted_statements(life.session) as closing:
        closings.close(life.session, actor, activity.id, presumes_absence=False, now=NOW)
    # With one who was there, so that contact is taken back too.
    named = [*ids, life.world.members["党员甲"]]
    corrected = RollCall([Mark(one, LEAVE, "补假条") for one in named])
    with counted_statements(life.session) as correcting:
        roll_calls.call_roll(life.session, actor, activity.id, roll=corrected, now=NOW)

    assert len(marked) == members + 5
    rows = life.session.scalar(sa.select(sa.func.count()).select_from(Attendance))
    assert rows == members + 5
    assert (len(calling), len(closing), len(correcting)) == (13, 13, 21)
    assert verification.verify(life.session).findings == []


def test_attendance_needs_no_phone_code_or_photo(life: Life) -> None:
    """Guardrail 3: paper and a roll call are enough, and are worth the same."""
    activity = life.meeting()
    nobody = life.add_members(1)[0]

    life.call(activity)
    life.close(activity)

    assert life.session.scalars(
        sa.select(LedgerEntry.points).filter_by(member_id=nobody)
    ).all() == [200]
    assert life.session.scalar(sa.select(sa.func.count()).select_from(AttendanceEvent)) == 6
