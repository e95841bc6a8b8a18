"""Working days around holidays that were moved, and where no notice is known."""

from datetime import date

import pytest

from core.working_days import Source, WorkCalendar, WorkingDay, add_working_days

# The part of the notice for 2026 around the Spring Festival and the Labour Day.
NOTICE = WorkCalendar(
    {date(2026, 2, day): False for day in range(15, 24)}
    | {date(2026, 2, 14): True, date(2026, 2, 28): True}
    | {date(2026, 5, day): False for day in range(1, 6)}
    | {date(2026, 5, 9): True},
    frozenset({2026}),
)
NOTHING = WorkCalendar()


@pytest.mark.parametrize(
    ("day", "count", "expected"),
    [
        (date(2026, 3, 9), 5, date(2026, 3, 16)),
        (date(2026, 3, 13), 1, date(2026, 3, 16)),
        # Saturday the 14th is worked, then nine days are off.
        (date(2026, 2, 12), 3, date(2026, 2, 24)),
        (date(2026, 2, 13), 5, date(2026, 2, 27)),
        (date(2026, 2, 13), 6, date(2026, 2, 28)),
        (date(2026, 4, 30), 4, date(2026, 5, 9)),
    ],
)
def test_days_off_are_skipped_and_days_worked_in_exchange_count(
    day: date, count: int, expected: date
) -> None:
    assert add_working_days(day, count, NOTICE) == WorkingDay(expected, is_estimated=False)


def test_package_answers_where_no_notice_was_taken_over() -> None:
    assert NOTHING.source_of(date(2026, 10, 1)) is Source.PACKAGE
    assert not NOTHING.is_working(date(2026, 10, 1))
    assert NOTHING.is_working(date(2026, 2, 14))
    assert add_working_days(date(2026, 9, 30), 1, NOTHING).day == date(2026, 10, 8)


def test_notice_wins_over_the_package() -> None:
    amended = WorkCalendar({date(2026, 10, 8): False}, frozenset({2026}))

    assert not amended.is_working(date(2026, 10, 8))


def test_year_that_nobody_knows_is_reckoned_by_weekdays_and_says_so() -> None:
    friday = date(2071, 1, 2)

    assert NOTHING.source_of(friday) is Source.ESTIMATED
    assert add_working_days(friday, 1, NOTHING) == WorkingDay(date(2071, 1, 5), is_estimated=True)


def test_day_of_next_years_notice_in_december_does_not_make_this_year_known() -> None:
    calendar = WorkCalendar({date(2070, 12, 31): False}, frozenset({2071}))

    assert not calendar.is_working(date(2070, 12, 31))
    assert calendar.source_of(date(2070, 12, 30)) is Source.ESTIMATED


def test_no_working_day_at_all_is_an_error_of_the_programmer() -> None:
    with pytest.raises(ValueError, match="working day"):
        add_working_days(date(2026, 3, 9), 0, NOTICE)
