"""Pledges through HTTP: what the phones of a member, a secretary and an officer send."""

from typing import Any

from tests.served import Caller, Service

WORDS = {
    "category": "service",
    "title": "帮扶独居老人",
    "content": "每月上门看望。\n代买药品。",
    "target": "全年 12 次以上",
    "beneficiary": "社区独居老人",
}
NEW = WORDS | {"year": 2026, "kind": "annual_pledge", "due_on": "2026-12-20"}
MEETING = {
    "body": "general_meeting",
    "meeting_on": "2026-11-10",
    "reference": "党员大会记录〔2026〕4 号",
}


def write(caller: Caller, **changes: Any) -> dict[str, Any]:
    answer = caller.post("/pledges", NEW | changes)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json
    return found


def step(caller: Caller, pledge: dict[str, Any], verb: str, **body: Any) -> dict[str, Any]:
    answer = caller.post(f"/pledges/{pledge['id']}/{verb}", body or None)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json
    return found


def published(service: Service, **changes: Any) -> dict[str, Any]:
    member, secretary = service.caller("党员甲"), service.caller("书记一")
    pledge = step(member, write(member, **changes), "submit")
    step(secretary, pledge, "approve", version=pledge["version"])
    branch = service.world.organizations["一支部"]
    answer = secretary.post(f"/orgs/{branch}/pledges/publish", {"year": 2026})
    assert answer.json["pledge_ids"] == [pledge["id"]]
    found: dict[str, Any] = member.get(f"/pledges/{pledge['id']}").json
    return found


def gradings(*pledges: dict[str, Any], grade: str = "优") -> dict[str, Any]:
    ratings = dict.fromkeys(("member_rating", "masses_rating", "organization_rating"), grade)
    return MEETING | {
        "gradings": [
            {"id": one["id"], "version": one["version"], "grade": grade} | ratings
            for one in pledges
        ]
    }


def test_year_of_a_pledge_from_draft_to_points(service: Service) -> None:
    member, secretary = service.caller("党员甲"), service.caller("书记一")
    pledge = published(service)
    assert pledge["allowed_steps"] == ["amend", "note_progress", "report_fulfilment"]
    assert "1 项" in pledge["hints"][0]

    step(member, pledge, "note-progress", note="本月上门两次")
    step(secretary, pledge, "supervise", note="已入户核实")
    reported = step(member, pledge, "report-fulfilment", note="全年 14 次")
    assert member.get("/me/points", year="2026").json["total"] == "60"
    results = secretary.post("/pledges/evaluate", gradings(reported)).json["results"]

    assert [(one["outcome"], one["points"]) for one in results] == [("evaluated", "6")]
    shown = member.get(f"/pledges/{pledge['id']}").json
    assert [note["kind"] for note in shown["notes"]] == ["progress", "supervision", "progress"]
    assert shown["evaluations"][0]["entry_id"] == results[0]["entry_id"]
    assert (shown["status"], shown["status_label"], shown["grade"]) == ("evaluated", "已评定", "优")
    assert member.get("/me/points", year="2026").json["total"] == "66"
    explained = member.get(f"/points/entries/{results[0]['entry_id']}/explain").json
    assert "6 分" in "".join(explained["steps"])


def test_batch_answers_each_and_a_correction_needs_its_reason(service: Service) -> None:
    secretary, pledge = service.caller("书记一"), published(service)
    asked = gradings(pledge)
    first = secretary.post("/pledges/evaluate", asked).json["results"]
    again = secretary.post("/pledges/evaluate", asked).json["results"]
    path = f"/pledges/{pledge['id']}/evaluate"
    one = {k: v for k, v in gradings(pledge, grade="中")["gradings"][0].items() if k != "id"}
    one |= MEETING | {"version": pledge["version"] + 1}
    without = secretary.post(path, one)
    corrected = secretary.post(path, one | {"reason": "群众反映没有做到"})

    assert [one["outcome"] for one in (*first, *again)] == ["evaluated", "refused"]
    assert again[0]["code"] == "conflict.version"
    assert (without.status_code, without.json["code"]) == (422, "pledge.grading")
    assert [one["points"] for one in corrected.json["evaluations"]] == ["6", "2"]
    assert [one["is_reversed"] for one in corrected.json["evaluations"]] == [True, False]


