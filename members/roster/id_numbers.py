"""Parse the 18-character identity number of a roster (GB 11643) and what it says by itself."""

import re
from datetime import date

from stdnum.cn import ric

from members.roster.columns import Cell
from members.roster.values import SCIENTIFIC, CellError, Note, Parsed, clean_text


def parse_id_number(cell: Cell) -> Parsed[str]:
    """An 18-character identity number by GB 11643: check digit and birth date only.

    The area code is not looked up, as codes are abolished and lists lag behind. Raises
    CellError; a number that lost its last digits in a number cell has a reason of its own.
    """
    text = re.sub(r"[\s\-]", "", clean_text(cell)).upper()
    if not text:
        return Parsed(None, (Note("import.id_missing", "没有身份证号，只能按姓名和支部核对。"),))
    is_long_number = isinstance(cell, int | float) and abs(cell) >= 1e15
    if is_long_number or SCIENTIFIC.fullmatch(text):
        raise _numeric_id()
    text = text.removesuffix(".0")
    if re.fullmatch(r"\d{15}", text):
        raise CellError("import.id_15_digits", "这是 15 位的旧身份证号，请填 18 位的。")
    if len(text) != 18:
        raise CellError("import.id_length", f"身份证号应为 18 位，这里是 {len(text)} 位。")
    if not re.fullmatch(r"[0-9]{17}[0-9X]", text):
        raise CellError("import.id_format", "身份证号只能是数字，最后一位可以是 X。")
    if text[-1] != ric.calc_check_digit(text):
        raise (
            _numeric_id()
            if text.endswith("000")
            else CellError("import.id_check_digit", "身份证号的校验码不对，请核对是否录错。")
        )
    _require_birth_date(text)
    if text.endswith("000"):
        message = "身份证号以 000 结尾，可能曾变成数字而丢了末几位，请核对。"
        return Parsed(text, (Note("import.id_ends_in_zeros", message),))
    return Parsed(text)


def _numeric_id() -> CellError:
    return CellError(
        "import.numeric_id", "身份证号变成了数字，末几位已丢失，请把该列设为文本后重填。"
    )


def _require_birth_date(id_number: str) -> None:
    if birth_date_in(id_number) is None:
        raise CellError("import.id_birth_date", "身份证号里的出生日期不存在，请核对。")


def birth_date_in(id_number: str) -> date | None:
    """The birth date that an 18-character identity number carries; None if there is no such."""
    try:
        birth_on = date(int(id_number[6:10]), int(id_number[10:12]), int(id_number[12:14]))
    except ValueError:
        return None
    return birth_on if birth_on.year >= 1900 else None


def sex_in(id_number: str) -> str:
    """`male` or `female` by the sequence number of an 18-character identity number."""
    return "male" if int(id_number[16]) % 2 else "female"
