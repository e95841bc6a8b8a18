"""Both sample rosters go onto the roster, the second updates the people of the first."""

import json
from collections import Counter
from datetime import timedelta
from pathlib import Path

import openpyxl
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.crypto import Vault
from core.errors import NotFound
from members.access import Actor
from members.access_models import Role
from members.models import Affiliation, Member, MembershipStatus
from members.phones import open_phone
from members.roster import importing, reporting
from members.roster.models import RosterImport, RowOutcome
from members.roster.refusals import FileKindRefused, FormulaFound
from tests.district import District
from tests.roster_files import DATA, HEADER, id_number, person, write_csv, write_xlsx
from tests.roster_imports import (
    NATIONAL,
    NOW,
    TODAY,
    VIEW,
    check_file,
    count,
    import_file,
    results_of,
    sample_district,
)

EXPECTED = json.loads((DATA / "expected.json").read_text(encoding="utf-8"))
BAD_ROWS = set().union(*EXPECTED["bad"].values())


@pytest.fixture
def district(session: Session) -> District:
    return sample_district(session)


@pytest.fixture
def admin(district: District) -> Actor:
    return district.officer("管理员", Role.DISTRICT_ADMIN, district.department)


def test_samples_update_the_same_people(session: Session, district: District, admin: Actor) -> None:
    first = import_file(session, admin, district.department, NATIONAL)
    assert (first.counts["new"], first.counts["refused"]) == (1200 - 54, 54)
    refused = {
        row.row_number for row in results_of(session, first) if row.outcome == RowOutcome.REFUSED
    }
    assert refused == BAD_ROWS
    assert count(session, Member) == 1146 + 1

    second = import_file(session, admin, district.department, VIEW)

    # 28 people of the second file stand in refused rows of the first one.
    assert {name: second.counts[name] for name in ("new", "changed", "unchanged", "refused")} == {
        "new": 28,
        "changed": 4,
        "unchanged": 568,
        "refused": 0,
    }
    assert count(session, Member) == 1146 + 28 + 1
    changes = [row.changes for row in results_of(session, second) if row.changes]
    assert Counter(name for change in changes for name in change) == {"phone": 4}
    assert all("****" in shown for change in changes for shown in change["phone"])


def test_the_same_file_again_changes_nothing(
    session: Session, district: District, admin: Actor
) -> None:
    import_file(session, admin, district.department, VIEW)

    again = import_file(session, admin, district.department, VIEW)

    assert (again.counts["unchanged"], again.counts["new"], again.counts["changed"]) == (600, 0, 0)


def test_members_are_stored_without_their_numbers(
    session: Session, district: District, admin: Actor, vault: Vault, tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "a.csv", [HEADER, person(7)])
    roster_import = import_file(session, admin, district.department, path)

    member = session.scalars(sa.select(Member).where(Member.name == "王建国")).one()
    assert (member.sex, member.birth_year, member.kind) == ("male", 1985, "full_member")
    assert member.membership_status == MembershipStatus.NORMAL
    assert (member.phone_masked, member.id_number_masked) == (
        "138****0007",
        "*" * 14 + id_number(sequence=7)[-4:],
    )
    assert member.phone_sealed
    assert open_phone(session, member.id, member.phone_sealed) == "13800000007"
    assert member.id_number_index == vault.blind_index(id_number(sequence=7), purpose="id_number")
    stored = session.execute(
        sa.text("SELECT * FROM roster_import, roster_import_row, member")
    ).all()
    assert id_number(sequence=7) not in str(stored)
    assert "13800000007" not in str(stored)
    assert roster_import.file_sealed is not None


def test_belonging_begins_with_joining_or_else_with_the_import(
    session: Session, district: District, admin: Actor, tmp_path: Path
) -> None:
    people = [person(1, name="甲一"), person(2, name="乙二", joined="", converted="")]
    path = write_csv(tmp_path / "a.csv", [HEADER, *people])
    import_file(session, admin, district.department, path)

    begins = dict(
        session.execute(
            sa.select(Member.name, Affiliation.valid_from)
            .join(Affiliation, Affiliation.member_id == Member.id)
            .where(Affiliation.organization_id == district.village.id)
        ).all()
    )
    assert {name: day.isoformat() for name, day in begins.items()} == {
        "甲一": "2010-07-01",
        "乙二": TODAY.isoformat(),
    }


