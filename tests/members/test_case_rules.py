"""Tasks by stage, bands of the statistics, statutory days, and which decision follows which."""

from datetime import date

import pytest

from members.contact.case_rules import (
    BAND_NAMES,
    TASK_NAMES,
    CaseTask,
    LossBand,
    band_of,
    examination,
    is_committee_task,
    limit_on,
    next_search_on,
    removal_on,
    removal_warnings_on,
    suspended_task,
    task_of,
)
from members.contact.forms import REASON_NAMES
from members.contact.membership_rules import (
    KIND_NAMES,
    DecisionFacts,
    DecisionGround,
    DecisionInvalid,
    DecisionKind,
    require_allowed,
)
from members.contact.models import Clock, ReasonCode
from members.models import MembershipStatus

ANCHOR = date(2020, 3, 15)
TODAY = date(2026, 11, 10)
SUSPENDED_ON = date(2024, 11, 1)


@pytest.mark.parametrize(
    ("on", "band"),
    [
        (date(2020, 3, 15), LossBand.UNDER_SIX_MONTHS),
        (date(2020, 9, 14), LossBand.UNDER_SIX_MONTHS),
        (date(2020, 9, 15), LossBand.SIX_TO_TWELVE_MONTHS),
        (date(2021, 3, 14), LossBand.SIX_TO_TWELVE_MONTHS),
        (date(2021, 3, 15), LossBand.ONE_TO_FIVE_YEARS),
        (date(2026, 3, 14), LossBand.ONE_TO_FIVE_YEARS),
        (date(2026, 3, 15), LossBand.SIX_TO_TEN_YEARS),
        (date(2031, 3, 14), LossBand.SIX_TO_TEN_YEARS),
        (date(2031, 3, 15), LossBand.ELEVEN_YEARS_ON),
    ],
)
def test_bands_are_half_open(on: date, band: LossBand) -> None:
    assert band_of(ANCHOR, on) == band


@pytest.mark.parametrize(
    ("anchor_on", "expected"),
    [
        (date(2025, 8, 31), date(2026, 2, 28)),
        (date(2027, 8, 31), date(2028, 2, 29)),
        (date(2026, 5, 10), date(2026, 11, 10)),
    ],
)
def test_limit_is_six_calendar_months(anchor_on: date, expected: date) -> None:
    assert limit_on(anchor_on) == expected


def test_removal_is_two_calendar_years_after_the_suspension() -> None:
    assert removal_on(date(2024, 2, 29)) == date(2026, 2, 28)
    assert removal_warnings_on(date(2024, 11, 30)) == (date(2026, 5, 30), date(2026, 10, 30))


@pytest.mark.parametrize(
    ("stage", "task", "is_committees"),
    [
        (3, CaseTask.SEARCH, False),
        (4, CaseTask.COMMITTEE_SEARCH, True),
        (5, CaseTask.FILE_REVIEW, True),
        (6, CaseTask.EXAMINATION, True),
        (7, CaseTask.RE_SEARCH, True),
        (8, CaseTask.REMOVAL_EXAMINATION, True),
    ],
)
def test_stage_says_who_acts(stage: int, task: CaseTask, is_committees: bool) -> None:
    assert task_of(stage) == task
    assert is_committee_task(task) is is_committees


@pytest.mark.parametrize(
    ("searched_on", "expected"),
    [
        (SUSPENDED_ON, date(2025, 5, 1)),
        (date(2025, 4, 30), date(2025, 5, 1)),
        (date(2025, 5, 1), date(2025, 11, 1)),
        (date(2026, 1, 1), date(2026, 5, 1)),
    ],
)
def test_suspended_member_is_searched_for_every_half_year(
    searched_on: date, expected: date
) -> None:
    assert next_search_on(SUSPENDED_ON, searched_on) == expected


@pytest.mark.parametrize(
    ("on", "task"),
    [
        (date(2025, 4, 30), None),
        (date(2025, 5, 1), CaseTask.RE_SEARCH),
        (date(2026, 5, 1), CaseTask.REMOVAL_WARNING),
        (date(2026, 5, 7), CaseTask.REMOVAL_WARNING),
        (date(2026, 5, 8), CaseTask.RE_SEARCH),
        (date(2026, 10, 1), CaseTask.REMOVAL_WARNING),
        (date(2026, 10, 31), CaseTask.RE_SEARCH),
    ],
)
def test_tasks_after_a_suspension(on: date, task: CaseTask | None) -> None:
    assert suspended_task(SUSPENDED_ON, SUSPENDED_ON, on) == task


