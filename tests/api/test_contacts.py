"""Keeping in touch over HTTP: entering contact, worklists, standings, holds, thresholds."""

import io
from datetime import date, timedelta
from typing import Any

import pytest

from core.clock import at_local
from core.ids import new_id
from members.contact import facts, scan
from members.contact.facts import ContactFact
from members.contact.models import ContactKind
from tests.served import Service
from tests.world import NOW, TODAY


def place(service: Service, name: str) -> str:
    return str(service.world.organizations[name])


def member(service: Service, name: str) -> str:
    return str(service.world.members[name])


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def heard(service: Service, branch: str, *told: tuple[str, int]) -> None:
    """Dues dates of some members, so many days ago, and a scan of today."""
    world = service.world
    rows = [
        ContactFact(
            world.members[name],
            ContactKind.DUES_PAID,
            ago(days),
            world.organizations[branch],
            new_id(),
            None,
        )
        for name, days in told
    ]
    facts.record(world.session, rows, now=NOW)
    scan.scan(world.session, now=at_local(TODAY, 9))
    world.session.commit()


def test_a_worklist_shows_who_and_why_by_group_and_name(service: Service) -> None:
    heard(service, "一支部", ("党员甲", 40), ("党员乙", 100), ("副书记一", 70), ("书记一", 0))

    leader = service.caller("组长").get(f"/orgs/{place(service, '一组')}/contact-worklist")
    secretary = service.caller("书记一").get(f"/orgs/{place(service, '一支部')}/contact-worklist")
    officer = service.caller("街道干事").get(f"/orgs/{place(service, '街道')}/contact-worklist")

    assert [(one["name"], one["stage"]) for one in leader.json["items"]] == [("党员甲", 1)]
    assert [(one["name"], one["stage"]) for one in secretary.json["items"]] == [
        ("党员乙", 3),
        ("副书记一", 2),
        ("党员甲", 1),
    ]
    assert [(one["name"], one["stage"]) for one in officer.json["items"]] == [("党员乙", 3)]
    shown = officer.json["items"][0]
    assert shown["case_id"]
    assert str(ago(100)) in shown["why"]
    assert "失联" not in shown["why"]


def test_a_worklist_is_paged_without_losing_anybody(service: Service) -> None:
    heard(service, "一支部", ("党员甲", 40), ("党员乙", 100), ("副书记一", 70), ("书记一", 0))
    caller, path = service.caller("书记一"), f"/orgs/{place(service, '一支部')}/contact-worklist"
    seen, cursor = [], None
    while True:
        page = caller.get(path, limit=1, **({"cursor": cursor} if cursor else {})).json
        seen += [one["name"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert seen == ["党员乙", "副书记一", "党员甲"]


@pytest.mark.parametrize(
    ("who", "where"),
    [("书记二", "一支部"), ("组长", "一支部"), ("街道干事", "镇"), ("街道干事", "区委")],
)
def test_other_places_have_no_worklist(service: Service, who: str, where: str) -> None:
    answer = service.caller(who).get(f"/orgs/{place(service, where)}/contact-worklist")

    assert answer.status_code == 404


def test_members_read_their_own_standing_only(service: Service) -> None:
    heard(service, "一支部", ("党员甲", 10), ("党员乙", 40))
    caller = service.caller("党员甲")

    own = caller.get(f"/members/{member(service, '党员甲')}/contact-standing")
    assert (own.json["state"], own.json["stages"]) == ("in_contact", [])
    assert "10 天" in own.json["why"]
    other = caller.get(f"/members/{member(service, '党员乙')}/contact-standing")
    assert other.status_code == 404
    leader = service.caller("书记一").get(f"/members/{member(service, '党员乙')}/contact-standing")
    assert (leader.json["state"], leader.json["stages"][0]["stage"]) == ("to_contact", 1)


def test_pressing_i_am_here_takes_a_member_off_the_list(service: Service) -> None:
    heard(service, "一支部", ("党员甲", 100), ("党员乙", 0))
    path = f"/orgs/{place(service, '一支部')}/contact-worklist"
    assert len(service.caller("书记一").get(path).json["items"]) == 1

    answer = service.caller("党员甲").post("/me/contact-confirmation")

    assert answer.json == {"confirmed_on": str(TODAY)}
    assert service.caller("党员甲").post("/me/contact-confirmation").status_code == 200
    assert service.caller("书记一").get(path).json["items"] == []


def test_a_leader_logs_a_call_and_a_secretary_takes_a_wrong_one_back(service: Service) -> None:
    heard(service, "一支部", ("党员甲", 40), ("党员乙", 0))
    subject = f"/members/{member(service, '党员甲')}"
    log = {"kind": "answered_call", "happened_on": str(TODAY), "note": "月底返回"}

    logged = service.caller("组长").post(f"{subject}/contact-logs", log)

    assert (logged.status_code, logged.json["strength"]) == (201, "soft")
    standing = service.caller("书记一").get(f"{subject}/contact-standing").json
    assert (standing["state"], standing["last_soft_on"]) == ("in_contact", str(TODAY))
    retraction = f"/contact-facts/{logged.json['id']}/retraction"
    caller = service.caller("书记一")
    assert caller.post(retraction, {"reason": "打错了人"}).status_code == 204
    again = caller.post(retraction, {"reason": "打错了人"})
    assert (again.status_code, again.json["code"]) == (409, "contact.retracted")
    found = caller.get(f"{subject}/contact-facts").json["items"]
    assert [one["is_retracted"] for one in found] == [True, False]


@pytest.mark.parametrize(
    ("who", "whom", "status"),
    [("组长", "党员乙", 404), ("书记二", "党员甲", 404), ("组长", "组长", 403)],
)
def test_nobody_logs_contact_with_himself_or_with_strangers(
    service: Service, who: str, whom: str, status: int
) -> None:
    log = {"kind": "visit", "happened_on": str(TODAY)}

    answer = service.caller(who).post(f"/members/{member(service, whom)}/contact-logs", log)

    assert answer.status_code == status


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"happened_on": "2026-11-11"}, "member.future_date"),
        ({"happened_on": "2026-08-01"}, "contact.too_old"),
        ({"kind": "attendance"}, "validation"),
        ({"kind": "own_report"}, "validation"),
    ],
)
def test_a_logged_contact_is_a_recent_talk(
    service: Service, change: dict[str, str], code: str
) -> None:
    log = {"kind": "visit", "happened_on": str(TODAY)} | change

    path = f"/members/{member(service, '党员甲')}/contact-logs"
    answer = service.caller("书记一").post(path, log)

    assert (answer.status_code, answer.json["code"]) == (422, code)


