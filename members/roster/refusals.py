"""Why a whole roster file is refused: one class for each reason that a user can act on."""

from typing import ClassVar

from core.errors import RuleViolation


class RosterFileRefused(RuleViolation):
    """No row of the file was read; `detail` says in zh-CN what to do about it."""

    code: ClassVar[str] = "import.file_refused"
    title: ClassVar[str] = "这个文件不能导入"


class FileKindRefused(RosterFileRefused):
    """The content is not an .xlsx, .xls or .csv table, whatever the file is called."""

    code = "import.file_kind"
    title = "不是可以导入的表格"


class FileTooLarge(RosterFileRefused):
    """The file, or what it unpacks to, is beyond the limits of an import."""

    code = "import.file_too_large"
    title = "文件太大"


class FileUnsafe(RosterFileRefused):
    """The file carries something that a roster never needs: entities, macros, outside links."""

    code = "import.file_unsafe"
    title = "文件含有不安全的内容"


class FileBroken(RosterFileRefused):
    """The file claims a known kind, but cannot be read."""

    code = "import.file_broken"
    title = "文件已损坏或不完整"


class FormulaFound(RosterFileRefused):
    """A cell holds a formula: its stored result may be stale, so it is never read."""

    code = "import.formula"
    title = "表格里有公式"


class HeaderMissing(RosterFileRefused):
    """No sheet has a row that can be recognised as the header."""

    code = "import.header_missing"
    title = "没有找到表头"


class ColumnsMissing(RosterFileRefused):
    """The header lacks a column without which no row can be placed."""

    code = "import.columns_missing"
    title = "缺少必需的列"


class HeaderChanged(RosterFileRefused):
    """A second header with another order of columns stands below the first one."""

    code = "import.header_changed"
    title = "表中途换了表头"


REFUSALS_BY_CODE: dict[str, type[RosterFileRefused]] = {
    cls.code: cls for cls in (FileKindRefused, FileTooLarge, FileUnsafe, FileBroken, FormulaFound)
}
