"""Pure rules of organised service."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.service_rules import is_backfill
from activities.service_sheets import mask_name
from activities.signup_rules import (
    CheckRefused,
    claimed_between,
    minutes_problem,
    require_check_time,
)
from core.quantities import format_half_hours

START = datetime(2026, 11, 10, 6, 0, tzinfo=UTC)
END = START + timedelta(hours=2)
MINUTE = timedelta(minutes=1)


@given(st.integers(0, 1440))
def test_hours_are_shown_in_halves_and_never_rounded_up(minutes: int) -> None:
    shown = float(format_half_hours(minutes))

    assert shown * 2 == int(shown * 2)
    assert 0 <= minutes - shown * 60 < 30


@pytest.mark.parametrize(
    ("minutes", "hours"), [(0, "0"), (29, "0"), (30, "0.5"), (119, "1.5"), (120, "2")]
)
def test_hours_as_people_read_them(minutes: int, hours: str) -> None:
    assert format_half_hours(minutes) == hours


@given(claimed=st.integers(-90, 240), late=st.integers(-30, 80 * 60))
def test_claimed_time_counts_near_the_service_and_within_three_days(
    claimed: int, late: int
) -> None:
    """Reliability T8: over (claimed, received) pairs, in minutes after the start."""
    at = START + claimed * MINUTE
    is_taken = -10 <= claimed <= 130 and 0 <= late <= 72 * 60

    try:
        require_check_time(at, START, END, now=at + late * MINUTE)
    except CheckRefused:
        assert not is_taken
    else:
        assert is_taken


def test_less_than_a_minute_is_no_service() -> None:
    assert claimed_between(START, START + 119 * timedelta(seconds=1)) == 1
    for left in (START, START - MINUTE, START + timedelta(seconds=59)):
        with pytest.raises(CheckRefused):
            claimed_between(START, left)


@pytest.mark.parametrize(
    ("minutes", "claimed", "is_allowed"),
    [(120, None, True), (121, None, False), (130, 130, True), (131, 130, False), (120, 10, True)],
)
def test_organiser_adds_no_more_than_the_service_lasted(
    minutes: int, claimed: int | None, is_allowed: bool
) -> None:
    assert (minutes_problem(minutes, claimed, START, END) == "") is is_allowed


@pytest.mark.parametrize(
    ("origin", "days_later", "expected"),
    [
        ("self", 0, False),
        ("self", 1, True),
        ("organiser", 1, True),
        ("external", 40, True),
        ("scanned", 3, False),
    ],
)
def test_what_is_written_down_later_is_marked(origin: str, days_later: int, expected: bool) -> None:
    day = START.date()

    assert is_backfill(origin, day, day + timedelta(days=days_later)) is expected


@pytest.mark.parametrize(("name", "masked"), [("王志强", "王**"), ("李四", "李*"), ("张", "张")])
def test_masked_name_keeps_the_family_name(name: str, masked: str) -> None:
    assert mask_name(name) == masked
