"""Searching for a member: what an attempt may say, when to try again, what is still missing.

Pure: the day, the calendar and the policy are parameters. Numbers are domain section 5.5.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from core.clock import SHANGHAI, at_local, business_day
from core.errors import FieldProblem, RuleViolation
from core.working_days import WorkCalendar, add_working_days
from members.contact.models import ContactKind
from members.contact.search_words import OUTCOME_NAMES, ContactedPerson, Outcome, SearchMethod


class AttemptInconsistent(RuleViolation):
    """What the attempt says of method, person and outcome does not fit together."""

    code = "contact.attempt_inconsistent"
    title = "查找记录前后不符"


RELATIVES = frozenset(
    {
        ContactedPerson.SPOUSE,
        ContactedPerson.PARENT,
        ContactedPerson.CHILD,
        ContactedPerson.OTHER_RELATIVE,
    }
)
# Outcomes for which the member himself was there.
HEARD = frozenset({Outcome.REACHED, Outcome.PROMISED_DATE, Outcome.REFUSED})
BY_NUMBER = frozenset({SearchMethod.PHONE_CALL, SearchMethod.MESSAGE, SearchMethod.WECHAT})
VISITS = frozenset({SearchMethod.HOME_VISIT, SearchMethod.LAST_ADDRESS_VISIT})

# A word of the member himself is soft contact of this kind (domain 5.3).
_FACT_KINDS: dict[SearchMethod, ContactKind] = {
    SearchMethod.PHONE_CALL: ContactKind.ANSWERED_CALL,
    SearchMethod.MESSAGE: ContactKind.REPLY,
    SearchMethod.WECHAT: ContactKind.REPLY,
    SearchMethod.HOME_VISIT: ContactKind.VISIT,
    SearchMethod.LAST_ADDRESS_VISIT: ContactKind.VISIT,
    SearchMethod.FAMILY: ContactKind.ANSWERED_CALL,
    SearchMethod.FRIEND: ContactKind.ANSWERED_CALL,
    SearchMethod.EMPLOYER: ContactKind.ANSWERED_CALL,
    SearchMethod.HOST_BRANCH_QUERY: ContactKind.HOST_CONFIRMED,
    SearchMethod.OFFICIAL_LETTER: ContactKind.REPLY,
    SearchMethod.WRITTEN_NOTICE: ContactKind.REPLY,
}

_MORNING_HOUR, _EVENING_HOUR, _NOON = 9, 18, 12
_WAITS_DAYS = {Outcome.RELATIVE_ANSWERED: 7, Outcome.REFUSED: 14}
_WORKING_DAYS_FOR_REPLY = 10


@dataclass(frozen=True, slots=True)
class AttemptFacts:
    """What somebody enters about one attempt."""

    method: SearchMethod
    contacted: ContactedPerson
    outcome: Outcome
    attempted_at: datetime
    promised_on: date | None = None
    document_number: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class SearchPolicy:
    """How much searching is enough before a branch may confirm that somebody is out of contact."""

    attempts_min: int = 5
    methods_min: int = 3
    spread_days_min: int = 60


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the checklist: what is asked for, how far it is, and whether that is enough."""

    code: str
    sentence: str
    is_met: bool


def require_consistent(facts: AttemptFacts, *, anchor_on: date, now: datetime) -> None:
    """Refuse an attempt that contradicts itself.

    Args:
        anchor_on: the last day of contact; an attempt before it searched for nobody.

    Raises:
        AttemptInconsistent: with the field and the reason.
    """
    day = business_day(facts.attempted_at)
    if facts.attempted_at > now or day < anchor_on:
        _refuse("attempted_at", "查找时间应在最后一次联系之后，且不晚于现在。")
    if (facts.outcome is Outcome.PROMISED_DATE) != (facts.promised_on is not None):
        _refuse("promised_on", "约定了日期的，填写约定的日期；其他结果不填。")
    if facts.promised_on is not None and facts.promised_on < day:
        _refuse("promised_on", "约定的日期不能早于查找当天。")
    if facts.method is SearchMethod.OFFICIAL_LETTER and not facts.document_number:
        _refuse("document_number", "发函协查须填写文号。")
    _require_person(facts)


