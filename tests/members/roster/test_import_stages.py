"""Columns corrected by hand, the end of a file's time, what is refused at which stage."""

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.background import BackgroundJob, JobState
from core.errors import NotFound, VersionConflict
from members.access import Actor
from members.access_models import Role
from members.roster import importing, reporting, stages
from members.roster.applying import commit
from members.roster.models import ImportStatus, RosterImport, RosterImportRow
from members.roster.previewing import check
from members.roster.refusals import ColumnsMissing
from members.roster.stages import FileDropped, JobPending, Step, WrongStage
from tests.district import District
from tests.roster_files import HEADER, person, write_csv
from tests.roster_imports import NOW, check_file, import_file, results_of, run, sample_district

ODD_HEADER = ["姓名", "单位", *HEADER[2:]]


@pytest.fixture
def district(session: Session) -> District:
    return sample_district(session)


@pytest.fixture
def admin(district: District) -> Actor:
    return district.officer("管理员", Role.DISTRICT_ADMIN, district.department)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "good.csv", [HEADER, person(1)])


def _upload(session: Session, admin: Actor, district: District, path: Path) -> RosterImport:
    return importing.upload(
        session,
        admin,
        district.town.id,
        file_name=path.name,
        content=path.read_bytes(),
        now=NOW,
    )


def test_column_named_by_hand_is_read(
    session: Session, district: District, admin: Actor, tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "a.csv", [ODD_HEADER, person(1)])
    roster_import = _upload(session, admin, district, path)
    assert roster_import.missing_columns == ["所在党支部"]
    with pytest.raises(ColumnsMissing):
        stages.request(session, admin, roster_import.id, step=Step.CHECK, now=NOW)

    importing.set_mapping(
        session, admin, roster_import.id, mapping={"单位": "branch_name"}, version=1, now=NOW
    )
    run(session, check, roster_import.id)

    assert roster_import.missing_columns == []
    assert roster_import.counts["new"] == 1


def test_mapping_sends_the_import_back_before_its_check(
    session: Session, district: District, admin: Actor, good: Path
) -> None:
    roster_import = check_file(session, admin, district.town, good)

    importing.set_mapping(
        session, admin, roster_import.id, mapping={"手机号": None}, version=1, now=NOW
    )

    assert (roster_import.status, roster_import.counts) == (ImportStatus.UPLOADED, {})
    assert results_of(session, roster_import) == []
    assert [c["field"] for c in roster_import.mapping["columns"]][-1] is None


def test_mapping_without_a_branch_column_is_refused(
    session: Session, district: District, admin: Actor, good: Path
) -> None:
    roster_import = _upload(session, admin, district, good)

    with pytest.raises(ColumnsMissing):
        importing.set_mapping(
            session, admin, roster_import.id, mapping={"所在党支部": None}, version=1, now=NOW
        )


def test_second_correction_of_one_version_is_a_conflict(
    session: Session, district: District, admin: Actor, good: Path
) -> None:
    roster_import = _upload(session, admin, district, good)
    importing.set_mapping(
        session, admin, roster_import.id, mapping={"手机号": None}, version=1, now=NOW
    )

    with pytest.raises(VersionConflict):
        importing.set_mapping(
            session, admin, roster_import.id, mapping={"手机号": "phone"}, version=1, now=NOW
        )


@pytest.mark.parametrize("step", [Step.COMMIT, Step.ROLLBACK])
def test_step_out_of_turn_is_a_conflict(
    session: Session, district: District, admin: Actor, good: Path, step: Step
) -> None:
    roster_import = _upload(session, admin, district, good)

    with pytest.raises(WrongStage, match="已上传"):
        stages.request(session, admin, roster_import.id, step=step, now=NOW)


def test_committed_import_is_not_checked_again(
    session: Session, district: District, admin: Actor, good: Path
) -> None:
    roster_import = import_file(session, admin, district.town, good)

    with pytest.raises(WrongStage, match="已导入"):
        stages.request(session, admin, roster_import.id, step=Step.CHECK, now=NOW)
    with pytest.raises(WrongStage):
        run(session, check, roster_import.id)


def test_second_request_while_one_waits_is_a_conflict(
    session: Session, district: District, admin: Actor, good: Path
) -> None:
    roster_import = _upload(session, admin, district, good)
    job = stages.request(session, admin, roster_import.id, step=Step.CHECK, now=NOW)
    assert (job.kind, job.subject_id, job.requested_by) == (
        "roster.check",
        roster_import.id,
        admin.member_id,
    )

    with pytest.raises(JobPending):
        stages.request(session, admin, roster_import.id, step=Step.CHECK, now=NOW)
    with pytest.raises(JobPending):
        importing.set_mapping(session, admin, roster_import.id, mapping={}, version=1, now=NOW)

    session.execute(sa.update(BackgroundJob).values(state=JobState.FAILED))
    assert stages.request(session, admin, roster_import.id, step=Step.CHECK, now=NOW)


def test_import_of_another_committee_is_not_found(
    session: Session, district: District, admin: Actor, good: Path
) -> None:
    roster_import = check_file(session, admin, district.town, good)
    officer = district.officer("街道干事", Role.COMMITTEE_OFFICER, district.street)

    with pytest.raises(NotFound):
        stages.request(session, officer, roster_import.id, step=Step.COMMIT, now=NOW)
    with pytest.raises(NotFound):
        reporting.list_rows(session, officer, roster_import.id, outcome=None, after=None, limit=9)
    assert reporting.list_imports(session, officer, after=None, limit=9).items == []


def test_files_and_undo_data_go_after_seven_days(
    session: Session, district: District, admin: Actor, good: Path
) -> None:
    committed = import_file(session, admin, district.town, good, now=NOW + timedelta(days=1))
    checked = check_file(session, admin, district.town, good)

    assert importing.purge_files(session, now=NOW + timedelta(days=7)) == 0
    assert importing.purge_files(session, now=NOW + timedelta(days=7, seconds=1)) == 1
    with pytest.raises(FileDropped):
        run(session, commit, checked.id)
    assert importing.purge_files(session, now=NOW + timedelta(days=8, seconds=1)) == 1
    sealed = session.scalars(
        sa.select(RosterImportRow.undo_sealed).where(RosterImportRow.import_id == committed.id)
    ).all()
    assert set(sealed) == {None}
    assert importing.purge_files(session, now=NOW + timedelta(days=30)) == 0


def test_dry_run_leaves_no_import_behind(
    session: Session, district: District, admin: Actor, good: Path
) -> None:
    roster_import = check_file(session, admin, district.town, good)

    importing.discard(session, roster_import.id)

    assert session.get(RosterImport, roster_import.id) is None
    committed = import_file(session, admin, district.town, good)
    with pytest.raises(WrongStage):
        importing.discard(session, committed.id)
