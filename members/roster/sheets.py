"""Child process that parses one uploaded table and streams its rows as JSON lines."""

import csv
import datetime
import io
import itertools
import json
import resource
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from members.roster.precheck import (
    COLUMNS_MAX,
    CSV,
    ROWS_MAX,
    XLSX,
    check_archive,
    detect_kind,
)
from members.roster.refusals import FileBroken, FileTooLarge, RosterFileRefused

ADDRESS_SPACE_BYTES = 1024 * 1024 * 1024
CPU_SECONDS = 30
# No field of a roster is longer; the reader only needs to see that a text is too long.
TEXT_MAX = 400
SAMPLE_BYTES = 64 * 1024


def main(path: Path) -> None:
    """Write the sheets of one file to standard output, or the reason of its refusal."""
    _limit_resources()
    try:
        for record in read_records(path):
            _write(record)
        _write({"end": True})
    except RosterFileRefused as refusal:
        _write({"refused": [refusal.code, refusal.detail]})
    except MemoryError:
        _write({"refused": [FileTooLarge.code, "表格太大，读取时内存不够，请拆成几个文件。"]})


def read_records(path: Path) -> Iterator[Any]:
    """Yield `{"sheet": name, ...}` before each visible sheet, then `[row_number, cells]`."""
    kind = detect_kind(path)
    if kind == CSV:
        yield {"sheet": "", "others": [], "date_1904": False}
        yield from _numbered(_csv_rows(path))
        return
    date_1904 = check_archive(path) if kind == XLSX else False
    yield from _workbook_records(path, date_1904=date_1904)


def _limit_resources() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _write(record: Any) -> None:
    sys.stdout.write(json.dumps(record, ensure_ascii=True) + "\n")


def _workbook_records(path: Path, *, date_1904: bool) -> Iterator[Any]:
    # Imported here, so that the limits hold while the native library is loaded.
    import python_calamine as calamine

    try:
        workbook = calamine.CalamineWorkbook.from_path(path)
        visible = [
            sheet.name
            for sheet in workbook.sheets_metadata
            if sheet.visible == calamine.SheetVisibleEnum.Visible
            and sheet.typ == calamine.SheetTypeEnum.WorkSheet
        ]
        for name in visible:
            others = [other for other in visible if other != name]
            yield {"sheet": name, "others": others, "date_1904": date_1904}
            yield from _numbered(_sheet_rows(workbook.get_sheet_by_name(name)))
    except calamine.PasswordError as error:
        raise FileBroken("这个工作簿加了密码，请去掉密码后再上传。") from error
    except (calamine.CalamineError, OSError, ValueError) as error:
        raise FileBroken("工作簿读不出来，请用 Excel 重新保存后再上传。") from error
    except BaseException as error:
        # A panic inside the native parser arrives as a BaseException of its own.
        if type(error).__name__ != "PanicException":
            raise
        raise FileBroken("工作簿读不出来，请用 Excel 重新保存后再上传。") from error


def _sheet_rows(sheet: Any) -> Iterator[list[Any]]:
    start, end = sheet.start, sheet.end
    if start is None or end is None:
        return
    if end[0] >= ROWS_MAX or end[1] >= COLUMNS_MAX:
        raise FileTooLarge(f"表格超过 {COLUMNS_MAX} 列或 {ROWS_MAX} 行，请复制到新工作簿再上传。")
    # The parser pads empty rows at the top but not empty columns at the left.
    padding = [""] * start[1]
    merges = _tall_merges(sheet)
    running: dict[int, tuple[int, Any]] = {}
    for index, row in enumerate(sheet.iter_rows()):
        cells = padding + row
        for column, (bottom, value) in list(running.items()):
            if index <= bottom:
                cells[column] = value
            else:
                del running[column]
        for column, bottom in merges.get(index, ()):
            running[column] = (bottom, cells[column])
        yield cells


def _tall_merges(sheet: Any) -> dict[int, list[tuple[int, int]]]:
    """Top row -> (column, bottom row) of the merged cells one column wide.

    A branch name merged over its members belongs to each of their rows.
    """
    merges: dict[int, list[tuple[int, int]]] = {}
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or ():
        if left == right and bottom > top and right <= sheet.end[1]:
            merges.setdefault(top, []).append((left, bottom))
    return merges


def _csv_rows(path: Path) -> Iterator[list[str]]:
    text = _decode(path.read_bytes())
    csv.field_size_limit(32_767)
    sample = text[:SAMPLE_BYTES].splitlines()[:40]
    delimiter = max(",\t;", key=lambda mark: sum(line.count(mark) for line in sample))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for number, row in enumerate(reader, start=1):
            if number > ROWS_MAX or len(row) > COLUMNS_MAX:
                raise FileTooLarge(
                    f"第 {number} 行有 {len(row)} 列，最多 {COLUMNS_MAX} 列、{ROWS_MAX} 行。"
                )
            yield row
    except csv.Error as error:
        raise FileBroken(
            f"CSV 第 {reader.line_num} 行附近的引号或格式不对，请用 Excel 另存为 .xlsx 再上传。"
        ) from error


def _decode(data: bytes) -> str:
    # UTF-8 goes first: hardly any GB18030 text is valid UTF-8, the reverse is common.
    unicode_16 = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    for encoding in ("utf-16",) if unicode_16 else ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            raise FileBroken("CSV 里有空字节，文件可能已损坏，请用 Excel 另存为 .xlsx 再上传。")
        return text
    raise FileBroken("认不出 CSV 的文字编码，请另存为 UTF-8 的 CSV 或 .xlsx 再上传。")


def _numbered(rows: Iterable[list[Any]]) -> Iterator[list[Any]]:
    for number, row in zip(itertools.count(1), rows, strict=False):
        cells = [_plain(cell) for cell in row]
        while cells and cells[-1] == "":
            cells.pop()
        if cells:
            yield [number, cells]


def _plain(cell: Any) -> Any:
    """Make a cell fit for JSON; a date becomes a list of one text, so that it stays a date."""
    if isinstance(cell, str):
        return cell[: TEXT_MAX + 1] if cell.strip() else ""
    if isinstance(cell, datetime.datetime):
        return [cell.date().isoformat()]
    if isinstance(cell, datetime.date):
        return [cell.isoformat()]
    if isinstance(cell, datetime.time | datetime.timedelta):
        return str(cell)
    return cell


if __name__ == "__main__":
    main(Path(sys.argv[1]))
