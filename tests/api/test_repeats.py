"""Repeating a POST: one effect for each key, the same answer again, under today's rights."""

import io
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from psycopg.errors import DeadlockDetected
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from activities import volunteering
from activities.models import VolunteerRecord
from core.clock import utc_now
from core.idempotency import IdempotencyKey
from jobs import retention
from members.access_models import RoleGrant
from tests.api.main_job_steps import facts, record
from tests.served import Caller, Service
from tests.statements import counted_statements

REPLAYED = "Idempotent-Replayed"

ONE, OTHER = "0f8fad5b-d9cb-469f-a165-70867728950e", "1f8fad5b-d9cb-469f-a165-70867728950e"


def send(caller: Caller, key: str, path: str, body: Any = None, **options: Any) -> TestResponse:
    given = {} if body is None else {"json": body}
    return caller.send("POST", path, headers={"Idempotency-Key": key}, **given, **options)


def count(service: Service, model: Any, *conditions: Any) -> int:
    service.world.session.expire_all()
    return service.world.session.scalar(
        sa.select(sa.func.count()).select_from(model).where(*conditions)
    )


def test_same_key_and_body_has_one_effect_and_the_same_answer(service: Service) -> None:
    member, key = service.caller("党员甲"), str(uuid4())
    body = facts()

    first = send(member, key, "/service-records", body)
    second = send(member, key, "/service-records", dict(reversed(body.items())))

    assert (first.status_code, REPLAYED in first.headers) == (201, False)
    assert (second.status_code, second.headers[REPLAYED]) == (201, "true")
    assert second.data == first.data
    assert count(service, VolunteerRecord) == 1


def test_another_body_or_path_under_the_same_key_is_refused(service: Service) -> None:
    member, key = service.caller("党员甲"), str(uuid4())
    first, second = record(member), record(member, day="2026-11-06")
    withdrawn = send(member, key, f"/service-records/{first['id']}/withdraw")
    again = send(member, key, f"/service-records/{first['id']}/withdraw")

    other_path = send(member, key, f"/service-records/{second['id']}/withdraw")
    send(member, key, "/service-records", facts(day="2026-11-05"))
    other_body = send(member, key, "/service-records", facts(day="2026-11-04"))

    assert withdrawn.status_code == again.status_code == 204
    assert (again.data, again.headers[REPLAYED]) == (b"", "true")
    for answer in (other_path, other_body):
        assert (answer.status_code, answer.json["code"]) == (422, "idempotency.mismatch")
    assert count(service, VolunteerRecord) == 3


def test_a_key_belongs_to_one_member(service: Service) -> None:
    key = str(uuid4())

    answers = [
        send(service.caller(name), key, "/service-records", facts())
        for name in ("党员甲", "党员乙")
    ]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert REPLAYED not in answers[1].headers


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (None, (400, "idempotency.missing")),
        ("1", (422, "idempotency.malformed")),
        (f"{ONE}, {OTHER}", (422, "idempotency.malformed")),
        ("", (422, "idempotency.malformed")),
    ],
)
def test_a_post_needs_one_key(service: Service, key: str | None, expected: tuple[int, str]) -> None:
    caller = service.caller("党员甲")
    headers = {"Authorization": f"Bearer {caller.token}"}
    if key is not None:
        headers["Idempotency-Key"] = key
    client = FlaskClient(service.app, service.app.response_class)

    answer = client.post("/api/v1/service-records", json=facts(), headers=headers)

    assert (answer.status_code, answer.json["code"]) == expected
    assert count(service, VolunteerRecord) == 0


def test_what_was_refused_stays_refused(service: Service) -> None:
    """A lost request that arrives late must not do what its sender was told had failed."""
    member, key = service.caller("党员甲"), str(uuid4())
    kept = record(member)
    refused = send(member, key, "/service-records", facts(title="另一件事"))
    member.post(f"/service-records/{kept['id']}/withdraw")

    again = send(member, key, "/service-records", facts(title="另一件事"))

    assert (refused.status_code, refused.json["code"]) == (409, "claim.duplicate")
    assert (again.status_code, again.json["code"]) == (409, "claim.duplicate")
    assert again.headers[REPLAYED] == "true"
    assert send(member, str(uuid4()), "/service-records", facts()).status_code == 201


def test_bad_input_does_not_use_up_the_key(service: Service) -> None:
    member, key = service.caller("党员甲"), str(uuid4())

    refused = send(member, key, "/service-records", facts() | {"planned_minutes": 0})
    corrected = send(member, key, "/service-records", facts())

    assert (refused.status_code, refused.json["code"]) == (422, "validation")
    assert corrected.status_code == 201


