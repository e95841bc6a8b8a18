"""Migrants and transfers through HTTP: what a member, his branch, a host and a receiver do."""

import io
from typing import Any

from tests.served import ABSENT_ID, Service

ABSENCE = {
    "left_on": "2026-10-08",
    "expected_back_on": "2027-01-20",
    "city": "陕西省西安市",
    "reason_code": "work_elsewhere",
    "holds_card": True,
    "card_number": "流动2026-018",
}
LETTER = {"reason": "工作调动", "letter_number": "2026年第18号", "letter_on": "2026-11-09"}


def arrangement(service: Service, contact: str = "组长", host: str | None = None) -> dict[str, Any]:
    places = service.world.organizations
    return {
        "contact_id": str(service.world.members[contact]),
        "host_organization_id": str(places[host]) if host else None,
    }


def test_absence_from_the_report_to_the_return(service: Service) -> None:
    member, home = service.caller("党员甲"), service.caller("书记一")
    host, contact = service.caller("书记二"), service.caller("组长")

    proposed = member.post("/me/migration", ABSENCE)
    own = proposed.json["registration"]
    assert (proposed.status_code, own["status"]) == (201, "proposed")
    path = f"/migrant-registrations/{own['id']}"
    opened = home.post(f"{path}/accept", arrangement(service, host="二支部"))
    assert (opened.status_code, opened.json["registration"]["status"]) == (200, "open")
    assert opened.json["registration"]["contact_name"] == "组长"
    assert opened.json["registration"]["next_touch_on"] == "2026-12-10"

    branch = service.world.organizations["二支部"]
    (hosted,) = host.get(f"/orgs/{branch}/migrants-hosted").json["items"]
    assert (hosted["member_name"], hosted["placement_status"]) == ("党员甲", "asked")
    placement = f"/host-placements/{hosted['placement_id']}"
    assert host.post(f"{placement}/accept", {"on": "2026-10-09"}).json["status"] == "accepted"
    assert host.post(f"{placement}/confirm", {"note": "按月参加"}).status_code == 201

    touched = contact.post(f"{path}/touches", {"kind": "visit", "is_talk": True})
    assert (touched.status_code, touched.json["kind"]) == (201, "visit")
    (task,) = contact.get("/me/migrant-contacts").json["items"]
    assert (task["last_talk_on"], task["next_talk_on"]) == ("2026-11-10", "2027-02-10")
    assert member.post("/me/migration/place", {"city": "宝鸡市"}).status_code == 200

    closed = home.post(f"{path}/close", {"card_outcome": "checked"})
    assert closed.status_code == 200
    assert closed.json["registration"]["status"] == "closed"
    assert [row["recorded_by_name"] for row in closed.json["touches"]] == ["书记二", "组长"]
    assert [row["status"] for row in closed.json["placements"]] == ["ended"]
    assert closed.json["places"][-1]["city"] == "宝鸡市"
    assert member.get("/me/migration").json == {"registration": None}


def test_branch_registers_and_lists_its_own_and_no_other_sees_them(service: Service) -> None:
    home, other = service.caller("书记一"), service.caller("书记二")
    member_id = service.world.members["党员甲"]
    body = ABSENCE | arrangement(service)

    made = home.post(f"/members/{member_id}/migrant-registration", body)

    assert made.status_code == 201
    again = home.post(f"/members/{member_id}/migrant-registration", body)
    assert (again.status_code, again.json["code"]) == (409, "migrant.registered")
    away = f"/orgs/{service.world.organizations['一支部']}/migrants-away"
    assert [row["member_name"] for row in home.get(away).json["items"]] == ["党员甲"]
    path = f"/migrant-registrations/{made.json['registration']['id']}"
    for answer in (
        other.get(away),
        other.get(path),
        other.post(f"{path}/close", {"card_outcome": "checked"}),
        other.post(f"{path}/touches", {"kind": "reply"}),
        other.post(f"{path}/contact", {"contact_id": ABSENT_ID}),
        other.post(f"{path}/host", {"organization_id": ABSENT_ID}),
        other.post(f"{path}/place", {"city": "西安"}),
        other.post(f"/members/{member_id}/migrant-registration", body),
    ):
        assert answer.status_code == 404


