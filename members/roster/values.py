"""Turn one roster cell into a value, with notes on what was changed, or say why it cannot be."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

from members.roster.columns import Cell

T = TypeVar("T")

NAME_LENGTH_MAX = 60


@dataclass(frozen=True, slots=True)
class Note:
    """A warning about an accepted value."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Parsed(Generic[T]):
    """The value of a cell (None when it is empty or dropped) and the notes on it."""

    value: T | None
    notes: tuple[Note, ...] = ()


class CellError(Exception):
    """The cell cannot be accepted; its row is refused with this reason."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


# What Excel makes of a long number once it is a number: the digits behind are lost.
SCIENTIFIC = re.compile(r"\d(?:\.\d+)?e\+?\d+", re.IGNORECASE)

_EMPTY = frozenset(("", "-", "--", "---", "/", "\\", "无", "暂无", "空", "没有", "不详", "未填"))
_EMPTY_WORDS = frozenset(("n/a", "na", "null", "none", "nil", "#n/a"))
_CSV_TEXT_FORMULA = re.compile(r'^="(.*)"$', re.DOTALL)
_HAN = (
    "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f\U00030000-\U000323af"
)
_PRIVATE_USE = "\ue000-\uf8ff\U000f0000-\U0010fffd"
_MIDDLE_DOTS = re.compile("[\u2022\u2027\u2219\u22c5\u30fb\u0387\u16eb\u2e31\u2e33\ua78f\u25cf]")
_DOT_BETWEEN_HAN = re.compile(f"(?<=[{_HAN}])\\s*[.\u3002\u00b7]\\s*(?=[{_HAN}])")
_SPACE_BESIDE_HAN = re.compile(f"(?<=[{_HAN}{_PRIVATE_USE}])\\s+|\\s+(?=[{_HAN}{_PRIVATE_USE}])")
_NAME = re.compile(f"[{_HAN}{_PRIVATE_USE}A-Za-z\u00c0-\u024f\u00b7 '()\\-.\\d]+")
# People of whom a roster says so have left, and an import would make them members again.
_ANNOTATED = re.compile(r"\(已?(?:转出|去世|死亡|病故|亡故|故|退党|除名|开除党籍|停止党籍|出党)\)")
_LETTER = re.compile(f"[{_HAN}{_PRIVATE_USE}A-Za-z\u00c0-\u024f]")
_LOST_CHARACTER = re.compile("[?*\ufffd\u25a1\u25a0\u3013]")
# Format characters (zero width, direction marks, soft hyphen) and variation selectors.
_INVISIBLE = re.compile(
    "[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff"
    "\ufff9-\ufffb\ufe00-\ufe0f\U000e0001-\U000e01ef]"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

# Old Chinese systems kept rare characters in private-use code points. The GB18030 bytes of
# those code points decode to the characters that Unicode has since given them (E863 is 䶮).
_FORMER_PRIVATE_USE = {
    0xE815 + index: bytes([0xFE, trail]).decode("gb18030")
    for index, trail in enumerate(trail for trail in range(0x50, 0xA1) if trail != 0x7F)
}


def clean_text(cell: Cell) -> str:
    """The text of a cell: compatible forms unified, invisible characters and quotes dropped.

    Placeholders such as 无, - or N/A become the empty text. Raises CellError for control
    characters, which no database stores and no person types.
    """
    text = _plain_text(cell)
    if _CONTROL.search(text):
        raise CellError("import.bad_character", "含有不可见的控制字符，请删掉重填。")
    wrapped = _CSV_TEXT_FORMULA.match(text.strip())
    text = wrapped.group(1) if wrapped else text
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))
    text = text.strip()
    # Excel shows a leading apostrophe to nobody; other programs write it into the text.
    text = text.lstrip("'\u2018\u2019`").strip()
    unified = text.replace("\u2014", "-").replace("\u2013", "-")
    return "" if unified in _EMPTY or unified.lower() in _EMPTY_WORDS else text


def shown_text(cell: Cell) -> str:
    """The text of a cell to look for a header in or to name a refused row by; never refused."""
    return clean_text(_CONTROL.sub("", _plain_text(cell)))


def _plain_text(cell: Cell) -> str:
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, int | float):
        is_whole = cell == cell and abs(cell) < 1e15 and float(cell).is_integer()
        return str(int(cell)) if is_whole else repr(cell)
    return cell


def parse_name(cell: Cell) -> Parsed[str]:
    """A person's name: no spaces between Han characters, one form of the middle dot.

    Raises CellError when it is empty, too long, lost characters, says that the person has left,
    or is no name at all.
    """
    text = clean_text(cell)
    if not text:
        raise CellError("import.name_missing", "姓名为空。")
    if _LOST_CHARACTER.search(text):
        raise CellError("import.name_lost_character", "姓名里有没显示出来的字或星号，请填全名。")
    name = normalise_name(text)
    if len(name) > NAME_LENGTH_MAX:
        raise CellError("import.text_too_long", f"姓名超过 {NAME_LENGTH_MAX} 个字，请核对。")
    if not _NAME.fullmatch(name) or not _LETTER.search(name):
        raise CellError("import.bad_name", "这不像是姓名，请核对这一列。")
    if _ANNOTATED.search(name):
        message = "姓名里注明此人已离开，没有导入；仍是本支部党员的，请删去括号里的字。"
        raise CellError("import.name_annotated", message)
    return Parsed(name, tuple(_name_notes(str(cell), name)))


def normalise_name(text: str) -> str:
    name = text.translate(_FORMER_PRIVATE_USE)
    name = _MIDDLE_DOTS.sub("\u00b7", name)
    name = _DOT_BETWEEN_HAN.sub("\u00b7", name)
    name = re.sub(r"\s*\u00b7\s*", "\u00b7", name)
    return re.sub(r"\s+", " ", _SPACE_BESIDE_HAN.sub("", name))


def _name_notes(raw: str, name: str) -> list[Note]:
    notes = []
    if len(re.findall(r"\s", raw.strip())) > name.count(" "):
        notes.append(Note("import.name_spaces", "姓名里的空格已去掉。"))
    if re.search(f"[{_PRIVATE_USE}]", name):
        notes.append(Note("import.name_private_character", "姓名里有造字，可能显示不出，请核对。"))
    if re.search(r"[\d()]", name) or len(name) == 1:
        notes.append(Note("import.name_unusual", "姓名里有数字、括号或只有一个字，请核对。"))
    return notes


def parse_text(cell: Cell, *, length_max: int) -> Parsed[str]:
    """Free text of a field such as education. Raises CellError when too long or a formula."""
    text = re.sub(r"\s+", " ", clean_text(cell))
    if len(text) > length_max:
        raise CellError("import.text_too_long", f"这一格超过 {length_max} 个字。")
    if text.startswith(("=", "@", "+")):
        raise CellError("import.formula_text", "这一格以 = + @ 开头，像是公式，请改成普通文字。")
    return Parsed(text or None)


def parse_row_number(cell: Cell) -> Parsed[int]:
    """The row of the first upload, as the marked workbook repeats it; None when it is absent."""
    text = clean_text(cell)
    return Parsed(int(text) if re.fullmatch(r"[0-9]{1,6}", text) else None)