def test_dues_dates_come_by_entry_and_by_file(service: Service) -> None:
    caller = service.caller("书记一")
    entered = caller.post(
        f"/members/{member(service, '党员甲')}/dues-dates", {"paid_until": "2026-10-31"}
    )
    content = f"姓名,手机号,党费缴至\n党员乙,{service.world.phones['党员乙']},2026-10-01\n无,1,1\n"

    def form() -> dict[str, Any]:
        file = (io.BytesIO(content.encode("utf-8-sig")), "dues.csv")
        return {"organization_id": str(place(service, "一支部")), "file": file}

    sent = caller.send("POST", "/dues-imports", data=form())

    assert entered.status_code == 204
    assert (sent.json["recorded"], sent.json["refusals"][0]["row_number"]) == (1, 3)
    other = service.caller("书记二").send("POST", "/dues-imports", data=form())
    assert other.status_code == 404


def test_a_hold_has_an_end_and_a_body_and_shows_why(service: Service) -> None:
    heard(service, "一支部", ("党员甲", 40), ("党员乙", 0))
    subject = f"/members/{member(service, '党员甲')}"
    terms = {
        "kind": "long_training",
        "valid_from": str(TODAY),
        "valid_to": "2027-03-01",
        "decided_by_organization_id": place(service, "一支部"),
    }
    caller = service.caller("书记一")

    held = caller.post(f"{subject}/contact-holds", terms)

    assert held.status_code == 201
    standing = caller.get(f"{subject}/contact-standing").json
    assert (standing["state"], standing["paused_until"]) == ("held", "2027-03-01")
    path = f"/orgs/{place(service, '一支部')}/contact-worklist"
    assert caller.get(path).json["items"] == []
    secret = caller.post(f"{subject}/contact-holds", terms | {"kind": "custody"})
    assert (secret.status_code, secret.json["code"]) == (422, "contact_hold.upper_body")
    long = caller.post(f"{subject}/contact-holds", terms | {"valid_to": "2028-03-01"})
    assert long.json["code"] == "contact_hold.too_long"
    officer = service.caller("街道干事")
    upper = terms | {"kind": "custody", "decided_by_organization_id": place(service, "街道")}
    assert officer.post(f"{subject}/contact-holds", upper).status_code == 201
    assert len(officer.get(f"{subject}/contact-holds").json["items"]) == 2
    assert [one["kind"] for one in caller.get(f"{subject}/contact-holds").json["items"]] == [
        "long_training"
    ]
    assert caller.delete(f"{subject}/contact-holds/{held.json['id']}").status_code == 204
    own = f"/members/{member(service, '书记一')}/contact-holds"
    assert caller.post(own, terms).status_code == 403


def test_a_district_sets_its_thresholds_above_the_floors(service: Service) -> None:
    path = f"/orgs/{place(service, '区委')}/contact-policy"
    admin = service.caller("区管理员")
    shown = service.caller("书记一").get(f"/orgs/{place(service, '一支部')}/contact-policy").json
    assert (shown["version"], shown["organization_id"]) == (0, place(service, "区委"))
    body = {name: value for name, value in shown.items() if name != "organization_id"}

    under = admin.put(path, body | {"limit_months": 5})
    assert (under.status_code, under.json["code"]) == (422, "contact.policy")
    assert under.json["errors"][0]["pointer"] == "/limit_months"
    done = admin.put(path, body | {"care_days": 40})
    assert (done.status_code, done.json["version"], done.json["care_days"]) == (200, 1, 40)
    assert admin.put(path, body).json["code"] == "conflict.version"
    assert admin.put(path, body | {"version": 1}).json["version"] == 2
    street = admin.put(f"/orgs/{place(service, '街道')}/contact-policy", body)
    assert street.json["code"] == "contact.policy_of_district"
    assert service.caller("书记一").put(path, body).status_code == 403
