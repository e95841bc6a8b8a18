"""Pure rules of pledges: what a text may hold, when it is due, what is hinted."""

import re
import unicodedata
from dataclasses import asdict, dataclass
from datetime import date

from activities.pledge_models import PledgeKind
from core.errors import FieldProblem, RuleViolation

# One published guide (domain 2): a hint, never a wall.
ANNUAL_USUAL_MIN, ANNUAL_USUAL_MAX = 2, 5
# Between the digits of a number people write blanks, hyphens and dots.
_GAP = r"[\s.\-·_/]?"
_PRIVATE_NUMBERS = tuple(
    re.compile(pattern)
    for pattern in (
        # A mobile number.
        rf"(?<!\d)1{_GAP}[3-9]" + rf"(?:{_GAP}\d){{9}}(?!\d)",
        # A fixed line with its area code.
        rf"(?<!\d)0\d{{2,3}}{_GAP}[2-9]\d{{6,7}}(?!\d)",
        # An identity number of 15 or 18 characters, or a bank card.
        r"(?<!\d)[1-9]\d{14,18}[Xx]?(?!\d)",
        rf"(?<!\d)[1-9]\d{{5}}{_GAP}\d{{4}}{_GAP}\d{{4}}{_GAP}\d{{3}}[\dXx](?!\d)",
    )
)


class PrivateDataRefused(RuleViolation):
    """A text holds a number that belongs to one person."""

    code = "pledge.private_data"
    title = "承诺里不要写电话、身份证号等个人信息"


class DueDateRefused(RuleViolation):
    """The day by which it is promised is not possible."""

    code = "pledge.due_on"
    title = "承诺的完成时限不对"


class YearRefused(RuleViolation):
    """Pledges are made for this year or the next."""

    code = "pledge.year"
    title = "只能作今年或明年的承诺"


@dataclass(frozen=True, slots=True)
class PledgeWords:
    """The words of a pledge as a member writes them."""

    category: str
    title: str
    content: str
    target: str
    beneficiary: str
    post: str
    due_on: date


@dataclass(frozen=True, slots=True)
class NewPledge:
    """A pledge as it begins."""

    year: int
    kind: PledgeKind
    words: PledgeWords


@dataclass(frozen=True, slots=True)
class Amendment:
    """Other words for a pledge in force, all of them but the due day, and why."""

    category: str
    title: str
    content: str
    target: str
    beneficiary: str
    post: str
    reason: str

    def words(self, due_on: date) -> PledgeWords:
        """The whole text, with the due day that stays."""
        changed = {name: value for name, value in asdict(self).items() if name != "reason"}
        return PledgeWords(**changed, due_on=due_on)


def require_sound(words: PledgeWords, *, year: int, kind: PledgeKind, today: date) -> None:
    """Refuse a text that cannot become a pledge.

    An annual pledge is due within its year; one for an urgent task may run into the next.

    Raises:
        PrivateDataRefused: a text holds somebody's number.
        DueDateRefused: the due day is over, or in another year.
    """
    require_impersonal_words(words)
    if words.due_on < today:
        raise _due("完成时限已经过去，请填今天或以后的日期。")
    last_year = year if kind is PledgeKind.ANNUAL else year + 1
    if not year <= words.due_on.year <= last_year:
        raise _due(f"{year} 年的承诺，完成时限应在 {last_year} 年底以前、{year} 年初以后。")


def require_impersonal_words(words: PledgeWords) -> None:
    """Refuse numbers of people in any part of a text.

    Raises:
        PrivateDataRefused: one problem per field.
    """
    require_impersonal(
        title=words.title,
        content=words.content,
        target=words.target,
        beneficiary=words.beneficiary,
        post=words.post,
    )


def require_impersonal(**texts: str) -> None:
    """Refuse phone and identity numbers: villagers' data are not kept here (domain 2).

    Raises:
        PrivateDataRefused: one problem per field.
    """
    problems = tuple(
        FieldProblem(
            f"/{name}",
            PrivateDataRefused.code,
            "这里像有电话、身份证号或银行卡号。请只写服务的群体，不写群众的个人信息。",
        )
        for name, text in texts.items()
        if _holds_private_number(text)
    )
    if problems:
        raise PrivateDataRefused(
            "请去掉电话、身份证号等号码，只写服务的群体，例如“本村独居老人”。", problems=problems
        )


def require_year(year: int, *, today: date) -> None:
    """Refuse a year that is over, or too far ahead.

    Raises:
        YearRefused: neither this year nor the next.
    """
    if not today.year <= year <= today.year + 1:
        raise YearRefused


def require_extension(present: date, due_on: date, *, year: int, today: date) -> None:
    """Refuse a new due day that gives no more time, or ends after the next year.

    Raises:
        DueDateRefused: so it is.
    """
    if due_on <= present or due_on < today:
        raise _due(f"延期后的时限应晚于原定的 {present}，且不早于今天。")
    if due_on.year > year + 1:
        raise _due(f"{year} 年的承诺最晚延至 {year + 1} 年底。")


def hints_of(kind: PledgeKind, year: int, annual_count: int) -> list[str]:
    """What is said, and nothing more than said, about the number of annual pledges.

    Args:
        annual_count: the member's annual pledges of the year, this one among them.
    """
    usual = f"一般每名党员 {ANNUAL_USUAL_MIN} 至 {ANNUAL_USUAL_MAX} 项，供参考。"
    if kind is not PledgeKind.ANNUAL or ANNUAL_USUAL_MIN <= annual_count <= ANNUAL_USUAL_MAX:
        return []
    return [f"{year} 年的年度承诺现有 {annual_count} 项，{usual}"]


def _holds_private_number(text: str) -> bool:
    # Full-width digits and invisible characters in between are still the number.
    plain = unicodedata.normalize("NFKC", text)
    plain = "".join(sign for sign in plain if unicodedata.category(sign) != "Cf")
    return any(pattern.search(plain) for pattern in _PRIVATE_NUMBERS)


def _due(message: str) -> DueDateRefused:
    return DueDateRefused(
        message, problems=(FieldProblem("/due_on", DueDateRefused.code, message),)
    )
