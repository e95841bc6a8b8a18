"""Feedback and copies of one's own data at the HTTP edge."""

import io
import zipfile
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import sessionmaker

from core.audit_models import AuditEvent
from core.db import session_info, vault_of
from core.ids import new_id
from jobs.requested import run_next
from jobs.schedule import REQUESTED
from members.access_models import Role
from members.session_models import DeviceSession
from tests.served import Caller, Service
from tests.world import NOW

COMPLAINT: dict[str, Any] = {"kind": "complaint", "topic": "formalism", "text": "要求交照片"}


def test_complaint_is_sent_answered_and_brought_higher(service: Service) -> None:
    member, officer = service.caller("党员甲"), service.caller("街道干事")
    choices = member.get("/me/feedback-choices").json
    assert [one["name"] for one in choices["organizations"]] == ["一支部", "街道", "区委"]
    assert choices["working_days"]["complaint"] == 15
    sent = member.post("/feedback", COMPLAINT).json
    assert (sent["handling_organization_name"], sent["due_on"]) == ("街道", "2026-12-01")
    queue = f"/orgs/{service.world.organizations['街道']}/feedback"
    (line,) = officer.get(queue, state="open").json["items"]
    assert (line["sender_name"], line["text"]) == ("党员甲", "要求交照片")
    path = f"/feedback/{sent['id']}"

    taken = officer.post(f"{path}/take", {"version": 1})
    stale = officer.post(f"{path}/answer", {"reply": "已改正", "version": 1})
    done = officer.post(f"{path}/answer", {"reply": "已改正", "version": 2})
    again = member.post(f"{path}/unsettled", {"reason": "仍在要求"})

    assert taken.json["taken_by_name"] == "街道干事"
    assert (stale.status_code, stale.json["code"]) == (409, "conflict.version")
    assert stale.json["current"]["version"] == 2
    assert done.json["status"] == "answered"
    assert again.json["handling_organization_name"] == "区委"
    assert officer.get(path).status_code == 404
    steps = member.get(path).json["steps"]
    assert [one["kind"] for one in steps] == ["filed", "taken", "answered", "unsettled"]
    assert steps[2]["note"] == "已改正"
    assert [one["id"] for one in member.get("/me/feedback").json["items"]] == [sent["id"]]
    shown = member.get("/me/access-records").json["items"]
    assert "feedback" in str(shown)


def refuse_by_key(member: Caller, path: str, body: dict[str, Any]) -> None:
    """Send it, and another text under the same key, as a phone does after a lost answer."""
    key = {"Idempotency-Key": str(new_id())}
    (words,) = body.keys() & {"text", "reason"}
    assert member.send("POST", path, json=body, headers=key).status_code in (200, 201)
    again = member.send("POST", path, json=body | {words: "另一段话"}, headers=key)
    assert again.json["code"] == "idempotency.mismatch"


def test_officer_who_takes_his_own_anonymous_one_is_not_named(service: Service) -> None:
    world = service.world
    world.add_member("街道干事二", "二支部")
    world.grant("街道干事二", Role.COMMITTEE_OFFICER, "街道")
    officer = service.caller("街道干事")
    to = {"to_organization_id": str(world.organizations["街道"]), "is_anonymous": True}
    suggestion = {"kind": "suggestion", "topic": "other", "text": "字再大些"} | to
    sent = officer.post("/feedback", suggestion).json

    refused = officer.post(f"/feedback/{sent['id']}/take", {"version": 1})

    assert (refused.status_code, refused.json["code"]) == (403, "feedback.own")
    of_his = sa.select(AuditEvent).where(AuditEvent.actor_id == world.members["街道干事"])
    assert world.session.scalars(of_his).all() == []


def test_sender_of_an_anonymous_one_is_shown_to_nobody(service: Service) -> None:
    world = service.world
    member, admin = service.caller("党员甲"), service.caller("区管理员")
    with_number = COMPLAINT | {"is_anonymous": True, "error_request_id": "k7m2p9qd"}

    refused = member.post("/feedback", with_number)
    sent = member.post("/feedback", COMPLAINT | {"is_anonymous": True}).json

    assert (refused.status_code, refused.json["errors"][0]["pointer"]) == (
        422,
        "/error_request_id",
    )
    answer = admin.get(f"/feedback/{sent['id']}")
    assert (answer.json["sender_id"], answer.json["sender_name"]) == (None, "匿名")
    assert str(world.members["党员甲"]) not in answer.text
    assert "党员甲" not in answer.text
    trail = admin.get("/audit/events", operation="send_feedback").json["items"]
    assert [(one["actor_id"], one["actor_name"]) for one in trail] == [(None, None)]
    refuse_by_key(member, "/feedback", COMPLAINT | {"is_anonymous": True})
    officer, reply = service.caller("街道干事"), {"version": 1, "reply": "已改正"}
    assert officer.post(f"/feedback/{sent['id']}/answer", reply).status_code == 200
    refuse_by_key(member, f"/feedback/{sent['id']}/unsettled", {"reason": "仍在要求"})
    events = world.session.scalars(
        sa.select(AuditEvent).where(AuditEvent.actor_id == world.members["党员甲"])
    ).all()
    assert [one.operation for one in events] == []


def forget_confirmation(service: Service, name: str) -> None:
    session_id = service.world.sessions[name]
    service.world.session.execute(
        sa.update(DeviceSession).where(DeviceSession.id == session_id).values(confirmed_at=None)
    )


def test_member_fetches_his_data_by_a_link_without_a_token(service: Service) -> None:
    member = service.caller("党员甲")
    asked = member.post("/me/exports")
    (waiting,) = member.get("/me/exports").json["items"]
    session = service.world.session
    session.flush()
    sessions = sessionmaker(
        service.connection,
        expire_on_commit=False,
        join_transaction_mode="create_savepoint",
        info=session_info(vault_of(session)),
    )
    assert run_next(sessions, REQUESTED, lambda: NOW)

    (ready,) = member.get("/me/exports").json["items"]
    file = service.nobody.get(ready["url"].removeprefix("/api/v1"))

    assert (asked.status_code, asked.json["is_ready"], waiting["url"]) == (202, False, None)
    assert member.get(f"/jobs/{asked.json['job_id']}").json["state"] == "done"
    assert (file.status_code, file.headers["Cache-Control"]) == (200, "no-store")
    archive = zipfile.ZipFile(io.BytesIO(file.data))
    assert service.world.phones["党员甲"] in archive.read("member.json").decode()
    assert service.nobody.get(f"/exports/{'x' * 43}").status_code == 404
    assert service.caller("党员乙").get("/me/exports").json["items"] == []
    member.post("/me/exports")
    third = member.post("/me/exports")
    assert (third.status_code, third.json["code"]) == (429, "auth.too_many")

    forget_confirmation(service, "党员甲")
    assert member.post("/me/exports").json["code"] == "auth.confirmation_required"
    shown = member.get("/me/exports").json["items"]
    assert {(one["is_ready"], one["url"]) for one in shown} == {(True, None), (False, None)}