def fact_kind(facts: AttemptFacts) -> ContactKind | None:
    """The soft contact that the attempt is, or None: nobody else's word is the member's."""
    return _FACT_KINDS[facts.method] if facts.outcome in HEARD else None


def next_not_before(facts: AttemptFacts, calendar: WorkCalendar) -> datetime | None:
    """When to try again at the earliest; None when there is nothing to try any more."""
    if facts.outcome is Outcome.REACHED:
        return None
    # After a wrong number another one may be tried at once.
    is_wrong = facts.outcome is Outcome.WRONG_NUMBER
    return facts.attempted_at if is_wrong else _later(facts, calendar)


def checklist(
    attempts: Sequence[tuple[SearchMethod, date]], policy: SearchPolicy
) -> tuple[Check, ...]:
    """How far a search is, line by line.

    Args:
        attempts: the method and the day of each attempt.
    """
    methods = {method for method, _ in attempts}
    days = [day for _, day in attempts]
    spread = (max(days) - min(days)).days if days else 0
    return (
        _counted("attempts", "查找 {} 次，已有 {} 次", policy.attempts_min, len(attempts)),
        _counted("methods", "用过 {} 种方式，已有 {} 种", policy.methods_min, len(methods)),
        _counted("spread", "前后不少于 {} 天，已有 {} 天", policy.spread_days_min, spread),
        _done("visit", "上门或到最后住址查访一次", bool(methods & VISITS)),
        _done("notice", "发书面通知一次", SearchMethod.WRITTEN_NOTICE in methods),
    )


def gaps(checks: Sequence[Check]) -> list[str]:
    """What is still missing, in sentences; empty when the search is complete."""
    return [f"还缺：{check.sentence}。" for check in checks if not check.is_met]


def _later(facts: AttemptFacts, calendar: WorkCalendar) -> datetime:
    """Whoever did not answer in the morning is tried in the evening, and the other way round."""
    local = facts.attempted_at.astimezone(SHANGHAI)
    if facts.outcome in _WAITS_DAYS:
        day = local.date() + timedelta(days=_WAITS_DAYS[facts.outcome])
        return at_local(day, _MORNING_HOUR)
    if facts.promised_on is not None:
        return at_local(facts.promised_on + timedelta(days=1), _MORNING_HOUR)
    if facts.outcome is Outcome.AWAITING_REPLY:
        waited = add_working_days(local.date(), _WORKING_DAYS_FOR_REPLY, calendar)
        return at_local(waited.day, _MORNING_HOUR)
    hour = _EVENING_HOUR if local.hour < _NOON else _MORNING_HOUR
    return at_local(add_working_days(local.date(), 1, calendar).day, hour)


def _counted(code: str, words: str, wanted: int, found: int) -> Check:
    return Check(code, words.format(wanted, found), found >= wanted)


def _done(code: str, words: str, is_met: bool) -> Check:
    return Check(code, f"{words}，{'已有' if is_met else '没有'}", is_met)


def _require_person(facts: AttemptFacts) -> None:
    allowed: frozenset[ContactedPerson] | None = None
    if facts.outcome in HEARD:
        allowed = frozenset({ContactedPerson.MEMBER})
        if facts.method is SearchMethod.HOST_BRANCH_QUERY and facts.outcome is Outcome.REACHED:
            allowed |= {ContactedPerson.HOST_BRANCH}
    elif facts.outcome is Outcome.RELATIVE_ANSWERED:
        allowed = RELATIVES
    elif facts.outcome in (Outcome.NO_ANSWER, Outcome.POWERED_OFF):
        allowed = frozenset({ContactedPerson.NOBODY})
    elif facts.contacted is ContactedPerson.MEMBER:
        allowed = frozenset()
    if allowed is not None and facts.contacted not in allowed:
        _refuse("contacted", f"“{OUTCOME_NAMES[facts.outcome]}”与所联系的人不符。")
    if facts.outcome is Outcome.WRONG_NUMBER and facts.method not in BY_NUMBER:
        _refuse("outcome", "只有电话、短信、微信才谈得上号码不对。")


def _refuse(field: str, message: str) -> None:
    problem = FieldProblem(f"/{field}", AttemptInconsistent.code, message)
    raise AttemptInconsistent(message, problems=(problem,))
