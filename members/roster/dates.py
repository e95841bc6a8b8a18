"""Parse the ways in which rosters write a date."""

import re
from datetime import date, timedelta

from members.roster.columns import Cell
from members.roster.values import CellError, Parsed, clean_text

# Excel day numbers: day 60 is the 29 February 1900 that never was, so counting starts after it.
EPOCH_1900 = date(1899, 12, 30)
EPOCH_1904 = date(1904, 1, 1)
SERIAL_MIN = 3654
SERIAL_MAX = 73_050
YEAR_MIN = 1900
# A date with its time is shorter; what is longer is not worth a search.
LENGTH_MAX = 60
_UNREADABLE = "日期认不出来，请写成 1998-10-05 这样的年-月-日。"
PARTY_FOUNDED_ON = date(1921, 7, 1)

_TIME = re.compile(r"[T\s]+\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:\s*(?:AM|PM|Z))?$", re.IGNORECASE)
_YEAR_FIRST = re.compile(r"(\d{4})[./\-年,、](\d{1,2})[./\-月,、](\d{1,2})[日号.]?")
_YEAR_MONTH = re.compile(
    r"\d{4}[./\-年,、]\d{1,2}月?[./\-]?|(?:19|20)\d{2}(?:0[1-9]|1[0-2])|(?:19|20)\d{2}年?"
)
_EIGHT_DIGITS = re.compile(r"(\d{4})(\d{2})(\d{2})(?:\.0+)?")
_SERIAL = re.compile(r"\d{4,5}(?:\.\d+)?")


def parse_date(cell: Cell, *, today: date, date_1904: bool = False) -> Parsed[date]:
    """A calendar date that is not in the future; None for an empty cell.

    Raises CellError, also for a year and month without a day: a day made up here would be
    taken for a fact later.
    """
    if isinstance(cell, date):
        return Parsed(_require_plausible(cell, today))
    text = clean_text(cell)
    if not text:
        return Parsed(None)
    found = _parse_text(re.sub(r"\s+", " ", text), EPOCH_1904 if date_1904 else EPOCH_1900)
    return Parsed(_require_plausible(found, today))


def _parse_text(text: str, epoch: date) -> date:
    if len(text) > LENGTH_MAX:
        raise CellError("import.bad_date", _UNREADABLE)
    text = re.sub(r"\s", "", _TIME.sub("", text)).replace("\u2014", "-").replace("\u2013", "-")
    text = text.replace("\u3002", ".")
    match = _YEAR_FIRST.fullmatch(text) or _EIGHT_DIGITS.fullmatch(text)
    if match:
        return _real_date(*(int(part) for part in match.groups()))
    number = float(text) if _SERIAL.fullmatch(text) else 0.0
    if SERIAL_MIN <= number <= SERIAL_MAX:
        return epoch + timedelta(days=int(number))
    if _YEAR_MONTH.fullmatch(text):
        raise CellError("import.date_without_day", "日期只有年月，请补上具体的日，如 1987-07-01。")
    raise CellError("import.bad_date", _UNREADABLE)


def _real_date(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError as error:
        raise CellError("import.bad_date", "没有这一天，请核对年、月、日。") from error


def _require_plausible(found: date, today: date) -> date:
    if found > today:
        raise CellError("import.date_in_future", "日期晚于今天，请核对。")
    if found.year < YEAR_MIN:
        raise CellError("import.bad_date", f"日期早于 {YEAR_MIN} 年，请核对。")
    return found
