"""The branch's calendar: met, excused, planned, not yet due, not met."""

import uuid
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.duties import (
    STATE_LABELS,
    ActivityState,
    BranchShape,
    Cadence,
    DutyActivity,
    DutyStanding,
    DutyState,
    Excuse,
    Span,
    covering,
    duties_of,
    judge_duties,
    span_around,
    spans,
)

GROUP_A, GROUP_B = uuid.UUID(int=1), uuid.UUID(int=2)
SMALL = BranchShape(full_members=6)
LARGE = BranchShape(full_members=7, group_ids=(GROUP_A, GROUP_B))
YEAR = Span(date(2026, 1, 1), date(2026, 12, 31))
JUNE = Span(date(2026, 6, 1), date(2026, 6, 30))
DAYS = st.dates(date(2024, 1, 1), date(2027, 12, 31))


def activity(
    kind: str,
    held_on: date,
    state: ActivityState = ActivityState.CLOSED,
    tags: tuple[str, ...] = (),
    group_id: uuid.UUID | None = None,
) -> DutyActivity:
    return DutyActivity(uuid.uuid4(), kind, held_on, state, frozenset(tags), group_id)


def judge(
    kind: str,
    *activities: DutyActivity,
    excuses: tuple[Excuse, ...] = (),
    today: date = date(2026, 7, 10),
    branch: BranchShape = SMALL,
) -> list[DutyStanding]:
    standings = judge_duties(branch, activities, excuses, within=JUNE, today=today)
    return [standing for standing in standings if standing.duty.kind == kind]


@pytest.mark.parametrize(
    ("branch", "kinds"),
    [
        (SMALL, ["theme_day", "general_meeting", "party_lecture", "organization_life_meeting",
                 "democratic_appraisal"]),
        (LARGE, ["theme_day", "committee_meeting", "group_meeting", "general_meeting",
                 "party_lecture", "organization_life_meeting", "democratic_appraisal"]),
        (BranchShape(3, lecture_cadence=None),
         ["theme_day", "general_meeting", "organization_life_meeting", "democratic_appraisal"]),
    ],
)  # fmt: skip
def test_branch_owes_what_its_shape_asks(branch: BranchShape, kinds: list[str]) -> None:
    assert [duty.kind for duty in duties_of(branch)] == kinds


def test_year_of_a_large_branch_has_each_duty_as_often_as_it_recurs() -> None:
    standings = judge_duties(LARGE, (), (), within=YEAR, today=date(2027, 1, 1))
    times = [standing.duty.kind for standing in standings]

    assert {kind: times.count(kind) for kind in times} == {
        "theme_day": 12,
        "committee_meeting": 12,
        "group_meeting": 24,
        "general_meeting": 4,
        "party_lecture": 4,
        "organization_life_meeting": 1,
        "democratic_appraisal": 1,
    }
    assert {standing.state for standing in standings} == {DutyState.NOT_MET}


def test_lecture_recurs_as_the_district_rules() -> None:
    branch = BranchShape(3, lecture_cadence=Cadence.YEAR)
    standings = judge_duties(branch, (), (), within=YEAR, today=date(2027, 1, 1))

    assert sum(standing.duty.kind == "party_lecture" for standing in standings) == 1


def test_closed_activity_meets_its_duty() -> None:
    held = activity("theme_day", date(2026, 6, 30))
    again = activity("theme_day", date(2026, 6, 1))

    [standing] = judge("theme_day", held, again)

    assert standing.state == DutyState.MET
    assert standing.activity_ids == (held.id, again.id)


@pytest.mark.parametrize("held_on", [date(2026, 5, 31), date(2026, 7, 1), date(2025, 6, 15)])
def test_activity_of_another_month_meets_nothing(held_on: date) -> None:
    [standing] = judge("theme_day", activity("theme_day", held_on))

    assert standing.state == DutyState.NOT_MET


