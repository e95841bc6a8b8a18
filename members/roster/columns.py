"""Which column of a roster sheet holds which field: headers, their aliases, the mapping."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from members.roster.refusals import ColumnsMissing

Cell = str | float | bool | date

# Field -> header words, the preferred one first: when a sheet has two columns for a field,
# the earlier alias wins and the other column is not imported. The first groups are the
# national 19-column layout and the 28-column roster view, the rest is what people write.
ALIASES: dict[str, tuple[str, ...]] = {
    "original_row_number": ("原行号",),
    "name": ("姓名", "党员姓名", "姓名全称"),
    "branch_name": (
        "所在党支部",
        "所在党组织",
        "所在支部",
        "所属党支部",
        "所属支部",
        "所属党组织",
        "党支部名称",
        "支部名称",
        "党组织名称",
        "所在党支部名称",
        "所在党组织名称",
        "所在党支部全称",
        "党支部",
        "支部",
        "党组织",
        "组织关系所在党支部",
        "组织关系所在支部",
        "组织关系所在党组织",
        "组织关系所在单位",
    ),
    "id_number": (
        "公民身份号码",
        "身份证号码",
        "公民身份证号",
        "公民身份证号码",
        "身份证号",
        "身份号码",
        "身份证",
        "居民身份证号",
        "居民身份证号码",
        "证件号码",
        "身份证件号码",
    ),
    "sex": ("性别",),
    "birth_on": ("出生日期", "出生年月日", "出生年月", "出生时间", "生日"),
    "education": ("学历", "文化程度", "最高学历", "学历情况"),
    "kind": ("人员类别", "党员类别", "党员类型", "人员类型", "类别", "正式预备"),
    "joined_on": (
        "加入党组织日期",
        "入党日期",
        "入党时间",
        "加入党组织时间",
        "加入中共组织日期",
        "加入中共组织的时间",
        "加入中国共产党日期",
        "入党年月日",
        "入党年月",
    ),
    "converted_on": (
        "转为正式党员日期",
        "转正日期",
        "转正时间",
        "转为正式党员时间",
        "转为正式党员的日期",
        "转为正式党员的时间",
        "党员转正日期",
    ),
    "post": ("工作岗位", "岗位", "职业", "职务", "工作单位及职务", "从事职业"),
    "phone": (
        "手机号",
        "手机号码",
        "手机",
        "移动电话",
        "移动电话号码",
        "本人手机号",
        "本人手机号码",
        "联系手机",
        "联系电话",
        "联系方式",
        "联系号码",
        "电话号码",
        "电话",
    ),
    "membership_status": ("党籍状态", "党籍"),
    "is_migrant": ("是否为流动党员", "是否流动党员", "流动党员"),
    "migrant_destination": ("外出流向", "流向", "流动去向", "外出地点", "流出地点", "流动地点"),
    # Read only to warn: neither may set anything by itself.
    "is_out_of_touch": ("是否为失联党员", "是否失联党员", "是否失联", "失去联系情形"),
    "out_of_touch_on": ("失去联系日期", "失联日期", "失去联系时间"),
}
# Known columns that are never kept. They help to recognise a header.
_IGNORED_WORDS = (
    "民族 籍贯 年龄 学位 毕业院校 专业 从事专业技术职务 新的社会阶层 是否农民工 固定电话 家庭住址 "
    "联合支部单位名称 档案所在单位 户籍所在地 现居住地 信息完整度 序号 编号 备注 党龄 问题 "
    "家庭地址 住址 通讯地址 现住址 工作单位 办公电话 座机 党内职务 党小组 参加工作时间"
)
IGNORED = frozenset(_IGNORED_WORDS.split())
REQUIRED = {"name": "姓名", "branch_name": "所在党支部"}
RECOGNISED_MIN = 2
RECOGNISED_WITHOUT_NAME_MIN = 3

_FIELD_BY_ALIAS = {alias: field for field, aliases in ALIASES.items() for alias in aliases}
_NOTES = re.compile(r"[(\[{【〔<《].*?[)\]}】〕>》]")
_DECORATION = re.compile(r"[\s*※★☆#:：\"'“”、,.。·_\-/\\|()\[\]【】]+")
_NUMBERING = re.compile(r"^(?:\d+|[一二三四五六七八九十]+)[、.．)]\s*")


@dataclass(frozen=True, slots=True)
class Header:
    """The header words by column; it may be two rows high under merged group titles."""

    row_number: int
    last_row_number: int
    texts: tuple[str, ...]


def normalise_header(cell: Cell) -> str:
    """Reduce a header cell to its bare words: no spaces, notes, asterisks or unseen marks."""
    visible = "".join(char for char in str(cell) if unicodedata.category(char) != "Cf")
    text = unicodedata.normalize("NFKC", visible).strip()
    text = _NUMBERING.sub("", text)
    without_notes = _NOTES.sub("", text)
    return _DECORATION.sub("", without_notes or text)


def recognise_header(
    row: tuple[int, Sequence[Cell]],
    below: tuple[int, Sequence[Cell]],
    mapping: Mapping[str, str | None],
) -> Header | None:
    """Return the header when `row` is one, joined with `below` when that is its second line."""
    row_number, cells = row
    texts = tuple(_header_text(cell) for cell in cells)
    if not _is_header(texts, mapping):
        return None
    below_number, below_cells = below
    joined = _join_second_line(texts, below_cells)
    if joined is None or below_number != row_number + 1:
        return Header(row_number, row_number, texts)
    return Header(row_number, below_number, joined)


def is_repeated_header(cells: Sequence[Cell]) -> bool:
    """Whether a row below is a header once more, as on every page of a printed roster."""
    # Every header names the name column; this spares the other rows a closer look.
    if not any(isinstance(cell, str) and "姓" in cell and "名" in cell for cell in cells):
        return False
    words = [normalise_header(cell) for cell in cells if isinstance(cell, str)]
    known = [word for word in words if word in _FIELD_BY_ALIAS or word in IGNORED]
    return len(known) >= max(RECOGNISED_MIN, (len([w for w in words if w]) + 1) // 2)


def has_same_columns(header: Header, cells: Sequence[Cell]) -> bool:
    """Whether a repeated header has its words in the columns of the first one."""
    first = [normalise_header(text) for text in header.texts]
    again = [normalise_header(cell) for cell in cells]
    return all(
        column < len(first) and first[column] == word
        for column, word in enumerate(again)
        if word in _FIELD_BY_ALIAS
    )


def guess_mapping(header: Header) -> dict[int, str]:
    """Column index -> field for every header word that is known; each field once."""
    words = [normalise_header(text) for text in header.texts]
    columns: dict[int, str] = {}
    for field, aliases in ALIASES.items():
        found = next((words.index(alias) for alias in aliases if alias in words), None)
        if found is not None:
            columns[found] = field
    return dict(sorted(columns.items()))


def apply_mapping(header: Header, mapping: Mapping[str, str | None]) -> dict[int, str]:
    """The guess, corrected by the user's header text -> field (None drops the column).

    Raises ColumnsMissing when name or branch has no column, or two columns claim one field.
    """
    wanted = {normalise_header(text): field for text, field in mapping.items()}
    words = [normalise_header(text) for text in header.texts]
    chosen = {words.index(word): field for word, field in wanted.items() if field and word in words}
    _require_known_fields(chosen)
    columns = {
        column: field
        for column, field in guess_mapping(header).items()
        if words[column] not in wanted and field not in chosen.values()
    }
    columns = dict(sorted({**columns, **chosen}.items()))
    missing = [title for field, title in REQUIRED.items() if field not in columns.values()]
    if missing:
        raise ColumnsMissing(
            f"第 {header.row_number} 行是表头，但缺少“{'”“'.join(missing)}”列。"
            "请补上这一列，或在列对应里指明是哪一列。"
        )
    return columns


def ignored_columns(header: Header, columns: Mapping[int, str]) -> tuple[str, ...]:
    """Header words of the columns that are not imported, for the page to name them."""
    return tuple(text for column, text in enumerate(header.texts) if text and column not in columns)


def _require_known_fields(chosen: Mapping[int, str]) -> None:
    fields = list(chosen.values())
    if any(field not in ALIASES for field in fields) or len(set(fields)) != len(fields):
        raise ColumnsMissing("列对应有误：有不认识的字段，或两列对应了同一个字段。")


def _header_text(cell: Cell) -> str:
    return re.sub(r"\s+", "", cell) if isinstance(cell, str) else str(cell)


def _is_header(texts: Sequence[str], mapping: Mapping[str, str | None]) -> bool:
    words = {normalise_header(text) for text in texts}
    mapped = words & {normalise_header(text) for text, field in mapping.items() if field}
    known = {word for word in words if word in _FIELD_BY_ALIAS or word in IGNORED} | mapped
    has_name = bool(mapped or words & set(ALIASES["name"]))
    return len(known) >= (RECOGNISED_MIN if has_name else RECOGNISED_WITHOUT_NAME_MIN)


def _join_second_line(texts: tuple[str, ...], below: Sequence[Cell]) -> tuple[str, ...] | None:
    """Texts with the second line in place of group titles; None when `below` is a data row."""
    below_texts = [_header_text(cell) for cell in below]
    words = [normalise_header(text) for text in below_texts]
    known = [word for word in words if word in _FIELD_BY_ALIAS or word in IGNORED]
    if not known or len(known) * 2 < len([word for word in words if word]):
        return None
    width = max(len(texts), len(below_texts))
    upper = [*texts, *[""] * (width - len(texts))]
    lower = [*below_texts, *[""] * (width - len(below_texts))]
    return tuple(low or up for up, low in zip(upper, lower, strict=True))
