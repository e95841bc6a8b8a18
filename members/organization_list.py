"""The organisation list: a CSV file of three columns, 上级, 名称, 类别."""

import csv
import unicodedata
from dataclasses import dataclass

from core.errors import RuleViolation
from members.models import OrganizationKind, Sector
from members.organizations import KindNotAllowed

COLUMNS = ("上级", "名称", "类别")
NAME_LENGTH_MAX = 80
_COMMITTEE_CATEGORIES = frozenset({"党委", "党工委", "工委"})
_BRANCH_SECTORS = {
    "社区": Sector.COMMUNITY,
    "农村": Sector.VILLAGE,
    "机关": Sector.OFFICE,
    "事业单位": Sector.PUBLIC_INSTITUTION,
    "国企": Sector.STATE_ENTERPRISE,
    "非公": Sector.PRIVATE_ENTERPRISE,
    "联合": Sector.JOINT,
}


class ListUnreadable(RuleViolation):
    """The file is not UTF-8 text with the three columns."""

    code = "org.list_unreadable"
    title = "组织名单读不出来"


@dataclass(frozen=True, slots=True)
class OrganizationRow:
    """One line of the list, as written; `line` counts the heading as line 1."""

    line: int
    parent_name: str
    name: str
    category: str


def read_rows(content: bytes) -> list[OrganizationRow]:
    """The lines of a CSV file in UTF-8, with or without a byte order mark.

    Raises:
        ListUnreadable: another encoding, or a column is missing.
    """
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ListUnreadable("文件应为 UTF-8 编码的 CSV。") from error
    reader = csv.DictReader(lines)
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        raise ListUnreadable("缺少列：" + "、".join(missing))
    return [
        OrganizationRow(reader.line_num, *(_text(row[column]) for column in COLUMNS))
        for row in reader
    ]


def _text(cell: str | None) -> str:
    return unicodedata.normalize("NFC", cell or "").strip()


def classify(name: str, category: str) -> tuple[OrganizationKind, Sector]:
    """The kind and the sector that a category of the list means for this name.

    Raises:
        KindNotAllowed: the category is unknown.
    """
    if category == "组织部":
        return OrganizationKind.DISTRICT_ORGANIZATION_DEPARTMENT, Sector.OTHER
    if category in _COMMITTEE_CATEGORIES:
        is_working = category != "党委" or name.endswith(("街道", "工委"))
        kind = OrganizationKind.WORKING_COMMITTEE if is_working else OrganizationKind.COMMITTEE
        return kind, Sector.OTHER
    if category == "总支":
        return OrganizationKind.GENERAL_BRANCH, Sector.OTHER
    if category in _BRANCH_SECTORS:
        # 联合 names how the branch is made up, whatever field its companies work in.
        sector = Sector.JOINT if "联合" in name else _BRANCH_SECTORS[category]
        return OrganizationKind.BRANCH, sector
    raise KindNotAllowed(f"没有“{category[:20]}”这个类别。")


def fault_of(row: OrganizationRow) -> str:
    """Why the line cannot be read by itself, as a zh-CN sentence; empty if it can."""
    if not row.name:
        return "名称为空。"
    if len(row.name) > NAME_LENGTH_MAX:
        return f"名称超过 {NAME_LENGTH_MAX} 个字。"
    if not row.name.isprintable():
        return "名称含有不可见的字符。"
    try:
        classify(row.name, row.category)
    except KindNotAllowed as error:
        return error.detail
    return ""
