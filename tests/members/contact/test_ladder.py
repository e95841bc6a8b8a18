"""The ladder: calendar months, floors, order; properties of the pure rules."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from members.contact import rules
from members.contact.models import Clock
from members.contact.rules import DEFAULT, PolicyUnderFloor, Thresholds

DAYS = st.dates(date(2000, 1, 1), date(2090, 1, 1))
MONTHS = st.integers(1, 60)


@pytest.mark.parametrize(
    ("anchor", "reached"),
    [
        (date(2026, 8, 31), date(2027, 2, 28)),
        (date(2027, 8, 31), date(2028, 2, 29)),
        (date(2026, 8, 29), date(2027, 2, 28)),
        (date(2026, 2, 28), date(2026, 8, 28)),
        (date(2026, 5, 25), date(2026, 11, 25)),
    ],
)
def test_six_months_end_on_the_same_day_or_the_last_of_the_month(
    anchor: date, reached: date
) -> None:
    clock = Clock.LOST_CONTACT

    assert rules.months_after(anchor, 6) == reached
    assert rules.stage_of(clock, DEFAULT, anchor, reached) == 6
    assert rules.stage_of(clock, DEFAULT, anchor, reached - timedelta(days=1)) == 5


def test_180_days_are_not_six_months() -> None:
    anchor = date(2026, 8, 31)

    assert anchor + timedelta(days=180) == date(2027, 2, 27)
    assert rules.stage_of(Clock.LOST_CONTACT, DEFAULT, anchor, date(2027, 2, 27)) == 5


@pytest.mark.parametrize(
    ("days", "stage"), [(34, 0), (35, 1), (64, 1), (65, 2), (94, 2), (95, 3), (124, 3), (125, 4)]
)
def test_early_stages_begin_on_their_day(days: int, stage: int) -> None:
    anchor = date(2026, 3, 1)

    found = rules.stage_of(Clock.LOST_CONTACT, DEFAULT, anchor, anchor + timedelta(days=days))

    assert found == stage


@given(on=DAYS, months=MONTHS)
def test_latest_anchor_inverts_the_months(on: date, months: int) -> None:
    latest = rules.latest_anchor(on, months)

    assert rules.months_after(latest, months) <= on
    assert rules.months_after(latest + timedelta(days=1), months) > on


@given(
    anchor=DAYS,
    passed=st.integers(0, 1000),
    later=st.integers(0, 400),
    clock=st.sampled_from(list(Clock)),
)
def test_a_stage_never_falls_while_nobody_is_heard(
    anchor: date, passed: int, later: int, clock: Clock
) -> None:
    on = anchor + timedelta(days=passed)

    before = rules.stage_of(clock, DEFAULT, anchor, on)

    assert rules.stage_of(clock, DEFAULT, anchor, on + timedelta(days=later)) >= before


@given(anchor=DAYS, passed=st.integers(0, 1000), moved=st.integers(0, 400))
def test_days_that_do_not_count_never_raise_a_stage(anchor: date, passed: int, moved: int) -> None:
    on = anchor + timedelta(days=passed)

    plain = rules.stage_of(Clock.LOST_CONTACT, DEFAULT, anchor, on)

    paused = rules.stage_of(Clock.LOST_CONTACT, DEFAULT, anchor + timedelta(days=moved), on)
    assert paused <= plain


@given(
    anchor=DAYS,
    passed=st.integers(0, 800),
    limit=st.integers(6, 12),
    prelimit=st.integers(5, 11),
)
def test_no_lawful_policy_reaches_the_limit_before_six_months(
    anchor: date, passed: int, limit: int, prelimit: int
) -> None:
    thresholds = replace(DEFAULT, limit_months=limit, prelimit_months=prelimit)
    on = anchor + timedelta(days=passed)
    try:
        rules.require_lawful(thresholds)
    except PolicyUnderFloor:
        return

    if rules.stage_of(Clock.LOST_CONTACT, thresholds, anchor, on) == 6:
        assert rules.months_after(anchor, 6) <= on


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit_months", 5),
        ("removal_months", 23),
        ("withdrawal_months", 5),
        ("abroad_contact_months", 5),
        ("abroad_years", 4),
        ("care_days", 6),
        ("attention_days", 35),
        ("warning_days", 65),
        ("search_days", 95),
        ("search_days", 141),
        ("prelimit_months", 6),
    ],
)
def test_a_threshold_under_its_floor_or_out_of_order_is_refused(name: str, value: int) -> None:
    with pytest.raises(PolicyUnderFloor) as refused:
        rules.require_lawful(replace(DEFAULT, **{name: value}))

    assert refused.value.problems


def test_the_published_thresholds_are_lawful() -> None:
    rules.require_lawful(Thresholds())


@pytest.mark.parametrize(
    ("on", "stage", "warning"),
    [
        (date(2026, 1, 31), 7, None),
        (date(2027, 7, 31), 7, 6),
        (date(2027, 12, 31), 7, 1),
        (date(2028, 1, 30), 7, 1),
        (date(2028, 1, 31), 8, 1),
    ],
)
def test_removal_may_be_studied_two_years_after_the_suspension(
    on: date, stage: int, warning: int | None
) -> None:
    suspended_on = date(2026, 1, 31)

    assert rules.suspended_stage(DEFAULT, suspended_on, on) == stage
    assert rules.removal_warning(DEFAULT, suspended_on, on) == warning


def test_clocks_have_their_own_steps() -> None:
    anchor = date(2026, 1, 31)
    withdrawal = [
        rules.stage_of(Clock.SELF_WITHDRAWAL, DEFAULT, anchor, rules.months_after(anchor, months))
        for months in (2, 3, 4, 5, 6)
    ]
    abroad = [
        rules.stage_of(Clock.ABROAD, DEFAULT, anchor, rules.months_after(anchor, months))
        for months in (4, 5, 6)
    ]

    assert (withdrawal, abroad) == ([0, 3, 4, 5, 6], [0, 5, 6])
    reviews = [
        rules.abroad_review(DEFAULT, anchor, date(year, 8, 1)) for year in (2029, 2030, 2031)
    ]
    assert reviews == [0, 1, 2]
    assert not rules.is_graduate_overdue(date(2024, 7, 1), date(2026, 6, 30))
    assert rules.is_graduate_overdue(date(2024, 7, 1), date(2026, 7, 1))
    sent_on = date(2026, 6, 1)
    flags = [rules.transfer_flag(sent_on, sent_on + timedelta(days=n)) for n in (29, 30, 89, 90)]
    assert flags == [0, 30, 60, 90]


@given(gaps=st.lists(st.integers(1, 400), max_size=30))
def test_the_usual_silence_has_bounds(gaps: list[int]) -> None:
    assert 7 <= rules.usual_silence(gaps) <= 35


@given(recorded=DAYS, passed=st.integers(0, 100), records_life=st.booleans())
def test_a_branch_is_not_heard_after_today(recorded: date, passed: int, records_life: bool) -> None:
    on = recorded + timedelta(days=passed)

    heard = rules.heard_until(recorded, on, records_life=records_life)

    assert recorded <= heard <= on
    assert heard == recorded or not records_life
