"""What the values of one roster row must agree on between themselves."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from members.models import MemberKind
from members.roster.dates import PARTY_FOUNDED_ON
from members.roster.id_numbers import birth_date_in, sex_in

ADULT_YEARS = 18
# Before the People's Republic younger people were admitted; such rows are only pointed out.
ADULT_RULE_FROM = date(1949, 10, 1)


@dataclass(frozen=True, slots=True)
class Finding:
    """A contradiction within one row; `is_refusal` when the row cannot be imported."""

    field: str
    code: str
    message: str
    is_refusal: bool = False


def check_person(values: dict[str, Any], *, today: date) -> Iterator[Finding]:
    """Compare the parsed values of one row; replaces what the identity number knows better."""
    written_birth_on = values.get("birth_on")
    yield from _compare_with_id_number(values)
    if values.get("birth_on") and today < _birthday(values["birth_on"], ADULT_YEARS):
        # Source: 中国共产党章程, Art. 1: 年满十八岁.
        field = "id_number" if values.get("id_number") else "birth_on"
        message = f"此人现在还不满 {ADULT_YEARS} 岁，请核对身份证号和出生日期。"
        yield Finding(field, "import.under_age", message, True)
        return
    # When the two birth dates differ, one is a slip, and neither may refuse the row by itself.
    is_birth_sure = written_birth_on in (None, values.get("birth_on"))
    yield from _check_joining(values, is_birth_sure=is_birth_sure)
    yield from _check_conversion(values)


def _compare_with_id_number(values: dict[str, Any]) -> Iterator[Finding]:
    id_number = values.get("id_number")
    if not id_number:
        return
    born_on, sex = birth_date_in(id_number), sex_in(id_number)
    if values.get("birth_on") not in (None, born_on):
        message = "出生日期与身份证号里的不一致，按身份证号导入，请核对。"
        yield Finding("birth_on", "import.birth_differs", message)
    if values.get("sex") not in (None, sex):
        message = "性别与身份证号不一致，按表里填的导入，请核对。"
        yield Finding("sex", "import.sex_differs", message)
    values["birth_on"] = born_on
    values["sex"] = values.get("sex") or sex


def _check_joining(values: dict[str, Any], *, is_birth_sure: bool) -> Iterator[Finding]:
    born_on, joined_on = values.get("birth_on"), values.get("joined_on")
    if joined_on is None:
        return
    if joined_on < PARTY_FOUNDED_ON:
        yield Finding("joined_on", "import.bad_date", "入党日期早于 1921 年 7 月。", True)
    elif born_on and joined_on < _birthday(born_on, ADULT_YEARS):
        # Source: 中国共产党章程, Art. 1: 年满十八岁.
        message = f"入党时不满 {ADULT_YEARS} 岁，请核对出生日期和入党日期。"
        is_refusal = is_birth_sure and joined_on >= ADULT_RULE_FROM
        yield Finding("joined_on", "import.joined_under_age", message, is_refusal)


def _check_conversion(values: dict[str, Any]) -> Iterator[Finding]:
    kind, converted_on = values.get("kind"), values.get("converted_on")
    joined_on = values.get("joined_on")
    if converted_on and joined_on and converted_on < joined_on:
        message = "转正日期早于入党日期，请核对。"
        yield Finding("converted_on", "import.converted_before_joined", message, True)
    if kind is MemberKind.PROBATIONARY_MEMBER and converted_on:
        values["converted_on"] = None
        message = "预备党员不应有转正日期，这一格没有采用，请核对人员类别。"
        yield Finding("converted_on", "import.probationary_converted", message)
    if kind is MemberKind.FULL_MEMBER and "converted_on" in values and not converted_on:
        yield Finding("converted_on", "import.conversion_missing", "正式党员没有转正日期，请补。")
    if kind is None and converted_on:
        values["kind"] = MemberKind.FULL_MEMBER
        message = "人员类别没有填，因有转正日期，按正式党员导入。"
        yield Finding("converted_on", "import.kind_inferred", message)


def _birthday(born_on: date, years: int) -> date:
    try:
        return born_on.replace(year=born_on.year + years)
    except ValueError:
        # Born on 29 February: the day after in a common year.
        return date(born_on.year + years, 3, 1)
