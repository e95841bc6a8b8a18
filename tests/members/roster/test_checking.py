"""What one row must agree on, and what two rows of one file may not share."""

import pytest

from members.models import MemberKind
from members.roster.checking import RefusedRow, RosterRow
from tests.roster_files import check_file, check_people, codes, id_number, person, write_csv


def check_one(tmp_path, **changes):
    [row] = check_people(tmp_path, person(**changes))
    return row


def test_clean_row_has_no_warning(tmp_path):
    row = check_one(tmp_path)
    assert isinstance(row, RosterRow)
    assert row.warnings == ()
    assert row.values.sex == "male"
    assert row.values.kind is MemberKind.FULL_MEMBER


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"born": "1985-03-03"}, "import.birth_differs"),
        ({"sex": "女"}, "import.sex_differs"),
        ({"converted": ""}, "import.conversion_missing"),
        ({"kind": "预备党员"}, "import.probationary_converted"),
        ({"kind": ""}, "import.kind_inferred"),
        ({"phone": ""}, "import.phone_missing"),
        ({"phone": "029-87012345"}, "import.phone_landline"),
        ({"id": ""}, "import.id_missing"),
        ({"branch": "上川村支部"}, "import.branch_alias"),
        (
            {"id": id_number("19280101"), "born": "", "joined": "1945-01-01"},
            "import.joined_under_age",
        ),
        ({"born": "1980-01-01", "joined": "2000-01-01"}, "import.joined_under_age"),
    ],
)
def test_doubtful_row_goes_in_with_a_warning(tmp_path, changes, code):
    row = check_one(tmp_path, **changes)
    assert isinstance(row, RosterRow)
    assert code in codes(row)


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"name": ""}, "name", "import.name_missing"),
        ({"branch": ""}, "branch_name", "import.branch_missing"),
        ({"branch": "上川村党支布"}, "branch_name", "import.unknown_branch"),
        ({"joined": "2027-01-01"}, "joined_on", "import.date_in_future"),
        ({"joined": "2000-01-01", "born": ""}, "joined_on", "import.joined_under_age"),
        ({"joined": "1911-01-01", "born": ""}, "joined_on", "import.bad_date"),
        ({"converted": "2009-07-01"}, "converted_on", "import.converted_before_joined"),
        ({"converted": "2027-07-01"}, "converted_on", "import.date_in_future"),
        ({"born": "1985-02-30"}, "birth_on", "import.bad_date"),
        ({"joined": "2010-07"}, "joined_on", "import.date_without_day"),
        ({"kind": "发展对象"}, "kind", "import.bad_kind"),
        ({"name": "王明（已转出）"}, "name", "import.name_annotated"),
        ({"name": "王明(去世)"}, "name", "import.name_annotated"),
        ({"phone": "1380013800"}, "phone", "import.bad_phone"),
    ],
)
def test_wrong_row_is_refused_at_its_column(tmp_path, changes, field, code):
    row = check_one(tmp_path, **changes)
    assert isinstance(row, RefusedRow)
    assert [(problem.field, problem.code) for problem in row.problems] == [(field, code)]
    assert row.problems[0].column


@pytest.mark.parametrize(
    "born", [{"id": id_number("20300302")}, {"id": id_number("20120302"), "joined": ""}]
)
def test_identity_number_of_nobody_grown_up_is_refused_at_the_number(tmp_path, born):
    row = check_one(tmp_path, **{"joined": "", "converted": "", "kind": "预备党员", **born})
    assert isinstance(row, RefusedRow)
    assert [(problem.field, problem.code) for problem in row.problems] == [
        ("id_number", "import.under_age")
    ]


def test_minor_without_an_identity_number_is_refused_at_the_birth_date(tmp_path):
    row = check_one(tmp_path, id="", born="2012-03-02", joined="", converted="")
    assert isinstance(row, RefusedRow)
    assert [(problem.field, problem.code) for problem in row.problems] == [
        ("birth_on", "import.under_age")
    ]


def test_eighteenth_birthday_is_old_enough(tmp_path):
    assert isinstance(check_one(tmp_path, joined="2003-03-02"), RosterRow)
    assert isinstance(check_one(tmp_path, joined="2003-03-01"), RefusedRow)


def test_row_names_all_its_problems_at_once(tmp_path):
    row = check_one(tmp_path, name="", branch="某某", joined="2031.02.30", phone="1380013800")
    assert len(row.problems) == 4


def test_second_row_of_an_identity_number_is_refused_naming_the_first(tmp_path):
    rows = check_people(tmp_path, person(1), person(2), person(3, id=id_number(sequence=1)))
    assert [type(row) for row in rows] == [RosterRow, RosterRow, RefusedRow]
    assert "第 2 行" in rows[2].problems[0].message


def test_identity_number_counts_even_where_its_first_row_is_refused(tmp_path):
    rows = check_people(tmp_path, person(1, branch="某某"), person(2, id=id_number(sequence=1)))
    assert [codes(row) for row in rows] == [{"import.unknown_branch"}, {"import.duplicate_id"}]


def test_broken_identity_number_makes_no_other_row_a_duplicate(tmp_path):
    rows = check_people(tmp_path, person(1, id="9.90101E+17"), person(2, id="9.90101E+17"))
    assert [codes(row) for row in rows] == [{"import.numeric_id"}, {"import.numeric_id"}]


def test_same_person_twice_without_a_number_is_refused(tmp_path):
    rows = check_people(tmp_path, person(1, id=""), person(1, id=""), person(2, id=""))
    assert [type(row) for row in rows] == [RosterRow, RefusedRow, RosterRow]


def test_shared_phone_is_only_a_warning(tmp_path):
    rows = check_people(tmp_path, person(1), person(2, phone=person(1)[-1]))
    assert "import.phone_shared" in codes(rows[1])
    assert isinstance(rows[1], RosterRow)


def test_short_sheet_with_only_name_and_branch_goes_in(tmp_path):
    path = write_csv(tmp_path / "a.csv", [["姓名", "支部"], ["王一", "上川村党支部"]])
    _, [row] = check_file(path)
    assert isinstance(row, RosterRow)
    assert (row.values.kind, row.values.phone, row.warnings) == (None, None, ())


def test_stopped_membership_is_never_a_value(tmp_path):
    header = ["姓名", "支部", "党籍状态", "是否为失联党员", "失去联系日期"]
    people = [["王一", "上川村党支部", "停止党籍", "是", "2026.02.31"]]
    _, [row] = check_file(write_csv(tmp_path / "a.csv", [header, *people]))
    assert isinstance(row, RosterRow)
    assert row.values.membership_status is None
    assert codes(row) == {"import.status_not_imported", "import.out_of_touch_not_imported"}


def test_personal_numbers_stay_out_of_the_representation(tmp_path):
    row = check_one(tmp_path)
    assert row.values.id_number not in repr(row)
    assert row.values.phone not in repr(row)
