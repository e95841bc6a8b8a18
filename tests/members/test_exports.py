"""No export holds a formula, whatever members and secretaries have typed."""

import io
import re
from datetime import date
from itertools import islice, product
from pathlib import Path

import openpyxl

from members.contact.forms import render
from members.roster.checking import CellProblem, RefusedRow, RosterLayout
from members.roster.columns import Header
from members.roster.marking import write_marked_workbook, write_template
from tests.engines import ROOT

LEADS = ("=", "+", "-", "@", "\t=", "\r=", "\n=", " =", "＝", "＋", "－", "＠", "\u200b=", "'=")
PAYLOADS = (
    "1+1", "cmd|'/c calc'!A0", 'HYPERLINK("http://x.example","点这里")', "SUM(A1:A9)", "张三",
    "WEBSERVICE(A1)", "IMPORTXML(A1,A2)", "DDE(\"cmd\";\"/C calc\")", "2026-11-27", "1e9",
    "#REF!", "\n=1+1", "A1", "@SUM(1)", "{=1}", "%0A=1", "\x0b=1", "TRUE", "13800000001",
    "990101199001011233", "\ufeff=1", "=1",
)  # fmt: skip
CORPUS = [lead + payload for lead, payload in islice(product(LEADS, PAYLOADS), 300)]
WRITERS = re.compile(
    r"^ *(import|from) (xlsxwriter|openpyxl)|csv\.(writer|DictWriter)", re.MULTILINE
)
PACKAGES = ("core", "members", "notifications", "points", "activities", "jobs", "api")


def cell_kinds(content: bytes) -> dict[str, set[str]]:
    """Kinds of cells and what they hold: `s` is text, `f` would run."""
    kinds: dict[str, set[str]] = {}
    for sheet in openpyxl.load_workbook(io.BytesIO(content)):
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.hyperlink is None
                if cell.value is not None:
                    kinds.setdefault(cell.data_type, set()).add(str(cell.value))
    return kinds


def test_official_form_holds_no_formula() -> None:
    rows = [CORPUS[start : start + 6] for start in range(0, len(CORPUS), 6)]

    kinds = cell_kinds(render("表", [("查找经过", rows)], "填表人：=1+1", date(2026, 11, 27)))

    assert len(CORPUS) == len(set(CORPUS)) == 300
    assert kinds.keys() == {"s"}
    assert len(kinds["s"]) >= 300


def test_marked_rows_hold_no_formula(tmp_path: Path) -> None:
    header = Header(1, 1, ("姓名", "=1+1"))
    layout = RosterLayout(header, {0: "name", 1: "branch_name"})
    refused = [
        RefusedRow(n, n, text, (CellProblem(text, "name", "x", text),), (text, text))
        for n, text in enumerate(CORPUS, start=2)
    ]
    path = tmp_path / "marked.xlsx"

    assert write_marked_workbook(path, layout, refused) == 300

    kinds = cell_kinds(path.read_bytes())
    assert kinds.keys() == {"s"}
    assert len(kinds["s"]) >= 300


def test_template_holds_no_formula(tmp_path: Path) -> None:
    path = tmp_path / "template.xlsx"

    write_template(path, CORPUS)

    kinds = cell_kinds(path.read_bytes())
    assert kinds.keys() == {"s"}
    assert len(kinds["s"]) >= 300


def test_tables_leave_by_one_way_only() -> None:
    """Whoever writes a table elsewhere would have to think of formulas again."""
    found = [
        file.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for file in (ROOT / package).rglob("*.py")
        if WRITERS.search(file.read_text(encoding="utf-8"))
    ]

    assert found == ["core/workbooks.py"]
