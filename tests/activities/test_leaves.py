"""Leave and make-up: asked for in time, decided by somebody else, followed by the attendance."""

from datetime import date, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from activities import leave_decisions, leave_requests, make_ups
from activities.leave_decisions import LeaveDecided, LeaveEntry, OwnLeave
from activities.leave_requests import LeaveFacts, LeaveTooLate, NotExpected
from activities.life_models import LeaveRequest, MakeUp
from activities.make_ups import MakeUpDate, MakeUpFacts, NothingMissed, OwnMakeUp
from activities.models import Activity
from core.errors import Forbidden, NotFound
from notifications.models import OutboxMessage
from points import verification
from tests.activities.lives import ABSENT, PRESENT, Life
from tests.world import NOW

SICK = LeaveFacts("sick")
SOON = {"starts_at": NOW + timedelta(hours=1), "ends_at": NOW + timedelta(hours=2)}
LATER = NOW + timedelta(hours=1, minutes=30)


def ask(life: Life, activity: Activity, name: str = "党员甲") -> LeaveRequest:
    actor = life.world.actor(name)
    return leave_requests.request(life.session, actor, activity.id, facts=SICK, now=NOW)


def decide(life: Life, leave_id: UUID, who: str = "书记一", *, is_approved: bool = True) -> None:
    leave_decisions.decide(
        life.session,
        life.world.actor(who),
        leave_id,
        is_approved=is_approved,
        reason="已知",
        now=NOW,
    )


def test_leave_approved_before_the_start_stands_on_the_list(life: Life) -> None:
    activity = life.meeting(**SOON)
    decide(life, ask(life, activity).id)

    life.call(activity, now=LATER)
    life.close(activity)

    assert life.events(activity, "党员甲") == [(1, "leave_approved", "leave")]
    assert life.points("党员甲") == []
    told = life.session.scalars(
        sa.select(OutboxMessage.kind).filter_by(member_id=life.world.members["党员甲"])
    ).all()
    assert "leave_decided" in told


def test_asking_again_changes_what_waits(life: Life) -> None:
    activity = life.meeting(**SOON)
    first = ask(life, activity)

    again = leave_requests.request(
        life.session,
        life.world.actor("党员甲"),
        activity.id,
        facts=LeaveFacts("official", "培训"),
        now=NOW,
    )

    assert (again.id, again.reason_kind, again.note) == (first.id, "official", "培训")


def test_withdrawn_leave_may_be_asked_for_anew(life: Life) -> None:
    activity = life.meeting(**SOON)
    first = ask(life, activity)
    decide(life, first.id)

    leave_requests.withdraw(life.session, life.world.actor("党员甲"), activity.id, now=NOW)
    second = ask(life, activity)

    assert second.id != first.id
    assert second.status == "requested"


def test_refused_leave_leaves_the_member_expected(life: Life) -> None:
    activity = life.meeting(**SOON)
    decide(life, ask(life, activity).id, is_approved=False)

    marked = life.call(activity, life.mark("党员甲", ABSENT), now=LATER)

    assert marked[life.world.members["党员甲"]].status == "absent_unexcused"


def test_nobody_decides_his_own_leave(life: Life) -> None:
    activity = life.meeting(**SOON)
    leave = ask(life, activity, "书记一")

    with pytest.raises(OwnLeave):
        decide(life, leave.id)
    decide(life, leave.id, "副书记一")


def test_database_refuses_an_own_decision(life: Life) -> None:
    leave = ask(life, life.meeting(**SOON))
    own = sa.update(LeaveRequest).values(status="approved", decided_by=leave.member_id)

    with pytest.raises(sa.exc.IntegrityError), life.session.begin_nested():
        life.session.execute(own)


def test_group_leader_decides_for_his_group_and_nobody_else(life: Life) -> None:
    activity = life.meeting(**SOON)
    mine, other = ask(life, activity, "党员甲"), ask(life, activity, "党员乙")

    decide(life, mine.id, "组长")
    with pytest.raises(NotFound):
        decide(life, other.id, "组长")
    with pytest.raises(NotFound):
        decide(life, other.id, "书记二")


def test_second_decision_is_a_conflict(life: Life) -> None:
    leave = ask(life, life.meeting(**SOON))
    decide(life, leave.id)

    with pytest.raises(LeaveDecided):
        decide(life, leave.id, "副书记一", is_approved=False)


def test_leave_ends_where_the_meeting_starts(life: Life) -> None:
    running, soon = life.meeting(), life.meeting(**SOON)
    ask(life, soon)
    life.call(soon, default=None)

    with pytest.raises(LeaveTooLate):
        ask(life, running)
    with pytest.raises(LeaveTooLate):
        leave_requests.withdraw(life.session, life.world.actor("党员甲"), soon.id, now=NOW)


