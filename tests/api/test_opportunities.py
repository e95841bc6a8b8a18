"""Organised service over HTTP: offered, signed up for, checked, confirmed, decided."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from core.ids import new_id
from tests.api.main_job_steps import decide, deliver, queue_of, refusal
from tests.api.volunteer_steps import (
    END,
    NEXT_DAY,
    START,
    at,
    confirm,
    plan,
    publish,
    register,
    sign_up,
)
from tests.served import Service


def offered_to(service: Service, name: str) -> list[str]:
    items = service.caller(name).get("/service-opportunities").json["items"]
    return [item["id"] for item in items]


@pytest.mark.parametrize(
    ("organiser", "place", "found_by"),
    [
        ("书记一", "一支部", {"党员甲", "党员乙", "书记一"}),
        ("街道干事", "街道", {"党员甲", "党员乙", "党员丙", "书记一"}),
        ("区管理员", "区委", {"党员甲", "党员乙", "党员丙", "党员丁", "书记一"}),
        ("书记三", "三支部", {"党员丁"}),
    ],
)
def test_members_at_and_below_find_what_an_organisation_offers(
    service: Service, organiser: str, place: str, found_by: set[str]
) -> None:
    opportunity_id = publish(service, organiser, place)

    people = ("党员甲", "党员乙", "党员丙", "党员丁", "书记一")
    assert {name for name in people if offered_to(service, name) == [opportunity_id]} == found_by
    for name in set(people) - found_by:
        answer = service.caller(name).post(f"/service-opportunities/{opportunity_id}/signups", {})
        assert refusal(answer)[:2] == (404, "not_found")


def test_registered_guest_finds_what_his_community_offers(service: Service) -> None:
    opportunity_id = publish(service, "书记三", "三支部")
    assert offered_to(service, "党员甲") == []

    register(service, "党员甲", "三支部")

    assert offered_to(service, "党员甲") == [opportunity_id]
    assert sign_up(service, "党员甲", opportunity_id)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"is_office_duty": True}, "/is_office_duty"),
        ({"ends_at": START.isoformat()}, "/ends_at"),
        ({"planned_minutes": 121}, "/planned_minutes"),
        (
            {
                "starts_at": (START - timedelta(days=9)).isoformat(),
                "ends_at": (END - timedelta(days=9)).isoformat(),
            },
            "/ends_at",
        ),
    ],
)
def test_what_is_no_volunteer_service_is_not_offered(
    service: Service, changes: dict[str, Any], pointer: str
) -> None:
    path = f"/orgs/{service.world.organizations['一支部']}/service-opportunities"

    answer = service.caller("书记一").post(path, plan(**changes))

    assert refusal(answer)[:2] == (422, "service.refused")
    assert answer.json["errors"][0]["pointer"] == pointer


def test_organiser_offers_in_his_own_organisations_name_only(service: Service) -> None:
    path = f"/orgs/{service.world.organizations['二支部']}/service-opportunities"
    mine = f"/orgs/{service.world.organizations['一支部']}/service-opportunities"
    secretary = service.caller("书记一")

    assert refusal(secretary.post(path, plan()))[:2] == (404, "not_found")
    assert refusal(secretary.get(path))[:2] == (404, "not_found")
    foreign = secretary.post(mine, plan(issuer_id=str(new_id())))
    assert refusal(foreign)[:2] == (404, "not_found")


def test_service_is_full_until_somebody_withdraws(service: Service) -> None:
    opportunity_id = publish(service, "书记一", "一支部", places=1)
    first = sign_up(service, "党员甲", opportunity_id)
    path = f"/service-opportunities/{opportunity_id}/signups"

    full = service.caller("党员乙").post(path, {})
    again = service.caller("党员甲").post(f"/service-signups/{first}/withdraw")
    twice = service.caller("党员甲").post(f"/service-signups/{first}/withdraw")
    freed = service.caller("党员乙").post(path, {})

    assert refusal(full)[:2] == (409, "opportunity.full")
    assert again.status_code == 204
    assert refusal(twice)[:2] == (409, "signup.settled")
    assert freed.status_code == 201
    (shown,) = service.caller("党员乙").get("/service-opportunities").json["items"]
    assert (shown["taken"], shown["signup_id"]) == (1, freed.json["id"])


def test_member_signs_up_once(service: Service) -> None:
    opportunity_id = publish(service, "书记一", "一支部")
    sign_up(service, "党员甲", opportunity_id)

    answer = service.caller("党员甲").post(f"/service-opportunities/{opportunity_id}/signups", {})

    assert refusal(answer)[:2] == (409, "signup.exists")


def test_nobody_is_assigned(service: Service) -> None:
    """条例 Art. 25: a helper needs the member's word, and others cannot sign him up at all."""
    opportunity_id = publish(service, "书记一", "一支部")
    path = f"/service-opportunities/{opportunity_id}/signups"
    him = {"member_id": str(service.world.members["党员甲"])}

    wordless = service.caller("书记一").post(path, him)
    stranger = service.caller("书记二").post(path, him | {"given_word": "他愿意"})
    colleague = service.caller("党员乙").post(path, him | {"given_word": "他愿意"})
    entered = service.caller("书记一").post(path, him | {"given_word": "电话中本人表示愿意"})

    assert refusal(wordless)[:2] == (422, "signup.word_missing")
    assert refusal(stranger)[:2] == (404, "not_found")
    assert refusal(colleague)[:2] == (404, "not_found")
    assert entered.status_code == 201
    assert entered.json["entered_by"] == str(service.world.members["书记一"])
    assert entered.json["given_word"] == "电话中本人表示愿意"


