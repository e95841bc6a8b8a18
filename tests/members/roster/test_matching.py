"""Whom a row means: by number, by phone and name, by name and branch; never a guess."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from members.access import Actor
from members.access_models import Role
from members.contact import membership_decisions
from members.contact.membership_rules import DecisionFacts, DecisionGround, DecisionKind
from members.models import Member, MembershipStatus
from members.roster.models import RowOutcome
from tests.district import NOW, TODAY, District
from tests.roster_files import HEADER, id_number, person, write_csv
from tests.roster_imports import check_file, import_file, results_of, sample_district

REFUSED = RowOutcome.REFUSED


@pytest.fixture
def district(session: Session) -> District:
    return sample_district(session)


@pytest.fixture
def admin(district: District) -> Actor:
    return district.officer("管理员", Role.DISTRICT_ADMIN, district.department)


class Roster:
    """A roster that files are put onto, and checked against."""

    def __init__(self, district: District, admin: Actor, directory: Path) -> None:
        self._district, self._admin, self._directory = district, admin, directory

    def put(self, *people: list[Any]) -> None:
        import_file(
            self._district.session, self._admin, self._district.department, self._file(people)
        )

    def outcomes(self, *people: list[Any]) -> list[tuple[str, set[str]]]:
        """Outcome and codes of reasons or changed fields, by row."""
        roster_import = check_file(
            self._district.session, self._admin, self._district.department, self._file(people)
        )
        rows = [r for r in results_of(self._district.session, roster_import) if r.row_number]
        return [(r.outcome, {p["code"] for p in r.problems} or set(r.changes)) for r in rows]

    def _file(self, people: tuple[list[Any], ...]) -> Path:
        return write_csv(self._directory / "roster.csv", [HEADER, *people])


@pytest.fixture
def roster(district: District, admin: Actor, tmp_path: Path) -> Roster:
    return Roster(district, admin, tmp_path)


@pytest.mark.parametrize(
    ("before", "row", "outcome", "why"),
    [
        ({}, {}, "unchanged", set()),
        ({}, {"branch": "下川村党支部"}, "changed", {"branch_name"}),
        ({}, {"phone": "13911112222"}, "changed", {"phone"}),
        ({}, {"name": "王建军"}, REFUSED, {"import.name_differs"}),
        ({}, {"id": ""}, "unchanged", set()),
        ({"id": ""}, {"sex": "男"}, "changed", {"id_number", "sex"}),
        ({"id": ""}, {"id": "", "branch": "下川村党支部"}, "changed", {"branch_name"}),
        ({}, {"id": id_number(sequence=3)}, REFUSED, {"import.id_differs"}),
        ({}, {"id": "", "phone": ""}, "unchanged", set()),
        ({}, {"id": "", "phone": "13911112222"}, "changed", {"phone"}),
        ({}, {"id": "", "phone": "", "born": "1990-01-01"}, REFUSED, {"import.ambiguous_person"}),
        ({}, {"id": "", "born": "1990-01-01"}, REFUSED, {"import.ambiguous_person"}),
        ({}, {"id": id_number(sequence=3), "phone": "13911112222"}, "new", set()),
        ({}, {"id": "", "phone": "", "branch": "下川村党支部"}, "new", set()),
        ({}, {"kind": "预备党员", "converted": ""}, REFUSED, {"import.contradicts_roster"}),
    ],
)
def test_row_against_one_known_member(
    roster: Roster, before: dict[str, str], row: dict[str, str], outcome: str, why: set[str]
) -> None:
    roster.put(person(1, **before))

    assert roster.outcomes(person(1, **row)) == [(outcome, why)]


def test_new_phone_of_a_namesake_needs_a_date_that_agrees(roster: Roster) -> None:
    roster.put(person(1, id="", born="", joined="", converted=""))
    stranger = person(1, id="", born="", joined="", converted="", phone="13911112222")

    assert roster.outcomes(stranger) == [(REFUSED, {"import.ambiguous_person"})]


def test_one_of_two_namesakes_is_not_guessed(roster: Roster) -> None:
    roster.put(person(1), person(3))

    assert roster.outcomes(person(5, id="")) == [(REFUSED, {"import.ambiguous_person"})]
    assert roster.outcomes(person(3, id="")) == [("unchanged", set())]


def test_two_rows_of_one_member_do_not_both_count(roster: Roster) -> None:
    roster.put(person(1))

    assert roster.outcomes(person(1), person(1, id="")) == [
        ("unchanged", set()),
        (REFUSED, {"import.duplicate_member"}),
    ]


def test_namesakes_of_one_file_need_something_that_differs(roster: Roster) -> None:
    plain = {"id": "", "phone": ""}
    assert roster.outcomes(person(1), person(3), person(5, **plain)) == [
        ("new", set()),
        ("new", set()),
        (REFUSED, {"import.ambiguous_person"}),
    ]
    assert roster.outcomes(person(1, id=""), person(3, id="")) == [("new", set()), ("new", set())]


def test_new_person_needs_a_kind(roster: Roster) -> None:
    nobody = person(1, kind="", converted="")

    assert roster.outcomes(nobody) == [(REFUSED, {"import.kind_required"})]


def test_member_of_another_committee_is_not_drawn_over(
    district: District, admin: Actor, roster: Roster, session: Session, tmp_path: Path
) -> None:
    roster.put(person(1))
    officer = district.officer("街道干事", Role.COMMITTEE_OFFICER, district.street)
    path = write_csv(tmp_path / "a.csv", [HEADER, person(1, branch="青石桥社区党支部")])

    roster_import = check_file(session, officer, district.street, path)

    [row] = [row for row in results_of(session, roster_import) if row.row_number]
    assert row.problems[0]["code"] == "import.belongs_elsewhere"
    assert "上川村" not in row.problems[0]["message"]
    assert row.member_id is None


def test_expelled_member_is_not_brought_back(
    session: Session, roster: Roster, admin: Actor
) -> None:
    roster.put(person(1))
    member_id = session.scalars(sa.select(Member.id).where(Member.name == "王建国")).one()
    expulsion = DecisionFacts(
        DecisionKind.EXPULSION, DecisionGround.DISCIPLINE, "党员大会", TODAY, "1号", "党委", TODAY
    )
    membership_decisions.enter(session, admin, member_id, decision=expulsion, now=NOW)

    assert roster.outcomes(person(1)) == [(REFUSED, {"import.no_longer_member"})]


def test_status_column_sets_nothing(
    session: Session, district: District, admin: Actor, tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "a.csv", [[*HEADER, "党籍状态"], [*person(1), "停止党籍"]])
    import_file(session, admin, district.department, path)

    member = session.scalars(sa.select(Member).where(Member.name == "王建国")).one()
    assert member.membership_status == MembershipStatus.NORMAL