def test_new_branch_keeps_the_history(
    session: Session, district: District, admin: Actor, tmp_path: Path
) -> None:
    import_file(
        session, admin, district.department, write_csv(tmp_path / "a.csv", [HEADER, person(1)])
    )
    moved = write_csv(tmp_path / "b.csv", [HEADER, person(1, branch="下川村党支部")])
    later = NOW + timedelta(days=30)
    roster_import = import_file(session, admin, district.department, moved, now=later)

    [row] = [row for row in results_of(session, roster_import) if row.row_number]
    assert row.changes == {"branch_name": ["上川村党支部", "下川村党支部"]}
    places = session.scalars(
        sa.select(Affiliation)
        .where(Affiliation.member_id == row.member_id)
        .order_by(Affiliation.valid_from)
    ).all()
    moved_on = TODAY + timedelta(days=30)
    assert [(p.valid_to, p.recorded_by) for p in places] == [
        (moved_on, admin.member_id),
        (None, admin.member_id),
    ]
    assert places[1].valid_from == moved_on


def test_empty_cell_changes_nothing(
    session: Session, district: District, admin: Actor, tmp_path: Path
) -> None:
    import_file(
        session, admin, district.department, write_csv(tmp_path / "a.csv", [HEADER, person(1)])
    )
    sparse = person(1, sex="", born="", kind="", joined="", converted="", phone="")
    again = import_file(
        session, admin, district.department, write_csv(tmp_path / "b.csv", [HEADER, sparse])
    )

    assert (again.counts["unchanged"], again.counts["changed"]) == (1, 0)


def test_corrected_marked_workbook_brings_everybody_in(
    session: Session, district: District, admin: Actor, tmp_path: Path
) -> None:
    first = import_file(session, admin, district.department, NATIONAL)
    marked = tmp_path / "marked.xlsx"
    assert reporting.write_marked(session, admin, first.id, marked) == 54
    workbook = openpyxl.load_workbook(marked)
    sheet = workbook.active
    columns = {cell.value: cell.column for cell in sheet[1]}
    corrections = {
        "出生日期": "1985-03-02",
        "加入党组织日期": "2020-07-01",
        "转为正式党员日期": None,
        "所在党支部": "上川村党支部",
    }
    for row in range(2, sheet.max_row + 1):
        sheet.cell(row, columns["公民身份号码"]).value = id_number(sequence=500 + row)
        for title, text in corrections.items():
            sheet.cell(row, columns[title]).value = text
    workbook.save(marked)

    again = import_file(session, admin, district.department, marked)

    assert (again.counts["new"], again.counts["refused"]) == (54, 0)
    # The workbook is not the whole roster, so nobody is missing from it.
    assert again.counts["not_in_file"] == 0
    assert count(session, Member) == 1200 + 1


def test_absent_members_are_listed_and_left_alone(
    session: Session, district: District, admin: Actor, tmp_path: Path
) -> None:
    both = [person(1, name="甲一"), person(2, name="乙二")]
    import_file(session, admin, district.town, write_csv(tmp_path / "a.csv", [HEADER, *both]))
    one = write_csv(tmp_path / "b.csv", [HEADER, both[0]])

    again = import_file(session, admin, district.town, one)

    absent = [row for row in results_of(session, again) if row.outcome == RowOutcome.NOT_IN_FILE]
    assert [row.name for row in absent] == ["乙二"]
    assert session.get_one(Member, absent[0].member_id).version == 1


def test_person_of_a_refused_row_is_not_absent(
    session: Session, district: District, admin: Actor, tmp_path: Path
) -> None:
    import_file(session, admin, district.town, write_csv(tmp_path / "a.csv", [HEADER, person(1)]))
    bad = write_csv(tmp_path / "b.csv", [HEADER, person(1, id="1.23E+17")])

    again = check_file(session, admin, district.town, bad)

    assert (again.counts["refused"], again.counts["not_in_file"]) == (1, 0)


def test_branch_outside_the_organization_is_unknown(
    session: Session, district: District, admin: Actor, tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "a.csv", [HEADER, person(1)])
    roster_import = check_file(session, admin, district.street, path)

    [row] = [row for row in results_of(session, roster_import) if row.row_number]
    assert [problem["code"] for problem in row.problems] == ["import.unknown_branch"]


def test_upload_into_another_committee_is_not_found(session: Session, district: District) -> None:
    officer = district.officer("街道干事", Role.COMMITTEE_OFFICER, district.street)

    with pytest.raises(NotFound):
        check_file(session, officer, district.town, VIEW)


@pytest.mark.parametrize(
    ("name", "content", "refusal"),
    [("a.xlsx", b"%PDF-1.7", FileKindRefused), ("a.csv", b"", FileKindRefused)],
)
def test_what_is_no_table_is_refused_at_once(
    session: Session, district: District, admin: Actor, name: str, content: bytes, refusal: type
) -> None:
    with pytest.raises(refusal):
        importing.upload(session, admin, district.town.id, file_name=name, content=content, now=NOW)
    assert session.scalar(sa.select(sa.func.count()).select_from(RosterImport)) == 0


def test_formula_is_refused_at_once(
    session: Session, district: District, admin: Actor, tmp_path: Path
) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", [HEADER, person(1, phone="=1+1")])

    with pytest.raises(FormulaFound):
        check_file(session, admin, district.town, path)
