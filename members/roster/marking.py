"""Write the workbook of refused rows, ready to be corrected and uploaded, and the template."""

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from core.workbooks import text_workbook
from members.roster.checking import CellProblem, RefusedRow, RosterLayout
from members.roster.columns import Cell

ROW_NUMBER_HEADER = "原行号"
PROBLEMS_HEADER = "问题"
# Each comment is a drawing that Excel loads at once. The column of problems has every reason.
COMMENTS_MAX = 10_000
TEMPLATE_ROWS = 2000
COLUMN_WIDTH = 18

_TEMPLATE_COLUMNS = (
    ("姓名", "必填。少数民族姓名中间用“·”。", "示例：张三（此行不导入）"),
    ("所在党支部", "必填。请从下拉列表选，与系统里的名称一致。", ""),
    ("公民身份号码", "18 位。这一列是文本，不要改成数字。", "990101199001011233"),
    ("性别", "男或女。", "男"),
    ("出生日期", "年-月-日，如 1990-01-01。", "1990-01-01"),
    ("学历", "如：大学、高中。", "大学"),
    ("人员类别", "正式党员或预备党员。", "正式党员"),
    ("加入党组织日期", "年-月-日，必须有日。", "2015-07-01"),
    ("转为正式党员日期", "年-月-日；预备党员留空。", "2016-07-01"),
    ("工作岗位", "选填。", "农民"),
    ("手机号", "11 位手机号。这一列是文本。", "13800000000"),
    ("是否为流动党员", "是或否。", "否"),
    ("外出流向", "流动党员填去往的城市。", ""),
)
_CHOICES = {"性别": "男,女", "人员类别": "正式党员,预备党员", "是否为流动党员": "是,否"}


def write_marked_workbook(path: Path, layout: RosterLayout, refused: Iterable[RefusedRow]) -> int:
    """Write the refused rows with their reasons and return how many there were.

    Only imported columns are repeated, so that addresses and the like do not travel on. Each
    cell is text; the reader takes the file back with its two columns of ours.
    """
    columns = [c for c, field in layout.columns.items() if field != "original_row_number"]
    headers = [ROW_NUMBER_HEADER, *(layout.header.texts[c] for c in columns), PROBLEMS_HEADER]
    with text_workbook(path) as workbook:
        sheet = workbook.add_worksheet("需修改的行")
        text_format = workbook.add_format({"num_format": "@"})
        sheet.set_column(0, len(headers) - 1, COLUMN_WIDTH, text_format)
        sheet.freeze_panes(1, 2)
        bold = workbook.add_format({"num_format": "@", "bold": True})
        for column, text in enumerate(headers):
            sheet.write_string(0, column, text, bold)
        writer = _MarkedRows(workbook, sheet, layout, columns)
        for row in refused:
            writer.write(row)
        return writer.rows_total


class _MarkedRows:
    """Writes refused rows downwards; memory stays flat but for a bounded number of comments."""

    def __init__(
        self, workbook: Any, sheet: Any, layout: RosterLayout, columns: Sequence[int]
    ) -> None:
        self.rows_total = 0
        self._sheet = sheet
        self._layout = layout
        self._columns = columns
        self._text = workbook.add_format({"num_format": "@"})
        self._bad = workbook.add_format({"num_format": "@", "bg_color": "#FFC7CE"})
        self._comments_left = COMMENTS_MAX

    def write(self, row: RefusedRow) -> None:
        self.rows_total += 1
        line = self.rows_total
        self._sheet.write_string(line, 0, str(row.original_row_number), self._text)
        for position, column in enumerate(self._columns, start=1):
            cell = row.cells[column] if column < len(row.cells) else ""
            field = self._layout.columns[column]
            problems = [problem for problem in row.problems if problem.field == field]
            style = self._bad if problems else self._text
            self._sheet.write_string(line, position, _text_of(cell), style)
            if problems:
                self._comment(line, position, problems)
        reasons = "；".join(f"{problem.column}：{problem.message}" for problem in row.problems)
        self._sheet.write_string(line, len(self._columns) + 1, reasons, self._text)

    def _comment(self, line: int, position: int, problems: Sequence[CellProblem]) -> None:
        if self._comments_left <= 0:
            return
        self._comments_left -= 1
        text = "\n".join(problem.message for problem in problems)
        self._sheet.write_comment(line, position, text, {"author": "导入检查"})


def _text_of(cell: Cell) -> str:
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    # A number this long has lost digits. In this form it is refused again until retyped.
    return f"{cell:.14E}" if isinstance(cell, float) else str(cell)


def write_template(path: Path, branch_names: Sequence[str]) -> None:
    """Write the empty import template with the branches to choose from and one sample row."""
    with text_workbook(path) as workbook:
        sheet = workbook.add_worksheet("党员信息")
        names = workbook.add_worksheet("支部名单")
        names.hide()
        text = workbook.add_format({"num_format": "@"})
        bold = workbook.add_format({"num_format": "@", "bold": True})
        sheet.set_column(0, len(_TEMPLATE_COLUMNS) - 1, COLUMN_WIDTH, text)
        sheet.freeze_panes(1, 1)
        for column, (title, note, _) in enumerate(_TEMPLATE_COLUMNS):
            sheet.write_string(0, column, title, bold)
            sheet.write_comment(0, column, note, {"author": "导入模板"})
            if title in _CHOICES:
                _offer(sheet, column, _CHOICES[title].split(","))
        for column, (title, _, sample) in enumerate(_TEMPLATE_COLUMNS):
            is_branch = title == "所在党支部" and bool(branch_names)
            sheet.write_string(1, column, branch_names[0] if is_branch else sample, text)
        for line, name in enumerate(branch_names):
            names.write_string(line, 0, name, text)
        if branch_names:
            _offer(sheet, 1, f"=支部名单!$A$1:$A${len(branch_names)}")


def _offer(sheet: Any, column: int, source: Any) -> None:
    sheet.data_validation(
        1,
        column,
        TEMPLATE_ROWS,
        column,
        {"validate": "list", "source": source, "error_message": "请从列表里选择。"},
    )
