"""Rotating codes: only this activity's, only now, and never an exception."""

import base64
import random
import string
import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.attendance_codes import (
    SCAN_LABELS,
    VERDICT_LABELS,
    ScanVerdict,
    Verdict,
    check_digits,
    check_token,
    code_key,
    issue,
    judge_scan,
)
from core.crypto import Vault

KEY = bytes(range(32))
ACTIVITY = uuid.UUID("0198a1b2-0000-7000-8000-000000000001")
OTHER = uuid.UUID("0198a1b2-0000-7000-8000-000000000002")
# A step begins here: 2026-06-30 11:00:00 UTC is a multiple of 15 seconds.
START = datetime(2026, 6, 30, 11, tzinfo=UTC)
TICK = timedelta(microseconds=1)
INSTANTS = st.datetimes(
    datetime(1970, 1, 1),  # noqa: DTZ001
    datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def token_at(at: datetime, activity: uuid.UUID = ACTIVITY) -> str:
    return issue(KEY, activity, at=at).token


def digits_at(at: datetime, activity: uuid.UUID = ACTIVITY) -> str:
    return issue(KEY, activity, at=at).digits


@pytest.mark.parametrize(
    ("later", "verdict"),
    [
        (seconds(0), Verdict.ACCEPTED),
        (seconds(15) - TICK, Verdict.ACCEPTED),
        (seconds(15), Verdict.ACCEPTED),
        (seconds(30) - TICK, Verdict.ACCEPTED),
        (seconds(30), Verdict.STALE),
        (seconds(31), Verdict.STALE),
        (timedelta(days=400), Verdict.STALE),
        (-TICK, Verdict.AHEAD),
        (seconds(-15), Verdict.AHEAD),
        (timedelta(days=-30_000), Verdict.AHEAD),
    ],
)
def test_token_lives_for_its_step_and_the_next(later: timedelta, verdict: Verdict) -> None:
    assert check_token(KEY, ACTIVITY, token_at(START), scanned_at=START + later) == verdict


def test_token_shown_late_in_its_step_is_refused_31_seconds_on() -> None:
    for tenth in range(150):
        shown_at = START + seconds(tenth / 10)
        code = issue(KEY, ACTIVITY, at=shown_at)
        replay = check_token(KEY, ACTIVITY, code.token, scanned_at=shown_at + seconds(31))
        assert replay == Verdict.STALE


@given(INSTANTS, st.timedeltas(seconds(-120), seconds(120)))
def test_token_is_accepted_exactly_until_it_says(at: datetime, moved: timedelta) -> None:
    code = issue(KEY, ACTIVITY, at=at)
    step_began = code.valid_until - seconds(30)

    accepted = check_token(KEY, ACTIVITY, code.token, scanned_at=at + moved) == Verdict.ACCEPTED

    assert accepted == (step_began <= at + moved < code.valid_until)
    assert step_began <= at < code.valid_until


@given(INSTANTS, st.integers(-14 * 60, 14 * 60))
def test_code_does_not_depend_on_the_zone_of_the_clock(at: datetime, minutes: int) -> None:
    elsewhere = at.astimezone(timezone(timedelta(minutes=minutes)))

    assert issue(KEY, ACTIVITY, at=at) == issue(KEY, ACTIVITY, at=elsewhere)


@given(INSTANTS)
def test_code_is_short_and_fits_an_address(at: datetime) -> None:
    code = issue(KEY, ACTIVITY, at=at)

    assert len(code.token) == 20
    assert set(code.token) <= set(string.ascii_letters + string.digits + "-_")
    assert len(code.digits) == 6
    assert code.digits.isascii()
    assert code.digits.isdigit()


def test_code_of_another_activity_is_foreign() -> None:
    code = issue(KEY, OTHER, at=START)

    assert check_token(KEY, ACTIVITY, code.token, scanned_at=START) == Verdict.FOREIGN
    assert check_digits(KEY, ACTIVITY, code.digits, entered_at=START) == Verdict.FOREIGN


def test_code_under_another_key_is_foreign() -> None:
    code = issue(bytes(32), ACTIVITY, at=START)

    assert check_token(KEY, ACTIVITY, code.token, scanned_at=START) == Verdict.FOREIGN
    assert check_digits(KEY, ACTIVITY, code.digits, entered_at=START) == Verdict.FOREIGN


def test_code_computed_ahead_is_refused_until_its_time() -> None:
    ahead = issue(KEY, ACTIVITY, at=START + seconds(60))

    assert check_token(KEY, ACTIVITY, ahead.token, scanned_at=START) == Verdict.AHEAD
    assert check_digits(KEY, ACTIVITY, ahead.digits, entered_at=START) == Verdict.FOREIGN


def test_ten_thousand_guesses_find_nothing() -> None:
    chance = random.Random(2026)
    step = base64.urlsafe_b64decode(token_at(START))[:4]
    guesses = (base64.urlsafe_b64encode(step + chance.randbytes(11)) for _ in range(10_000))

    verdicts = {check_token(KEY, ACTIVITY, guess.decode(), scanned_at=START) for guess in guesses}

    assert verdicts == {Verdict.FOREIGN}


def test_carried_step_cannot_be_moved() -> None:
    content = base64.urlsafe_b64decode(token_at(START))
    step = int.from_bytes(content[:4], "big")
    for moved in range(step - 50, step + 50):
        token = base64.urlsafe_b64encode(moved.to_bytes(4, "big") + content[4:]).decode()
        now = START + seconds(15 * (moved - step))
        expected = Verdict.ACCEPTED if moved == step else Verdict.FOREIGN
        assert check_token(KEY, ACTIVITY, token, scanned_at=now) == expected


@given(st.integers(0, 19), st.sampled_from(string.ascii_letters + string.digits + "-_"))
def test_no_other_spelling_of_a_token_is_accepted(place: int, letter: str) -> None:
    token = token_at(START)
    changed = token[:place] + letter + token[place + 1 :]

    verdict = check_token(KEY, ACTIVITY, changed, scanned_at=START)

    assert (verdict == Verdict.ACCEPTED) == (changed == token)


@pytest.mark.parametrize(
    "token",
    [
        "", " ", "A", "A" * 19, "A" * 21, "A" * 20 + "\n", " " * 20, "+" * 20, "/" * 20,
        "A" * 18 + "==", "Ａ" * 20, "\x00" * 20, "\ud800" * 20, "签" * 20, "A" * 1_000_000,
    ],
)  # fmt: skip
def test_odd_token_is_malformed(token: str) -> None:
    assert check_token(KEY, ACTIVITY, token, scanned_at=START) == Verdict.MALFORMED


@pytest.mark.parametrize(
    "digits",
    ["", "12345", "1234567", "12345\n", "12345a", "+12345", "-12345", "1 2345", "１２３４５６",
     "٠١٢٣٤٥", "0x1234", "12e456", "\ud80012345", "²²²²²²"],
)  # fmt: skip
def test_odd_digits_are_malformed(digits: str) -> None:
    assert check_digits(KEY, ACTIVITY, digits, entered_at=START) == Verdict.MALFORMED


@given(st.text(), st.datetimes(timezones=st.just(UTC)))
def test_any_text_at_any_time_is_a_verdict(text: str, at: datetime) -> None:
    assert check_token(KEY, ACTIVITY, text, scanned_at=at) in Verdict
    assert check_digits(KEY, ACTIVITY, text, entered_at=at) in Verdict


@given(st.binary(min_size=15, max_size=15), st.datetimes(timezones=st.just(UTC)))
def test_any_bytes_in_a_tokens_shape_are_foreign(content: bytes, at: datetime) -> None:
    token = base64.urlsafe_b64encode(content).decode()

    assert check_token(KEY, ACTIVITY, token, scanned_at=at) == Verdict.FOREIGN


@pytest.mark.parametrize(
    ("later", "verdict"),
    [
        (0, Verdict.ACCEPTED), (29, Verdict.ACCEPTED), (30, Verdict.STALE), (299, Verdict.STALE),
        (300, Verdict.FOREIGN), (-1, Verdict.FOREIGN),
    ],
)  # fmt: skip
def test_digits_live_as_long_as_the_token(later: int, verdict: Verdict) -> None:
    entered_at = START + seconds(later)

    assert check_digits(KEY, ACTIVITY, digits_at(START), entered_at=entered_at) == verdict


def test_digits_are_spread_and_keep_their_zeros() -> None:
    shown = [digits_at(START + seconds(15 * step)) for step in range(5_000)]

    assert len(set(shown)) > 4_900
    assert any(digits.startswith("0") for digits in shown)


def test_naive_clock_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="naive"):
        issue(KEY, ACTIVITY, at=datetime(2026, 6, 30))  # noqa: DTZ001


