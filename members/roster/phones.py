"""Parse the phone column of a roster into one mobile number of eleven digits."""

import re

from members.roster.columns import Cell
from members.roster.values import SCIENTIFIC, CellError, Note, Parsed, clean_text

_MOBILE = re.compile(r"1[3-9]\d{9}")
_SEPARATORS = re.compile(r"[/、,;|\n]|或|和|\s{2,}")
_PREFIX = re.compile(r"^(?:\+|00)?86(?=1\d{10}$)|^0(?=1[3-9]\d{9}$)")
_LANDLINE = re.compile(r"(?:0\d{2,3})?[2-9]\d{6,7}(?:转\d+)?|400\d{7}")
_LABEL = re.compile(r"^(?:手机号?|电话|本人|联系电话):?")


def parse_phone(cell: Cell) -> Parsed[str]:
    """A mainland mobile number `1[3-9]` and nine digits; other kinds are dropped with a note.

    Raises CellError for what looks like a mistyped mobile number.
    """
    text = clean_text(cell)
    if not text:
        return Parsed(None, (Note("import.phone_missing", "没有手机号。"),))
    whole = _mobile(text)
    if whole:
        return Parsed(whole, tuple(_format_notes(cell, whole)))
    numbers = [number for part in _parts(text) if (number := _mobile(part))]
    if numbers:
        return Parsed(numbers[0], (_extra_note(numbers),))
    return Parsed(None, (_note_on_other(text),))


def _parts(text: str) -> list[str]:
    parts = [part for part in _SEPARATORS.split(text) if part.strip()]
    # Two whole numbers with one space between them; a number in groups is never this long.
    return parts if len(parts) > 1 else text.split()


def _mobile(text: str) -> str | None:
    digits = _digits(text)
    return digits if _MOBILE.fullmatch(digits) else None


def _digits(text: str) -> str:
    whole = re.sub(r"^(\d+)\.0+$", r"\1", text)
    compact = re.sub(r"[\s\-\u2010-\u2015\u2212().]", "", whole)
    return _PREFIX.sub("", _LABEL.sub("", compact))


def _format_notes(cell: Cell, number: str) -> list[Note]:
    if not isinstance(cell, str) or cell.strip() == number:
        return []
    if re.search("[\uff10-\uff19]", cell):
        return [Note("import.phone_fullwidth", "手机号里的全角数字已改为半角。")]
    if re.search(r"[^\d.']", cell.strip()) or not cell.strip().lstrip("'").startswith("1"):
        return [Note("import.phone_format", "手机号里的国家码、空格或横线已去掉。")]
    return []


def _extra_note(numbers: list[str]) -> Note:
    if len(set(numbers)) == 1:
        return Note("import.phone_format", "手机号已整理为 11 位。")
    return Note("import.phone_several", "一格里有几个手机号，只采用第一个，请核对。")


def _note_on_other(text: str) -> Note:
    if SCIENTIFIC.fullmatch(text):
        raise CellError("import.numeric_phone", "手机号变成了科学计数，请把该列设为文本后重填。")
    digits = _digits(text)
    if _LANDLINE.fullmatch(digits):
        return Note("import.phone_landline", "这是固定电话，没有采用；请补手机号。")
    if re.match(r"\+(?!86)|00(?!86)", text):
        return Note("import.phone_foreign", "这不是内地手机号，没有采用。")
    if not re.search(r"\d{5}", digits):
        return Note("import.phone_not_a_number", "这一格不是电话号码，没有采用。")
    raise CellError("import.bad_phone", "手机号应为 1 开头的 11 位数字，请核对。")
