"""Attendance and pledges of a closed year, corrected: points follow into the open year."""

from datetime import date, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities import (
    leave_decisions,
    leave_requests,
    make_ups,
    pledge_evaluations,
    pledge_reviews,
    roll_calls,
)
from activities.leave_requests import LeaveFacts
from activities.life_models import AttendanceStatus
from activities.make_ups import MakeUpFacts
from activities.models import Activity
from activities.pledge_evaluations import Result
from activities.pledge_meetings import Meeting
from activities.pledge_models import PledgeBody
from activities.pledge_states import PledgeStatus
from activities.roll_calls import Mark, MarkOutcome, RollCall
from members import affiliations
from members.affiliations import Belonging
from points import periods, reproducing, verification
from points.models import LedgerEntry, Period
from points.periods import NoOpenPeriod
from tests.activities.lives import ABSENT, LEAVE, PRESENT, Life
from tests.pledging import Pledging, approved_pledges, grading
from tests.points.closing.closings import LATER, LATER_DAY, close_year
from tests.statements import counted_statements
from tests.world import NOW, World, build_world

SOON = {"starts_at": NOW + timedelta(hours=1), "ends_at": NOW + timedelta(hours=2)}
MEETING_OF_2026 = Meeting(PledgeBody.GENERAL_MEETING, date(2026, 11, 10), "记录〔2026〕9 号")
MEETING = Meeting(PledgeBody.GENERAL_MEETING, date(2027, 1, 18), "记录〔2027〕3 号")


@pytest.fixture
def world(session: Session) -> World:
    world = build_world(session)
    periods.ensure_year(session, 2027)
    return world


@pytest.fixture
def life(world: World) -> Life:
    return Life(world)


def held(life: Life, **marks: AttendanceStatus) -> Activity:
    """A meeting of 2026 with its attendance closed; who is not named was there."""
    activity = life.meeting()
    life.call(activity, *(life.mark(name, status, "公出") for name, status in marks.items()))
    life.close(activity)
    return activity


def correct(life: Life, activity: Activity, name: str, status: AttendanceStatus) -> None:
    actor = life.world.actor("书记一", on=LATER_DAY)
    roll = RollCall([life.mark(name, status, "查明")])
    (marked,) = roll_calls.call_roll(life.session, actor, activity.id, roll=roll, now=LATER)
    assert marked.outcome is MarkOutcome.RECORDED


def posted(world: World, name: str) -> list[tuple[int, str, str | None]]:
    """Points of a member with the year that they stand in and the one that they name."""
    codes = {one.id: one.code for one in world.session.scalars(sa.select(Period))}
    rows = world.session.scalars(
        sa.select(LedgerEntry)
        .where(LedgerEntry.member_id == world.members[name])
        .order_by(LedgerEntry.seq)
    )
    return [
        (one.points, codes[one.period_id], codes.get(one.about_period_id))  # type: ignore[arg-type]
        for one in rows
    ]


def assert_sound(world: World) -> None:
    assert all(one.is_same for one in reproducing.reproduce(world.session, "2026"))
    assert verification.verify(world.session).findings == []


def test_corrected_roll_call_takes_back_and_grants_in_the_open_year(life: Life) -> None:
    activity = held(life, 党员甲=ABSENT)
    close_year(life.session)

    correct(life, activity, "党员甲", PRESENT)

    assert posted(life.world, "党员甲") == [
        (-200, "2026", None),
        (200, "2027", "2026"),
        (200, "2027", "2026"),
    ]
    assert_sound(life.world)


def test_correction_of_a_correction_stays_in_the_open_year(life: Life) -> None:
    activity = held(life, 党员甲=ABSENT)
    close_year(life.session)

    correct(life, activity, "党员甲", PRESENT)
    correct(life, activity, "党员甲", ABSENT)

    assert [points for points, *_ in posted(life.world, "党员甲")] == [-200, 200, 200, -200, -200]
    assert {about for _, year, about in posted(life.world, "党员甲") if year == "2027"} == {"2026"}
    assert_sound(life.world)


def test_grant_where_nothing_stood_is_late_too(life: Life) -> None:
    activity = held(life, 党员甲=LEAVE)
    close_year(life.session)

    correct(life, activity, "党员甲", PRESENT)

    assert posted(life.world, "党员甲") == [(200, "2027", "2026")]
    assert_sound(life.world)


def test_leave_decided_after_the_close_gives_back_the_deduction(life: Life) -> None:
    activity = life.meeting(**SOON)
    member = life.world.actor("党员甲")
    leave = leave_requests.request(
        life.session, member, activity.id, facts=LeaveFacts("sick"), now=NOW
    )
    began = NOW + timedelta(hours=1, minutes=30)
    life.call(activity, life.mark("党员甲", ABSENT), now=began)
    life.close(activity)
    close_year(life.session)

    secretary = life.world.actor("书记一", on=LATER_DAY)
    leave_decisions.decide(
        life.session, secretary, leave.id, is_approved=True, reason="有假条", now=LATER
    )

    assert posted(life.world, "党员甲") == [(-200, "2026", None), (200, "2027", "2026")]
    assert_sound(life.world)


def test_make_up_confirmed_after_the_close_gives_back_the_deduction(life: Life) -> None:
    activity = held(life, 党员甲=ABSENT)
    close_year(life.session)

    make_ups.confirm(
        life.session,
        life.world.actor("书记一", on=LATER_DAY),
        activity.id,
        life.world.members["党员甲"],
        facts=MakeUpFacts(date(2026, 12, 5), "补学会议精神"),
        now=LATER,
    )

    assert posted(life.world, "党员甲")[1] == (200, "2027", "2026")
    assert_sound(life.world)