def test_limit_opens_an_examination_and_says_nothing_of_its_end() -> None:
    before = examination(Clock.LOST_CONTACT, 5, removal_on=None, on=TODAY)
    at_limit = examination(Clock.LOST_CONTACT, 6, removal_on=None, on=TODAY)
    withdrawal = examination(Clock.SELF_WITHDRAWAL, 6, removal_on=None, on=TODAY)

    assert not before.is_open
    assert at_limit.is_open
    assert at_limit.sentence == "失去联系满六个月，符合研究条件。"
    assert withdrawal.sentence == "已满六个月且没有记录正当理由，需支部研究。"


@pytest.mark.parametrize(("on", "is_open"), [(date(2026, 10, 31), False), (TODAY, True)])
def test_two_years_open_the_second_examination(on: date, is_open: bool) -> None:
    found = examination(Clock.LOST_CONTACT, 7, removal_on=removal_on(SUSPENDED_ON), on=on)

    assert found.is_open is is_open


def decision(kind: str, ground: str, on: date = TODAY, approved_on: date = TODAY) -> DecisionFacts:
    return DecisionFacts(
        DecisionKind(kind), DecisionGround(ground), "党员大会", on, "1号", "党委", approved_on
    )


NORMAL, SUSPENDED = MembershipStatus.NORMAL, MembershipStatus.SUSPENDED
RESTORED, REMOVED = MembershipStatus.RESTORED, MembershipStatus.REMOVED


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        (decision("suspension", "lost_contact"), NORMAL),
        (decision("suspension", "abroad"), RESTORED),
        (decision("restoration", "own_request"), SUSPENDED),
        (decision("removal", "lost_contact"), SUSPENDED),
        (decision("removal", "self_withdrawal"), NORMAL),
        (decision("removal", "own_request"), NORMAL),
        (decision("expulsion", "discipline"), SUSPENDED),
        (decision("expulsion", "discipline"), NORMAL),
        (decision("removal", "lost_contact", SUSPENDED_ON.replace(year=2026)), SUSPENDED),
    ],
)
def test_lawful_step_is_allowed(facts: DecisionFacts, status: MembershipStatus) -> None:
    require_allowed(facts, status, suspended_on=SUSPENDED_ON, today=TODAY)


@pytest.mark.parametrize(
    ("facts", "status", "pointer"),
    [
        (decision("suspension", "lost_contact"), SUSPENDED, "/kind"),
        (decision("suspension", "lost_contact"), REMOVED, "/kind"),
        (decision("restoration", "own_request"), NORMAL, "/kind"),
        (decision("restoration", "own_request"), REMOVED, "/kind"),
        (decision("restoration", "own_request"), MembershipStatus.EXPELLED, "/kind"),
        (decision("suspension", "self_withdrawal"), NORMAL, "/ground"),
        (decision("suspension", "discipline"), NORMAL, "/ground"),
        (decision("removal", "discipline"), SUSPENDED, "/ground"),
        (decision("removal", "lost_contact"), NORMAL, "/kind"),
        (decision("expulsion", "lost_contact"), NORMAL, "/ground"),
        (decision("suspension", "lost_contact", TODAY, date(2026, 11, 9)), NORMAL, "/approved_on"),
        (decision("suspension", "lost_contact", TODAY, date(2026, 11, 11)), NORMAL, "/approved_on"),
        (decision("restoration", "own_request", date(2024, 10, 31)), SUSPENDED, "/decided_on"),
        (decision("removal", "lost_contact", date(2026, 10, 31)), SUSPENDED, "/decided_on"),
    ],
)
def test_unlawful_step_is_refused_at_its_field(
    facts: DecisionFacts, status: MembershipStatus, pointer: str
) -> None:
    with pytest.raises(DecisionInvalid) as refusal:
        require_allowed(facts, status, suspended_on=SUSPENDED_ON, today=TODAY)

    assert [problem.pointer for problem in refusal.value.problems] == [pointer]


def test_every_word_has_a_name_for_people() -> None:
    assert BAND_NAMES.keys() == set(LossBand)
    assert TASK_NAMES.keys() == set(CaseTask)
    assert KIND_NAMES.keys() == set(DecisionKind)
    assert REASON_NAMES.keys() == set(ReasonCode)