def test_cancelling_tells_everyone_who_signed_up(service: Service) -> None:
    opportunity_id = publish(service, "书记一", "一支部")
    sign_up(service, "党员甲", opportunity_id)
    left = sign_up(service, "党员乙", opportunity_id)
    service.caller("党员乙").post(f"/service-signups/{left}/withdraw")
    path = f"/service-opportunities/{opportunity_id}/cancel"

    stranger = service.caller("书记二").post(path, {"reason": "有雨"})
    done = service.caller("书记一").post(path, {"reason": "有雨"})
    again = service.caller("书记一").post(path, {"reason": "有雨"})

    assert refusal(stranger)[:2] == (404, "not_found")
    assert (done.status_code, done.json["cancel_reason"]) == (200, "有雨")
    assert refusal(again)[:2] == (409, "opportunity.closed")
    assert deliver(service) == 1
    (message,) = service.caller("党员甲").get("/me/messages").json["items"]
    assert message["body"] == "您报名的“清扫社区花坛”已取消，原因：有雨。"
    assert offered_to(service, "党员乙") == []
    late = service.caller("党员乙").post(f"/service-opportunities/{opportunity_id}/signups", {})
    assert refusal(late)[:2] == (409, "opportunity.closed")


def test_what_has_begun_is_not_cancelled(service: Service) -> None:
    opportunity_id = publish(service, "书记一", "一支部")
    with at("14:30"):
        answer = service.caller("书记一").post(
            f"/service-opportunities/{opportunity_id}/cancel", {"reason": "有雨"}
        )

    assert refusal(answer)[:2] == (409, "opportunity.started")


def check(service: Service, signup_id: str, direction: str, **body: Any) -> Any:
    return service.caller("党员甲").post(f"/service-signups/{signup_id}/check-{direction}", body)


def code_of(service: Service, opportunity_id: str) -> str:
    answer = service.caller("书记一").get(f"/service-opportunities/{opportunity_id}/code")
    assert "不能证明本人到场" in answer.json["what_it_proves"]
    return str(answer.json["token"])


