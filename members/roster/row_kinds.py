"""Rows of a roster sheet that are no people: totals, signatures, notes, section titles."""

import re
import unicodedata
from collections.abc import Mapping, Sequence

from members.roster.columns import Cell

_TOTAL = re.compile(
    r"^(?:本页|本表|全区|全镇|全街道)?(?:合计|总计|共计|累计|总数|总人数|人数合计|党员总数)"
    r"(?:[(:：\d]|人数|党员|$)|^(?:以上)?共(?:有|计)?(?:党员)?\d+(?:人|名|条|个)"
)
_SUBTOTAL = re.compile(
    r"^(?:本页)?小计(?:[(:：\d]|人数|$)"
    r"|(?:支部|党委|总支|小组|街道|社区|镇|村)(?:小计|合计|共计)(?:[(:：\d]|$)"
)
_SIGNATURE = re.compile(
    r"^(?:填表人|填报人|制表人|制表|填表|填报单位|填报日期|填表日期|填表时间|填报时间|审核人|审核|"
    r"审批人|复核人|负责人|单位负责人|党组织负责人|党支部书记|支部书记|书记|经办人|联系人|"
    r"联系电话|签字|签名|盖章|日期|注|备注|说明|填表说明|填写说明|单位)(?:\(.*?\))?:"
    r"|^(?:填表人|填报人|制表人|审核人|审批人|复核人|经办人|填报单位|填报日期|填表日期)$"
)
_SIGNATURE_ONLY = re.compile(
    r"^\(?(?:盖章|公章|签字|签章|党组织盖章|单位盖章)\)?$|^\W*以下(?:空白|无正文|无内容)\W*$"
)
_ID_NUMBER_LIKE = re.compile(r"\d{14,17}[\dX]", re.IGNORECASE)
_SECTION = re.compile(
    r"^[一二三四五六七八九十]+[、.]|^\([一二三四五六七八九十\d]+\)"
    r"|(?:支部|小组|党委|党总支|街道|社区|党员)(?:\(.*\))?[:：]?$|\d+[人名]\)?$"
)
_SAMPLE = re.compile(r"示例|样例|填写样|例[:：]|^例如")
# A title or footnote of one cell; no name, not even a transliterated one, is longer.
_NAME_LENGTH_MAX = 30
# What a person's row has at least once a total stands above it.
_FIELDS_AFTER_TOTAL = 3


class RowSieve:
    """Tells person rows from the others; remembers whether a grand total stood above."""

    def __init__(self, columns: Mapping[int, str]) -> None:
        self._columns = columns
        self._name_column = next(c for c, field in columns.items() if field == "name")
        self._is_below_total = False

    def is_person(self, cells: Sequence[Cell]) -> bool:
        """Whether the row is about a person, however faulty; in doubt it is."""
        texts = [_compact(cell) for cell in cells]
        filled = [text for text in texts if text]
        mapped = [c for c in self._columns if c < len(texts) and texts[c]]
        if not filled or not mapped:
            return False
        if self._is_total(filled, texts):
            return False
        if self._is_below_total and len(mapped) < _FIELDS_AFTER_TOTAL:
            return False
        return not (self._is_note(filled, texts) or self._is_sample(texts) or _is_numbering(filled))

    def _is_total(self, filled: Sequence[str], texts: Sequence[str]) -> bool:
        if self._has_identity(texts):
            return False
        labels = [*[text for text in filled if not text.isdigit()][:1], self._name(texts)]
        if any(_TOTAL.search(label) for label in labels):
            self._is_below_total = True
            return True
        return any(_SUBTOTAL.search(label) for label in labels)

    def _has_identity(self, texts: Sequence[str]) -> bool:
        return any(
            field in ("id_number", "phone") and column < len(texts) and len(texts[column]) >= 11
            for column, field in self._columns.items()
        )

    def _has_id_number(self, texts: Sequence[str]) -> bool:
        columns = [c for c, field in self._columns.items() if field == "id_number"]
        return any(c < len(texts) and _ID_NUMBER_LIKE.fullmatch(texts[c]) for c in columns)

    def _is_note(self, filled: Sequence[str], texts: Sequence[str]) -> bool:
        first = filled[0]
        if _SIGNATURE.search(first) or _SIGNATURE_ONLY.search(first):
            # Whoever signs may leave a phone number, but never an identity number.
            return not self._has_id_number(texts)
        if len(filled) > 1 or self._has_identity(texts):
            return False
        name = self._name(texts)
        return not name or len(name) > _NAME_LENGTH_MAX or bool(_SECTION.search(name))

    def _is_sample(self, texts: Sequence[str]) -> bool:
        return bool(_SAMPLE.search(self._name(texts)))

    def _name(self, texts: Sequence[str]) -> str:
        return texts[self._name_column] if self._name_column < len(texts) else ""


def _compact(cell: Cell) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", str(cell)))


def _is_numbering(filled: Sequence[str]) -> bool:
    """Whether the row only numbers the columns: 1 2 3 ... or 甲 1 2 ..."""
    numbers = [int(text) for text in filled if text.isdecimal() and len(text) <= 3]
    letters = [text for text in filled if text in "甲乙丙丁" or re.fullmatch("[A-Z]{1,2}", text)]
    is_run = numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True
    return len(filled) >= 3 and len(numbers) + len(letters) == len(filled) and is_run
