"""The bounds of the main job: what is refused or flagged, who decides, what others cannot see."""

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from core.ids import new_id
from tests.api.main_job_steps import (
    anonymous,
    approved_entry,
    decide,
    facts,
    queue_of,
    record,
    refusal,
)
from tests.served import Service

REFUSED = [
    ("future", {"day": "2026-11-11"}, "service.refused", "/ends_at", "还没有结束"),
    ("before joining", {"day": "2010-06-30"}, "service.refused", "/starts_at", "早于入党日期"),
    ("over length", {"claimed_minutes": 61}, "service.refused", "/claimed_minutes", "超过起止时间"),
    ("office duty", {"is_office_duty": True}, "service.refused", "/is_office_duty", "上班时间"),
    ("no reference", {"origin": "external"}, "service.refused", "/external_reference", "证明编号"),
    ("too late", {"day": "2026-09-30"}, "claim.too_old", None, "最晚可在 2026-10-31 申报"),
]


@pytest.mark.parametrize(
    ("given", "code", "pointer", "words"),
    [case[1:] for case in REFUSED],
    ids=[case[0] for case in REFUSED],
)
def test_impossible_service_is_refused_with_its_reason(
    service: Service, given: dict[str, Any], code: str, pointer: str | None, words: str
) -> None:
    answer = service.caller("党员甲").post("/service-records", facts(**given))

    assert refusal(answer)[:2] == (422, code)
    assert words in answer.json["detail"]
    if pointer is not None:
        assert [error["pointer"] for error in answer.json["errors"]] == [pointer]
    assert service.caller("党员甲").get("/service-records").json["items"] == []


def test_service_that_ends_before_it_begins_is_refused(service: Service) -> None:
    backwards = facts(ends_at="2026-11-07T08:00:00+08:00")

    answer = service.caller("党员甲").post("/service-records", backwards)

    assert refusal(answer)[:2] == (422, "service.refused")


def test_second_service_with_the_same_start_is_conflict(service: Service) -> None:
    member = service.caller("党员甲")
    record(member)

    answer = member.post("/service-records", facts(title="另一件事"))

    assert refusal(answer) == (409, "claim.duplicate", "这次服务已报过。")
    assert len(member.get("/service-records").json["items"]) == 1


def test_overlapping_record_is_flagged(service: Service) -> None:
    member = service.caller("党员甲")
    record(member, minutes=120)

    second = record(member, hour=10, minutes=120)

    assert [flag["code"] for flag in second["flags"]] == ["overlaps_record"]


def test_service_during_a_meeting_of_the_branch_is_flagged(service: Service) -> None:
    branch = service.world.organizations["一支部"]
    meeting = {"kind": "theme_day", "title": "主题党日"}
    times = {"starts_at": "2026-11-07T09:30:00+08:00", "ends_at": "2026-11-07T11:00:00+08:00"}
    planned = service.caller("书记一").post(f"/orgs/{branch}/activities", meeting | times)
    assert planned.status_code == 201

    kept = record(service.caller("党员甲"))

    assert [flag["code"] for flag in kept["flags"]] == ["overlaps_meeting"]


@pytest.mark.parametrize(
    ("given", "flag"),
    [
        ({"hour": 6, "minutes": 481}, "over_eight_hours"),
        ({"minutes": 60, "planned_minutes": 59}, "over_plan"),
        ({"day": "2026-10-10"}, "backfill"),
    ],
)
def test_unusual_service_is_flagged_not_refused(
    service: Service, given: dict[str, Any], flag: str
) -> None:
    kept = record(service.caller("党员甲"), **given)

    assert [shown["code"] for shown in kept["flags"]] == [flag]
    assert all(shown["label"] for shown in kept["flags"])


def test_secretarys_own_claim_is_decided_by_the_committee(service: Service) -> None:
    kept = record(service.caller("书记一"))

    assert queue_of(service, "书记一", "一支部") == []
    assert queue_of(service, "副书记一", "一支部") == []
    (claim,) = queue_of(service, "街道干事", "街道")
    (refused,) = decide(service.caller("副书记一"), (claim, "approve", ""))
    (approved,) = decide(service.caller("街道干事"), (claim, "approve", ""))

    assert claim["id"] == kept["claim_id"]
    assert (refused["outcome"], refused["code"]) == ("refused", "not_found")
    assert approved["outcome"] == "approved"