def test_register_is_imported_as_proposals(service: Service) -> None:
    home = service.caller("书记一")
    head = "姓名,手机号,是否流动,外出流向,外出日期,原因,持活动证,结束日期"
    phone = service.world.phones["党员甲"]
    text = f"{head}\n党员甲,{phone},是,西安市,2026-10-08,外出务工经商,是,\n"

    def upload(place: str) -> Any:
        return home.send(
            "POST",
            "/migrant-imports",
            data={
                "organization_id": str(service.world.organizations[place]),
                "file": (io.BytesIO(text.encode()), "流动.csv"),
            },
            content_type="multipart/form-data",
        )

    assert upload("一支部").json == {"proposed": 1, "unchanged": 0, "refusals": []}
    away = f"/orgs/{service.world.organizations['一支部']}/migrants-away"
    assert [row["status"] for row in home.get(away).json["items"]] == ["proposed"]
    assert upload("二支部").status_code == 404


def test_street_and_number_are_refused_with_a_pointer(service: Service) -> None:
    refused = service.caller("党员甲").post(
        "/me/migration", ABSENCE | {"city": "西安市雁塔区高新路1号"}
    )

    assert (refused.status_code, refused.json["code"]) == (422, "migrant.not_a_city")
    assert [error["pointer"] for error in refused.json["errors"]] == ["/city"]


def test_member_takes_his_report_back_or_is_told_why_not(service: Service) -> None:
    member, home = service.caller("党员甲"), service.caller("书记一")
    first = member.post("/me/migration", ABSENCE).json["registration"]["id"]
    assert member.delete("/me/migration").status_code == 204
    assert member.delete("/me/migration").status_code == 404
    second = member.post("/me/migration", ABSENCE).json["registration"]["id"]
    path = f"/migrant-registrations/{second}"

    declined = home.post(f"{path}/decline", {"reason": "外出不足一个月"})

    assert first != second
    assert declined.json["registration"]["decision_reason"] == "外出不足一个月"
    late = home.post(f"{path}/accept", arrangement(service))
    assert (late.status_code, late.json["code"]) == (409, "migrant.changed")


def test_home_changes_the_contact_and_takes_back_from_the_host(service: Service) -> None:
    home = service.caller("书记一")
    member_id = service.world.members["党员甲"]
    body = ABSENCE | arrangement(service, host="二支部")
    made = home.post(f"/members/{member_id}/migrant-registration", body).json
    path = f"/migrant-registrations/{made['registration']['id']}"

    contact = {"contact_id": str(service.world.members["党员乙"])}
    changed = home.post(f"{path}/contact", contact).json
    assert [row["name"] for row in changed["contacts"]] == ["组长", "党员乙"]
    assert home.post(f"{path}/host/end", {}).status_code == 204
    asked = home.post(
        f"{path}/host", {"organization_id": str(service.world.organizations["三支部"])}
    )
    placement = f"/host-placements/{asked.json['id']}"
    host = service.caller("书记三")
    declined = host.post(f"{placement}/decline", {"reason": "不在本地"})
    assert (asked.status_code, declined.json["status"]) == (201, "declined")
    late = host.post(f"{placement}/end", {})
    assert (late.status_code, late.json["code"]) == (409, "host.already_answered")


