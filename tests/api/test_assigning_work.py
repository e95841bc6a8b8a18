"""Assigned work through HTTP: a leader assigns and decides, the member is told and has his word."""

from typing import Any

import sqlalchemy as sa

from notifications.models import OutboxMessage
from tests.served import Service

WORK = {"title": "联系三户独居老人", "assigned_on": "2026-11-02", "due_on": "2026-11-30"}


def assign(service: Service, who: str = "党员甲", by: str = "书记一", **changes: Any) -> Any:
    member_id = service.world.members[who]
    return service.caller(by).post(f"/members/{member_id}/assigned-work", WORK | changes)


def told(service: Service) -> set[tuple[str, str]]:
    names = {member_id: name for name, member_id in service.world.members.items()}
    rows = service.world.session.execute(sa.select(OutboxMessage.member_id, OutboxMessage.kind))
    return {(names[member_id], kind) for member_id, kind in rows}


def test_from_the_assignment_to_the_result(service: Service) -> None:
    made = assign(service)
    member, leader = service.caller("党员甲"), service.caller("书记一")
    work_id = made.json["id"]
    [mine] = member.get("/me/assigned-work").json["items"]
    said = member.post(f"/me/assigned-work/{work_id}/word", {"note": "三户都已走访"})
    branch = service.world.organizations["街道"]
    [waiting] = leader_above(service).get(f"/orgs/{branch}/assigned-work").json["items"]
    done = leader.post(
        f"/assigned-work/{work_id}/answer",
        {"state": "done", "on": "2026-11-10", "version": said.json["version"]},
    )

    assert (made.status_code, made.json["state"], made.json["counts_from"]) == (
        201,
        "open",
        "2026-11-30",
    )
    assert (mine["member_name"], mine["work"]["id"]) == ("党员甲", work_id)
    assert waiting["work"]["own_word"] == "三户都已走访"
    assert (done.json["state_name"], done.json["settled_on"]) == ("已完成", "2026-11-10")
    assert leader_above(service).get(f"/orgs/{branch}/assigned-work").json["items"] == []
    assert told(service) == {
        ("书记一", "work_reported"),
        ("全能", "work_reported"),
        ("党员甲", "work_answered"),
        ("党员甲", "work_assigned"),
        ("副书记一", "work_reported"),
    }
    again = member.post(f"/me/assigned-work/{work_id}/word", {"note": "再说一次"})
    assert (again.status_code, again.json["code"]) == (409, "assigned_work.answered")


def leader_above(service: Service) -> Any:
    return service.caller("街道干事")


def test_who_has_no_part_in_it_finds_nothing(service: Service) -> None:
    work_id = assign(service).json["id"]
    answer = {"state": "withdrawn", "on": "2026-11-10", "note": "另作安排", "version": 1}
    path = f"/assigned-work/{work_id}/answer"

    assert assign(service, by="书记二").status_code == 404
    assert assign(service, who="书记一").json["code"] == "assigned_work.not_oneself"
    assert service.caller("书记二").post(path, answer).status_code == 404
    assert service.caller("党员甲").post(path, answer).status_code == 403
    other = service.caller("党员乙")
    assert other.post(f"/me/assigned-work/{work_id}/word", {"note": "我"}).status_code == 404
    assert other.get("/me/assigned-work").json["items"] == []
    member_id = service.world.members["党员甲"]
    listed = service.caller("书记二").get(f"/members/{member_id}/assigned-work")
    assert listed.status_code == 404
    shown = service.caller("审计员").get(f"/members/{member_id}/assigned-work")
    assert len(shown.json["items"]) == 1


def test_bad_input_is_refused_with_the_field(service: Service) -> None:
    late = assign(service, assigned_on="2026-11-11")
    reversed_ = assign(service, due_on="2026-11-01")
    work_id = assign(service).json["id"]
    path = f"/assigned-work/{work_id}/answer"
    leader = service.caller("书记一")
    silent = leader.post(path, {"state": "refused", "on": "2026-11-10", "version": 1})
    stale = leader.post(path, {"state": "done", "on": "2026-11-10", "version": 7})

    refused = (late, reversed_, silent)
    assert [one.json["errors"][0]["pointer"] for one in refused] == [
        "/assigned_on",
        "/due_on",
        "/note",
    ]
    assert (stale.status_code, stale.json["code"]) == (409, "conflict.version")
