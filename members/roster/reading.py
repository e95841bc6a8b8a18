"""Read an uploaded roster table: the parser runs in a child process and streams its rows."""

import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from itertools import takewhile
from pathlib import Path
from typing import IO, Any, cast

from members.roster.columns import Cell, Header, recognise_header
from members.roster.refusals import (
    REFUSALS_BY_CODE,
    FileBroken,
    FileTooLarge,
    HeaderMissing,
    RosterFileRefused,
)

# Time that this process may spend waiting for the parser; the time that the caller takes
# between two rows does not count.
WAIT_SECONDS = 60.0
READ_BYTES = 64 * 1024
# 200 columns of 400 characters, each escaped to six or twelve ASCII characters, fit in this.
LINE_BYTES_MAX = 2 * 1024 * 1024
HEADER_ROWS_SEARCHED = 40


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row as the sheet has it; `row_number` counts from 1 as Excel shows it."""

    row_number: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class OpenedRoster:
    """The sheet that is read, its header, and the rows below it (readable once)."""

    sheet_name: str
    other_sheet_names: tuple[str, ...]
    date_1904: bool
    header: Header
    rows: Iterator[SheetRow] = field(repr=False)


@dataclass(frozen=True, slots=True)
class OpenedSheet:
    """The first visible sheet of a table that is no roster: all its rows (readable once)."""

    date_1904: bool
    rows: Iterator[SheetRow] = field(repr=False)


@contextmanager
def open_sheet(path: Path) -> Iterator[OpenedSheet]:
    """Open the first visible sheet and stream its rows as they are. Raises RosterFileRefused."""
    records = _child_records(path)
    try:
        first = next(records, {"date_1904": False})
        rows = map(_sheet_row, takewhile(lambda one: isinstance(one, list), records))
        yield OpenedSheet(first["date_1904"], rows)
    finally:
        records.close()


@contextmanager
def open_roster(
    path: Path, mapping: Mapping[str, str | None] | None = None
) -> Iterator[OpenedRoster]:
    """Open the first visible sheet that has a recognisable header and stream what is below it.

    `mapping` is the user's own header text -> field (or None), which helps to find a header
    whose words are unknown here. Raises RosterFileRefused.
    """
    records = _child_records(path)
    try:
        yield _find_sheet(records, mapping or {})
    finally:
        records.close()


def _find_sheet(records: Iterator[Any], mapping: Mapping[str, str | None]) -> OpenedRoster:
    search = _HeaderSearch(mapping)
    for record in records:
        if isinstance(record, dict):
            search.begin_sheet(record)
            continue
        below = _sheet_row(record)
        header = search.header_above(below)
        if header:
            return _opened(search.sheet, header, _rows_below(header, below, records))
    search.begin_sheet({})
    if search.without_rows:
        sheet, header = search.without_rows
        return _opened(sheet, header, iter(()))
    raise HeaderMissing("表里应有一行列名，至少包括“姓名”和“所在党支部”。")


class _HeaderSearch:
    """Looks at each row together with the one below it, as a header may be two rows high."""

    def __init__(self, mapping: Mapping[str, str | None]) -> None:
        self.sheet: Mapping[str, Any] = {}
        # A header with nothing below it counts only when no other sheet has rows.
        self.without_rows: tuple[Mapping[str, Any], Header] | None = None
        self._mapping = mapping
        self._row: SheetRow | None = None
        self._seen = 0

    def begin_sheet(self, sheet: Mapping[str, Any]) -> None:
        header = self._header(SheetRow(0, ()))
        if header and not self.without_rows:
            self.without_rows = (self.sheet, header)
        self.sheet, self._row, self._seen = sheet, None, 0

    def header_above(self, below: SheetRow) -> Header | None:
        if self._seen > HEADER_ROWS_SEARCHED:
            return None
        header = self._header(below)
        self._row = below
        self._seen += 1
        return header

    def _header(self, below: SheetRow) -> Header | None:
        if self._row is None:
            return None
        row = self._row
        return recognise_header(
            (row.row_number, row.cells), (below.row_number, below.cells), self._mapping
        )


def _opened(sheet: Mapping[str, Any], header: Header, rows: Iterator[SheetRow]) -> OpenedRoster:
    return OpenedRoster(
        sheet_name=sheet["sheet"],
        other_sheet_names=tuple(sheet["others"]),
        date_1904=sheet["date_1904"],
        header=header,
        rows=rows,
    )


def _rows_below(header: Header, below: SheetRow, records: Iterator[Any]) -> Iterator[SheetRow]:
    if below.row_number > header.last_row_number:
        yield below
    for record in records:
        if isinstance(record, dict):
            return
        yield _sheet_row(record)


def _sheet_row(record: list[Any]) -> SheetRow:
    number, cells = record
    return SheetRow(number, tuple(_cell(cell) for cell in cells))


def _cell(cell: Any) -> Cell:
    if isinstance(cell, list):
        return date.fromisoformat(cell[0])
    return "" if cell is None else cell


def _child_records(path: Path) -> Generator[Any, None, None]:
    process = _start(path)
    stream = cast("IO[bytes]", process.stdout)
    try:
        for line in _lines(stream):
            record = json.loads(line)
            if isinstance(record, dict) and "refused" in record:
                raise _refusal(*record["refused"])
            if isinstance(record, dict) and record.get("end"):
                return
            yield record
        # The stream stopped without its last line: the limits or a fault ended the parser.
        raise FileBroken("读取表格时出错或超出限制，请把数据复制到新工作簿再上传。")
    finally:
        process.kill()
        process.wait()
        stream.close()


def _start(path: Path) -> subprocess.Popen[bytes]:
    root = Path(__file__).resolve().parents[2]
    # The parser of a hostile file gets neither our secrets nor our open files.
    kept = {key: os.environ[key] for key in ("PATH", "LD_LIBRARY_PATH") if key in os.environ}
    return subprocess.Popen(
        [sys.executable, "-m", "members.roster.sheets", str(path.resolve())],
        cwd=root,
        env={**kept, "PYTHONPATH": str(root), "PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def _refusal(code: str, detail: str) -> RosterFileRefused:
    return REFUSALS_BY_CODE.get(code, FileBroken)(detail)


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    waited = 0.0
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while True:
            started = time.monotonic()
            if not selector.select(WAIT_SECONDS - waited):
                raise FileTooLarge("读取表格用时太长，请拆成几个文件再上传。")
            waited = min(waited + time.monotonic() - started, WAIT_SECONDS)
            chunk = os.read(stream.fileno(), READ_BYTES)
            if not chunk:
                return
            *lines, rest = (rest + chunk).split(b"\n")
            yield from lines
            if len(rest) > LINE_BYTES_MAX:
                raise FileBroken("表格的一行太长，读不出来。")
