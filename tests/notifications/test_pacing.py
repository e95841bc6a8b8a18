"""The pure pacing: when a message leaves the house, and why not yet."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import SHANGHAI, at_local, business_day
from core.ids import new_id
from core.working_days import WorkCalendar
from notifications.catalogue import KINDS
from notifications.message_kind import MessageKind
from notifications.models import Because, Channel
from notifications.pacing import (
    WEEK,
    WEEKLY_MAX,
    Reader,
    Verdict,
    Waiting,
    choose_channel,
    decide,
    digest_at,
    find_calendar_end,
    is_quiet,
)

CALENDAR = WorkCalendar()
SERVICE, DUTY = KINDS["claim_approved"], KINDS["deduction_notice"]
URGENT = KINDS["activity_cancelled"]
MONDAY, SATURDAY = date(2026, 11, 9), date(2026, 11, 14)
TEN = at_local(MONDAY, 10)


def reader(
    *channels: Channel,
    choices: Mapping[str, Channel | None] | None = None,
    reached_on: tuple[date, ...] = (),
) -> Reader:
    return Reader(frozenset(channels or {Channel.SMS}), True, choices or {}, reached_on)


def waiting(at: datetime, kind: MessageKind = SERVICE, event_on: date | None = None) -> Waiting:
    return Waiting(new_id(), kind, at, event_on)


def alone(one: Waiting, now: datetime, who: Reader | None = None) -> Verdict:
    [verdict] = decide([one], who or reader(), now=now, calendar=CALENDAR)
    return verdict


@pytest.mark.parametrize(
    ("hour", "quiet"), [(0, True), (7, True), (8, False), (20, False), (21, True), (23, True)]
)
def test_night_is_from_nine_to_eight(hour: int, quiet: bool) -> None:
    assert is_quiet(at_local(MONDAY, hour, 59)) is quiet


def test_digest_is_at_ten_of_a_working_day() -> None:
    assert digest_at(at_local(MONDAY, 9), CALENDAR) == TEN
    assert digest_at(at_local(MONDAY, 10, 1), CALENDAR) == TEN + timedelta(days=1)
    assert digest_at(at_local(SATURDAY, 9), CALENDAR) == at_local(date(2026, 11, 16), 10)
    # National Day of 2026, and the Saturday after it that is worked in exchange.
    assert digest_at(at_local(date(2026, 10, 1), 9), CALENDAR) == at_local(date(2026, 10, 8), 10)
    assert digest_at(at_local(date(2026, 10, 10), 9), CALENDAR) == at_local(date(2026, 10, 10), 10)


def test_what_comes_by_day_waits_for_the_digest() -> None:
    verdict = alone(waiting(TEN + timedelta(hours=4)), TEN + timedelta(hours=4))

    assert (verdict.until, verdict.because) == (TEN + timedelta(days=1), Because.DIGEST)


@pytest.mark.parametrize(
    ("at", "because"),
    [
        (at_local(MONDAY, 22), Because.QUIET_HOURS),
        (at_local(MONDAY, 3), Because.QUIET_HOURS),
        (at_local(SATURDAY, 12), Because.NON_WORKING_DAY),
    ],
)
def test_reason_of_waiting_is_kept(at: datetime, because: Because) -> None:
    verdict = alone(waiting(at), at)

    assert (verdict.channel, verdict.because) == (None, because)


def test_all_that_waits_leaves_as_one() -> None:
    three = [waiting(TEN - timedelta(hours=hours)) for hours in (1, 2, 14)]

    verdicts = decide(three, reader(), now=TEN, calendar=CALENDAR)

    assert [verdict.channel for verdict in verdicts] == [Channel.SMS] * 3
    assert not any(verdict.is_urgent for verdict in verdicts)


def test_digest_has_one_channel_a_day() -> None:
    choices = {DUTY.code: Channel.EMAIL}
    two = [waiting(TEN - timedelta(hours=1)), waiting(TEN - timedelta(hours=1), DUTY)]

    first, second = decide(
        two, reader(Channel.SMS, Channel.EMAIL, choices=choices | {SERVICE.code: Channel.SMS}),
        now=TEN, calendar=CALENDAR,
    )  # fmt: skip

    assert first.channel is Channel.SMS
    assert (second.until, second.because) == (TEN + timedelta(days=1), Because.DIGEST)


def test_third_of_a_week_waits_until_the_first_is_a_week_old() -> None:
    reached_on = (MONDAY - timedelta(days=5), MONDAY - timedelta(days=3))

    verdict = alone(waiting(TEN), TEN, reader(reached_on=reached_on))

    # Five days ago and seven more: Wednesday.
    assert verdict.until == at_local(date(2026, 11, 11), 10)
    assert verdict.because is Because.WEEKLY_BUDGET


def test_late_dispatcher_does_not_ring_at_night() -> None:
    verdict = alone(waiting(TEN), at_local(MONDAY, 22))

    assert (verdict.until, verdict.because) == (TEN + timedelta(days=1), Because.QUIET_HOURS)


@pytest.mark.parametrize("now", [at_local(MONDAY, 6), at_local(MONDAY, 22), at_local(SATURDAY, 9)])
def test_event_of_that_day_waits_for_nothing(now: datetime) -> None:
    full = reader(reached_on=(business_day(now), business_day(now) - timedelta(days=1)))

    verdict = alone(waiting(now, URGENT, business_day(now)), now, full)

    assert (verdict.channel, verdict.is_urgent) == (Channel.SMS, True)


def test_event_on_a_day_off_is_told_that_morning_at_the_latest() -> None:
    friday = at_local(SATURDAY - timedelta(days=1), 15)

    verdict = alone(waiting(friday, URGENT, SATURDAY), friday)

    assert verdict.until == at_local(SATURDAY, 8)


def test_what_is_over_does_not_leave() -> None:
    over = alone(waiting(TEN, URGENT, MONDAY - timedelta(days=1)), TEN)
    stale = alone(waiting(TEN - timedelta(days=21)), TEN)

    assert (over.because, stale.because) == (Because.PAST, Because.PAST)
    assert (over.until, stale.until) == (None, None)


@pytest.mark.parametrize(
    ("who", "kind", "expected"),
    [
        (reader(Channel.SMS, Channel.PUSH), SERVICE, Channel.PUSH),
        (reader(choices={SERVICE.code: None}), SERVICE, Because.SWITCHED_OFF),
        (reader(choices={DUTY.code: None}), DUTY, Channel.SMS),
        (reader(Channel.SMS, Channel.EMAIL, choices={DUTY.code: Channel.SMS}), DUTY, Channel.SMS),
        # What he chose does not reach him any more.
        (reader(Channel.SMS, choices={DUTY.code: Channel.EMAIL}), DUTY, Channel.SMS),
        (Reader(frozenset(), True, {}, ()), SERVICE, Because.NO_CHANNEL),
        (Reader(frozenset(), False, {}, ()), SERVICE, Because.NO_ADDRESS),
    ],
)
def test_channel_is_the_member_s_choice(
    who: Reader, kind: MessageKind, expected: Channel | Because
) -> None:
    assert choose_channel(kind, who) is expected


def test_end_of_the_known_calendar_is_seen_ahead() -> None:
    assert find_calendar_end(CALENDAR, today=date(2026, 6, 1)) is None
    end = find_calendar_end(CALENDAR, today=date(2030, 12, 20))
    assert end is not None
    told = WorkCalendar(notice_years=frozenset({2030, 2031}))
    assert find_calendar_end(told, today=date(2030, 12, 20)) is None


@given(
    st.lists(st.integers(0, 60 * 24 * 30), min_size=1, max_size=40),
    st.sampled_from([SERVICE, DUTY]),
)
def test_a_month_of_messages_never_exceeds_the_budget(
    minutes: list[int], kind: MessageKind
) -> None:
    """Whatever comes when: by day, on working days, one a day, two in any seven days; all leave."""
    start = at_local(date(2026, 9, 20), 0)
    todo: dict[UUID, tuple[datetime, Waiting]] = {}
    for minute in minutes:
        at = start + timedelta(minutes=minute)
        one = waiting(at, kind)
        todo[one.id] = (at, one)
    left: list[datetime] = []
    now = start
    while todo:
        now = min(at for at, _ in todo.values())
        due = [one for at, one in todo.values() if at <= now]
        recent = tuple(business_day(at) for at in left if at > now - WEEK)
        for verdict in decide(due, reader(reached_on=recent), now=now, calendar=CALENDAR):
            if verdict.until is not None:
                assert verdict.until > now, "it would be looked at for ever"
                todo[verdict.id] = (verdict.until, todo[verdict.id][1])
                continue
            del todo[verdict.id]
            if verdict.channel and now not in left:
                left.append(now)

    days = [business_day(at) for at in left]
    assert len(days) == len(set(days))
    for at in left:
        assert not is_quiet(at)
        assert CALENDAR.is_working(business_day(at))
        assert sum(business_day(at) - WEEK < day <= business_day(at) for day in days) <= WEEKLY_MAX
        assert at.astimezone(SHANGHAI).hour == 10
