"""Reminders reach whom they are for, once, and stop when they are not true any more."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from activities import activity_life, calendar, leave_requests
from activities.activity_reminders import remind_of_theme_days, remind_of_unplanned_months
from activities.leave_requests import LeaveFacts
from activities.life_models import ActivityOrganization
from activities.models import Activity, ActivityKind
from activities.pledge_reminders import remind_of_due
from activities.pledge_states import PledgeStatus, PledgeStep
from activities.record_models import DutyExcuse
from core.clock import at_local
from jobs.stop_conditions import STOP_CONDITIONS
from members.access_models import Role
from members.models import Exemption, ExemptionKind
from notifications import catalogue
from points import objections
from points.publicity_models import Objection
from points.reminders import remind_of_claims, remind_of_objections, remind_of_period
from tests.activities.lives import Life
from tests.jobs.told import rows_of, still_needed, told
from tests.pledging import DUE, Pledging
from tests.points.publicity.scene import approve, publish
from tests.statements import counted_statements
from tests.world import LONG_AGO, NOW, World, build_world

TOMORROW = NOW + timedelta(days=1)
FIRST_BRANCH = {"书记一", "副书记一", "组长", "党员甲", "党员乙"}


@pytest.fixture
def world(session: Session) -> World:
    return build_world(session)


@pytest.fixture
def life(world: World) -> Life:
    return Life(world)


def announce(life: Life, **changes: object) -> Activity:
    """A theme day of tomorrow that everybody has been told of."""
    times = {"starts_at": TOMORROW, "ends_at": TOMORROW + timedelta(hours=2)}
    activity = life.meeting(**(times | changes))
    secretary = life.world.actor("书记一")
    return activity_life.publish(life.session, secretary, activity.id, now=NOW)


def exempt(world: World, name: str) -> None:
    world.session.add(
        Exemption(
            member_id=world.members[name],
            kind=ExemptionKind.AGED,
            valid_from=LONG_AGO,
            valid_to=date(2027, 1, 1),
            decided_by_organization_id=world.organizations["一支部"],
            recorded_by=world.members["书记一"],
        )
    )
    world.session.flush()


def ask_leave(world: World, name: str, activity: Activity) -> None:
    facts = LeaveFacts("sick")
    leave_requests.request(world.session, world.actor(name), activity.id, facts=facts, now=NOW)


def test_theme_day_is_told_to_who_is_to_come_and_has_not_asked_leave(life: Life) -> None:
    activity = announce(life)
    exempt(life.world, "组长")
    ask_leave(life.world, "党员甲", activity)

    for _ in range(2):
        assert remind_of_theme_days(life.session, now=NOW) == 3

    messages = told(life.world, "theme_day_tomorrow")
    assert messages.keys() == FIRST_BRANCH - {"组长", "党员甲"}
    assert messages["党员乙"] == {"title": "主题党日", "starts_at": "10:00", "place": "活动室"}


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "committee_meeting"},
        {"starts_at": TOMORROW + timedelta(days=1), "ends_at": TOMORROW + timedelta(days=2)},
        {"starts_at": NOW + timedelta(hours=2), "ends_at": NOW + timedelta(hours=3)},
    ],
)
def test_other_meetings_and_other_days_are_not_told(life: Life, changes: dict[str, object]) -> None:
    announce(life, **changes)

    assert remind_of_theme_days(life.session, now=NOW) == 0


def test_what_is_not_announced_or_is_cancelled_is_not_told(life: Life) -> None:
    life.meeting(starts_at=TOMORROW, ends_at=TOMORROW + timedelta(hours=1))
    gone = announce(life)
    place = life.world.organizations["一支部"]
    calendar.cancel(life.session, life.world.actor("书记一"), place, gone.id, now=NOW)

    assert remind_of_theme_days(life.session, now=NOW) == 0


def test_meeting_that_is_a_theme_day_too_is_told_to_those_invited(life: Life) -> None:
    only = (life.world.members["党员乙"],)
    announce(life, kind="general_meeting", tags=("theme_day",), invited=only)

    remind_of_theme_days(life.session, now=NOW)

    assert told(life.world, "theme_day_tomorrow").keys() == {"党员乙"}


def test_joint_theme_day_is_told_in_each_branch(life: Life) -> None:
    activity = announce(life)
    life.session.add(
        ActivityOrganization(
            activity_id=activity.id, organization_id=life.world.organizations["二支部"]
        )
    )
    life.session.flush()

    remind_of_theme_days(life.session, now=NOW)

    second_branch = {"书记二", "街道干事", "党员丙"}
    assert told(life.world, "theme_day_tomorrow").keys() == FIRST_BRANCH | second_branch


def test_theme_day_reminder_stops_for_who_asks_leave_and_when_it_moves(life: Life) -> None:
    activity = announce(life)
    remind_of_theme_days(life.session, now=NOW)
    ask_leave(life.world, "党员乙", activity)

    assert still_needed(life.world, "theme_day_tomorrow") == FIRST_BRANCH - {"党员乙"}

    activity.starts_at += timedelta(days=3)
    activity.ends_at += timedelta(days=3)
    life.session.flush()
    assert still_needed(life.world, "theme_day_tomorrow") == set()


def test_unplanned_month_is_told_to_leaders_of_branches_without_plan_or_reason(life: Life) -> None:
    next_month = at_local(date(2026, 12, 31), 19)
    life.meeting(starts_at=next_month, ends_at=next_month + timedelta(hours=1))
    life.session.add(
        DutyExcuse(
            organization_id=life.world.organizations["三支部"],
            kind=ActivityKind.THEME_DAY,
            excused_on=date(2026, 12, 1),
            reason="汛期",
            recorded_by=life.world.members["书记三"],
            recorded_at=NOW,
        )
    )
    life.session.flush()

    for _ in range(2):
        assert remind_of_unplanned_months(life.session, now=NOW) == 1

    messages = told(life.world, "month_unplanned")
    assert messages == {"书记二": {"organization": "二支部", "month": "2026 年 12 月"}}
    assert still_needed(life.world, "month_unplanned") == {"书记二"}
    life.meeting(
        "书记二", at="二支部", starts_at=next_month, ends_at=next_month + timedelta(hours=1)
    )
    assert still_needed(life.world, "month_unplanned") == set()


def test_last_instant_of_the_month_before_does_not_plan_the_month(life: Life) -> None:
    before = at_local(date(2026, 11, 30), 23)
    life.meeting(starts_at=before, ends_at=before + timedelta(minutes=30))

    remind_of_unplanned_months(life.session, now=NOW)

    assert {"书记一", "副书记一"} <= told(life.world, "month_unplanned").keys()


@pytest.mark.parametrize(
    ("status", "is_told"),
    [
        (PledgeStatus.PUBLISHED, True),
        (PledgeStatus.IN_PROGRESS, True),
        (PledgeStatus.SUBMITTED, False),
        (PledgeStatus.SUSPENDED, False),
        (PledgeStatus.FULFILMENT_REPORTED, False),
    ],
)
def test_pledge_is_told_a_week_ahead_while_it_is_open(
    world: World, status: PledgeStatus, is_told: bool
) -> None:
    Pledging(world).at(status)

    assert remind_of_due(world.session, now=at_local(DUE - timedelta(days=8), 9)) == 0
    for days in (7, 6):
        told_of = remind_of_due(world.session, now=at_local(DUE - timedelta(days=days), 9))
        assert told_of == is_told

    assert set(told(world, "pledge_due")) == ({"党员甲"} if is_told else set())


def test_pledge_reminder_stops_when_it_is_reported(world: World) -> None:
    pledging = Pledging(world)
    pledge_id = pledging.at(PledgeStatus.PUBLISHED)
    remind_of_due(world.session, now=at_local(DUE - timedelta(days=7), 9))
    assert still_needed(world, "pledge_due") == {"党员甲"}

    pledging.take(pledge_id, PledgeStep.REPORT_FULFILMENT)

    assert still_needed(world, "pledge_due") == set()


def test_waiting_claims_are_told_to_reviewers_but_not_their_own(world: World) -> None:
    world.grant("副书记一", Role.BRANCH_SECRETARY, "一支部")
    world.add_claim("党员甲", "一支部")
    world.add_claim("党员乙", "一支部")
    world.add_claim("副书记一", "一支部")
    later = NOW + timedelta(days=6)

    for _ in range(2):
        assert remind_of_claims(world.session, now=later) == 2

    common = {"organization": "一支部", "days": 6}
    assert told(world, "claims_waiting") == {
        "书记一": common | {"count": 3},
        "副书记一": common | {"count": 2},
    }
    assert still_needed(world, "claims_waiting") == {"书记一", "副书记一"}


def test_waiting_claims_are_told_again_next_week(world: World) -> None:
    world.add_claim("党员甲", "一支部")

    remind_of_claims(world.session, now=NOW)
    with counted_statements(world.session) as seen:
        remind_of_claims(world.session, now=NOW + timedelta(days=7))

    assert len(rows_of(world, "claims_waiting")) == 4
    assert len(seen) == 3


def test_claims_reminder_stops_when_only_ones_own_is_left(world: World) -> None:
    claim_id = world.add_claim("党员甲", "一支部")
    world.add_claim("书记一", "一支部")
    remind_of_claims(world.session, now=NOW)
    approve(world, "书记一", claim_id)

    assert still_needed(world, "claims_waiting") == {"副书记一"}


@pytest.fixture
def objection_id(world: World) -> UUID:
    """党员甲 objects to what 书记一 approved for him; 副书记一 may answer."""
    (entry_id,) = approve(world, "书记一", world.add_claim("党员甲", "一支部"))
    publish(world)
    actor = world.actor("党员甲")
    filed = objections.file_on_entry(world.session, actor, entry_id, reason="时长不对", now=NOW)
    return filed.id


def test_objection_is_told_three_days_before_to_who_may_answer(
    world: World, objection_id: UUID
) -> None:
    due = world.session.get_one(Objection, objection_id).reply_due_on

    assert remind_of_objections(world.session, now=at_local(due - timedelta(days=4), 9)) == 0
    for days in (3, 2):
        remind_of_objections(world.session, now=at_local(due - timedelta(days=days), 9))

    assert told(world, "objection_due") == {
        "副书记一": {"title": "清扫社区", "due": due.isoformat()}
    }
    assert still_needed(world, "objection_due") == {"副书记一"}
    objections.withdraw(world.session, world.actor("党员甲"), objection_id, now=NOW)
    assert still_needed(world, "objection_due") == set()


def test_ending_year_is_told_twice_where_claims_wait(world: World) -> None:
    world.add_claim("党员甲", "一支部")
    world.add_claim("党员甲", "一支部", happened_on=date(2025, 12, 1))
    told_of = [
        remind_of_period(world.session, now=datetime(2026, 12, day, 1, tzinfo=UTC))
        for day in (16, 17, 18, 28, 31)
    ]

    assert told_of == [0, 2, 2, 2, 2]
    messages = rows_of(world, "period_ending")
    assert len(messages) == 4
    assert messages[0].params == {
        "organization": "一支部", "year": "2026", "ends_on": "2026-12-31", "count": 1,
    }  # fmt: skip


def test_every_stop_of_the_catalogue_has_its_condition_and_the_reverse() -> None:
    stops = {kind.stop for kind in catalogue.KINDS.values()} - {""}

    assert stops == STOP_CONDITIONS.keys()


@pytest.mark.parametrize(
    "remind",
    [
        remind_of_theme_days,
        remind_of_unplanned_months,
        remind_of_due,
        remind_of_claims,
        remind_of_objections,
    ],
)
def test_nothing_to_remind_of_is_one_statement(life: Life, remind: object) -> None:
    for place, who in (("一支部", "书记一"), ("二支部", "书记二"), ("三支部", "书记三")):
        when = at_local(date(2026, 12, 5), 9)
        life.meeting(who, at=place, starts_at=when, ends_at=when + timedelta(hours=1))

    with counted_statements(life.session) as seen:
        assert remind(life.session, now=NOW) == 0  # type: ignore[operator]

    assert len(seen) == 1


def test_two_statements_whatever_the_number_of_people(life: Life) -> None:
    announce(life)
    life.add_members(300)

    with counted_statements(life.session) as seen:
        assert remind_of_theme_days(life.session, now=NOW) == 305

    assert len(seen) == 2
