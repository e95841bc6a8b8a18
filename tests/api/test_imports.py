"""Roster imports through HTTP: upload, correct, check, commit, rows, workbooks, undo."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import openpyxl
import pytest
import time_machine
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from api.routes.imports import CountsOut
from core.background import BackgroundJob, JobState
from members.access_models import Account, Role
from members.models import Member
from members.roster.applying import commit
from members.roster.previewing import check
from members.roster.stages import Step
from members.roster.undoing import rollback
from tests.api_client import SignedIn
from tests.district import District
from tests.roster_files import HEADER, id_number, person, write_csv
from tests.roster_imports import NATIONAL, NOW, count, run, sample_district

HANDLERS = {Step.CHECK: check, Step.COMMIT: commit, Step.ROLLBACK: rollback}
BAD_ID = id_number(sequence=3)[:-1] + ("0" if id_number(sequence=3)[-1] != "0" else "1")


@pytest.fixture(autouse=True)
def _on_that_day() -> Iterator[None]:
    """The samples hold dates up to this day, and an import can be undone for seven days."""
    with time_machine.travel(NOW, tick=False):
        yield


class Keeper(SignedIn):
    """A client that uploads files, and has jobs done at once."""

    def __init__(self, app: Flask, session: Session, account: Account) -> None:
        super().__init__(app, account)
        self._session = session

    def upload(self, path: Path, **fields: Any) -> TestResponse:
        parts = {"file": (io.BytesIO(path.read_bytes()), path.name), **fields}
        return self.send_parts(parts)

    def send_parts(self, parts: dict[str, Any], **options: Any) -> TestResponse:
        return self._client.post(
            "/api/v1/admin/imports", data=parts, headers=self._headers, **options
        )

    def do(self, import_id: str, step: str) -> dict[str, Any]:
        """Request a step, do it as the jobs process would, and return the import."""
        answer = self.post(f"/admin/imports/{import_id}/{step}")
        assert answer.status_code == 202, answer.get_json()
        job = self._session.get_one(BackgroundJob, UUID(answer.get_json()["id"]))
        run(self._session, HANDLERS[Step(job.kind)], job.subject_id)
        job.state = JobState.DONE
        self._session.commit()
        seen: dict[str, Any] = self.get(f"/admin/imports/{import_id}").get_json()
        return seen


@pytest.fixture
def district(session: Session) -> District:
    return sample_district(session)


def _sign_in(app: Flask, district: District, role: Role, place: Any, phone: str) -> Keeper:
    member = district.enrol("管理员", phone=phone)
    district.appoint(member, role, place)
    account = district.open_account(member)
    district.session.commit()
    return Keeper(app, district.session, account)


@pytest.fixture
def keeper(app: Flask, district: District) -> Keeper:
    return _sign_in(app, district, Role.DISTRICT_ADMIN, district.department, "13800009999")


@pytest.fixture
def roster(tmp_path: Path) -> Path:
    """One good row and one with a wrong check digit."""
    people = [person(1, name="甲一"), person(2, name="乙二", id=BAD_ID)]
    return write_csv(tmp_path / "名册.csv", [HEADER, *people])


def test_sample_goes_from_upload_to_rollback(
    keeper: Keeper, district: District, session: Session
) -> None:
    created = keeper.upload(NATIONAL, organization_id=str(district.department.id))
    assert created.status_code == 201, created.get_json()
    import_id = created.get_json()["id"]
    assert created.get_json()["sheet_name"] == "党员信息"
    assert created.get_json()["status"] == "uploaded"
    # Every count is there from the start, and null until it is known.
    assert set(created.get_json()["counts"]) == set(CountsOut().fields)
    assert set(created.get_json()["counts"].values()) == {None}

    checked = keeper.do(import_id, "check")
    assert (checked["status"], checked["counts"]["new"]) == ("checked", 1146)
    assert count(session, Member) == 1
    committed = keeper.do(import_id, "commit")
    assert (committed["status"], committed["counts"]["refused"]) == ("committed", 54)
    assert committed["counts"]["undone"] is None
    assert committed["undo_until"]
    assert count(session, Member) == 1147

    undone = keeper.do(import_id, "rollback")
    assert (undone["status"], undone["counts"]["undone"]) == ("rolled_back", 1146)
    again = keeper.post(f"/admin/imports/{import_id}/rollback")
    assert (again.status_code, again.get_json()["code"]) == (409, "import.already_rolled_back")


def test_rows_come_in_pages_without_full_numbers(
    keeper: Keeper, district: District, roster: Path
) -> None:
    created = keeper.upload(roster, organization_id=str(district.town.id)).get_json()
    keeper.do(created["id"], "check")
    path = f"/admin/imports/{created['id']}/rows"

    first = keeper.get(path, limit=1).get_json()
    second = keeper.get(path, limit=1, cursor=first["next_cursor"]).get_json()
    refused = keeper.get(path, outcome="refused").get_json()

    assert [row["row_number"] for row in first["items"] + second["items"]] == [2, 3]
    assert second["next_cursor"] is None
    assert [row["name"] for row in refused["items"]] == ["乙二"]
    assert refused["items"][0]["problems"][0]["column"] == "公民身份号码"
    shown = keeper.get(path).get_data(as_text=True)
    for number in (id_number(sequence=1), BAD_ID, "13800000001"):
        assert number not in shown


def test_marked_workbook_is_downloaded(
    app: Flask, keeper: Keeper, district: District, roster: Path
) -> None:
    created = keeper.upload(roster, organization_id=str(district.town.id)).get_json()
    path = f"/admin/imports/{created['id']}/errors.xlsx"
    assert keeper.get(path).status_code == 409
    documented = app.test_client().get("/openapi.json").get_json()["paths"]
    assert "409" in documented["/api/v1/admin/imports/{import_id}/errors.xlsx"]["get"]["responses"]
    keeper.do(created["id"], "check")

    answer = keeper.get(path)

    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment")
    sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).active
    assert [row[0].value for row in sheet.iter_rows()] == ["原行号", "3"]


def test_template_offers_the_branches_of_the_scope(
    app: Flask, district: District, keeper: Keeper
) -> None:
    secretary = _sign_in(app, district, Role.BRANCH_SECRETARY, district.village, "13800009998")

    names = {}
    for who, client in (("district", keeper), ("branch", secretary)):
        workbook = openpyxl.load_workbook(
            io.BytesIO(client.get("/admin/imports/template.xlsx").data)
        )
        names[who] = [row[0].value for row in workbook["支部名单"].iter_rows()]
    assert names["branch"] == ["上川村党支部"]
    assert len(names["district"]) == 14


def test_columns_are_corrected(keeper: Keeper, district: District, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [["姓名", "单位", *HEADER[2:]], person(1)])
    created = keeper.upload(path, organization_id=str(district.town.id)).get_json()
    assert created["missing_columns"] == ["所在党支部"]
    too_early = keeper.post(f"/admin/imports/{created['id']}/check")
    assert (too_early.status_code, too_early.get_json()["code"]) == (422, "import.columns_missing")

    mapping = f"/admin/imports/{created['id']}/mapping"
    body = {"mapping": {"单位": "branch_name"}, "version": created["version"]}
    corrected = keeper.put(mapping, body)

    assert corrected.status_code == 200, corrected.get_json()
    assert corrected.get_json()["columns"][1] == {
        "header": "单位",
        "field": "branch_name",
        "is_imported": True,
    }
    assert keeper.put(mapping, body).get_json()["code"] == "conflict.version"
    unknown = keeper.put(mapping, {"mapping": {"单位": "points"}, "version": 2})
    assert (unknown.status_code, unknown.get_json()["code"]) == (422, "validation")
    assert keeper.do(created["id"], "check")["counts"]["new"] == 1


def test_second_request_while_one_waits_is_conflict(
    keeper: Keeper, district: District, roster: Path
) -> None:
    created = keeper.upload(roster, organization_id=str(district.town.id)).get_json()
    job = keeper.post(f"/admin/imports/{created['id']}/check").get_json()

    second = keeper.post(f"/admin/imports/{created['id']}/check")

    assert (second.status_code, second.get_json()["code"]) == (409, "import.job_pending")
    assert keeper.get(f"/jobs/{job['id']}").get_json()["state"] == "queued"


def test_import_of_another_committee_is_not_found(
    app: Flask, keeper: Keeper, district: District, roster: Path
) -> None:
    created = keeper.upload(roster, organization_id=str(district.town.id)).get_json()
    officer = _sign_in(app, district, Role.COMMITTEE_OFFICER, district.street, "13800009997")

    for path in ("", "/rows", "/errors.xlsx"):
        assert officer.get(f"/admin/imports/{created['id']}{path}").status_code == 404
    for step in ("check", "commit", "rollback"):
        assert officer.post(f"/admin/imports/{created['id']}/{step}").status_code == 404
    assert officer.get("/admin/imports").get_json()["items"] == []
    assert len(keeper.get("/admin/imports").get_json()["items"]) == 1
    upload = officer.upload(roster, organization_id=str(district.town.id))
    assert upload.status_code == 404


def test_group_leader_may_not_import(app: Flask, district: District, roster: Path) -> None:
    leader = _sign_in(app, district, Role.GROUP_LEADER, district.village, "13800009996")

    assert leader.upload(roster, organization_id=str(district.village.id)).status_code == 403


def test_harmful_file_is_refused_at_once(
    keeper: Keeper, district: District, tmp_path: Path
) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(b"PK\x03\x04 not an archive")

    answer = keeper.upload(path, organization_id=str(district.town.id))

    assert (answer.status_code, answer.get_json()["code"]) == (422, "import.file_broken")


def test_form_is_read_strictly(keeper: Keeper, district: District, roster: Path) -> None:
    town = str(district.town.id)
    content = roster.read_bytes()
    wrong = {
        "/note": keeper.upload(roster, organization_id=town, note="x"),
        "/extra": keeper.upload(roster, organization_id=town, extra=(io.BytesIO(b"x"), "x.csv")),
        "/organization_id": keeper.upload(roster, organization_id=[town, town]),
        "/file": keeper.send_parts(
            {"file": "text", "organization_id": town}, content_type="multipart/form-data"
        ),
    }
    for pointer, answer in wrong.items():
        assert (answer.status_code, answer.get_json()["code"]) == (422, "validation")
        assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer]
    raw = keeper.send_parts(content, content_type="text/csv")
    assert (raw.status_code, raw.get_json()["code"]) == (415, "request.media_type")
