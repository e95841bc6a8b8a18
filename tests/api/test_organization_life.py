"""A theme day over HTTP: from a template to its rates, with and without a phone."""

import re
from typing import Any

from tests.served import Caller, Service

SOON = {"starts_at": "2026-11-10T10:30:00+08:00", "ends_at": "2026-11-10T12:00:00+08:00"}
LATER = {"starts_at": "2026-11-20T10:30:00+08:00", "ends_at": "2026-11-20T12:00:00+08:00"}
THEME_DAY = {"kind": "theme_day", "title": "十一月主题党日", "place": "党群活动室"}


def branch(service: Service) -> str:
    return str(service.world.organizations["一支部"])


def plan(service: Service, **changes: Any) -> str:
    body = THEME_DAY | SOON | {"tags": ["party_lecture"]} | changes
    made = service.caller("书记一").post(f"/orgs/{branch(service)}/activities", body)
    assert made.status_code == 201
    return str(made.json["id"])


def call(caller: Caller, activity_id: str, *marks: tuple[Any, str], **more: Any) -> Any:
    items = [{"member_id": str(member), "mark": mark} for member, mark in marks]
    body = {"default": "present", "items": items} | more
    return caller.post(f"/activities/{activity_id}/roll-call", body)


def outcomes(answer: Any) -> dict[str, str]:
    return {one["member_id"]: one["outcome"] for one in answer.json["results"]}


def test_month_of_a_secretary(service: Service) -> None:
    secretary, member = service.caller("书记一"), service.caller("党员乙")
    template = secretary.post(
        f"/orgs/{branch(service)}/activity-templates",
        THEME_DAY | {"tags": ["party_lecture"], "planned_minutes": 90},
    ).json
    made = secretary.post(
        f"/orgs/{branch(service)}/activities/from-template",
        {"template_id": template["id"], "starts_at": SOON["starts_at"]},
    ).json
    activity_id = made["id"]
    assert (made["status"], made["tags"], made["ends_at"]) == (
        "planned",
        ["party_lecture"],
        SOON["ends_at"],
    )
    assert member.get("/activities").json["items"] == []
    assert secretary.post(f"/activities/{activity_id}/publish").json["status"] == "published"
    mine = member.get("/activities").json["items"]
    assert [(one["id"], one["my_status"]) for one in mine] == [(activity_id, None)]

    leave = member.put(f"/activities/{activity_id}/leave", {"reason_kind": "personal"}).json
    waiting = secretary.get(f"/orgs/{branch(service)}/leave-requests").json["items"]
    assert [one["member_name"] for one in waiting] == ["党员乙"]
    decided = secretary.post(f"/leave-requests/{leave['id']}/decide", {"is_approved": True})
    assert decided.json["status"] == "approved"

    deputy = service.world.members["副书记一"]
    called = call(secretary, activity_id, (deputy, "absent_unexcused"))
    assert set(outcomes(called).values()) == {"recorded"}
    assert len(outcomes(called)) == 4
    record = {"summary": "学习\n讨论", "version": 0}
    assert secretary.put(f"/activities/{activity_id}/record", record).json["version"] == 1
    closed = secretary.post(f"/activities/{activity_id}/close", {}).json
    assert closed["counts"]["leave_approved"] == 1
    assert closed["entries"] == 4

    made_up = secretary.post(
        f"/activities/{activity_id}/make-ups",
        {"member_id": str(deputy), "made_up_on": "2026-11-10", "content": "自学"},
    )
    assert made_up.status_code == 201
    listed = secretary.get(f"/activities/{activity_id}/attendance").json
    assert listed["rates"]["leaving_out_leave"] == "100.0%"
    assert "÷" in listed["formula"]
    own = member.get(f"/activities/{activity_id}").json
    assert (own["my_status"], own["leave_status"]) == ("leave_approved", "approved")
    events = member.get(f"/attendance/{own['attendance_id']}/events").json["items"]
    assert [one["origin"] for one in events] == ["leave"]
    days = {"first_on": "2026-11-01", "last_on": "2026-11-30"}
    rates = secretary.get(f"/orgs/{branch(service)}/attendance-rates", **days).json
    assert (rates["counts"]["expected"], len(rates["members"])) == (5, 5)
    duties = secretary.get(f"/orgs/{branch(service)}/duties", on="2026-11-01").json["items"]
    assert {one["state"] for one in duties if one["kind"] == "theme_day"} == {"met"}
    entries = service.caller("党员甲").get("/me/points/entries").json["items"]
    assert [one["points"] for one in entries] == ["2"]


