"""Decisions about a membership: entered by a named person, followed by the status and the case."""

from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
import time_machine

from members.contact import facts
from members.contact.facts import ContactFact
from members.contact.models import ContactCase, ContactKind
from members.models import Member
from tests.casework import ANCHOR, add_case, decision_body, open_case
from tests.served import ABSENT_ID, Service
from tests.world import NOW


def enter(service: Service, name: str = "街道干事", of: str = "党员乙", **changes: Any) -> Any:
    member_id = service.world.members[of]
    body = decision_body(**changes)
    return service.caller(name).post(f"/members/{member_id}/membership-decisions", body)


def status_of(service: Service, name: str = "党员乙") -> str:
    service.world.session.expire_all()
    return service.world.session.get_one(Member, service.world.members[name]).membership_status


def stored(service: Service, case_id: UUID) -> ContactCase:
    service.world.session.expire_all()
    return service.world.session.get_one(ContactCase, case_id)


def test_status_and_case_follow_the_decision(service: Service) -> None:
    case_id = open_case(service, stage=6, anchor_on=ANCHOR.replace(month=4))

    made = enter(service)

    assert made.status_code == 201
    assert (made.json["from_status"], made.json["to_status"]) == ("normal", "suspended")
    assert made.json["entered_by_name"] == "街道干事"
    assert status_of(service) == "suspended"
    case = stored(service, case_id)
    assert (case.state, case.stage) == ("open", 7)
    examined = service.caller("街道干事").get(f"/contact-cases/{case_id}").json["examination"]
    assert examined == {
        "is_open": False,
        "sentence": "停止党籍期限未满，2028-11-09 起方可研究。",
    }


def test_restoration_ends_the_case_as_found(service: Service) -> None:
    case_id = open_case(service)
    enter(service)

    made = enter(
        service, kind="restoration", ground="own_request", decided_on="2026-11-10",
        approved_on="2026-11-10", document_number="32号",
    )  # fmt: skip

    assert (made.json["number"], status_of(service)) == (2, "restored")
    assert stored(service, case_id).state == "recontacted"
    own = service.caller("党员乙").get(
        f"/members/{service.world.members['党员乙']}/membership-decisions"
    )
    assert [one["kind"] for one in own.json] == ["suspension", "restoration"]


def test_removal_comes_two_years_after_the_suspension(service: Service) -> None:
    case_id = open_case(service)
    enter(service)
    removal = {"kind": "removal", "document_number": "33号"}

    with time_machine.travel(NOW.replace(year=2028)):
        early = enter(
            service, "区管理员", decided_on="2028-11-08", approved_on="2028-11-10", **removal
        )
        ripe = enter(
            service, "区管理员", decided_on="2028-11-09", approved_on="2028-11-10", **removal
        )
        back = enter(
            service, "区管理员", kind="restoration", ground="own_request",
            decided_on="2028-11-10", approved_on="2028-11-10",
        )  # fmt: skip

    assert (early.status_code, early.json["errors"][0]["pointer"]) == (422, "/decided_on")
    assert (ripe.status_code, status_of(service)) == (201, "removed")
    assert (back.status_code, back.json["code"]) == (422, "membership.decision_invalid")
    case = stored(service, case_id)
    assert (case.state, case.closing_note) == ("closed", "除名：33号")


def test_somebody_heard_of_lately_is_not_suspended_as_lost(service: Service) -> None:
    world = service.world
    heard = ContactFact(
        member_id=world.members["党员乙"],
        kind=ContactKind.ANSWERED_CALL,
        happened_on=ANCHOR,
        organization_id=world.organizations["一支部"],
        source_id=UUID(ABSENT_ID),
        recorded_by=None,
    )
    facts.record(world.session, [heard], now=NOW)

    answer = enter(service)

    assert (answer.status_code, answer.json["code"]) == (422, "membership.decision_invalid")
    assert "未满六个月" in answer.json["detail"]
    assert status_of(service) == "normal"


@pytest.mark.parametrize(
    "missing",
    ["deciding_body", "decided_on", "document_number", "approving_body", "approved_on"],
)
def test_decision_without_body_date_or_number_is_refused(service: Service, missing: str) -> None:
    body = decision_body()
    del body[missing]
    path = f"/members/{service.world.members['党员乙']}/membership-decisions"

    answer = service.caller("街道干事").post(path, body)

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json["errors"]] == [f"/{missing}"]


def test_nobody_enters_a_decision_about_himself(service: Service) -> None:
    answer = enter(service, "街道干事", "街道干事")

    assert (answer.status_code, answer.json["code"]) == (403, "membership.not_oneself")
    assert status_of(service, "街道干事") == "normal"


def test_out_of_scope_answers_like_absent(service: Service) -> None:
    hidden = enter(service, "街道干事", "党员丁")
    absent = service.caller("街道干事").post(
        f"/members/{ABSENT_ID}/membership-decisions", decision_body()
    )

    assert hidden.status_code == absent.status_code == 404
    assert hidden.json | {"request_id": ""} == absent.json | {"request_id": ""}


@pytest.mark.parametrize("name", ["书记一", "副书记一", "组长", "审计员"])
def test_only_the_approving_bodies_enter_decisions(service: Service, name: str) -> None:
    assert enter(service, name).status_code == 403


@pytest.mark.parametrize(
    ("name", "status"),
    [("书记一", 200), ("街道干事", 200), ("审计员", 200), ("书记二", 404), ("党员甲", 404)],
)
def test_decisions_are_read_in_scope(service: Service, name: str, status: int) -> None:
    enter(service)
    path = f"/members/{service.world.members['党员乙']}/membership-decisions"

    assert service.caller(name).get(path).status_code == status


def test_case_of_a_suspended_member_is_not_just_closed(service: Service) -> None:
    case_id = open_case(service)
    enter(service)
    path, caller = f"/contact-cases/{case_id}/end", service.caller("街道干事")

    refused = caller.post(path, {"state": "closed", "note": "不再查找"})
    found = caller.post(path, {"state": "recontacted", "note": "本人回来了"})

    assert (refused.status_code, refused.json["code"]) == (422, "contact.case_kept")
    assert found.json["state"] == "recontacted"
    # Found again or not, only a body restores a membership.
    assert status_of(service) == "suspended"


def test_points_and_roster_do_not_follow_a_decision(service: Service) -> None:
    world = service.world
    add_case(world.session, world.members["党员乙"], world.organizations["一支部"])
    before = service.caller("党员乙").get("/me/points").json
    enter(service)

    assert service.caller("党员乙").get("/me/points").json == before
    listed = service.caller("书记一").get(f"/orgs/{world.organizations['一支部']}/members").json
    assert "党员乙" in [item["name"] for item in listed["items"]]
    assert world.session.scalar(sa.select(sa.func.count(ContactCase.id))) == 1