def test_list_closed_after_the_year_is_credited_in_the_open_one(life: Life) -> None:
    activity = life.meeting()
    life.call(activity)
    close_year(life.session)

    assert life.close(activity).entries == 5

    assert posted(life.world, "党员甲") == [(200, "2027", "2026")]
    assert_sound(life.world)


def test_member_who_moved_is_corrected_by_his_old_branch(life: Life) -> None:
    activity = held(life, 党员甲=ABSENT)
    world = life.world
    to = Belonging(world.organizations["二支部"], None, date(2027, 1, 5))
    officer = world.actor("街道干事", on=LATER_DAY)
    affiliations.transfer(world.session, officer, world.members["党员甲"], to=to, now=LATER)
    close_year(world.session)

    correct(life, activity, "党员甲", PRESENT)

    assert posted(world, "党员甲")[1:] == [(200, "2027", "2026")] * 2
    places = world.session.scalars(
        sa.select(LedgerEntry.organization_id).where(
            LedgerEntry.member_id == world.members["党员甲"]
        )
    )
    assert set(places) == {world.organizations["一支部"]}
    assert_sound(world)


def test_correction_without_an_open_year_is_refused_and_changes_nothing(session: Session) -> None:
    life = Life(build_world(session))
    activity = held(life, 党员甲=LEAVE)
    close_year(session)

    with pytest.raises(NoOpenPeriod), session.begin_nested():
        correct(life, activity, "党员甲", PRESENT)

    session.expire_all()
    assert life.row(activity, "党员甲").status == "leave_approved"


@pytest.mark.parametrize("members", [1, 100])
def test_late_corrections_are_a_constant_number_of_statements(life: Life, members: int) -> None:
    ids = life.add_members(members)
    activity = held(life)
    close_year(life.session)
    actor = life.world.actor("书记一", on=LATER_DAY)
    roll = RollCall([Mark(one, LEAVE, "补假条") for one in ids])

    with counted_statements(life.session) as seen:
        roll_calls.call_roll(life.session, actor, activity.id, roll=roll, now=LATER)

    # As within the open year, and what is shut each time that periods are held.
    assert len(seen) == 22 + 3


@pytest.fixture
def pledging(world: World) -> Pledging:
    return Pledging(world)


def grade(pledging: Pledging, pledge_id: UUID, word: str, reason: str) -> Result:
    pledging.now = LATER
    one = grading(pledge_id, word, pledging.get(pledge_id).version, reason=reason)
    return pledging.evaluate(one, meeting=MEETING)


def test_regraded_pledge_is_corrected_in_the_open_year(world: World, pledging: Pledging) -> None:
    pledge_id = pledging.at(PledgeStatus.EVALUATED)
    close_year(world.session)

    grade(pledging, pledge_id, "中", "复核")

    assert posted(world, "党员甲") == [
        (600, "2026", None),
        (-600, "2027", "2026"),
        (200, "2027", "2026"),
    ]
    assert pledging.get(pledge_id).grade == "中"
    assert_sound(world)


def test_regraded_twice_and_over_two_closes(world: World, pledging: Pledging) -> None:
    pledge_id = pledging.at(PledgeStatus.EVALUATED)
    close_year(world.session)
    grade(pledging, pledge_id, "中", "复核")
    periods.ensure_year(world.session, 2028)
    close_year(world.session, "2027", now=LATER.replace(year=2028))

    grade(pledging, pledge_id, "良", "再次复核")

    assert posted(world, "党员甲")[3:] == [(-200, "2028", "2026"), (400, "2028", "2026")]
    assert sum(points for points, *_ in posted(world, "党员甲")) == 400
    assert all(one.is_same for one in reproducing.reproduce(world.session, "2027"))
    assert_sound(world)


def test_regrading_keeps_to_the_cap_of_the_pledges_year(world: World, pledging: Pledging) -> None:
    """Twelve points a year for pledges: six and four stand, so a third grade of six gets two."""
    first, second, third = (pledging.at(PledgeStatus.IN_PROGRESS) for _ in range(3))
    for pledge_id, word in ((first, "优"), (second, "良"), (third, "差")):
        pledging.grade(pledge_id, word)
    close_year(world.session)

    corrected = grade(pledging, third, "优", "复核")

    assert corrected.credited is not None
    assert corrected.credited.points == 200
    assert_sound(world)


@pytest.mark.parametrize("batch", [1, 100])
def test_late_regrading_is_a_constant_number_of_statements(world: World, batch: int) -> None:
    ids, secretary = approved_pledges(world, batch), world.actor("书记一")
    branch = world.organizations["一支部"]
    pledge_reviews.publish_approved(world.session, secretary, branch, year=2026, now=NOW)
    early = [grading(one, "优", 2) for one in ids]
    pledge_evaluations.evaluate_all(
        world.session, secretary, early, meeting=MEETING_OF_2026, now=NOW
    )
    close_year(world.session)
    later = [grading(one, "良", 3, reason="复核") for one in ids]

    with counted_statements(world.session) as seen:
        results = pledge_evaluations.evaluate_all(
            world.session, secretary, later, meeting=MEETING, now=LATER
        )

    assert [one.refusal for one in results] == [None] * batch
    assert len(seen) == 22 + 3
