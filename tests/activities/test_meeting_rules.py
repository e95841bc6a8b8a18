"""Quorum and votes, by the article and by brute force."""

from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.meeting_rules import (
    Finding,
    ImpossibleCounts,
    can_elect,
    can_hold_committee_meeting,
    can_vote,
    check_excellent,
    judge_vote,
    what_can_pass,
    yes_votes_needed,
)

PEOPLE = st.integers(0, 500)
Judge = Callable[[int, int], Finding]


@st.composite
def turnouts(draw: st.DrawFn) -> tuple[int, int]:
    due = draw(PEOPLE)
    return due, draw(st.integers(0, due))


@pytest.mark.parametrize(
    ("judge", "due", "present", "holds", "needed"),
    [
        (can_vote, 8, 4, True, 4),
        (can_vote, 8, 3, False, 4),
        (can_vote, 7, 4, True, 4),
        (can_vote, 7, 3, False, 4),
        (can_vote, 1, 1, True, 1),
        (can_vote, 0, 0, False, 1),
        (can_elect, 10, 8, True, 8),
        (can_elect, 10, 7, False, 8),
        (can_elect, 11, 8, False, 9),
        (can_elect, 3, 3, True, 3),
        (can_elect, 0, 0, False, 1),
        (can_hold_committee_meeting, 3, 2, True, 2),
        (can_hold_committee_meeting, 3, 1, False, 2),
        (can_hold_committee_meeting, 4, 2, True, 2),
        (can_hold_committee_meeting, 0, 0, False, 1),
    ],
)
def test_quorum(judge: Judge, due: int, present: int, holds: bool, needed: int) -> None:
    finding = judge(due, present)

    assert (finding.holds, finding.needed) == (holds, needed)


@pytest.mark.parametrize(
    ("due", "present", "can_pass", "needed", "words"),
    [
        (8, 4, False, 5, "任何议题都不能通过"),
        (7, 4, True, 4, "须全部赞成"),
        (8, 5, True, 5, "须全部赞成"),
        (8, 6, True, 5, "5 票赞成。"),
        (8, 3, False, 4, "不能表决"),
        (2, 1, False, 2, "任何议题都不能通过"),
        (1, 1, True, 1, "须全部赞成"),
    ],
)
def test_what_those_present_can_pass(
    due: int, present: int, can_pass: bool, needed: int, words: str
) -> None:
    finding = what_can_pass(due, present)

    assert (finding.holds, finding.needed) == (can_pass, needed)
    assert words in finding.sentence
    assert "第十一条" in finding.basis


@pytest.mark.parametrize(
    ("due", "present", "yes", "passes"),
    [
        (8, 8, 5, True), (8, 8, 4, False), (8, 4, 4, False), (7, 4, 4, True), (7, 4, 3, False),
        (7, 3, 3, False), (1, 1, 1, True), (0, 0, 0, False), (45, 23, 23, True),
        (45, 45, 22, False),
    ],
)  # fmt: skip
def test_vote(due: int, present: int, yes: int, passes: bool) -> None:
    assert judge_vote(due, present, yes).holds == passes


def test_vote_is_told_in_a_sentence() -> None:
    assert judge_vote(8, 6, 5).sentence == (
        "应到有表决权的党员 8 人，实到 6 人，赞成 5 票，须超过应到人数的半数，即 5 票，通过。"
    )
    assert judge_vote(8, 3, 3).sentence == (
        "应到有表决权的党员 8 人，实到 3 人，至少须到 4 人，人数不足，不能表决。"
    )


@pytest.mark.parametrize(
    ("members", "excellent", "within", "excellent_max"),
    [(10, 3, True, 3), (10, 4, False, 3), (2, 0, True, 0), (2, 1, False, 0), (0, 0, True, 0)],
)
def test_excellent_is_warned_of_beyond_a_third(
    members: int, excellent: int, within: bool, excellent_max: int
) -> None:
    finding = check_excellent(members, excellent)

    assert (finding.holds, finding.needed) == (within, excellent_max)
    assert ("只提醒，不阻止" in finding.sentence) == (not within)


@given(turnouts())
def test_shares_are_exact(turnout: tuple[int, int]) -> None:
    due, present = turnout
    share = Fraction(present, due) if due else Fraction(0)

    assert can_vote(due, present).holds == (share >= Fraction(1, 2))
    assert can_hold_committee_meeting(due, present).holds == (share >= Fraction(1, 2))
    assert can_elect(due, present).holds == (share >= Fraction(4, 5))


@given(turnouts(), st.data())
def test_motion_passes_on_more_than_half_of_those_due(
    turnout: tuple[int, int], data: st.DataObject
) -> None:
    due, present = turnout
    yes = data.draw(st.integers(0, present))

    assert judge_vote(due, present, yes).holds == (2 * yes > due)


@given(turnouts())
def test_something_can_pass_exactly_if_some_number_of_votes_passes(
    turnout: tuple[int, int],
) -> None:
    due, present = turnout
    winning = [yes for yes in range(present + 1) if judge_vote(due, present, yes).holds]
    finding = what_can_pass(due, present)

    assert finding.holds == bool(winning)
    if winning:
        assert finding.needed == yes_votes_needed(due) == winning[0]


@given(turnouts())
def test_excellent_never_exceeds_a_third(turnout: tuple[int, int]) -> None:
    members, excellent = turnout

    assert check_excellent(members, excellent).holds == (3 * excellent <= members)


@pytest.mark.parametrize("judge", [can_vote, what_can_pass, can_elect,
                                   can_hold_committee_meeting, check_excellent])  # fmt: skip
@pytest.mark.parametrize(("due", "present"), [(3, 4), (3, -1), (-1, 0), (-1, -1)])
def test_impossible_counts_are_refused(judge: Judge, due: int, present: int) -> None:
    with pytest.raises(ImpossibleCounts):
        judge(due, present)


@pytest.mark.parametrize("yes", [5, -1])
def test_more_votes_than_people_are_refused(yes: int) -> None:
    with pytest.raises(ImpossibleCounts) as refusal:
        judge_vote(8, 4, yes)

    assert [problem.pointer for problem in refusal.value.problems] == ["/yes_votes"]


@given(turnouts())
def test_every_sentence_ends_and_has_a_basis(turnout: tuple[int, int]) -> None:
    for judge in (can_vote, what_can_pass, can_elect, can_hold_committee_meeting):
        finding = judge(*turnout)
        assert finding.sentence.endswith("。")
        assert finding.sentence.count("。") == 1
        assert finding.basis