@pytest.mark.parametrize("state", [ActivityState.OPEN, ActivityState.CANCELLED])
def test_activity_that_was_not_closed_meets_nothing(state: ActivityState) -> None:
    [standing] = judge("theme_day", activity("theme_day", date(2026, 6, 5), state))

    assert (standing.state, standing.activity_ids) == (DutyState.NOT_MET, ())


def test_theme_day_tagged_as_a_meeting_meets_both_duties() -> None:
    held = activity("theme_day", date(2026, 6, 5), tags=("general_meeting", "party_lecture"))

    for kind in ("theme_day", "general_meeting", "party_lecture"):
        [standing] = judge(kind, held)
        assert (standing.state, standing.activity_ids) == (DutyState.MET, (held.id,))


def test_quarter_is_met_in_any_of_its_months() -> None:
    for month in (4, 5, 6):
        [standing] = judge("general_meeting", activity("general_meeting", date(2026, month, 1)))
        assert standing.state == DutyState.MET
        assert standing.span == Span(date(2026, 4, 1), date(2026, 6, 30))
    [standing] = judge("general_meeting", activity("general_meeting", date(2026, 3, 31)))
    assert standing.state == DutyState.NOT_MET


@pytest.mark.parametrize(
    ("today", "state"),
    [
        (date(2026, 5, 31), DutyState.NOT_YET_DUE),
        (date(2026, 6, 1), DutyState.NOT_YET_DUE),
        (date(2026, 6, 30), DutyState.NOT_YET_DUE),
        (date(2026, 7, 1), DutyState.NOT_MET),
    ],
)
def test_duty_is_due_on_the_last_day_of_its_span(today: date, state: DutyState) -> None:
    assert [standing.state for standing in judge("theme_day", today=today)] == [state]


def test_scheduled_activity_shows_as_planned_until_the_span_ends() -> None:
    coming = activity("theme_day", date(2026, 6, 28), ActivityState.OPEN)

    [standing] = judge("theme_day", coming, today=date(2026, 6, 10))

    assert (standing.state, standing.activity_ids) == (DutyState.PLANNED, (coming.id,))
    [afterwards] = judge("theme_day", coming, today=date(2026, 7, 1))
    assert afterwards.state == DutyState.NOT_MET


def test_cancelled_activity_plans_nothing() -> None:
    cancelled = activity("theme_day", date(2026, 6, 28), ActivityState.CANCELLED)

    [standing] = judge("theme_day", cancelled, today=date(2026, 6, 10))

    assert standing.state == DutyState.NOT_YET_DUE


def test_excuse_of_the_span_shows_its_reason() -> None:
    excuse = Excuse("theme_day", date(2026, 6, 30), "防汛值守，经上级同意顺延")

    [standing] = judge("theme_day", excuses=(excuse,))

    assert (standing.state, standing.reason) == (DutyState.EXCUSED, "防汛值守，经上级同意顺延")


@pytest.mark.parametrize(
    "excuse",
    [
        Excuse("theme_day", date(2026, 7, 1), "下月"),
        Excuse("general_meeting", date(2026, 6, 1), "别的任务"),
    ],
)
def test_excuse_of_another_span_or_duty_excuses_nothing(excuse: Excuse) -> None:
    assert [one.state for one in judge("theme_day", excuses=(excuse,))] == [DutyState.NOT_MET]


def test_met_duty_needs_no_excuse() -> None:
    excuse = Excuse("theme_day", date(2026, 6, 3), "防汛")
    held = activity("theme_day", date(2026, 6, 25))

    [standing] = judge("theme_day", held, excuses=(excuse,))

    assert (standing.state, standing.reason) == (DutyState.MET, "")


def test_each_group_owes_its_own_meeting() -> None:
    held = activity("group_meeting", date(2026, 6, 5), group_id=GROUP_A)

    standings = judge("group_meeting", held, branch=LARGE)

    assert [(one.group_id, one.state) for one in standings] == [
        (GROUP_A, DutyState.MET),
        (GROUP_B, DutyState.NOT_MET),
    ]


