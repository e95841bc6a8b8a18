"""The published attendance rate: exact, with and without leave."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.attendance_rates import (
    ATTENDED,
    FORMULA,
    AttendanceCounts,
    count_statuses,
    percent_text,
    rates_of,
)

STATUSES = (*ATTENDED, "leave_approved", "absent_unexcused", "exempt")


@pytest.mark.parametrize(
    ("statuses", "without_leave", "with_leave"),
    [
        ([], None, None),
        (["exempt"], None, None),
        (["leave_approved"], None, "0.0%"),
        (["absent_unexcused"], "0.0%", "0.0%"),
        (["present"], "100.0%", "100.0%"),
        (["present", "leave_approved"], "100.0%", "50.0%"),
        (["present", "made_up", "absent_unexcused"], "66.7%", "66.7%"),
        (["present_remote", "present_elsewhere", "leave_approved", "exempt"], "100.0%", "66.7%"),
        (["present"] * 7 + ["absent_unexcused"] * 9, "43.8%", "43.8%"),
        (["present"] * 1 + ["absent_unexcused"] * 2, "33.3%", "33.3%"),
        (["present"] * 1999 + ["absent_unexcused"], "100.0%", "100.0%"),
        (["present", "unmarked"], "50.0%", "50.0%"),
    ],
)
def test_rate(statuses: list[str], without_leave: str | None, with_leave: str | None) -> None:
    rates = rates_of(count_statuses(statuses))

    assert percent_text(rates.leaving_out_leave) == without_leave
    assert percent_text(rates.counting_leave) == with_leave


@given(st.lists(st.sampled_from(STATUSES)))
def test_rate_is_the_formula(statuses: list[str]) -> None:
    counts = count_statuses(statuses)
    rates = rates_of(counts)
    attended = sum(status in ATTENDED for status in statuses)
    required = len(statuses) - statuses.count("exempt")
    required_there = required - statuses.count("leave_approved")

    assert counts.attended == attended
    assert rates.counting_leave == (Fraction(attended, required) if required else None)
    assert rates.leaving_out_leave == (
        Fraction(attended, required_there) if required_there else None
    )


@given(st.lists(st.sampled_from(STATUSES)))
def test_rates_lie_between_none_and_all(statuses: list[str]) -> None:
    rates = rates_of(count_statuses(statuses))

    for rate in (rates.leaving_out_leave, rates.counting_leave):
        assert rate is None or 0 <= rate <= 1
    if rates.leaving_out_leave is not None and rates.counting_leave is not None:
        assert rates.leaving_out_leave >= rates.counting_leave


@given(st.lists(st.sampled_from(STATUSES)))
def test_exempt_member_changes_no_rate(statuses: list[str]) -> None:
    assert rates_of(count_statuses(statuses)) == rates_of(count_statuses([*statuses, "exempt"]))


@given(st.fractions(0, 1))
def test_percent_is_rounded_half_up(rate: Fraction) -> None:
    text = percent_text(rate)
    assert text is not None
    error = Fraction(text.removesuffix("%")) - 100 * rate

    assert -Fraction(1, 20) < error <= Fraction(1, 20)
    assert text[-3] == "."


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (Fraction(1, 2000), "0.1%"), (Fraction(49, 100_000), "0.0%"), (Fraction(1, 16), "6.3%"),
        (Fraction(3, 16), "18.8%"), (Fraction(1999, 2000), "100.0%"), (Fraction(0), "0.0%"),
    ],
)  # fmt: skip
def test_half_is_rounded_up(rate: Fraction, text: str) -> None:
    assert percent_text(rate) == text


def test_absent_members_are_required() -> None:
    counts = AttendanceCounts(expected=10, present=4)

    assert rates_of(counts).leaving_out_leave == Fraction(2, 5)


@pytest.mark.parametrize("word", ["应到", "补学", "免于要求", "批准请假", "在其他支部参加"])
def test_formula_names_each_part(word: str) -> None:
    assert word in FORMULA
