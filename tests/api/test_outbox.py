"""The phone's outbox: each write has its own key, transaction and result; order is per object."""

from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from activities.models import VolunteerRecord
from members.contact.models import RecordedFact
from tests.api.main_job_steps import facts, record
from tests.served import Caller, Service


def op(operation: str, body: Any = None, *, at: str | None = None, **ids: str) -> dict[str, Any]:
    return {
        "key": str(uuid4()),
        "operation": operation,
        "path_params": ids,
        "body": body,
        "occurred_at": at,
    }


def send(caller: Caller, *ops: dict[str, Any]) -> list[dict[str, Any]]:
    answer = caller.post("/outbox", {"ops": list(ops)})
    assert answer.status_code == 200, answer.text
    return answer.json["results"]


def test_each_write_succeeds_or_fails_by_itself(service: Service) -> None:
    results = send(
        service.caller("党员甲"),
        op("create_service_record", facts()),
        op("create_service_record", facts(title="同一时间的另一件事")),
        op("create_service_record", facts(day="2026-11-06") | {"planned_minutes": 0}),
        op("review_claims", {"decisions": []}),
        op("create_service_record", facts(day="2026-11-05")),
    )

    assert [result["status"] for result in results] == [201, 409, 422, 403, 201]
    assert [result["outcome"] for result in results] == ["done", *["failed"] * 3, "done"]
    assert results[0]["body"]["title"] == "清扫社区花坛"
    assert results[1]["problem"]["code"] == "claim.duplicate"
    assert results[2]["problem"]["errors"][0]["pointer"] == "/planned_minutes"
    assert all((result["body"] is None) != (result["problem"] is None) for result in results)
    count = sa.select(sa.func.count()).select_from(VolunteerRecord)
    assert service.world.session.scalar(count) == 2


def test_repeated_batch_repeats_no_effect(service: Service) -> None:
    member = service.caller("党员甲")
    ops = [op("create_service_record", facts(day=f"2026-11-0{day}")) for day in (5, 6, 7)]
    first = send(member, *ops[:2])

    again = send(member, *ops)

    assert [result["is_replay"] for result in again] == [True, True, False]
    assert [result["body"] for result in again[:2]] == [result["body"] for result in first]
    assert len(member.get("/service-records").json["items"]) == 3


def test_failure_stops_what_follows_on_the_same_object_only(service: Service) -> None:
    member = service.caller("党员甲")
    first, second = record(member), record(member, day="2026-11-06")

    def withdraw(kept: dict[str, Any]) -> dict[str, Any]:
        return op("withdraw_service_record", record_id=kept["id"])

    results = send(
        member,
        withdraw(first),
        withdraw(first),
        withdraw(second),
        withdraw(first),
        op("withdraw_service_record", record_id=str(uuid4())),
    )

    assert [result["outcome"] for result in results] == [
        "done", "failed", "done", "skipped", "failed",
    ]  # fmt: skip
    assert (results[3]["status"], results[3]["problem"]) == (None, None)


def test_batches_of_decisions_are_ordered_by_each_claim(service: Service) -> None:
    claims = [str(service.world.add_claim("党员甲", "一支部")) for _ in range(2)]

    def decide(*ids: str, **changes: Any) -> dict[str, Any]:
        decisions = [{"id": one, "version": 1, "action": "approve"} | changes for one in ids]
        return op("review_claims", {"decisions": decisions})

    results = send(
        service.caller("书记一"),
        decide(claims[0], action="nothing"),
        decide(*claims),
        decide(claims[1]),
    )

    assert [result["outcome"] for result in results] == ["failed", "skipped", "skipped"]


def test_time_on_the_phone_is_used_where_it_counts(service: Service) -> None:
    member_id = service.world.members["党员甲"]
    secretary, at = service.caller("书记一"), "2026-11-07T23:30:00+08:00"

    (kept, late) = send(
        secretary,
        op("log_contact", {"kind": "answered_call"}, at=at, member_id=str(member_id)),
        op("check_in", {"activity_id": str(uuid4()), "token": "x"}, at="2026-11-01T09:00:00+08:00"),
    )

    assert kept["body"]["happened_on"] == "2026-11-07"
    assert late["outcome"] == "failed"
    facts_kept = sa.select(RecordedFact.happened_on).where(RecordedFact.member_id == member_id)
    assert [str(day) for day in service.world.session.scalars(facts_kept)] == ["2026-11-07"]


def test_only_what_may_wait_is_taken(service: Service) -> None:
    branch = str(service.world.organizations["一支部"])

    results = send(
        service.caller("书记一"),
        op("create_member", {"name": "张三", "kind": "full_member"}, organization_id=branch),
        op("send_outbox", {"ops": []}),
        op("nothing"),
        op("withdraw_service_record"),
        op("withdraw_service_record", record_id=str(uuid4()), strange=str(uuid4())),
    )

    codes = [result["problem"]["code"] for result in results]
    assert codes == [*["outbox.not_offline"] * 3, *["request.not_found"] * 2]


def test_a_batch_is_of_one_to_fifty(service: Service) -> None:
    for number in (0, 51):
        ops = [op("confirm_contact") for _ in range(number)]
        assert service.caller("党员甲").post("/outbox", {"ops": ops}).status_code == 422