def test_keys_come_from_the_vault() -> None:
    vault = Vault(bytes([1]) * 32, bytes([2]) * 32)

    assert len(code_key(vault)) == 32
    assert code_key(vault) not in (vault.field_key, vault.index_key)
    assert code_key(vault) != code_key(Vault(bytes([1]) * 32, bytes([3]) * 32))


END = START + timedelta(hours=2)
MINUTES, HOURS = timedelta(minutes=1), timedelta(hours=1)


@pytest.mark.parametrize(
    ("scanned_at", "late", "verdict"),
    [
        (START, seconds(0), ScanVerdict.ACCEPTED),
        (START - 10 * MINUTES, seconds(0), ScanVerdict.ACCEPTED),
        (START - 10 * MINUTES - TICK, seconds(0), ScanVerdict.BEFORE_WINDOW),
        (END + 10 * MINUTES, seconds(0), ScanVerdict.ACCEPTED),
        (END + 10 * MINUTES + TICK, seconds(0), ScanVerdict.AFTER_WINDOW),
        (START, 72 * HOURS, ScanVerdict.ACCEPTED),
        (START, 72 * HOURS + TICK, ScanVerdict.TOO_LATE),
        (START, -TICK, ScanVerdict.FROM_FUTURE),
        (END + 11 * MINUTES, -TICK, ScanVerdict.FROM_FUTURE),
        (START - 11 * MINUTES, 73 * HOURS, ScanVerdict.BEFORE_WINDOW),
    ],
)
def test_scan_is_judged_by_its_window_and_its_delay(
    scanned_at: datetime, late: timedelta, verdict: ScanVerdict
) -> None:
    received_at = scanned_at + late

    assert judge_scan(START, END, scanned_at=scanned_at, received_at=received_at) == verdict


@given(
    st.datetimes(timezones=st.just(UTC)),
    st.datetimes(timezones=st.just(UTC)),
    st.timedeltas(-200 * HOURS, 200 * HOURS),
    st.timedeltas(-100 * HOURS, 100 * HOURS),
)
def test_accepted_scan_meets_every_bound(
    far: datetime, farther: datetime, moved: timedelta, late: timedelta
) -> None:
    near = START + moved
    for scanned_at, received_at in ((near, near + late), (far, farther)):
        verdict = judge_scan(START, END, scanned_at=scanned_at, received_at=received_at)
        in_window = START - 10 * MINUTES <= scanned_at <= END + 10 * MINUTES
        in_time = seconds(0) <= received_at - scanned_at <= 72 * HOURS
        assert (verdict == ScanVerdict.ACCEPTED) == (in_window and in_time)


def test_every_verdict_has_a_sentence() -> None:
    assert set(VERDICT_LABELS) == set(Verdict)
    assert set(SCAN_LABELS) == set(ScanVerdict)
