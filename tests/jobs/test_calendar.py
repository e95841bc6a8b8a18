"""Fire times are those of Shanghai, each once, whatever the year and the host's zone."""

from datetime import UTC, date, datetime, timedelta

import pytest

from core.clock import SHANGHAI, at_local
from jobs.calendar import Calendar, daily, monthly, weekly
from jobs.schedule import JOBS, SWEEPS

NEW_YEAR = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("calendar", "after", "expected"),
    [
        # 31 December 23:59:59.999 and New Year in Shanghai are one tick apart.
        (daily(0), NEW_YEAR - timedelta(milliseconds=1), NEW_YEAR),
        (daily(0), NEW_YEAR, NEW_YEAR + timedelta(days=1)),
        (daily(0, 1), NEW_YEAR, NEW_YEAR + timedelta(minutes=1)),
        # Monday is the first day of the week, by name.
        (
            weekly("mon", 8, 30),
            at_local(date(2026, 11, 29), 23),
            at_local(date(2026, 11, 30), 8, 30),
        ),
        (weekly("sun", 8), at_local(date(2026, 11, 28), 9), at_local(date(2026, 11, 29), 8)),
        (monthly(20, 9), at_local(date(2026, 11, 20), 9), at_local(date(2026, 12, 20), 9)),
        (monthly(20, 9), at_local(date(2026, 12, 20), 10), at_local(date(2027, 1, 20), 9)),
        (daily(9), at_local(date(2028, 2, 28), 9), at_local(date(2028, 2, 29), 9)),
        (daily(9), at_local(date(2027, 2, 28), 9), at_local(date(2027, 3, 1), 9)),
        (
            Calendar("月末", day="last", hour=1),
            at_local(date(2028, 2, 1), 0),
            at_local(date(2028, 2, 29), 1),
        ),
    ],
)
def test_next_fire(calendar: Calendar, after: datetime, expected: datetime) -> None:
    assert calendar.next_after(after) == expected


def test_fires_leave_out_their_begin_and_have_their_end() -> None:
    begin = at_local(date(2026, 11, 1), 9)

    fires = daily(9).fires(begin, begin + timedelta(days=3), limit=10)

    assert fires == [begin + timedelta(days=n) for n in (1, 2, 3)]
    assert daily(9).fires(begin, begin + timedelta(days=3), limit=2) == fires[:2]
    assert daily(9).fires(begin, begin, limit=9) == []


def test_a_year_of_days_has_each_day_once() -> None:
    begin = at_local(date(2027, 12, 31), 12)

    fires = daily(2, 30).fires(begin, at_local(date(2028, 12, 31), 12), limit=1000)

    assert len({one.astimezone(SHANGHAI).date() for one in fires}) == len(fires) == 366


def test_names_are_unique_and_every_fire_is_on_a_whole_second() -> None:
    names = [job.name for job in JOBS] + [one.name for one in SWEEPS]

    assert len(names) == len(set(names))
    assert {job.calendar.next_after(NEW_YEAR).microsecond for job in JOBS} == {0}


def test_reminders_are_made_by_day_and_not_made_up_for_at_night() -> None:
    spoken = ("claims", "objections", "period", "theme", "pledges", "month")
    for job in JOBS:
        if job.name.startswith(spoken):
            assert 8 <= job.calendar.next_after(NEW_YEAR).astimezone(SHANGHAI).hour < 12
