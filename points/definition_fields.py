"""Reading single values of a scheme's data strictly; each fault is noted with its place."""

import enum
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any, TypeVar

from core.errors import FieldProblem
from core.quantities import POINTS_MAX, Points, parse_points

# Codes become parts of bucket names, with colons between them, and have columns of this size.
_CODE = re.compile(r"[a-z][a-z0-9_-]{0,39}", re.ASCII)
_SHARE = re.compile(r"(?:0|1)(?:\.\d{1,4})?", re.ASCII)
_MONTH_DAY = re.compile(r"(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", re.ASCII)
NAME_LENGTH_MAX = 40
TEXT_LENGTH_MAX = 200
LIST_LENGTH_MAX = 200

_Word = TypeVar("_Word", bound=enum.StrEnum)
_MISSING: Any = object()


def escape(key: str) -> str:
    """A key as a part of a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")


class Table:
    """One mapping of the data. Every key that is not read in the end is a fault.

    A value that is wrong is noted and replaced by a harmless one, so that one reading finds
    every fault of a scheme.
    """

    def __init__(self, value: Any, pointer: str, problems: list[FieldProblem]) -> None:
        self.pointer, self.problems = pointer, problems
        self.values: Mapping[str, Any] = value if isinstance(value, Mapping) else {}
        self._read: set[str] = set()
        if not isinstance(value, Mapping):
            self.note("", "type", "这里应为一组键值。")

    def note(self, key: str, code: str, message: str) -> None:
        """Note a fault at a key of this table, or of the table itself."""
        pointer = f"{self.pointer}/{key}" if key else self.pointer
        self.problems.append(FieldProblem(pointer, code, message))

    def finish(self) -> None:
        """Note the keys that nothing has read: a mistyped cap would be an item without one."""
        for key in self.values:
            if key not in self._read:
                shown = str(key)[:NAME_LENGTH_MAX]
                self.note(escape(shown), "unknown", f"没有“{shown}”这个键。")

    def get(self, key: str, default: Any = _MISSING) -> Any:
        """A raw value; a missing one that has no default is a fault."""
        self._read.add(key)
        if key in self.values:
            return self.values[key]
        if default is _MISSING:
            self.note(key, "required", f"缺少“{key}”。")
            return None
        return default

    def code(self, key: str) -> str:
        value = self.get(key)
        if not isinstance(value, str) or not _CODE.fullmatch(value):
            self.note(key, "code", "代码应为小写字母开头的字母、数字、下划线或短横，至多 40 个。")
            return f"invalid-{len(self.problems)}"
        return value

    def text(self, key: str, default: Any = _MISSING, *, longest: int = NAME_LENGTH_MAX) -> str:
        value = self.get(key, default)
        if value == default and isinstance(value, str):
            return value
        if not isinstance(value, str) or not 0 < len(value.strip()) <= longest:
            self.note(key, "text", f"应为 1 至 {longest} 个字的文字。")
            return ""
        return value

    def points(self, key: str, default: Any = _MISSING) -> Points:
        value = self.get(key, default)
        return self.as_points(key, value)

    def points_or_none(self, key: str, default: Any = _MISSING) -> Points | None:
        """Points, or null where the scheme sets no limit."""
        value = self.get(key, default)
        is_null = value is None and (key in self.values or default is None)
        return None if is_null else self.as_points(key, value)

    def as_points(self, key: str, value: Any) -> Points:
        """A decimal string as hundredths. A number is refused: it went through a float."""
        try:
            points = parse_points(value)
        except (TypeError, ValueError):
            self.note(key, "points", '分值应为带引号的小数，至多两位小数，如 "2.5"。')
            return Points(0)
        if abs(points) > POINTS_MAX:
            self.note(key, "points", f"分值 {value} 过大。")
            return Points(0)
        return points

    def units(self, key: str, default: int, *, least: int = 1) -> int:
        value = self.get(key, default)
        # `int` would turn 1.9 and "1_000" into something that nobody wrote.
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        if not is_whole or not least <= value <= POINTS_MAX:
            self.note(key, "units", f"应为不小于 {least} 的整数，不加引号。")
            return 1
        return int(value)

    def flag(self, key: str) -> bool:
        """True or false; absent means false."""
        value = self.get(key, False)
        if not isinstance(value, bool):
            self.note(key, "type", "应为 true 或 false，不加引号。")
        return value is True

    def share(self, key: str, default: str) -> Fraction:
        return self.as_share(key, self.get(key, default))

    def as_share(self, key: str, value: Any) -> Fraction:
        if not isinstance(value, str) or not _SHARE.fullmatch(value) or Fraction(value) > 1:
            self.note(key, "share", '应为 0 到 1 之间带引号的小数，如 "0.2"。')
            return Fraction(0)
        return Fraction(value)

    def month_day(self, key: str, default: str) -> tuple[int, int]:
        value = self.get(key, default)
        match = _MONTH_DAY.fullmatch(value) if isinstance(value, str) else None
        try:
            # A day that a common year lacks would fail on the day when it is asked for.
            day = date(2001, int(match[1]), int(match[2])) if match else None
        except ValueError:
            day = None
        if day is None:
            self.note(key, "date", '应为“月-日”，如 "01-15"。')
            return (1, 15)
        return day.month, day.day

    def word(self, key: str, words: type[_Word], default: Any = _MISSING) -> _Word:
        value = self.get(key, default)
        try:
            return words(value)
        except ValueError:
            self.note(key, "choice", f"应为{'、'.join(words)}之一。")
            return next(iter(words))

    def words(self, key: str, allowed: Iterable[str]) -> frozenset[str]:
        """A list of words out of a vocabulary; absent means none."""
        value, known = self.get(key, ()), frozenset(allowed)
        if not isinstance(value, Sequence) or isinstance(value, str):
            self.note(key, "type", "应为列表。")
            return frozenset()
        for word in value:
            if not isinstance(word, str) or word not in known:
                self.note(
                    key, "choice", f"没有“{str(word)[:40]}”，可用的有：{'、'.join(sorted(known))}。"
                )
        return known & {word for word in value if isinstance(word, str)}

    def table(self, key: str, default: Any = _MISSING) -> "Table":
        return Table(self.get(key, default), f"{self.pointer}/{key}", self.problems)

    def tables(self, key: str) -> list["Table"]:
        """A list of tables, of bounded length."""
        value = self.get(key)
        if not isinstance(value, Sequence) or isinstance(value, str):
            self.note(key, "type", "应为列表。")
            return []
        if len(value) > LIST_LENGTH_MAX:
            self.note(key, "length", f"至多 {LIST_LENGTH_MAX} 项。")
        return [
            Table(one, f"{self.pointer}/{key}/{number}", self.problems)
            for number, one in enumerate(value[:LIST_LENGTH_MAX])
        ]

    def pairs(self, key: str) -> list[tuple[str, Any]]:
        """The entries of a small mapping, whose keys are names; absent means none."""
        inner = self.table(key, {})
        for name in inner.values:
            if not isinstance(name, str) or not 0 < len(name) <= NAME_LENGTH_MAX:
                inner.note("", "text", f"名称“{str(name)[:40]}”应为 1 至 {NAME_LENGTH_MAX} 个字。")
        return [(str(name), value) for name, value in inner.values.items()]
