"""The main job through HTTP: recording, claiming, reviewing, correcting, reversing."""

from tests.api.main_job_steps import (
    approved_entry,
    decide,
    deliver,
    facts,
    queue_of,
    record,
    refusal,
)
from tests.served import Service


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
    assert "仍全部记录" in result["message"]
    assert entry["binding_cap"] == "item:volunteer_service:day:2026-11-07"
    assert "实计 8 分，少计 2 分" in sentences