def test_delegate_approves_only_inside_his_dates(service: Service) -> None:
    branch = service.world.organizations["一支部"]
    delegate = service.world.members["党员乙"]
    first, second = (record(service.caller("党员甲"), day=f"2026-11-0{n}") for n in (6, 7))
    before = service.caller("党员乙").get(f"/orgs/{branch}/claims")
    named = service.caller("书记一").put(
        f"/orgs/{branch}/delegations/{delegate}", {"until": "2026-11-12"}
    )

    (inside,) = decide(
        service.caller("党员乙"), ({"id": first["claim_id"], "version": 1}, "approve", "")
    )
    with time_machine.travel(datetime(2026, 11, 11, 16, 0, tzinfo=UTC)):
        outside = service.caller("党员乙").post(
            "/claims/review",
            {"decisions": [{"id": second["claim_id"], "version": 1, "action": "approve"}]},
        )

    assert refusal(before)[:2] == (403, "perm.denied")
    assert named.status_code == 200
    assert inside["outcome"] == "approved"
    assert refusal(outside)[:2] == (403, "perm.denied")


def test_secretary_records_for_a_member_without_phone(service: Service) -> None:
    member, secretary = service.world.members["党员甲"], service.world.members["书记一"]

    kept = record(service.caller("书记一"), member_id=str(member))

    assert (kept["member_id"], kept["entered_by"]) == (str(member), str(secretary))
    own = service.caller("党员甲").get("/service-records").json["items"]
    assert [each["entered_by"] for each in own] == [str(secretary)]


def test_nobody_records_for_a_member_of_another_branch(service: Service) -> None:
    foreign = str(service.world.members["党员丙"])

    of_foreign = service.caller("书记一").post("/service-records", facts(member_id=foreign))
    of_nobody = service.caller("书记一").post("/service-records", facts(member_id=str(new_id())))

    assert refusal(of_foreign)[:2] == (404, "not_found")
    assert anonymous(of_foreign) == anonymous(of_nobody)


@pytest.fixture
def foreign(service: Service) -> dict[str, str]:
    """A decided claim of another committee's branch, with everything that hangs on it."""
    kept = record(service.caller("党员丁"))
    claim = {"id": kept["claim_id"], "version": 1}
    (result,) = decide(service.caller("书记三"), (claim, "approve", ""))
    return {
        "record": kept["id"],
        "claim": kept["claim_id"],
        "entry": result["entry_id"],
        "organization": str(service.world.organizations["三支部"]),
    }


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/orgs/{organization}/claims", None),
        ("GET", "/orgs/{organization}/claims/counts", None),
        ("GET", "/orgs/{organization}/points/ledger", None),
        ("GET", "/orgs/{organization}/activities", None),
        ("GET", "/claims/{claim}", None),
        ("GET", "/points/entries/{entry}/explain", None),
        ("POST", "/points/entries/{entry}/reversal", {"reason": "重复"}),
        ("GET", "/service-records/{record}", None),
        ("PUT", "/service-records/{record}", facts(version=1)),
        ("POST", "/service-records/{record}/withdraw", None),
    ],
)
@pytest.mark.parametrize("caller", ["书记一", "街道干事"])
def test_foreign_objects_answer_exactly_like_absent_ones(
    service: Service, foreign: dict[str, str], caller: str, method: str, path: str, body: Any
) -> None:
    sent = {} if body is None else {"json": body}
    absent = dict.fromkeys(foreign, str(new_id()))

    there = service.caller(caller).send(method, path.format(**foreign), **sent)
    nowhere = service.caller(caller).send(method, path.format(**absent), **sent)

    assert there.status_code == 404
    assert anonymous(there) == anonymous(nowhere)


def test_foreign_claim_in_a_batch_is_refused_like_an_absent_one(
    service: Service, foreign: dict[str, str]
) -> None:
    mine = {"id": record(service.caller("党员甲"))["claim_id"], "version": 1}
    theirs = {"id": foreign["claim"], "version": 2}
    nowhere = {"id": str(new_id()), "version": 2}

    results = decide(
        service.caller("书记一"), *((claim, "approve", "") for claim in (theirs, mine, nowhere))
    )

    assert [result["outcome"] for result in results] == ["refused", "approved", "refused"]
    first, last = ({**results[n], "claim_id": None} for n in (0, 2))
    assert first == last


def test_lists_hold_nothing_of_another_branch(service: Service, foreign: dict[str, str]) -> None:
    entry = approved_entry(service)["entry_id"]
    branch = service.world.organizations["一支部"]

    listed = service.caller("书记一").get(f"/orgs/{branch}/points/ledger").json["items"]

    assert [row["id"] for row in listed] == [entry]
    assert service.caller("书记一").get("/claims").json["items"] == []