def test_three_numbers_are_kept_and_the_confirmed_one_gives_points(service: Service) -> None:
    opportunity_id = publish(service, "书记一", "一支部")
    signup_id = sign_up(service, "党员甲", opportunity_id)
    with at("13:55"):
        came = check(service, signup_id, "in", token=code_of(service, opportunity_id))
    with at("15:45"):
        left = check(service, signup_id, "out", token=code_of(service, opportunity_id))
    with at("16:30"):
        result = confirm(service, "书记一", opportunity_id, 党员甲=100)["党员甲"]
        (waiting,) = queue_of(service, "书记一", "一支部")
        (decision,) = decide(service.caller("书记一"), (waiting, "approve", ""))
        (shown,) = service.caller("党员甲").get("/service-records").json["items"]
        (signup,) = service.caller("党员甲").get("/service-signups").json["items"]
        assert deliver(service) == 2

    assert (came.status_code, left.json["claimed_minutes"]) == (200, 110)
    assert result["claim_id"] == waiting["id"]
    assert (decision["outcome"], decision["points"]) == ("approved", "1.5")
    numbers = ("planned_minutes", "claimed_minutes", "confirmed_minutes")
    assert [shown[name] for name in numbers] == [120, 110, 100]
    assert [signup[name] for name in numbers] == [120, 110, 100]
    assert (shown["origin"], shown["is_backfill"]) == ("scanned", False)


def test_claim_waits_for_the_organiser_first(service: Service) -> None:
    opportunity_id = publish(service, "书记一", "一支部")
    signup_id = sign_up(service, "党员甲", opportunity_id)
    with at("14:00"):
        check(service, signup_id, "in")
    with at("16:00"):
        check(service, signup_id, "out")

        assert queue_of(service, "书记一", "一支部") == []


def test_time_told_late_counts_within_three_days(service: Service) -> None:
    opportunity_id = publish(service, "书记一", "一支部")
    signup_id = sign_up(service, "党员甲", opportunity_id)
    came, left = START.isoformat(), END.isoformat()
    with at("14:00"):
        token = code_of(service, opportunity_id)
    with at(START + timedelta(hours=72)):
        first = check(service, signup_id, "in", at=came, token=token)
        repeated = check(service, signup_id, "in", at=came, token=token)
    with at(END + timedelta(hours=73)):
        late = check(service, signup_id, "out", at=left)

    assert (first.status_code, repeated.json) == (200, first.json)
    assert datetime.fromisoformat(first.json["checked_in_at"]) == START
    received = datetime.fromisoformat(first.json["checked_in_received_at"])
    assert received >= START + timedelta(hours=72)
    assert refusal(late)[:2] == (422, "signup.check_refused")
    assert "72 小时" in refusal(late)[2]


def test_times_and_codes_that_cannot_be_are_refused(service: Service) -> None:
    opportunity_id = publish(service, "书记一", "一支部")
    other_id = publish(service, "书记一", "一支部", title="别的服务")
    signup_id = sign_up(service, "党员甲", opportunity_id)
    with at("13:40"):
        early = check(service, signup_id, "in")
    with at("14:00"):
        token = code_of(service, opportunity_id)
        ahead = check(service, signup_id, "in", at="2026-11-10T14:10:00+08:00")
        foreign = check(service, signup_id, "in", token=code_of(service, other_id))
        out_first = check(service, signup_id, "out")
    with at("14:05"):
        stale = check(service, signup_id, "in", token=token)
        stranger = service.caller("党员乙").post(f"/service-signups/{signup_id}/check-in", {})
        not_his = service.caller("党员甲").get(f"/service-opportunities/{opportunity_id}/code")

    for answer in (early, ahead, foreign, stale):
        assert refusal(answer)[:2] == (422, "signup.check_refused")
    assert refusal(out_first)[:2] == (409, "signup.settled")
    assert refusal(stranger)[:2] == (404, "not_found")
    assert refusal(not_his)[:2] == (403, "perm.denied")


