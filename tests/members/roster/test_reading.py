"""Reading roster files: kinds, sheets, encodings, the child process, memory."""

import os
import time
from datetime import date
from pathlib import Path

import psutil
import pytest
import xlsxwriter

from members.roster.checking import RosterLayout, RosterRow, check_rows
from members.roster.columns import apply_mapping
from members.roster.reading import open_roster
from tests.roster_files import (
    DATA,
    HEADER,
    TODAY,
    check_file,
    id_number,
    organization_branches,
    person,
    write_csv,
    write_xlsx,
)


def test_kind_is_told_by_content_not_by_name(tmp_path):
    odd = tmp_path / "roster.csv"
    odd.write_bytes((DATA / "roster_view_28.xls").read_bytes())
    with open_roster(odd) as opened:
        assert opened.sheet_name == "花名册"
        assert len(list(opened.rows)) == 600


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"], ids=lambda encoding: encoding
)
def test_csv_encodings_keep_rare_characters(tmp_path, encoding):
    path = write_csv(tmp_path / "a.csv", [HEADER, person(name="𠮷㛃䶮")], encoding)
    _, [row] = check_file(path)
    assert row.values.name == "𠮷㛃䶮"


@pytest.mark.parametrize("delimiter", ["\t", ";"])
def test_csv_with_another_delimiter(tmp_path, delimiter):
    text = "\n".join(delimiter.join(map(str, row)) for row in (HEADER, person()))
    path = tmp_path / "a.csv"
    path.write_text(text, encoding="utf-8")
    assert isinstance(check_file(path)[1][0], RosterRow)


def test_first_visible_sheet_with_a_header_and_rows_is_read_and_the_rest_is_named(tmp_path):
    notes = [["填表说明"], ["一、用钢笔填"]]
    path = write_xlsx(
        tmp_path / "a.xlsx",
        *(notes, [HEADER], [HEADER, person(name="甲一")], [HEADER, person(name="乙二")]),
        names=["说明", "空表", "名册", "名册2"],
    )
    with open_roster(path) as opened:
        assert opened.sheet_name == "名册"
        assert opened.other_sheet_names == ("说明", "空表", "名册2")
        assert [row.cells[0] for row in opened.rows] == ["甲一"]


def test_sheet_that_starts_away_from_the_corner_keeps_its_rows_and_columns(tmp_path):
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path)) as workbook:
        sheet = workbook.add_worksheet()
        for line, row in enumerate([HEADER, person()]):
            sheet.write_row(4 + line, 2, row)
    layout, [row] = check_file(path)
    assert (layout.header.row_number, row.row_number) == (5, 6)
    assert min(layout.columns) == 2


def test_branch_merged_over_its_members_belongs_to_each(tmp_path):
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path)) as workbook:
        sheet = workbook.add_worksheet()
        sheet.merge_range(0, 0, 0, 8, "党员名册")
        for line, row in enumerate([HEADER, person(1), person(2), person(3)], start=1):
            sheet.write_row(line, 0, row)
        sheet.merge_range(2, 1, 3, 1, "下川村党支部")
    _, rows = check_file(path)
    assert [row.values.branch_name for row in rows] == [
        *("下川村党支部", "下川村党支部", "上川村党支部"),
    ]


def test_dates_of_a_1904_workbook(tmp_path):
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path), {"date_1904": True}) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 0, HEADER)
        sheet.write_row(1, 0, person(joined=38898))
        day = workbook.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_datetime(1, 4, date(1985, 3, 2), day)
    _, [row] = check_file(path)
    assert (row.values.birth_on, row.values.joined_on) == (date(1985, 3, 2), date(2010, 7, 1))


def test_number_cells_of_phone_and_date_are_read(tmp_path):
    path = write_xlsx(tmp_path / "a.xlsx", [HEADER, person(phone=13800138000, joined=20100701)])
    _, [row] = check_file(path)
    assert (row.values.phone, row.values.joined_on) == ("13800138000", date(2010, 7, 1))


def test_leaving_early_ends_the_child(tmp_path):
    path = write_csv(tmp_path / "a.csv", [HEADER, *(person(n) for n in range(1, 30_000))])
    with open_roster(path) as opened:
        next(opened.rows)
        assert psutil.Process().children()
    deadline = time.monotonic() + 5
    while psutil.Process().children() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not [c for c in psutil.Process().children() if "roster.sheets" in " ".join(c.cmdline())]


def test_child_gets_none_of_our_secrets(tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    path = write_csv(tmp_path / "a.csv", [HEADER, *(person(n) for n in range(1, 30_000))])
    with open_roster(path):
        [child] = [c for c in psutil.Process().children() if "roster.sheets" in c.cmdline()[2]]
        assert "DATABASE_URL" not in child.environ()


def twenty_thousand(path: Path) -> Path:
    """A workbook of 20,000 clean people, each with a number and phone of their own."""
    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 0, HEADER)
        for line in range(1, 20_001):
            day, sequence = divmod(line, 900)
            number = id_number(f"19850{1 + day // 25}{1 + day % 25:02d}", sequence + 1)
            row = person(line, id=number, born="")
            sheet.write_row(line, 0, [str(cell) for cell in row])
    return path


def test_twenty_thousand_rows_stream_through_flat_memory(tmp_path):
    path = twenty_thousand(tmp_path / "big.xlsx")
    process = psutil.Process(os.getpid())
    before = process.memory_info().rss
    peak = accepted = 0
    for row in stream_checked(path):
        accepted += isinstance(row, RosterRow)
        if accepted % 500 == 0:
            peak = max(peak, process.memory_info().rss)
    assert accepted == 20_000
    assert peak - before < 60 * 1024 * 1024


def stream_checked(path: Path):
    with open_roster(path) as opened:
        columns = apply_mapping(opened.header, {})
        layout = RosterLayout(opened.header, columns)
        yield from check_rows(opened.rows, layout, branches=organization_branches(), today=TODAY)


def test_no_row_is_lost_between_the_pipe_reads(tmp_path):
    rows = [person(n, name="王" * (1 + n % 30)) for n in range(1, 3000)]
    path = write_csv(tmp_path / "a.csv", [HEADER, *rows])
    with open_roster(path) as opened:
        assert [row.row_number for row in opened.rows] == list(range(2, 3001))
