"""Guardrails 3 and 4 in organisation life: roll call is enough, scans and photos are offers.

The columns are listed in full: whoever adds one to them has to look at these guardrails.
"""

import io
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from PIL import Image
from sqlalchemy.exc import DBAPIError

from activities.life_models import AttendanceOrigin, AttendanceStatus
from activities.record_models import ActivityPhoto
from activities.roll_calls import MARKABLE
from api.document import PREFIX
from core.db import Base
from core.ids import new_id
from tests.contract.formalism import properties_of
from tests.served import Document, Service
from tests.world import NOW

MEETING = {
    "kind": "theme_day", "title": "主题党日", "place": "活动室",
    "starts_at": "2026-11-10T10:05:00+08:00", "ends_at": "2026-11-10T12:00:00+08:00",
}  # fmt: skip
COLUMNS = {
    "attendance": {
        "id", "activity_id", "member_id", "organization_id", "party_group_id",
        "home_organization_id", "affiliation_kind", "member_kind", "is_expected", "is_exempt",
        "status", "origin", "revision",
    },
    "attendance_event": {
        "id", "attendance_id", "revision", "status", "origin", "reason", "entered_by", "entered_at",
    },
    "check_in": {
        "id", "activity_id", "member_id", "method", "scanned_at", "received_at", "is_applied",
    },
    "activity_photo": {
        "id", "activity_id", "slot", "sha256", "byte_count", "added_by", "added_at",
    },
}  # fmt: skip


@pytest.fixture
def activity_id(service: Service) -> str:
    branch = service.world.organizations["一支部"]
    made = service.caller("书记一").post(f"/orgs/{branch}/activities", MEETING)
    assert made.status_code == 201
    return str(made.json["id"])


def attendance(service: Service, activity_id: str) -> dict[str, tuple[str | None, str | None]]:
    """Status and origin of everybody on the list, by name."""
    listed = service.caller("书记一").get(f"/activities/{activity_id}/attendance").json["items"]
    return {one["name"]: (one["status"], one["origin"]) for one in listed}


def photo_with_place(colour: str = "red") -> bytes:
    exif, file = Image.Exif(), io.BytesIO()
    exif.get_ifd(0x8825).update({1: "N", 2: (31.0, 13.0, 49.0)})
    Image.new("RGB", (8, 8), colour).save(file, "JPEG", exif=exif)
    return file.getvalue()


def upload(service: Service, activity_id: str, colour: str = "red") -> Any:
    files = {"file": (io.BytesIO(photo_with_place(colour)), "photo.jpg")}
    return service.caller("书记一").send("POST", f"/activities/{activity_id}/photos", data=files)


def test_guardrail_3_roll_call_alone_holds_closes_and_credits_a_meeting(
    service: Service, activity_id: str
) -> None:
    """No code, no phone, no photo, no record: one call for everybody."""
    secretary = service.caller("书记一")

    secretary.post(f"/activities/{activity_id}/roll-call", {"default": "present", "items": []})
    closed = secretary.post(f"/activities/{activity_id}/close", {})

    assert closed.status_code == 200
    assert closed.json["entries"] == 5
    assert set(attendance(service, activity_id).values()) == {("present", "roll_call")}
    entries = service.caller("党员甲").get("/me/points/entries").json["items"]
    assert [one["points"] for one in entries] == ["2"]


@pytest.mark.parametrize("mark", MARKABLE)
def test_guardrail_3_roll_call_says_whatever_can_be_said(
    service: Service, activity_id: str, mark: AttendanceStatus
) -> None:
    member = str(service.world.members["党员乙"])
    items = [{"member_id": member, "mark": str(mark), "reason": "说明"}]
    answer = service.caller("书记一").post(f"/activities/{activity_id}/roll-call", {"items": items})

    assert [one["outcome"] for one in answer.json["results"]] == ["recorded"]
    assert attendance(service, activity_id)["党员乙"] == (str(mark), "roll_call")


def test_guardrail_3_organiser_has_the_last_word_over_a_scan(
    service: Service, activity_id: str
) -> None:
    secretary, member = service.caller("书记一"), service.caller("党员乙")
    code = secretary.get(f"/activities/{activity_id}/code").json
    member.post("/check-ins", {"activity_id": activity_id, "token": code["token"]})
    scanned = attendance(service, activity_id)["党员乙"]
    mark = {"member_id": str(service.world.members["党员乙"]), "mark": "absent_unexcused"}

    secretary.post(
        f"/activities/{activity_id}/roll-call", {"items": [mark | {"reason": "没有到场"}]}
    )

    assert scanned == ("present", "check_in")
    assert attendance(service, activity_id)["党员乙"] == ("absent_unexcused", "roll_call")


def test_guardrail_3_every_status_can_come_without_a_scan() -> None:
    assert set(AttendanceOrigin) - {"check_in"} >= {"roll_call", "paper"}
    assert set(MARKABLE) >= {"present", "present_remote", "present_elsewhere", "absent_unexcused"}


@pytest.mark.parametrize("table", COLUMNS)
def test_guardrail_3_no_place_face_or_device_is_kept(table: str) -> None:
    assert {column.name for column in Base.metadata.tables[table].columns} == COLUMNS[table]


def test_guardrail_3_a_scan_says_nothing_but_the_code_and_its_time(document: Document) -> None:
    body = document.operations["POST", f"{PREFIX}/check-ins"]["requestBody"]
    schema = document.resolve(body["content"]["application/json"]["schema"])

    assert {name for name, _ in properties_of(schema)} == {
        "activity_id", "token", "digits", "scanned_at",
    }  # fmt: skip


def test_guardrail_3_place_is_taken_out_of_a_photo(service: Service, activity_id: str) -> None:
    assert Image.open(io.BytesIO(photo_with_place())).getexif().get_ifd(0x8825)
    kept = upload(service, activity_id).json["id"]

    read = service.caller("书记一").get(f"/activities/{activity_id}/photos/{kept}")

    assert not Image.open(io.BytesIO(read.data)).getexif()


def test_guardrail_4_fourth_photo_is_refused(service: Service, activity_id: str) -> None:
    colours = ("red", "green", "blue", "white")
    answers = [upload(service, activity_id, colour) for colour in colours]

    assert [one.status_code for one in answers[:3]] == [201] * 3
    assert answers[3].json["code"] == "photo.count"


def test_guardrail_4_database_refuses_a_fourth_photo(service: Service, activity_id: str) -> None:
    facts = {
        "id": new_id(), "activity_id": UUID(activity_id), "slot": 4, "sha256": "0" * 64,
        "byte_count": 1, "added_by": service.world.members["书记一"], "added_at": NOW,
    }  # fmt: skip
    session = service.world.session
    with pytest.raises(DBAPIError, match="ck_activity_photo_slot"), session.begin_nested():
        session.execute(sa.insert(ActivityPhoto), facts)