def test_each_line_of_the_list_stands_or_falls_alone(service: Service) -> None:
    opportunity_id = publish(service, "书记一", "一支部")
    other_id = publish(service, "书记一", "一支部", title="别的服务")
    for name in ("党员甲", "党员乙", "组长", "副书记一", "书记一"):
        sign_up(service, name, opportunity_id)
    elsewhere = sign_up(service, "党员甲", other_id)
    with at(NEXT_DAY):
        service.caller("副书记一").post("/service-records", {**recorded_at_the_same_time()})
        given = {"党员甲": 120, "党员乙": 0, "组长": 121, "副书记一": 60, "书记一": 60}
        results = confirm(service, "书记一", opportunity_id, **given)
        again = confirm(service, "书记一", opportunity_id, 党员甲=60)["党员甲"]
        path = f"/service-opportunities/{opportunity_id}/confirmations"
        (foreign,) = (
            service.caller("书记一")
            .post(path, {"items": [{"signup_id": elsewhere, "minutes": 60}]})
            .json["results"]
        )

    told = {name: (result["outcome"], result["code"]) for name, result in results.items()}
    assert told == {
        "党员甲": ("confirmed", ""),
        "党员乙": ("absent", ""),
        "组长": ("refused", "service.refused"),
        "副书记一": ("refused", "claim.duplicate"),
        "书记一": ("refused", "service.own"),
    }
    assert (again["outcome"], again["code"]) == ("refused", "signup.settled")
    assert (foreign["outcome"], foreign["code"]) == ("refused", "not_found")


def recorded_at_the_same_time() -> dict[str, Any]:
    facts = plan(claimed_minutes=60)
    return {name: value for name, value in facts.items() if name != "places"}


def test_list_is_confirmed_after_the_service_by_its_organiser(service: Service) -> None:
    opportunity_id = publish(service, "书记一", "一支部")
    signup_id = sign_up(service, "党员甲", opportunity_id)
    path = f"/service-opportunities/{opportunity_id}/confirmations"
    body = {"items": [{"signup_id": signup_id, "minutes": 60}]}
    with at("15:00"):
        (early,) = service.caller("书记一").post(path, body).json["results"]
    with at("17:00"):
        stranger = service.caller("书记二").post(path, body)
        twice = service.caller("书记一").post(path, {"items": body["items"] * 2})
    assert (early["outcome"], early["code"]) == ("refused", "service.refused")
    assert refusal(twice)[:2] == (422, "validation")
    assert refusal(stranger)[:2] == (404, "not_found")


def test_hours_are_recorded_when_points_come_too_late(service: Service) -> None:
    opportunity_id = publish(service, "书记一", "一支部")
    sign_up(service, "党员甲", opportunity_id)
    with at(datetime.fromisoformat("2027-06-01T09:00:00+08:00")):
        result = confirm(service, "书记一", opportunity_id, 党员甲=60)["党员甲"]
        (shown,) = service.caller("党员甲").get("/service-records").json["items"]

    assert (result["outcome"], result["claim_id"]) == ("confirmed", None)
    assert "不计分" in result["message"]
    assert (shown["confirmed_minutes"], shown["claim_status"]) == (60, None)
    assert shown["is_backfill"] is True
    assert [flag["code"] for flag in shown["flags"]] == ["backfill"]


def test_member_does_not_change_what_the_organiser_confirmed(service: Service) -> None:
    opportunity_id = publish(service, "书记一", "一支部")
    sign_up(service, "党员甲", opportunity_id)
    with at("17:00"):
        result = confirm(service, "书记一", opportunity_id, 党员甲=60)["党员甲"]
        (waiting,) = queue_of(service, "书记一", "一支部")
        decide(service.caller("书记一"), (waiting, "return", "请核实"))
        answer = service.caller("党员甲").put(
            f"/service-records/{result['record_id']}", recorded_at_the_same_time() | {"version": 1}
        )

    assert refusal(answer)[:2] == (422, "service.organised")


def test_scanned_is_noted_by_the_system_alone(service: Service) -> None:
    with at("17:00"):
        answer = service.caller("党员甲").post(
            "/service-records", recorded_at_the_same_time() | {"origin": "scanned"}
        )

    assert answer.status_code == 422
