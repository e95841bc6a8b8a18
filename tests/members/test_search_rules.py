"""What an attempt may say, when to try again, and what a search still lacks."""

from datetime import date, datetime, timedelta

import pytest

from core.clock import at_local
from core.working_days import WorkCalendar
from members.contact.models import ContactKind
from members.contact.search_rules import (
    AttemptFacts,
    AttemptInconsistent,
    SearchPolicy,
    checklist,
    fact_kind,
    gaps,
    next_not_before,
    require_consistent,
)
from members.contact.search_words import (
    METHOD_NAMES,
    OUTCOME_NAMES,
    PERSON_NAMES,
    ContactedPerson,
    Outcome,
    SearchMethod,
)

CALENDAR = WorkCalendar(notice_years=frozenset({2026}))
FRIDAY_MORNING = at_local(date(2026, 11, 6), 9, 30)
FRIDAY_NIGHT = at_local(date(2026, 11, 6), 18, 0)
NOW = at_local(date(2026, 11, 10), 10)
ANCHOR = date(2026, 6, 30)


def attempt(
    outcome: str = "no_answer",
    contacted: str = "nobody",
    method: str = "phone_call",
    at: datetime = FRIDAY_MORNING,
    promised_on: date | None = None,
    document_number: str = "",
) -> AttemptFacts:
    return AttemptFacts(
        SearchMethod(method),
        ContactedPerson(contacted),
        Outcome(outcome),
        at,
        promised_on,
        document_number,
    )


@pytest.mark.parametrize(
    ("tried", "expected"),
    [
        (attempt("no_answer"), at_local(date(2026, 11, 9), 18)),
        (attempt("no_answer", at=FRIDAY_NIGHT), at_local(date(2026, 11, 9), 9)),
        (attempt("powered_off"), at_local(date(2026, 11, 9), 18)),
        (attempt("wrong_number"), FRIDAY_MORNING),
        (attempt("relative_answered", "spouse"), at_local(date(2026, 11, 13), 9)),
        (attempt("refused", "member"), at_local(date(2026, 11, 20), 9)),
        (
            attempt("promised_date", "member", promised_on=date(2026, 11, 15)),
            at_local(date(2026, 11, 16), 9),
        ),
        (
            attempt("awaiting_reply", "public_office", "official_letter", document_number="1号"),
            at_local(date(2026, 11, 20), 9),
        ),
        (attempt("moved_away", "neighbour", "home_visit"), at_local(date(2026, 11, 9), 18)),
        (attempt("reached", "member"), None),
    ],
)
def test_next_attempt_waits_for_what_came_of_this_one(
    tried: AttemptFacts, expected: datetime | None
) -> None:
    assert next_not_before(tried, CALENDAR) == expected


@pytest.mark.parametrize(
    ("tried", "kind"),
    [
        (attempt("reached", "member"), ContactKind.ANSWERED_CALL),
        (attempt("reached", "member", "wechat"), ContactKind.REPLY),
        (attempt("reached", "member", "home_visit"), ContactKind.VISIT),
        (attempt("reached", "host_branch", "host_branch_query"), ContactKind.HOST_CONFIRMED),
        (attempt("promised_date", "member"), ContactKind.ANSWERED_CALL),
        (attempt("refused", "member"), ContactKind.ANSWERED_CALL),
        (attempt("relative_answered", "spouse"), None),
        (attempt("no_answer"), None),
        (attempt("awaiting_reply", "nobody", "message"), None),
    ],
)
def test_only_the_members_own_word_is_contact(
    tried: AttemptFacts, kind: ContactKind | None
) -> None:
    assert fact_kind(tried) == kind


@pytest.mark.parametrize(
    ("tried", "pointer"),
    [
        (attempt("reached", "spouse"), "/contacted"),
        (attempt("relative_answered", "neighbour"), "/contacted"),
        (attempt("no_answer", "member"), "/contacted"),
        (attempt("wrong_number", "member"), "/contacted"),
        (attempt("promised_date", "host_branch", "host_branch_query",
                 promised_on=date(2026, 12, 1)), "/contacted"),
        (attempt("promised_date", "member"), "/promised_on"),
        (attempt("no_answer", promised_on=date(2026, 12, 1)), "/promised_on"),
        (attempt("promised_date", "member", promised_on=date(2026, 11, 5)), "/promised_on"),
        (attempt("awaiting_reply", "public_office", "official_letter"), "/document_number"),
        (attempt("wrong_number", "nobody", "home_visit"), "/outcome"),
        (attempt(at=NOW + timedelta(seconds=1)), "/attempted_at"),
        (attempt(at=at_local(date(2026, 6, 29), 9)), "/attempted_at"),
    ],
)  # fmt: skip
def test_contradiction_is_refused_at_its_field(tried: AttemptFacts, pointer: str) -> None:
    with pytest.raises(AttemptInconsistent) as refusal:
        require_consistent(tried, anchor_on=ANCHOR, now=NOW)

    assert [problem.pointer for problem in refusal.value.problems] == [pointer]


@pytest.mark.parametrize(
    "tried",
    [
        attempt(),
        attempt("reached", "member", "home_visit"),
        attempt("relative_answered", "parent", "family"),
        attempt("not_found", "employer", "employer"),
        attempt("promised_date", "member", promised_on=date(2026, 11, 6)),
        attempt("awaiting_reply", "nobody", "written_notice"),
        attempt(at=at_local(ANCHOR, 0)),
        attempt(at=NOW),
    ],
)
def test_plausible_attempt_is_taken(tried: AttemptFacts) -> None:
    require_consistent(tried, anchor_on=ANCHOR, now=NOW)


def search(count: int, last: SearchMethod, spread: int) -> list[tuple[SearchMethod, date]]:
    methods = [SearchMethod.PHONE_CALL, SearchMethod.HOME_VISIT, last]
    first = date(2026, 8, 1)
    days = [first] * (count - 1) + [first + timedelta(days=spread)]
    return [(methods[n % 3], day) for n, day in enumerate(days)]


def test_search_is_complete_at_exactly_the_minimum() -> None:
    tried = search(5, SearchMethod.WRITTEN_NOTICE, 60)

    assert gaps(checklist(tried, SearchPolicy())) == []


@pytest.mark.parametrize(
    ("tried", "missing"),
    [
        (search(4, SearchMethod.WRITTEN_NOTICE, 60), ["还缺：查找 5 次，已有 4 次。"]),
        (search(5, SearchMethod.WRITTEN_NOTICE, 59), ["还缺：前后不少于 60 天，已有 59 天。"]),
        (search(5, SearchMethod.FAMILY, 60), ["还缺：发书面通知一次，没有。"]),
        (
            [(SearchMethod.WRITTEN_NOTICE, date(2026, 8, 1)),
             (SearchMethod.LAST_ADDRESS_VISIT, date(2026, 10, 1)),
             *[(SearchMethod.WRITTEN_NOTICE, date(2026, 9, 1))] * 3],
            ["还缺：用过 3 种方式，已有 2 种。"],
        ),
    ],
)  # fmt: skip
def test_gap_report_names_what_is_missing(
    tried: list[tuple[SearchMethod, date]], missing: list[str]
) -> None:
    assert gaps(checklist(tried, SearchPolicy())) == missing


def test_nothing_tried_lacks_everything() -> None:
    assert len(gaps(checklist([], SearchPolicy()))) == 5


def test_every_word_has_a_name_for_people() -> None:
    assert METHOD_NAMES.keys() == set(SearchMethod)
    assert PERSON_NAMES.keys() == set(ContactedPerson)
    assert OUTCOME_NAMES.keys() == set(Outcome)
