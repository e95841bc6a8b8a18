"""Both sample rosters go in exactly as expected.json says, and refused rows come back."""

import json
from pathlib import Path

import openpyxl
import pytest

from members.roster import marking
from members.roster.checking import RefusedRow, RosterRow
from tests.roster_files import DATA, check_file, codes, id_number, person, write_xlsx

EXPECTED = json.loads((DATA / "expected.json").read_text(encoding="utf-8"))
CODE_OF_TRAP = {
    "id_as_number": "import.numeric_id",
    "id_check_digit": "import.id_check_digit",
    "unknown_branch": "import.unknown_branch",
    "bad_date": "import.bad_date",
    "duplicate_id": "import.duplicate_id",
    "branch_alias": "import.branch_alias",
    "name_spaces": "import.name_spaces",
    "phone_format": "import.phone_format",
    "phone_fullwidth": "import.phone_fullwidth",
}


@pytest.fixture(scope="module")
def national() -> dict[int, RosterRow | RefusedRow]:
    _, rows = check_file(DATA / "roster_national_19.xlsx")
    return {row.row_number: row for row in rows}


def test_national_layout_yields_every_person_and_no_total_row(national):
    assert len(national) == EXPECTED["rows"]
    assert min(national) == 4


def test_refused_rows_are_exactly_the_bad_ones(national):
    refused = {number for number, row in national.items() if isinstance(row, RefusedRow)}
    assert refused == set().union(*EXPECTED["bad"].values())


@pytest.mark.parametrize("trap", EXPECTED["bad"])
def test_each_bad_row_names_its_own_reason(national, trap):
    assert all(CODE_OF_TRAP[trap] in codes(national[number]) for number in EXPECTED["bad"][trap])


@pytest.mark.parametrize("trap", EXPECTED["warn"])
def test_each_doubtful_row_that_goes_in_carries_its_warning(national, trap):
    numbers = [n for n in EXPECTED["warn"][trap] if isinstance(national[n], RosterRow)]
    assert numbers
    assert all(CODE_OF_TRAP[trap] in codes(national[number]) for number in numbers)


def test_no_other_row_carries_one_of_those_warnings(national):
    for trap, numbers in EXPECTED["warn"].items():
        found = {n for n, row in national.items() if CODE_OF_TRAP[trap] in codes(row)}
        assert found <= set(numbers)


def test_second_layout_reads_the_same_people(national):
    _, rows = check_file(DATA / "roster_view_28.xls")
    assert len(rows) == 600
    assert all(isinstance(row, RosterRow) and not row.warnings for row in rows)
    first = {r.values.id_number: r.values for r in national.values() if isinstance(r, RosterRow)}
    shared = [row.values for row in rows if row.values.id_number in first]
    assert len(shared) > 500
    for values in shared:
        other = first[values.id_number]
        assert (values.name, values.branch_name) == (other.name, other.branch_name)
        assert (values.joined_on, values.kind) == (other.joined_on, other.kind)


def test_lost_contact_columns_set_nothing(national):
    warned = [row for row in national.values() if "import.out_of_touch_not_imported" in codes(row)]
    assert len(warned) == 8
    assert not any("touch" in name for name in RosterRow.__dataclass_fields__)


def test_marked_workbook_is_all_text_with_comments(national, tmp_path: Path):
    layout, rows = check_file(DATA / "roster_national_19.xlsx")
    refused = [row for row in rows if isinstance(row, RefusedRow)]
    path = tmp_path / "marked.xlsx"
    assert marking.write_marked_workbook(path, layout, refused) == len(refused)
    sheet = openpyxl.load_workbook(path).active
    cells = [cell for row in sheet.iter_rows(min_row=2) for cell in row]
    assert {cell.data_type for cell in cells if cell.value is not None} <= {"s", "inlineStr"}
    assert {cell.number_format for cell in cells} == {"@"}
    assert [int(row[0].value) for row in sheet.iter_rows(min_row=2)] == sorted(
        row.row_number for row in refused
    )
    assert sum(cell.comment is not None for cell in cells) >= len(refused)
    assert "家庭住址" not in [cell.value for cell in sheet[1]]


def test_corrected_marked_workbook_goes_in_with_the_first_row_numbers(tmp_path: Path):
    people = [person(1), person(2, id="9.90101E+17"), person(3, branch="上川村党支布")]
    header = ["姓名", "支部", "身份证号", "性别", "出生日期", "人员类别", "入党时间", "转正时间"]
    source = write_xlsx(tmp_path / "a.xlsx", [["名册"], [*header, "联系电话"], *people])
    layout, rows = check_file(source)
    marked = tmp_path / "marked.xlsx"
    marking.write_marked_workbook(
        marked, layout, [row for row in rows if isinstance(row, RefusedRow)]
    )
    _, again = check_file(marked)
    assert [(row.original_row_number, codes(row)) for row in again] == [
        (4, {"import.numeric_id"}),
        (5, {"import.unknown_branch"}),
    ]
    workbook = openpyxl.load_workbook(marked)
    workbook.active["D2"] = id_number(sequence=2)
    workbook.active["C3"] = "上川村党支部"
    workbook.save(marked)
    _, corrected = check_file(marked)
    assert [row.original_row_number for row in corrected] == [4, 5]
    assert all(isinstance(row, RosterRow) for row in corrected)


@pytest.mark.parametrize("text", ["=1+1", '=HYPERLINK("http://x")', "@SUM(A1)", "http://x.cn"])
def test_nothing_typed_becomes_a_formula_or_link_in_the_marked_workbook(tmp_path: Path, text):
    layout, rows = check_file(write_text_csv(tmp_path, text))
    path = tmp_path / "marked.xlsx"
    marking.write_marked_workbook(path, layout, [r for r in rows if hasattr(r, "problems")])
    cell = openpyxl.load_workbook(path).active["B2"]
    assert (cell.data_type, cell.value, cell.hyperlink) == ("s", text, None)


def write_text_csv(tmp_path: Path, text: str) -> Path:
    quoted = '"' + text.replace('"', '""') + '"'
    path = tmp_path / "a.csv"
    path.write_text(f"姓名,支部,手机号\n{quoted},不存在支部,13800138000\n", encoding="utf-8")
    return path


def test_template_is_read_back_without_its_sample_row(tmp_path: Path):
    path = tmp_path / "template.xlsx"
    marking.write_template(path, ["上川村党支部", "下川村党支部"])
    layout, rows = check_file(path)
    assert rows == []
    assert {"name", "branch_name", "id_number", "phone", "kind"} <= set(layout.columns.values())
    workbook = openpyxl.load_workbook(path)
    sheet = workbook["党员信息"]
    assert workbook["支部名单"].sheet_state == "hidden"
    assert {cell.number_format for cell in sheet[2]} == {"@"}
    assert all(cell.comment for cell in sheet[1])
    sheet.append(["李四", "上川村党支部", "", "", "", "正式党员"])
    workbook.save(path)
    assert [row.values.name for row in check_file(path)[1]] == ["李四"]
