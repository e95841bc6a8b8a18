"""Build roster files and read them back, for the tests of the roster import."""

import csv
import uuid
import zipfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
from stdnum.cn import ric

from members.branch_names import Branch, BranchNames
from members.roster.checking import RefusedRow, RosterLayout, RosterRow, check_rows
from members.roster.columns import apply_mapping
from members.roster.reading import open_roster

DATA = Path(__file__).parent / "data"
TODAY = date(2026, 11, 24)
HEADER = (
    *("姓名", "所在党支部", "公民身份号码", "性别", "出生日期", "人员类别"),
    *("加入党组织日期", "转为正式党员日期", "手机号"),
)
# The national area code 990101 does not exist, so no number here can be a real person's.
AREA = "990101"


def id_number(born_on: str = "19850302", sequence: int = 1) -> str:
    """A made-up identity number with a right check digit; an even sequence is a woman's."""
    body = f"{AREA}{born_on}{sequence:03d}"
    return body + str(ric.calc_check_digit(body + "0"))


def person(sequence: int = 1, **changes: Any) -> list[Any]:
    """One clean row under HEADER with some cells changed by field name."""
    row = {
        "name": "王建国",
        "branch": "上川村党支部",
        "id": id_number(sequence=sequence),
        "sex": "",
        "born": "1985-03-02",
        "kind": "正式党员",
        "joined": "2010-07-01",
        "converted": "2011-07-01",
        "phone": f"138{sequence:08d}",
    }
    return list({**row, **changes}.values())


def organization_branches() -> BranchNames:
    """The branches of the sample organisation tree, upper bodies from the root down."""
    with (DATA / "organizations.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    above = {row["名称"]: row["上级"] for row in rows}
    branches = []
    for row in rows:
        if row["类别"] in ("组织部", "党委"):
            continue
        ancestors = []
        upper = row["上级"]
        while upper:
            ancestors.insert(0, upper)
            upper = above[upper]
        branches.append(Branch(uuid.uuid4(), row["名称"], tuple(ancestors)))
    return BranchNames(branches)


def write_xlsx(path: Path, *sheets: Sequence[Sequence[Any]], names: Sequence[str] = ()) -> Path:
    """Write rows as they are, one sheet after the other."""
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for index, rows in enumerate(sheets):
        sheet = workbook.create_sheet(names[index] if names else f"表{index + 1}")
        for row in rows:
            sheet.append(list(row))
    workbook.save(path)
    return path


def write_csv(path: Path, rows: Sequence[Sequence[Any]], encoding: str = "utf-8") -> Path:
    """Write rows as a comma-separated file in an encoding."""
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def replace_part(source: Path, target: Path, **parts: bytes | None) -> Path:
    """Copy an archive with some parts replaced (named by their last path element's stem)."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", 8) as new:
        for entry in old.infolist():
            stem = Path(entry.filename).stem
            new.writestr(entry.filename, parts.get(stem) or old.read(entry))
    return target


def check_file(path: Path) -> tuple[RosterLayout, list[RosterRow | RefusedRow]]:
    """Read and check a whole file against the sample organisation tree."""
    with open_roster(path) as opened:
        columns = apply_mapping(opened.header, {})
        layout = RosterLayout(opened.header, columns, opened.date_1904)
        rows = check_rows(opened.rows, layout, branches=organization_branches(), today=TODAY)
        return layout, list(rows)


def check_people(path: Path, *people: Sequence[Any]) -> list[RosterRow | RefusedRow]:
    """Write people under HEADER into a CSV file and check it."""
    return check_file(write_csv(path / "roster.csv", [HEADER, *people]))[1]


def codes(row: RosterRow | RefusedRow) -> set[str]:
    """The codes of a row's problems or warnings."""
    problems = row.problems if isinstance(row, RefusedRow) else row.warnings
    return {problem.code for problem in problems}
