"""The audit trail over HTTP: what requests leave in it, and who may read it."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
import time_machine
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from core import audit
from core.audit_models import AuditEvent, Outcome
from members.access_models import Role
from members.session_models import DeviceSession, SessionEnd
from tests.api import test_main_job
from tests.api.main_job_steps import approved_entry, queue_of, record
from tests.served import Caller, Service
from tests.world import NOW, TODAY

ABSENT = "0198c0de-0000-7000-8000-00000000dead"


def events_of(service: Service, answer: TestResponse) -> Sequence[AuditEvent]:
    """What one request has left."""
    service.world.session.expire_all()
    mine = AuditEvent.request_id == answer.headers["X-Request-Id"]
    return service.world.session.scalars(
        sa.select(AuditEvent).where(mine).order_by(AuditEvent.seq)
    ).all()


def id_of(service: Service, name: str) -> str:
    return str(service.world.members[name])


def test_decision_names_claims_entries_members_and_whoever_decided(service: Service) -> None:
    kept = record(service.caller("党员甲"))
    other = record(service.caller("党员乙"))
    secretary = service.caller("书记一")

    waiting = queue_of(service, "书记一", "一支部")
    answer = secretary.post(
        "/claims/review",
        {
            "decisions": [
                {"id": one["id"], "version": 1, "action": action, "reason": reason}
                for one, action, reason in zip(
                    waiting, ("approve", "return"), ("", "请写明地点"), strict=True
                )
            ]
        },
    )

    (event,) = events_of(service, answer)
    assert (event.actor_id, event.operation) == (service.world.members["书记一"], "review_claims")
    assert event.organization_id == service.world.organizations["一支部"]
    claim_ids = {UUID(kept["claim_id"]).hex, UUID(other["claim_id"]).hex}
    assert set(event.objects["claim"]) == claim_ids
    assert len(event.objects["ledger_entry"]) == 1
    subjects = {service.world.members[name].hex for name in ("党员甲", "党员乙")}
    assert set(event.subjects) == subjects


def test_delegate_acts_on_behalf_of_whoever_named_him(service: Service) -> None:
    delegation = f"/orgs/{service.world.organizations['一支部']}/delegations/"
    named = service.caller("书记一").put(
        delegation + id_of(service, "党员乙"), {"until": "2026-12-31"}
    )
    assert named.status_code == 200
    kept = record(service.caller("党员甲"))

    answer = service.caller("党员乙").post(
        "/claims/review",
        {"decisions": [{"id": kept["claim_id"], "version": 1, "action": "approve", "reason": ""}]},
    )

    (event,) = events_of(service, answer)
    assert event.actor_id == service.world.members["党员乙"]
    assert event.on_behalf_of == service.world.members["书记一"]


def test_entering_for_another_says_for_whom(service: Service) -> None:
    kept = record(service.caller("书记一"), member_id=id_of(service, "党员甲"))

    found = service.caller("审计员").get("/audit/events", object=kept["id"]).json["items"]

    assert [event["on_behalf_of"] for event in found] == [id_of(service, "党员甲")]
    assert [event["actor_name"] for event in found] == ["书记一"]


@pytest.mark.parametrize(
    ("who", "path", "code"),
    [
        ("书记二", f"/claims/{ABSENT}", "not_found"),
        ("党员甲", f"/orgs/{ABSENT}/points/ledger", "perm.denied"),
    ],
)
def test_refused_reading_leaves_a_denied_row(
    service: Service, who: str, path: str, code: str
) -> None:
    answer = service.caller(who).get(path)

    (event,) = events_of(service, answer)
    assert (event.outcome, event.code) == (Outcome.DENIED, code)
    assert event.actor_id == service.world.members[who]
    assert list(event.objects.values()) == [[UUID(ABSENT).hex]]


def test_refusal_to_decide_about_oneself_and_by_a_rule_are_told_apart(service: Service) -> None:
    entry = approved_entry(service)
    reversal = f"/points/entries/{entry['entry_id']}/reversal"
    claim = record(service.caller("党员甲"), hour=14)

    own = service.caller("党员甲").post(reversal, {"reason": "想改"})
    service.caller("党员甲").post(f"/service-records/{claim['id']}/withdraw")
    late = service.caller("党员甲").post(f"/service-records/{claim['id']}/withdraw")
    formless = service.caller("书记一").post(reversal, {})

    assert [event.outcome for event in events_of(service, own)] == [Outcome.DENIED]
    assert late.status_code == 409
    assert [event.outcome for event in events_of(service, late)] == [Outcome.REFUSED]
    assert formless.status_code == 422
    assert events_of(service, formless) == []


def test_own_claim_in_a_batch_is_on_record_as_denied(service: Service) -> None:
    own = record(service.caller("书记一"))["claim_id"]
    other = record(service.caller("党员甲"))["claim_id"]
    grant = service.world.grant("书记一", Role.COMMITTEE_OFFICER, "街道")
    assert grant
    secretary = service.caller("书记一")

    def approve(*claim_ids: str) -> TestResponse:
        common = {"version": 1, "action": "approve", "reason": ""}
        return secretary.post(
            "/claims/review", {"decisions": [{"id": one} | common for one in claim_ids]}
        )

    both, alone = approve(own, other), approve(own)

    (mixed,), (refused,) = events_of(service, both), events_of(service, alone)
    assert mixed.outcome == Outcome.DONE
    assert mixed.objects["denied:claim.own"] == [UUID(own).hex]
    assert (refused.outcome, refused.code) == (Outcome.DENIED, "claim.own")


def test_token_of_an_ended_session_leaves_a_row_and_nobody_leaves_none(service: Service) -> None:
    caller = service.caller("党员甲")
    session = service.world.session
    session.execute(
        sa.update(DeviceSession).values(revoked_at=NOW, revoked_because=SessionEnd.SIGNED_OUT)
    )
    session.commit()

    ended, nobody = caller.get("/me/points"), service.nobody.get("/me/points")

    assert (ended.status_code, nobody.status_code) == (401, 401)
    assert [event.code for event in events_of(service, ended)] == ["auth.session_revoked"]
    assert events_of(service, nobody) == []


def test_refusal_stays_a_refusal_when_it_cannot_be_recorded(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OperationalError("INSERT", {}, Exception("locked"))

    monkeypatch.setattr(audit, "note_refusal", fail)

    assert service.caller("书记二").get(f"/claims/{ABSENT}").status_code == 404


def test_member_learns_who_has_looked_at_him(service: Service) -> None:
    him = id_of(service, "党员甲")
    service.caller("书记一").get(f"/members/{him}")
    service.caller("书记一").get(f"/orgs/{service.world.organizations['一支部']}/members")
    entry = approved_entry(service)
    service.caller("书记一").get(f"/points/entries/{entry['entry_id']}/explain")
    service.caller("党员甲").get(f"/members/{him}")

    found = service.caller("党员甲").get("/me/access-records").json["items"]
    shown = service.caller("审计员").get("/audit/access", subject=him).json["items"]

    assert [(one["actor_name"], one["what"]) for one in found] == [
        ("书记一", ["ledger"]),
        ("书记一", ["roster"]),
        ("书记一", ["member_record"]),
    ]
    assert [one["operation"] for one in shown] == ["explain_entry", "list_members", "get_member"]
    again = service.caller("党员甲").get("/me/access-records").json["items"]
    assert (again[0]["actor_name"], again[0]["what"]) == ("审计员", ["audit_trail"])


def test_trail_is_filtered_and_paged(service: Service) -> None:
    approved_entry(service)
    service.caller("书记二").get(f"/claims/{ABSENT}")
    auditor = service.caller("审计员")

    first = auditor.get("/audit/events", limit=1).json
    rest = auditor.get("/audit/events", cursor=first["next_cursor"]).json["items"]
    denied = auditor.get("/audit/events", outcome="denied", actor=id_of(service, "书记二"))
    subject = auditor.get("/audit/events", subject=id_of(service, "党员甲"))
    past = auditor.get("/audit/events", to="2020-01-01T00:00:00+08:00")

    assert [one["operation"] for one in first["items"] + rest][:2] == ["get_claim", "review_claims"]
    assert [one["code"] for one in denied.json["items"]] == ["not_found"]
    operations = [one["operation"] for one in subject.json["items"]]
    assert operations[:2] == ["review_claims", "create_service_record"]
    assert past.json["items"] == []


def test_auditor_sees_his_part_of_the_tree_only(service: Service) -> None:
    service.world.add_member("镇审计员", "三支部")
    service.world.grant("镇审计员", Role.AUDITOR, "镇")
    record(service.caller("党员甲"))
    record(service.caller("党员丁"))

    found = service.caller("镇审计员").get("/audit/events").json["items"]

    assert {one["actor_name"] for one in found} == {"党员丁"}
    for who in ("党员甲", "书记一", "街道干事", "系统管理员"):
        assert service.caller(who).get("/audit/events").status_code == 403
        assert service.caller(who).get("/audit/access").status_code == 403


def test_ledger_as_of_a_day_knows_nothing_later(service: Service) -> None:
    entry = approved_entry(service)
    reversal = f"/points/entries/{entry['entry_id']}/reversal"
    ledger = f"/orgs/{service.world.organizations['一支部']}/points/ledger"

    with time_machine.travel(NOW + timedelta(days=2)):
        reversed_ = service.caller("书记一").post(reversal, {"reason": "重复"}).json
        auditor = service.caller("审计员")
        now = auditor.get(ledger).json["items"]
        then = auditor.get(ledger, as_of=TODAY.isoformat()).json["items"]
        before = auditor.get(ledger, as_of=(TODAY - timedelta(days=1)).isoformat()).json["items"]

    assert [one["reversed_by"] for one in now] == [None, reversed_["id"]]
    assert [(one["id"], one["reversed_by"]) for one in then] == [(entry["entry_id"], None)]
    assert (then[0]["scheme_version"], then[0]["basis_kind"]) == (1, "volunteer_record")
    assert then[0]["actor_id"] == id_of(service, "书记一")
    assert then[0]["basis_id"]
    assert before == []


def test_sample_is_the_same_for_the_same_seed_and_is_itself_on_record(service: Service) -> None:
    for day in range(1, 7):
        approved_entry(service, day=f"2026-11-0{day}")
    asked = {
        "organization_id": str(service.world.organizations["街道"]),
        "month": "2026-11",
        "n": 3,
        "seed": "抽查一",
    }
    auditor = service.caller("审计员")

    first, second = auditor.post("/audit/samples", asked), auditor.post("/audit/samples", asked)
    other = auditor.post("/audit/samples", asked | {"seed": "抽查二", "n": 6})
    empty = auditor.post("/audit/samples", asked | {"month": "2026-10"})

    assert first.status_code == 201, first.text
    assert (first.json["population"], len(first.json["items"])) == (6, 3)
    assert first.json["items"] == second.json["items"]
    assert first.json["entries_sha256"] == second.json["entries_sha256"]
    assert len(other.json["items"]) == 6
    assert empty.json["items"] == []
    (event,) = events_of(service, first)
    assert event.objects == {"audit_sample": [UUID(first.json["id"]).hex]}
    assert event.shown == {"ledger": [service.world.members["党员甲"].hex]}
    assert service.caller("书记一").post("/audit/samples", asked).status_code == 403
    missing = auditor.post("/audit/samples", asked | {"organization_id": ABSENT})
    assert missing.status_code == 404


def test_health_of_the_ledger_is_that_of_the_last_self_audit(service: Service) -> None:
    before = service.caller("审计员").get("/audit/verify").json

    service.world.session.execute(
        sa.text(
            "INSERT INTO job_run (job, fire_at, kind, state, attempt, finished_at, outcome_count)"
            " VALUES ('self-audit', '2026-11-10T18:30:00.000000Z', 'scheduled', 'done', 1,"
            " '2026-11-10T18:31:00.000000Z', 0)"
        )
    )
    after = service.caller("区管理员").get("/audit/verify").json

    assert (before["is_sound"], before["checked_at"]) == (False, None)
    assert (after["is_sound"], after["faults"]) == (True, 0)


def test_trail_is_shown_and_verified_at_the_console(service: Service) -> None:
    approved_entry(service)

    result = service.app.test_cli_runner().invoke(args=["audit", "tail", "--verify"])

    assert result.exit_code == 0, result.output
    assert "review_claims" in result.output
    assert "还没有封存" in result.output


# What they exercise: recording, correcting, withdrawing, reviewing, reversing, notifications.
BROAD = [one for name, one in vars(test_main_job).items() if name.startswith("test_")]


def test_every_write_of_the_main_job_leaves_one_event(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    send, written = Caller.send, Counter[str]()

    def counted(caller: Caller, method: str, path: str, **options: Any) -> TestResponse:
        answer = send(caller, method, path, **options)
        if method != "GET" and answer.status_code < 300:
            results = answer.json.get("results", [{}]) if answer.data else [{}]
            wrote = any(one.get("outcome") != "refused" for one in results)
            # Whether he has read his messages is his own affair.
            wrote = wrote and path != "/me/messages/read"
            done = [one for one in events_of(service, answer) if one.outcome == Outcome.DONE]
            assert len(done) == wrote, f"{method} {path}"
            written.update(one.operation for one in done)
        return answer

    monkeypatch.setattr(Caller, "send", counted)
    service.world.session.commit()
    for steps in BROAD:
        with service.undone():
            steps(service)
            service.world.session.rollback()

    assert {"create_service_record", "review_claims", "reverse_entry"} <= written.keys()
    assert written.total() > 30
