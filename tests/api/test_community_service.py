"""双报到: a community sees and confirms what it organised, and nothing else of its guests."""

from tests.api.main_job_steps import approved_entry, queue_of, record, refusal
from tests.api.volunteer_steps import NEXT_DAY, at, publish, register, served_by_community, sign_up
from tests.served import Service


def test_guests_hours_go_to_his_home_branch(service: Service) -> None:
    _, record_id = served_by_community(service)

    (waiting,) = queue_of(service, "书记一", "一支部")

    assert waiting["member_name"] == "党员甲"
    assert queue_of(service, "书记二", "二支部") == []
    with at(NEXT_DAY):
        shown = service.caller("党员甲").get(f"/service-records/{record_id}").json
    assert (shown["claim_id"], shown["confirmed_minutes"]) == (waiting["id"], 90)
    assert shown["organization_id"] == str(service.world.organizations["一支部"])


def test_community_secretary_sees_exactly_what_it_organised(service: Service) -> None:
    opportunity_id, record_id = served_by_community(service)
    home_id = publish(service, "书记一", "一支部")
    home_signup = sign_up(service, "党员甲", home_id)
    own = record(service.caller("党员甲"))
    entry = approved_entry(service, day="2026-11-06")["entry_id"]
    member_id = service.world.members["党员甲"]
    home = service.world.organizations["一支部"]
    secretary = service.caller("书记二")

    coming = secretary.get(f"/service-opportunities/{opportunity_id}/signups")
    assert [one["member_name"] for one in coming.json["items"]] == ["党员甲"]
    assert set(coming.json["items"][0]) == {
        "signup_id",
        "member_name",
        "group_name",
        "given_word",
        "checked_in_at",
        "checked_out_at",
        "is_scanned",
        "planned_minutes",
        "claimed_minutes",
        "confirmed_minutes",
        "settled_at",
    }
    assert coming.json["items"][0]["group_name"] is None

    hidden = [
        f"/members/{member_id}",
        f"/service-opportunities/{home_id}/signups",
        f"/service-opportunities/{home_id}/code",
        f"/orgs/{home}/service-opportunities",
        f"/orgs/{home}/claims",
        f"/orgs/{home}/service-corrections",
        f"/service-records/{own['id']}",
        f"/service-records/{record_id}",
        f"/claims/{own['claim_id']}",
        f"/points/entries/{entry}/explain",
    ]
    for path in hidden:
        assert refusal(secretary.get(path))[:2] == (404, "not_found"), path
    lines = {"items": [{"signup_id": home_signup, "minutes": 60}]}
    for target in (home_id, opportunity_id):
        with at(NEXT_DAY):
            answer = service.caller("书记二").post(
                f"/service-opportunities/{target}/confirmations", lines
            )
        if target == home_id:
            assert refusal(answer)[:2] == (404, "not_found")
        else:
            assert answer.json["results"][0]["code"] == "not_found"


def test_members_of_the_community_see_no_list_of_guests(service: Service) -> None:
    opportunity_id, _ = served_by_community(service)
    path = f"/service-opportunities/{opportunity_id}/signups"

    assert refusal(service.caller("党员丙").get(path))[:2] == (403, "perm.denied")
    assert refusal(service.caller("书记一").get(path))[:2] == (404, "not_found")


def test_quarters_feedback_tells_the_employer_what_communities_confirmed(service: Service) -> None:
    served_by_community(service)
    for name in ("党员乙", "组长"):
        register(service, name, "二支部")
    register(service, "党员甲", "三支部")
    record(service.caller("党员甲"))
    path = f"/orgs/{service.world.organizations['一支部']}/community-feedback"
    with at(NEXT_DAY):
        quarter = {"year": "2026", "quarter": "4"}
        items = service.caller("书记一").get(path, **quarter).json["items"]
        before = service.caller("书记一").get(path, year="2026", quarter="3").json["items"]
        stranger = service.caller("书记二").get(path, **quarter)
        leader = service.caller("组长").get(path, **quarter)

    told = [
        (
            one["group_name"],
            one["member_name"],
            one["community_name"],
            one["services"],
            one["hours"],
        )
        for one in items
    ]
    assert told == [
        ("", "党员乙", "二支部", 0, "0"),
        ("", "组长", "二支部", 0, "0"),
        ("一组", "党员甲", "三支部", 0, "0"),
        ("一组", "党员甲", "二支部", 1, "1.5"),
    ]
    assert [one["confirmed_minutes"] for one in before] == [0, 0, 0, 0]
    assert refusal(stranger)[:2] == (404, "not_found")
    assert refusal(leader)[:2] == (403, "perm.denied")
