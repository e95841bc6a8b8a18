"""Commits and rollbacks: interrupted, repeated, late, and against what has changed since."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import Session

from members.access import Actor
from members.access_models import Role
from members.models import Affiliation, Member
from members.phones import set_phone
from members.roster.applying import commit
from members.roster.models import ImportStatus, RosterImport, RowOutcome, UndoResult
from members.roster.previewing import check
from members.roster.stages import AlreadyRolledBack, UndoExpired, WrongStage
from members.roster.undoing import rollback
from tests.district import District
from tests.roster_files import HEADER, person, write_csv
from tests.roster_imports import (
    NATIONAL,
    NOW,
    VIEW,
    Step,
    check_file,
    count,
    import_file,
    results_of,
    run,
    sample_district,
)


@pytest.fixture
def district(session: Session) -> District:
    return sample_district(session)


@pytest.fixture
def admin(district: District) -> Actor:
    return district.officer("管理员", Role.DISTRICT_ADMIN, district.department)


@pytest.fixture
def imported(session: Session, district: District, admin: Actor, tmp_path: Path) -> RosterImport:
    """Two new members of the village."""
    people = [person(1, name="甲一"), person(2, name="乙二")]
    return import_file(
        session, admin, district.town, write_csv(tmp_path / "two.csv", [HEADER, *people])
    )


def _member(session: Session, name: str) -> Member:
    return session.scalars(sa.select(Member).where(Member.name == name)).one()


def _snapshot(session: Session) -> list[tuple[object, ...]]:
    """The roster without versions and without history that began and ended on one day."""
    session.expire_all()
    rows = session.execute(
        sa.select(
            Member.name,
            Member.phone_index,
            Member.education,
            Affiliation.organization_id,
            Affiliation.valid_from,
            Affiliation.valid_to,
        )
        .join(Affiliation, Affiliation.member_id == Member.id)
        .order_by(Member.id, Affiliation.valid_from, Affiliation.id)
    )
    return [tuple(row) for row in rows]


def _until_broken(session: Session, steps: Iterator[object]) -> None:
    """One chunk is committed, the next one dies with its process."""
    next(steps)
    session.commit()
    next(steps)
    session.rollback()
    steps.close()
    session.expire_all()


def test_interrupted_commit_goes_on_behind_the_last_chunk(
    session: Session, district: District, admin: Actor
) -> None:
    roster_import = check_file(session, admin, district.department, NATIONAL)
    _until_broken(session, commit(session, roster_import.id, now=NOW))
    assert roster_import.status == ImportStatus.COMMITTING
    between = count(session, Member)
    assert 400 < between < 500

    run(session, commit, roster_import.id, now=NOW + timedelta(hours=1))

    assert roster_import.status == ImportStatus.COMMITTED
    assert count(session, Member) == 1146 + 1
    assert roster_import.counts["new"] == 1146
    assert run(session, commit, roster_import.id) == []


def test_half_a_commit_can_be_undone(session: Session, district: District, admin: Actor) -> None:
    roster_import = check_file(session, admin, district.department, NATIONAL)
    before = _snapshot(session)
    _until_broken(session, commit(session, roster_import.id, now=NOW))

    run(session, rollback, roster_import.id)

    assert _snapshot(session) == before


def test_interrupted_rollback_goes_on(session: Session, district: District, admin: Actor) -> None:
    before = _snapshot(session)
    roster_import = import_file(session, admin, district.department, NATIONAL)
    _until_broken(session, rollback(session, roster_import.id, now=NOW))
    assert count(session, Member) == 1146 - 500 + 1

    run(session, rollback, roster_import.id)

    assert _snapshot(session) == before
    assert (roster_import.counts["undone"], roster_import.counts["kept"]) == (1146, 0)


def test_imports_are_undone_in_reverse(session: Session, district: District, admin: Actor) -> None:
    empty = _snapshot(session)
    first = import_file(session, admin, district.department, NATIONAL)
    between = _snapshot(session)
    second = import_file(session, admin, district.department, VIEW)

    run(session, rollback, second.id)
    assert _snapshot(session) == between
    run(session, rollback, first.id)
    assert _snapshot(session) == empty


def test_changed_branch_is_undone_without_a_trace(
    session: Session, district: District, admin: Actor, imported: RosterImport, tmp_path: Path
) -> None:
    before = _snapshot(session)
    moved = person(1, name="甲一", branch="下川村党支部", phone="13911112222")
    later = NOW + timedelta(days=2)
    path = write_csv(tmp_path / "moved.csv", [HEADER, moved])
    second = import_file(session, admin, district.town, path, now=later)

    run(session, rollback, second.id, now=later)

    assert _snapshot(session) == before


def test_second_rollback_is_a_conflict(session: Session, imported: RosterImport) -> None:
    run(session, rollback, imported.id)

    with pytest.raises(AlreadyRolledBack):
        run(session, rollback, imported.id)


def test_rollback_after_seven_days_is_a_conflict(session: Session, imported: RosterImport) -> None:
    with pytest.raises(UndoExpired):
        run(session, rollback, imported.id, now=NOW + timedelta(days=7, seconds=1))
    assert count(session, Member) == 3


def test_rollback_of_an_unapplied_import_is_a_conflict(
    session: Session, district: District, admin: Actor
) -> None:
    roster_import = check_file(session, admin, district.department, VIEW)

    with pytest.raises(WrongStage):
        run(session, rollback, roster_import.id)


@pytest.mark.parametrize("use", ["phone", "name", "account", "role"])
def test_member_in_use_or_changed_by_hand_is_kept(
    session: Session, district: District, imported: RosterImport, use: str
) -> None:
    member = _member(session, "甲一")
    if use == "phone":
        set_phone(session, member, "13911112222")
    elif use == "name":
        member.name = "甲壹"
    elif use == "account":
        district.open_account(member)
    else:
        district.appoint(member, Role.GROUP_LEADER, district.village)
    session.commit()

    run(session, rollback, imported.id)

    kept = [row for row in results_of(session, imported) if row.undo_result == UndoResult.KEPT]
    assert [row.member_id for row in kept] == [member.id]
    assert kept[0].warnings[-1]["code"] == "import.not_undone"
    assert (imported.counts["undone"], imported.counts["kept"]) == (1, 1)
    assert count(session, Member) == 2


def test_row_that_no_longer_means_what_the_check_showed_is_refused(
    session: Session, district: District, admin: Actor, imported: RosterImport, tmp_path: Path
) -> None:
    rows = [person(1, name="甲一", phone="13911112222"), person(3, name="丙三")]
    path = write_csv(tmp_path / "later.csv", [HEADER, *rows])
    roster_import = check_file(session, admin, district.town, path)
    set_phone(session, _member(session, "甲一"), "13933334444")
    session.commit()

    run(session, commit, roster_import.id)

    first, second = [row for row in results_of(session, roster_import) if row.row_number]
    assert (first.outcome, first.problems[0]["code"]) == (
        RowOutcome.REFUSED,
        "import.changed_since_check",
    )
    assert second.outcome == RowOutcome.NEW
    assert _member(session, "甲一").phone_masked == "139****4444"


def test_chunk_costs_the_same_statements_however_many_rows_it_has(
    session: Session, district: District, admin: Actor, tmp_path: Path
) -> None:
    counts = []
    for size in (2, 200):
        name = f"村民{chr(0x4E00 + size)}"
        path = write_csv(
            tmp_path / f"{size}.csv",
            [HEADER, *(person(size * 2 + i, name=name) for i in range(size))],
        )
        roster_import = check_file(session, admin, district.town, path)
        again = _count_statements(session, check, roster_import)
        applied = _count_statements(session, commit, roster_import)
        undone = _count_statements(session, rollback, roster_import)
        counts.append((again, applied, undone))

    assert counts[0] == counts[1]


def _count_statements(session: Session, step: Step, roster_import: RosterImport) -> int:
    seen: list[str] = []

    def note(*args: object) -> None:
        seen.append(str(args[2]))

    connection = session.connection()
    event.listen(connection, "before_cursor_execute", note)
    run(session, step, roster_import.id)
    event.remove(connection, "before_cursor_execute", note)
    return len([text for text in seen if "SAVEPOINT" not in text])