def test_meeting_of_all_groups_meets_the_duty_of_each() -> None:
    standings = judge("group_meeting", activity("group_meeting", date(2026, 6, 5)), branch=LARGE)

    assert [one.state for one in standings] == [DutyState.MET, DutyState.MET]


def test_excuse_of_one_group_does_not_excuse_the_other() -> None:
    excuse = Excuse("group_meeting", date(2026, 6, 5), "组长住院", GROUP_B)

    standings = judge("group_meeting", excuses=(excuse,), branch=LARGE)

    assert [one.state for one in standings] == [DutyState.NOT_MET, DutyState.EXCUSED]


@pytest.mark.parametrize(
    ("cadence", "day", "first_on", "last_on"),
    [
        (Cadence.MONTH, date(2028, 2, 29), date(2028, 2, 1), date(2028, 2, 29)),
        (Cadence.MONTH, date(2026, 12, 31), date(2026, 12, 1), date(2026, 12, 31)),
        (Cadence.QUARTER, date(2026, 3, 31), date(2026, 1, 1), date(2026, 3, 31)),
        (Cadence.QUARTER, date(2026, 11, 5), date(2026, 10, 1), date(2026, 12, 31)),
        (Cadence.YEAR, date(2026, 7, 1), date(2026, 1, 1), date(2026, 12, 31)),
    ],
)
def test_span_around_a_day(cadence: Cadence, day: date, first_on: date, last_on: date) -> None:
    assert span_around(cadence, day) == Span(first_on, last_on)


@given(DAYS, DAYS, st.sampled_from(Cadence))
def test_spans_cover_the_time_without_gap_or_overlap(
    one: date, other: date, cadence: Cadence
) -> None:
    within = Span(min(one, other), max(one, other))
    found = list(spans(cadence, within))

    assert found[0].has(within.first_on)
    assert found[-1].has(within.last_on)
    for earlier, later in pairwise(found):
        assert later.first_on - earlier.last_on == timedelta(days=1)
    assert covering(within).first_on <= found[0].first_on
    assert found[-1].last_on <= covering(within).last_on


ACTIVITIES = st.lists(
    st.builds(
        activity,
        st.sampled_from([duty.kind for duty in duties_of(LARGE)]),
        DAYS,
        st.sampled_from(ActivityState),
        st.lists(st.sampled_from([duty.kind for duty in duties_of(LARGE)])).map(tuple),
        st.sampled_from([None, GROUP_A, GROUP_B]),
    ),
    max_size=20,
)


@given(ACTIVITIES, DAYS)
def test_state_follows_from_what_was_held_and_the_day(
    activities: list[DutyActivity], today: date
) -> None:
    by_id = {one.id: one for one in activities}
    for standing in judge_duties(LARGE, activities, (), within=YEAR, today=today):
        shown = [by_id[one] for one in standing.activity_ids]
        assert all(standing.span.has(one.held_on) for one in shown)
        assert all(standing.duty.kind in one.tags | {one.kind} for one in shown)
        over = standing.span.last_on < today
        if shown:
            expected = (
                ActivityState.CLOSED if standing.state == DutyState.MET else (ActivityState.OPEN)
            )
            assert {one.state for one in shown} == {expected}
        assert (standing.state == DutyState.NOT_MET) <= over
        assert (standing.state in (DutyState.PLANNED, DutyState.NOT_YET_DUE)) <= (not over)


@given(ACTIVITIES, DAYS, DAYS)
def test_holding_one_more_activity_never_makes_a_duty_worse(
    activities: list[DutyActivity], held_on: date, today: date
) -> None:
    more = [*activities, activity("theme_day", held_on)]
    before = judge_duties(LARGE, activities, (), within=YEAR, today=today)
    after = judge_duties(LARGE, more, (), within=YEAR, today=today)

    for was, is_now in zip(before, after, strict=True):
        assert is_now.state in (was.state, DutyState.MET)


def test_every_state_has_a_label() -> None:
    assert set(STATE_LABELS) == set(DutyState)
