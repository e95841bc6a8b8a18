"""Exact points, Shanghai days and time-ordered ids."""

import time
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from core.clock import SHANGHAI, at_local, business_day, utc_now
from core.ids import new_id
from core.quantities import format_hours, format_points, parse_points

HUNDREDTHS = st.integers(-99_999_999, 99_999_999)
INSTANTS = st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1))  # noqa: DTZ001


@given(HUNDREDTHS)
def test_points_come_back_from_their_text(hundredths: int) -> None:
    assert parse_points(format_points(hundredths)) == hundredths


@given(HUNDREDTHS)
def test_points_text_has_no_trailing_zero_and_no_exponent(hundredths: int) -> None:
    text = format_points(hundredths)

    assert "e" not in text
    assert "." not in text or text[-1] not in "0."


@pytest.mark.parametrize(
    ("text", "hundredths"),
    [
        ("0", 0), ("-0", 0), ("2", 200), ("2.5", 250), ("2.50", 250), ("0.05", 5), ("-0.05", -5),
        ("999999.99", 99_999_999), ("007", 700),
    ],
)  # fmt: skip
def test_points_are_read_exactly(text: str, hundredths: int) -> None:
    assert parse_points(text) == hundredths


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "2.", ".5", "+2", "2.505", "1e3", "1_000", "1,5", " 2", "2 ", "2\n", "１２", "٢",
        "nan", "inf", "--2", "0x10", "1000000", "2.5.1",
    ],
)  # fmt: skip
def test_other_texts_are_not_points(text: str) -> None:
    with pytest.raises(ValueError, match="not a points value"):
        parse_points(text)


@pytest.mark.parametrize(
    ("minutes", "hours"), [(0, "0"), (90, "1.5"), (50, "0.83"), (59, "0.98"), (600, "10")]
)
def test_minutes_are_written_as_hours_rounded_down(minutes: int, hours: str) -> None:
    assert format_hours(minutes) == hours


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (datetime(2026, 12, 31, 15, 59, 59, 999_999, tzinfo=UTC), date(2026, 12, 31)),
        (datetime(2026, 12, 31, 16, 0, tzinfo=UTC), date(2027, 1, 1)),
        (datetime(2026, 12, 31, 23, 0, tzinfo=timezone(timedelta(hours=-8))), date(2027, 1, 1)),
        # China had summer time from 1986 to 1991.
        (datetime(1988, 7, 1, 15, 30, tzinfo=UTC), date(1988, 7, 2)),
        (datetime(2028, 2, 28, 16, 0, tzinfo=UTC), date(2028, 2, 29)),
    ],
)
def test_business_day_is_shanghais(at: datetime, day: date) -> None:
    assert business_day(at) == day


@given(INSTANTS, st.integers(-14 * 60, 14 * 60))
def test_business_day_does_not_depend_on_the_offset_given(naive: datetime, minutes: int) -> None:
    at = naive.replace(tzinfo=UTC)

    assert business_day(at) == business_day(at.astimezone(timezone(timedelta(minutes=minutes))))


@given(st.dates(date(1950, 1, 1), date(2100, 1, 1)), st.integers(0, 23), st.integers(0, 59))
def test_local_time_falls_on_its_own_day(day: date, hour: int, minute: int) -> None:
    at = at_local(day, hour, minute)

    assert at.tzinfo is UTC
    # An hour that a change to summer time left out is read as the one after it, same day.
    assert business_day(at) == day


def test_naive_instant_has_no_business_day() -> None:
    with pytest.raises(ValueError, match="naive"):
        business_day(datetime(2026, 1, 1))  # noqa: DTZ001


def test_now_is_utc() -> None:
    assert utc_now().utcoffset() == timedelta(0)
    assert SHANGHAI.key == "Asia/Shanghai"


def test_ids_are_version_7_of_the_rfc() -> None:
    for one in (new_id() for _ in range(1000)):
        assert one.version == 7
        assert one.variant == "specified in RFC 4122"


def test_ids_carry_the_millisecond() -> None:
    before = time.time_ns() // 1_000_000
    made = new_id().int >> 80
    after = time.time_ns() // 1_000_000

    assert before <= made <= after


@given(st.lists(st.integers(0, 2**41), min_size=2, max_size=20, unique=True))
def test_ids_sort_by_the_time_that_they_were_made(milliseconds: list[int]) -> None:
    made = []
    for at in sorted(milliseconds):
        with time_machine.travel(at / 1000, tick=False):
            made.append(new_id())

    assert made == sorted(made)
    assert [one.hex for one in made] == sorted(one.hex for one in made)


def test_ids_of_one_millisecond_differ() -> None:
    with time_machine.travel(0, tick=False):
        assert len({new_id() for _ in range(10_000)}) == 10_000