def test_who_is_not_expected_needs_no_leave(life: Life) -> None:
    invited = (life.world.members["书记一"],)

    with pytest.raises(NotExpected):
        ask(life, life.meeting(invited=invited, **SOON))
    with pytest.raises(NotFound):
        ask(life, life.meeting(**SOON), "党员丙")


def test_request_decided_after_the_closing_corrects_attendance_and_points(life: Life) -> None:
    activity = life.meeting(**SOON)
    leave = ask(life, activity)
    life.call(activity, life.mark("党员甲", ABSENT), now=LATER)
    life.close(activity)
    assert life.points("党员甲") == [-200]

    decide(life, leave.id)

    assert life.points("党员甲") == [-200, 200]
    assert life.row(activity, "党员甲").status == "leave_approved"
    assert verification.verify(life.session).findings == []


def enter(life: Life, activity: Activity, name: str, who: str = "书记一") -> LeaveRequest:
    entry = LeaveEntry(life.world.members[name], SICK, "当天电话请假")
    return leave_decisions.enter(
        life.session, life.world.actor(who), activity.id, entry=entry, now=NOW
    )


def test_secretary_enters_a_leave_afterwards_with_a_reason(life: Life) -> None:
    activity = life.meeting()
    life.call(activity, life.mark("党员甲", ABSENT))
    life.close(activity)

    leave = enter(life, activity, "党员甲")

    assert (leave.is_after_the_fact, leave.status) == (True, "approved")
    assert life.points("党员甲") == [-200, 200]
    with pytest.raises(LeaveDecided):
        enter(life, activity, "党员甲")
    with pytest.raises(OwnLeave):
        enter(life, activity, "书记一")
    with pytest.raises(Forbidden):
        enter(life, activity, "党员乙", "组长")
    with pytest.raises(NotFound):
        enter(life, activity, "党员乙", "书记二")


def test_entered_leave_does_not_send_home_who_was_there(life: Life) -> None:
    activity = life.meeting()
    life.call(activity)

    enter(life, activity, "党员甲")

    assert life.row(activity, "党员甲").status == "present"


def test_waiting_leaves_are_those_of_the_place_without_ones_own(life: Life) -> None:
    activity = life.meeting(**SOON)
    for name in ("书记一", "党员甲", "党员乙"):
        ask(life, activity, name)
    branch, group = (life.world.organizations[name] for name in ("一支部", "一组"))

    def waiting(who: str, organization_id: UUID) -> list[str]:
        actor = life.world.actor(who)
        page = leave_requests.list_waiting(
            life.session, actor, organization_id, after=None, limit=50
        )
        return [row.member_name for row in page.items]

    assert waiting("书记一", branch) == ["党员甲", "党员乙"]
    assert waiting("组长", group) == ["党员甲"]
    with pytest.raises(NotFound):
        waiting("组长", branch)


def make_up(
    life: Life, activity: Activity, name: str, who: str = "书记一", *, on: date = date(2026, 11, 10)
) -> None:
    make_ups.confirm(
        life.session,
        life.world.actor(who),
        activity.id,
        life.world.members[name],
        facts=MakeUpFacts(on, "自学并交流"),
        now=NOW + timedelta(days=40),
    )


def test_made_up_absence_takes_the_deduction_back(life: Life) -> None:
    activity = life.meeting()
    life.call(activity, life.mark("党员甲", ABSENT), life.mark("党员乙", ABSENT))
    life.close(activity)

    make_up(life, activity, "党员甲", "组长", on=date(2026, 12, 10))

    assert life.row(activity, "党员甲").status == "made_up"
    assert life.points("党员甲") == [-200, 200]
    assert verification.verify(life.session).findings == []
    with pytest.raises(NothingMissed):
        make_up(life, activity, "党员甲")
    with pytest.raises(NotFound):
        make_up(life, activity, "党员乙", "组长")


@pytest.mark.parametrize("on", [date(2026, 11, 9), date(2026, 12, 11)])
def test_make_up_is_within_thirty_days(life: Life, on: date) -> None:
    activity = life.meeting()
    life.call(activity, life.mark("党员甲", ABSENT))

    with pytest.raises(MakeUpDate):
        make_up(life, activity, "党员甲", on=on)


def test_nobody_confirms_his_own_make_up(life: Life) -> None:
    activity = life.meeting()
    life.call(activity, life.mark("书记一", ABSENT), life.mark("党员甲", PRESENT))

    with pytest.raises(OwnMakeUp):
        make_up(life, activity, "书记一")
    with pytest.raises(NothingMissed):
        make_up(life, activity, "党员甲")
    make_up(life, activity, "书记一", "副书记一")
    assert life.session.scalar(sa.select(sa.func.count()).select_from(MakeUp)) == 1