def test_an_error_of_ours_takes_the_key_back_with_the_effect(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    member, key = service.caller("党员甲"), str(uuid4())
    with monkeypatch.context() as broken:
        broken.setattr("api.routes.services.volunteering.get_record", lambda *_: 1 / 0)
        failed = member.app.test_client().post(
            "/api/v1/service-records",
            json=facts(),
            headers={"Authorization": f"Bearer {member.token}", "Idempotency-Key": key},
        )
    left = count(service, VolunteerRecord)

    again = send(member, key, "/service-records", facts())

    assert (failed.status_code, left) == (500, 0)
    assert (again.status_code, REPLAYED in again.headers) == (201, False)


@pytest.mark.parametrize(("deadlocks", "status", "effects"), [(3, 201, 1), (4, 503, 0)])
def test_deadlock_is_tried_again_three_times(
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    deadlocks: int,
    status: int,
    effects: int,
) -> None:
    left = iter(range(deadlocks))
    get_record = volunteering.get_record

    def fails_at_first(*args: Any) -> Any:
        if next(left, None) is not None:
            raise OperationalError("", {}, DeadlockDetected())
        return get_record(*args)

    monkeypatch.setattr("api.routes.services.volunteering.get_record", fails_at_first)

    answer = service.caller("党员甲").post("/service-records", facts())

    assert (answer.status_code, count(service, VolunteerRecord)) == (status, effects)


def test_replay_is_not_shown_to_who_has_lost_the_role(service: Service) -> None:
    claim = {"id": record(service.caller("党员甲"))["claim_id"], "version": 1}
    body = {"decisions": [claim | {"action": "approve", "reason": ""}]}
    secretary, key = service.caller("书记一"), str(uuid4())
    given = send(secretary, key, "/claims/review", body)
    assert send(secretary, key, "/claims/review", body).data == given.data
    # He keeps the policy's role at another branch, and the stored answer is about the first.
    world = service.world
    world.session.execute(
        sa.update(RoleGrant)
        .where(RoleGrant.member_id == world.members["书记一"])
        .values(organization_id=world.organizations["二支部"])
    )
    world.session.commit()

    again = send(secretary, key, "/claims/review", body)

    assert (again.status_code, again.json["code"]) == (409, "idempotency.settled")
    assert "已经办成" in again.json["detail"]


def test_replay_is_not_shown_once_the_object_is_out_of_scope(service: Service) -> None:
    world, secretary, key = service.world, service.caller("书记一"), str(uuid4())
    path = f"/members/{world.members['党员甲']}/contact-logs"
    body = {"kind": "answered_call", "happened_on": "2026-11-09", "note": "月底返回"}
    assert send(secretary, key, path, body).status_code == 201
    assert send(secretary, key, path, body).status_code == 201
    place = {"organization_id": str(world.organizations["二支部"]), "on": "2026-11-10"}
    moved = service.caller("街道干事").post(
        f"/members/{world.members['党员甲']}/transfer", place | {"reason": "迁居"}
    )
    assert moved.status_code == 201, moved.text

    again = send(secretary, key, path, body)

    assert (again.status_code, again.json["code"]) == (409, "idempotency.settled")
    assert "月底返回" not in again.text


def test_a_secret_is_shown_once(service: Service) -> None:
    path = f"/members/{service.world.members['党员甲']}/account"
    secretary, key = service.caller("书记一"), str(uuid4())
    given = send(secretary, key, path)

    again = send(secretary, key, path)

    assert given.status_code == 201
    assert (again.status_code, again.json["code"]) == (409, "idempotency.settled")


def test_what_is_kept_is_sealed_and_goes_after_ninety_days(service: Service) -> None:
    member, session = service.caller("党员甲"), service.world.session
    record(member)
    (kept,) = session.scalars(sa.select(IdempotencyKey)).all()

    sealed = kept.sealed_answer or b""
    retention.purge(session, now=utc_now() + timedelta(days=89))
    after_89_days = count(service, IdempotencyKey)
    retention.purge(session, now=utc_now() + timedelta(days=91))

    assert "清扫社区花坛".encode() not in sealed
    assert b"\\u" not in sealed
    assert (after_89_days, count(service, IdempotencyKey)) == (1, 0)


def test_a_form_is_the_same_whatever_its_boundary(service: Service) -> None:
    place = str(service.world.organizations["一支部"])
    secretary, key = service.caller("书记一"), str(uuid4())

    def upload(content: bytes) -> TestResponse:
        form = {"organization_id": place, "file": (io.BytesIO(content), "dues.csv")}
        return send(secretary, key, "/dues-imports", data=form)

    table = "姓名,手机号,党费缴至\n".encode()
    answers = [upload(content) for content in (table, table, table + b",,\n")]

    assert [answer.status_code for answer in answers] == [200, 200, 422]
    assert (REPLAYED in answers[0].headers, answers[1].headers[REPLAYED]) == (False, "true")
    assert answers[2].json["code"] == "idempotency.mismatch"


def test_a_key_costs_two_statements_whatever_the_batch(service: Service) -> None:
    secretary, members = service.caller("书记一"), ["党员甲", "党员乙"]

    def approve(claims: list[Any]) -> list[str]:
        body = {"decisions": [{"id": str(c), "version": 1, "action": "approve"} for c in claims]}
        service.world.session.expire_all()
        with counted_statements(service.world.session) as seen:
            answer = secretary.post("/claims/review", body)
        assert {result["outcome"] for result in answer.json["results"]} == {"approved"}
        return seen

    # The first approval of a year makes the rows that the others find.
    approve([service.world.add_claim(name, "一支部") for name in members])
    one = approve([service.world.add_claim("党员甲", "一支部")])
    many = approve([service.world.add_claim(members[n % 2], "一支部") for n in range(50)])

    assert len(one) == len(many)
    assert sum("idempotency_key" in statement for statement in many) == 2