def test_pledge_that_was_not_kept_is_found_so_with_a_reason(service: Service) -> None:
    secretary, pledge = service.caller("书记一"), published(service)
    body = MEETING | {"grade": "差", "reason": "全年没有开展", "version": pledge["version"]}

    found = secretary.post(f"/pledges/{pledge['id']}/find-unfulfilled", body).json

    assert (found["status"], found["evaluations"][0]["is_fulfilled"]) == ("unfulfilled", False)
    assert found["evaluations"][0]["points"] == "0"


def test_excuse_is_explained_to_the_branch(service: Service) -> None:
    secretary, pledge = service.caller("书记一"), published(service)
    step(secretary, pledge, "excuse", version=pledge["version"], reason="服务点拆迁")
    branch = service.world.organizations["一支部"]

    (shown,) = (
        service.caller("党员乙").get(f"/orgs/{branch}/pledges/public", year=2026).json["items"]
    )

    assert (shown["status"], shown["excuse_reason"]) == ("unfulfilled_excused", "服务点拆迁")
    assert "version" not in shown
    assert "entered_by" not in shown


def test_conflict_names_the_newest_state(service: Service) -> None:
    secretary, pledge = service.caller("书记一"), published(service)
    path = f"/pledges/{pledge['id']}/suspend"

    stale = secretary.post(path, {"version": 1, "reason": "住院"})
    twice = [secretary.post(path, {"version": v, "reason": "住院"}) for v in (4, 5)]

    assert (stale.status_code, stale.json["code"]) == (409, "conflict.version")
    assert stale.json["errors"][0]["params"] == {"version": 4, "status": "published"}
    assert [one.status_code for one in twice] == [200, 409]
    assert twice[1].json["code"] == "pledge.state"
    assert twice[1].json["errors"][0]["params"] == {"version": 5, "status": "suspended"}


def test_number_of_a_villager_is_refused_with_its_place(service: Service) -> None:
    member = service.caller("党员甲")

    answer = member.post("/pledges", NEW | {"beneficiary": "王大妈 138 1234 5678"})

    assert (answer.status_code, answer.json["code"]) == (422, "pledge.private_data")
    assert [error["pointer"] for error in answer.json["errors"]] == ["/beneficiary"]


def test_same_pledge_sent_twice_is_one(service: Service) -> None:
    member = service.caller("党员甲")
    write(member)
    with service.undone():
        answer = member.post("/pledges", NEW)

    assert (answer.status_code, answer.json["code"]) == (409, "pledge.duplicate")


def test_secretary_enters_for_a_member_without_a_phone(service: Service) -> None:
    secretary, other = service.caller("书记一"), service.caller("书记三")
    member_id = str(service.world.members["党员乙"])

    pledge = write(secretary, member_id=member_id)
    refused = other.post("/pledges", NEW | {"member_id": member_id})

    assert pledge["entered_by"] == str(service.world.members["书记一"])
    assert refused.status_code == 404
    assert service.caller("党员乙").get("/pledges").json["items"][0]["id"] == pledge["id"]


def test_due_list_and_working_list_are_the_secretarys(service: Service) -> None:
    pledge, branch = published(service), service.world.organizations["一支部"]
    for path, query in (("due", {"within_days": 60}), ("", {"year": 2026, "status": "published"})):
        where = f"/orgs/{branch}/pledges/{path}".rstrip("/")
        items = service.caller("书记一").get(where, **query).json["items"]
        assert [item["id"] for item in items] == [pledge["id"]]
        assert service.caller("党员乙").get(where, **query).status_code == 403
        assert service.caller("书记三").get(where, **query).status_code == 404
