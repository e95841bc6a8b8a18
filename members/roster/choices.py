"""Parse the roster cells that choose among a few words: sex, kind, yes or no, status."""

import re

from members.models import MemberKind, MembershipStatus
from members.roster.columns import Cell
from members.roster.values import CellError, Note, Parsed, clean_text


def parse_sex(cell: Cell) -> Parsed[str]:
    """`male` or `female`; anything else is dropped with a note."""
    text = re.sub(r"\s", "", clean_text(cell))
    sex = {"男": "male", "男性": "male", "女": "female", "女性": "female"}.get(text)
    if text and sex is None:
        return Parsed(None, (Note("import.sex_unknown", "性别应填男或女，这一格没有采用。"),))
    return Parsed(sex)


def parse_kind(cell: Cell) -> Parsed[MemberKind]:
    """Full or probationary member. Raises CellError for people who are not members."""
    text = re.sub(r"\s", "", clean_text(cell)).removeprefix("中共")
    if not text:
        return Parsed(None, (Note("import.kind_missing", "人员类别为空，请核对。"),))
    if text in ("正式党员", "正式", "正式中共党员"):
        return Parsed(MemberKind.FULL_MEMBER)
    if text in ("预备党员", "预备", "预备期党员"):
        return Parsed(MemberKind.PROBATIONARY_MEMBER)
    raise CellError("import.bad_kind", "人员类别只能是“正式党员”或“预备党员”。")


def parse_flag(cell: Cell) -> Parsed[bool]:
    """Yes or no; anything else is dropped with a note."""
    text = re.sub(r"\s", "", clean_text(cell))
    if text in ("是", "有", "Y", "y", "yes", "√", "1", "TRUE", "true"):
        return Parsed(True)
    if text in ("否", "N", "n", "no", "×", "0", "FALSE", "false", "不是"):
        return Parsed(False)
    if not text:
        return Parsed(None)
    return Parsed(None, (Note("import.flag_unknown", "这一格应填是或否，没有采用。"),))


def parse_membership_status(cell: Cell) -> Parsed[MembershipStatus]:
    """`normal`, or nothing and a note: no import ever sets another status.

    Source: 中国共产党党员教育管理工作条例, Art. 24 and 25: 停止党籍 is decided and recorded.
    """
    text = re.sub(r"\s", "", clean_text(cell))
    if text in ("正常", "党籍正常", ""):
        return Parsed(MembershipStatus.NORMAL if text else None)
    message = "此列不导入：停止党籍须由有权组织录入决定。"
    return Parsed(None, (Note("import.status_not_imported", message),))


def note_out_of_touch(cell: Cell) -> Parsed[bool]:
    """Never a value: that somebody is out of touch is for the branch to confirm and record."""
    text = re.sub(r"\s", "", clean_text(cell))
    if text in ("", "否", "正常", "未失联", "0"):
        return Parsed(None)
    message = "此列不导入：是否失去联系由支部查找、确认后登记。"
    return Parsed(None, (Note("import.out_of_touch_not_imported", message),))