def test_transfer_from_the_letter_to_the_acceptance(service: Service) -> None:
    sender, receiver = service.caller("书记一"), service.caller("书记二")
    (branch,) = sender.get("/branch-names", name="二支").json["items"]
    assert (branch["name"], branch["parent_name"]) == ("二支部", "街道")
    assert sender.get("/branch-names", name="A座").status_code == 422
    member_id = service.world.members["党员甲"]
    letter = LETTER | {"receiver_organization_id": branch["id"]}

    sent = sender.post(f"/members/{member_id}/transfers", letter)

    assert (sent.status_code, sent.json["letter_valid_to"]) == (201, "2027-02-09")
    path = f"/transfers/{sent.json['id']}"
    incoming = f"/orgs/{branch['id']}/transfers"
    (line,) = receiver.get(incoming, direction="in", status="sent").json["items"]
    assert (line["member_name"], line["days_under_way"]) == ("党员甲", 0)
    assert receiver.get(incoming, direction="out").json["items"] == []
    assert sender.post(f"{path}/accept", {}).status_code == 404
    accepted = receiver.post(f"{path}/accept", {})
    assert (accepted.status_code, accepted.json["accepted_on"]) == (200, "2026-11-10")
    assert receiver.post(f"{path}/accept", {}).status_code == 409
    record = receiver.get(f"/members/{member_id}").json
    assert record["affiliations"][0]["organization_name"] == "二支部"
    (own,) = service.caller("党员甲").get("/me/transfers").json["items"]
    assert own["status"] == "accepted"
    assert service.caller("党员乙").get(path).status_code == 404


def test_transfer_is_returned_with_a_reason_or_withdrawn(service: Service) -> None:
    sender, receiver = service.caller("书记一"), service.caller("书记二")
    letter = LETTER | {"receiver_organization_id": str(service.world.organizations["二支部"])}
    sent = f"/members/{service.world.members['党员甲']}/transfers"
    first = f"/transfers/{sender.post(sent, letter).json['id']}"

    assert receiver.post(f"{first}/return", {"reason": ""}).status_code == 422
    returned = receiver.post(f"{first}/return", {"reason": "介绍信写错"})
    assert (returned.json["status"], returned.json["decision_reason"]) == ("returned", "介绍信写错")
    second = f"/transfers/{sender.post(sent, letter).json['id']}"
    assert sender.post(f"{second}/withdraw", {"reason": "不调动了"}).json["status"] == "withdrawn"
    assert receiver.post(f"{second}/return", {"reason": "晚了"}).status_code == 409


def test_transfer_out_of_the_system_is_entered_by_document(service: Service) -> None:
    sender = service.caller("书记一")
    sent = f"/members/{service.world.members['党员甲']}/transfers"
    both = LETTER | {"receiver_organization_id": ABSENT_ID, "receiver_name": "外地党工委"}
    for body in (LETTER, both):
        refused = sender.post(sent, body)
        assert [error["pointer"] for error in refused.json["errors"]] == ["/receiver_name"]
    path = f"/transfers/{sender.post(sent, LETTER | {'receiver_name': '外地党工委'}).json['id']}"

    done = sender.post(
        f"{path}/record-acceptance", {"on": "2026-11-10", "document_number": "回执7号"}
    )

    assert (done.status_code, done.json["status"]) == (200, "accepted")
    assert done.json["receiver_name"] == "外地党工委"


def test_graduate_stays_two_years_at_most_and_is_gone_once_moved(service: Service) -> None:
    sender = service.caller("书记一")
    path = f"/members/{service.world.members['党员甲']}/graduation"
    branch = service.world.organizations["一支部"]
    assert sender.put(path, {"graduated_on": "2024-11-09"}).status_code == 204

    (line,) = sender.get(f"/orgs/{branch}/graduates").json["items"]

    assert (line["limit_on"], line["is_over"]) == ("2026-11-09", True)
    assert sender.put(path, {"graduated_on": "2024-11-10"}).status_code == 204
    (line,) = sender.get(f"/orgs/{branch}/graduates").json["items"]
    assert line["is_over"] is False
    assert sender.put(path, {"graduated_on": "2026-11-11"}).status_code == 422
    assert service.caller("书记二").put(path, {"graduated_on": "2024-11-10"}).status_code == 404
    own = f"/members/{service.world.members['书记一']}/graduation"
    assert sender.put(own, {"graduated_on": "2024-11-10"}).status_code == 403
    letter = LETTER | {"receiver_organization_id": str(service.world.organizations["二支部"])}
    sent = sender.post(path.replace("graduation", "transfers"), letter).json["id"]
    service.caller("书记二").post(f"/transfers/{sent}/accept", {})
    assert sender.get(f"/orgs/{branch}/graduates").json["items"] == []
    assert service.caller("书记二").delete(path).status_code == 204
    assert service.caller("书记二").delete(path).status_code == 404
