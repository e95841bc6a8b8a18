"""The main job through HTTP: recording, claiming, reviewing, correcting, reversing."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from werkzeug.test import TestResponse

from core.clock import utc_now
from core.db import unit_of_work
from core.ids import new_id
from notifications import inbox
from tests.served import Caller, Service


def facts(day: str = "2026-11-07", hour: int = 9, minutes: int = 60, **changes: Any) -> dict:
    """What a member says about a service that began at `hour` Shanghai time."""
    starts = datetime.fromisoformat(f"{day}T{hour:02d}:00:00+08:00")
    return {
        "title": "清扫社区花坛",
        "starts_at": starts.isoformat(),
        "ends_at": (starts + timedelta(minutes=minutes)).isoformat(),
        "planned_minutes": minutes,
        "claimed_minutes": minutes,
    } | changes


def record(member: Caller, **given: Any) -> dict[str, Any]:
    answer = member.post("/service-records", facts(**given))
    assert answer.status_code == 201, answer.text
    return answer.json


def queue_of(service: Service, reviewer: str, organization: str, **query: str) -> list[dict]:
    path = f"/orgs/{service.world.organizations[organization]}/claims"
    answer = service.caller(reviewer).get(path, **query)
    assert answer.status_code == 200, answer.text
    return answer.json["items"]


def decide(reviewer: Caller, *decisions: tuple[dict[str, Any], str, str]) -> list[dict]:
    """Decide claims, each with an action and a reason, in one call."""
    answer = reviewer.post(
        "/claims/review",
        {
            "decisions": [
                {"id": claim["id"], "version": claim["version"], "action": action, "reason": why}
                for claim, action, why in decisions
            ]
        },
    )
    assert answer.status_code == 200, answer.text
    return answer.json["results"]


def approved_entry(service: Service, member: str = "党员甲", **given: Any) -> dict[str, Any]:
    """One service of a member of the first branch, recorded and approved."""
    kept = record(service.caller(member), **given)
    claim = {"id": kept["claim_id"], "version": 1}
    (result,) = decide(service.caller("书记一"), (claim, "approve", ""))
    assert result["outcome"] == "approved", result
    return result


def deliver(service: Service) -> int:
    """Do what the jobs process does with the outbox."""
    with unit_of_work(service.world.session) as session:
        return inbox.deliver(session, now=utc_now())


def refusal(answer: TestResponse) -> tuple[int, str, str]:
    return answer.status_code, answer.json["code"], answer.json["detail"]


def test_one_call_approves_five_and_returns_one_with_a_reason(service: Service) -> None:
    member, secretary = service.caller("党员甲"), service.caller("书记一")
    kept = [record(member, day=f"2026-11-0{day}", minutes=90) for day in range(1, 7)]

    waiting = queue_of(service, "书记一", "一支部")
    results = decide(
        secretary,
        *[(claim, "approve", "") for claim in waiting[:5]],
        (waiting[5], "return", "请写明地点"),
    )

    assert [claim["id"] for claim in waiting] == [each["claim_id"] for each in kept]
    assert [claim["member_name"] for claim in waiting] == ["党员甲"] * 6
    assert [result["claim_id"] for result in results] == [claim["id"] for claim in waiting]
    assert [result["outcome"] for result in results] == ["approved"] * 5 + ["returned"]
    assert [result["points"] for result in results] == ["1.5"] * 5 + [None]
    assert queue_of(service, "书记一", "一支部") == []
    returned = member.get(f"/claims/{waiting[5]['id']}").json
    assert (returned["status"], returned["decision_reason"]) == ("returned", "请写明地点")
    assert [step["kind"] for step in returned["timeline"]] == ["submitted", "returned"]


def test_approved_points_are_provisional_and_explained(service: Service) -> None:
    member = service.caller("党员甲")
    result = approved_entry(service, minutes=150)

    (entry,) = member.get("/me/points/entries").json["items"]
    balance = member.get("/me/points", year="2026").json
    explained = member.get(f"/points/entries/{entry['id']}/explain").json

    assert (entry["id"], entry["points"], entry["asked"]) == (result["entry_id"], "2.5", "2.5")
    assert (entry["member_name"], entry["organization_name"]) == ("党员甲", "一支部")
    assert (balance["total"], balance["provisional"], balance["confirmed"]) == ("62.5", "2.5", "0")
    assert balance["pending_claims"] == 0
    sentences = "".join(explained["steps"])
    for words in (
        "150 分钟",
        "2.5 小时",
        "应计 2.5 分",
        "未达到任何上限",
        "书记一通过",
        "公示期满",
    ):
        assert words in sentences


def test_decisions_reach_the_members_inbox_once(service: Service) -> None:
    member = service.caller("党员甲")
    approved_entry(service)
    claim = {"id": record(member, day="2026-11-06")["claim_id"], "version": 1}
    decide(service.caller("书记一"), (claim, "return", "请写明地点"))

    delivered = deliver(service), deliver(service)
    messages = member.get("/me/messages").json["items"]
    bodies = {message["kind"]: message["body"] for message in messages}
    read = member.post("/me/messages/read", {"up_to": messages[0]["id"]})

    assert delivered == (2, 0)
    assert len(messages) == 2
    assert "请写明地点" in bodies["claim_returned"]
    assert "计 1 分" in bodies["claim_approved"]
    assert read.status_code == 204
    assert member.get("/me/messages").json["items"][0]["read_at"] is not None
    assert service.caller("党员乙").get("/me/messages").json["items"] == []


def test_queue_shows_clean_claims_apart_from_flagged_ones(service: Service) -> None:
    member = service.caller("党员甲")
    clean = record(member)
    flagged = record(member, day="2026-11-06", minutes=120, planned_minutes=60)
    branch = service.world.organizations["一支部"]

    assert [c["id"] for c in queue_of(service, "书记一", "一支部", flagged="false")] == [
        clean["claim_id"]
    ]
    (shown,) = queue_of(service, "书记一", "一支部", flagged="true")
    assert shown["id"] == flagged["claim_id"]
    assert shown["flags"] == [{"code": "over_plan", "label": "申报时长超过计划时长"}]
    counts = service.caller("书记一").get(f"/orgs/{branch}/claims/counts").json
    assert counts == {"clean": 1, "flagged": 1}


def test_queue_holds_the_own_branch_only(service: Service) -> None:
    mine = record(service.caller("党员甲"))
    record(service.caller("党员丙"))

    assert [c["id"] for c in queue_of(service, "书记一", "一支部")] == [mine["claim_id"]]
    foreign = service.world.organizations["二支部"]
    answer = service.caller("书记一").get(f"/orgs/{foreign}/claims")
    assert refusal(answer)[:2] == (404, "not_found")


def test_returned_record_is_corrected_sent_again_and_approved(service: Service) -> None:
    member, secretary = service.caller("党员甲"), service.caller("书记一")
    kept = record(member)
    claim = {"id": kept["claim_id"], "version": 1}
    decide(secretary, (claim, "return", "请写明地点"))

    corrected = member.put(
        f"/service-records/{kept['id']}", facts(place="梧桐里花园", version=kept["version"])
    )
    stale = member.put(f"/service-records/{kept['id']}", facts(version=kept["version"]))
    (waiting,) = queue_of(service, "书记一", "一支部")
    (on_old_version,) = decide(secretary, (claim, "approve", ""))
    (result,) = decide(secretary, (waiting, "approve", ""))

    assert corrected.status_code == 200
    assert (corrected.json["place"], corrected.json["claim_status"]) == ("梧桐里花园", "pending")
    assert refusal(stale)[:2] == (409, "conflict.version")
    assert on_old_version["code"] == "claim.already_decided"
    assert (result["outcome"], result["points"]) == ("approved", "1")
    steps = member.get(f"/claims/{claim['id']}").json["timeline"]
    assert [s["kind"] for s in steps] == ["submitted", "returned", "resubmitted", "approved"]


def test_withdrawn_claim_leaves_the_queue_and_frees_its_start(service: Service) -> None:
    member = service.caller("党员甲")
    kept = record(member)

    withdrawn = member.post(f"/service-records/{kept['id']}/withdraw")
    again = member.post(f"/service-records/{kept['id']}/withdraw")

    assert withdrawn.status_code == 204
    assert refusal(again)[:2] == (409, "claim.already_decided")
    assert queue_of(service, "书记一", "一支部") == []
    assert member.get(f"/claims/{kept['claim_id']}").json["status"] == "withdrawn"
    assert record(member)["claim_status"] == "pending"


def test_approved_claim_cannot_be_withdrawn(service: Service) -> None:
    approved_entry(service)
    member = service.caller("党员甲")
    (kept,) = member.get("/service-records").json["items"]

    answer = member.post(f"/service-records/{kept['id']}/withdraw")

    assert refusal(answer)[:2] == (409, "claim.already_decided")


def test_reversal_is_an_entry_that_points_at_the_original(service: Service) -> None:
    member, secretary = service.caller("党员甲"), service.caller("书记一")
    original = approved_entry(service, minutes=120)["entry_id"]

    done = secretary.post(f"/points/entries/{original}/reversal", {"reason": "重复申报"})

    assert done.status_code == 201
    assert (done.json["reverses_id"], done.json["points"]) == (original, "-2")
    newest, oldest = member.get("/me/points/entries").json["items"]
    assert (newest["id"], newest["reverses_id"]) == (done.json["id"], original)
    assert (oldest["id"], oldest["reversed_by"]) == (original, done.json["id"])
    balance = member.get("/me/points").json
    assert (balance["total"], balance["provisional"]) == ("60", "0")
    explained = member.get(f"/points/entries/{done.json['id']}/explain").json
    assert "重复申报" in "".join(explained["steps"])
    assert deliver(service) == 2


def test_entry_is_reversed_at_most_once(service: Service) -> None:
    secretary = service.caller("书记一")
    original = approved_entry(service)["entry_id"]
    path = f"/points/entries/{original}/reversal"
    reversal = secretary.post(path, {"reason": "重复申报"}).json

    again = secretary.post(path, {"reason": "再来一次"})
    of_reversal = secretary.post(f"/points/entries/{reversal['id']}/reversal", {"reason": "撤"})

    assert refusal(again) == (409, "entry.already_reversed", "这笔积分已经冲正过")
    assert refusal(of_reversal)[:2] == (422, "entry.not_reversible")
    assert service.caller("党员甲").get("/me/points").json["total"] == "60"


def test_capped_claim_says_what_the_cap_took(service: Service) -> None:
    result = approved_entry(service, hour=6, minutes=600)

    (entry,) = service.caller("党员甲").get("/me/points/entries").json["items"]
    path = f"/points/entries/{entry['id']}/explain"
    sentences = "".join(service.caller("党员甲").get(path).json["steps"])

    assert (result["asked"], result["points"]) == ("10", "8")
    assert "当日上限 8 分" in result["message"]
    assert "时长仍全部记录" in result["message"]
    assert entry["binding_cap"] == "item:volunteer_service:day:2026-11-07"
    assert "实计 8 分，少计 2 分" in sentences


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


def anonymous(answer: TestResponse) -> tuple[int, bytes]:
    """An answer without the request id, the one thing that differs every time."""
    return answer.status_code, answer.data.replace(answer.headers["X-Request-Id"].encode(), b"")


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