def test_paper_sheet_is_entered_whole_and_says_by_whom(service: Service) -> None:
    activity_id = plan(service)

    call(service.caller("书记一"), activity_id, is_paper=True)

    own = service.caller("党员乙").get(f"/activities/{activity_id}").json
    events = service.caller("党员乙").get(f"/attendance/{own['attendance_id']}/events").json
    (event,) = events["items"]
    assert (event["origin"], event["entered_by_name"]) == ("paper", "书记一")


def test_code_is_shown_with_what_it_proves_and_scanned_once(service: Service) -> None:
    activity_id = plan(service, starts_at="2026-11-10T10:05:00+08:00")
    secretary, member = service.caller("书记一"), service.caller("党员乙")

    code = secretary.get(f"/activities/{activity_id}/code").json
    assert re.fullmatch(r"\d{6}", code["digits"])
    assert code["svg"].startswith("<svg")
    assert "不能证明" in code["note"]
    scanned = member.post("/check-ins", {"activity_id": activity_id, "token": code["token"]})
    again = member.post("/check-ins", {"activity_id": activity_id, "digits": code["digits"]})

    assert (scanned.status_code, scanned.json["status"]) == (200, "present")
    assert (again.status_code, again.json["message"]) == (200, "您已签到，不用再签。")
    assert service.caller("书记二").get(f"/activities/{activity_id}/code").status_code == 404
    assert member.get(f"/activities/{activity_id}/code").status_code == 403


def test_wrong_digits_are_counted_over_requests(service: Service) -> None:
    activity_id = plan(service)
    member = service.caller("党员乙")
    body = {"activity_id": activity_id, "digits": "abcdef"}

    answers = [member.post("/check-ins", body) for _ in range(6)]

    codes = [answer.json["code"] for answer in answers]
    assert codes == ["checkin.code"] * 5 + ["checkin.too_many"]


def test_scan_needs_a_token_or_digits(service: Service) -> None:
    activity_id = plan(service)

    for body in ({}, {"token": "x", "digits": "123456"}):
        answer = service.caller("党员乙").post("/check-ins", {"activity_id": activity_id} | body)
        assert [one["pointer"] for one in answer.json["errors"]] == ["/token"]


def test_refusals_have_their_codes(service: Service) -> None:
    secretary, activity_id = service.caller("书记一"), plan(service)
    far = plan(service, **LATER)
    member = str(service.world.members["党员乙"])

    answers = [
        secretary.post(f"/activities/{activity_id}/close", {}),
        call(secretary, far),
        call(secretary, activity_id, (member, "present"), (member, "present")),
        call(service.caller("书记二"), activity_id),
        call(service.caller("党员乙"), activity_id),
        secretary.post(f"/activities/{activity_id}/votes", votes(1)),
    ]
    call(secretary, activity_id, default=None)
    answers += [
        secretary.post(f"/activities/{activity_id}/close", {}),
        secretary.put(f"/activities/{activity_id}", THEME_DAY | SOON | {"version": 2}),
        secretary.post(f"/activities/{activity_id}/votes", votes(9)),
        service.caller("党员乙").put(f"/activities/{activity_id}/leave", {"reason_kind": "sick"}),
    ]

    assert [(one.status_code, one.json["code"]) for one in answers] == [
        (422, "activity.not_started"),
        (422, "activity.too_early"),
        (422, "attendance.repeated"),
        (404, "not_found"),
        (403, "perm.denied"),
        (422, "activity.not_started"),
        (422, "attendance.unmarked"),
        (409, "activity.started"),
        (422, "meeting.counts"),
        (422, "leave.too_late"),
    ]


def votes(in_favour: int) -> dict[str, Any]:
    return {"motion": "接收预备党员", "in_favour": in_favour, "against": 0, "abstained": 0}


def test_cancelled_activity_says_why(service: Service) -> None:
    activity_id, secretary = plan(service, **LATER), service.caller("书记一")
    secretary.post(f"/activities/{activity_id}/publish")
    path = f"/orgs/{branch(service)}/activities/{activity_id}/cancel"

    cancelled = secretary.post(path, {"reason": "暴雨红色预警"}).json

    assert (cancelled["status"], cancelled["cancel_reason"]) == ("cancelled", "暴雨红色预警")
    assert secretary.post(path, {"reason": "再次"}).json["code"] == "activity.cancelled"


def test_officer_sees_exceptions_by_name_without_numbers(service: Service) -> None:
    street = service.world.organizations["街道"]

    found = service.caller("街道干事").get(f"/orgs/{street}/duty-exceptions", on="2026-10-01").json

    names = [one["organization_name"] for one in found["items"]]
    assert names == sorted(names)
    assert {one["state"] for one in found["items"]} == {"not_met"}
    assert not any("rate" in field or "count" in field for field in found["items"][0])
