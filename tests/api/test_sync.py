"""`GET /sync`: everything once, then what has changed, and when a phone has to begin afresh."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import time_machine

from activities import activity_life, calendar
from activities.calendar import ActivityPlan
from api import sync_cursor
from core.changes import KEPT, Position
from members.models import Member
from notifications import inbox
from tests.phone import Phone
from tests.served import Service
from tests.statements import counted_statements
from tests.world import NOW, World

PLEDGE = {
    "year": 2026, "kind": "annual_pledge", "category": "service", "title": "看望独居老人",
    "content": "每月上门看望。", "target": "全年 12 次", "due_on": "2026-12-20",
}  # fmt: skip


def phone(service: Service, name: str) -> Phone:
    return Phone(service.caller(name))


def announce(world: World, **changes: Any) -> Any:
    plan = ActivityPlan(
        kind="theme_day",
        title="十一月主题党日",
        place="活动室",
        starts_at=NOW + timedelta(days=3),
        ends_at=NOW + timedelta(days=3, hours=2),
        **changes,
    )
    secretary = world.actor("书记一")
    branch = world.organizations["一支部"]
    return calendar.schedule(world.session, secretary, branch, plan=plan, now=NOW)


def test_phone_hears_of_every_step_of_a_claim(service: Service) -> None:
    world, mine, theirs = service.world, phone(service, "党员甲"), phone(service, "书记一")
    mine.sync()
    theirs.sync()
    claim_id = str(world.add_claim("党员甲", "一支部", minutes=120))
    world.session.commit()
    mine.sync()
    theirs.sync()
    assert mine.held["claim"][claim_id]["status"] == "pending"
    assert theirs.held["claim"][claim_id]["member_name"] == "党员甲"

    decision = {"id": claim_id, "version": 1, "action": "approve"}
    entry_id = (
        service.caller("书记一")
        .post("/claims/review", {"decisions": [decision]})
        .json["results"][0]["entry_id"]
    )
    inbox.deliver(world.session, now=NOW + timedelta(days=1))
    world.session.commit()
    mine.sync()
    assert mine.held["claim"][claim_id]["status"] == "approved"
    record = mine.held["service_record"][mine.held["claim"][claim_id]["source_id"]]
    assert record["claim_status"] == "approved", "the record is shown with its claim"
    assert mine.held["points_entry"][entry_id]["points"] == "2"
    assert [one["kind"] for one in mine.held["message"].values()] == ["claim_approved"]

    taken_back = service.caller("书记一").post(
        f"/points/entries/{entry_id}/reversal", {"reason": "重复申报"}
    )
    assert taken_back.status_code == 201, taken_back.text
    mine.sync()
    assert mine.held["points_entry"][entry_id]["reversed_by"] == taken_back.json["id"]


def test_draft_reaches_the_branch_when_sent_in_and_leaves_it_when_withdrawn(
    service: Service,
) -> None:
    member, theirs, mine = (
        service.caller("党员甲"), phone(service, "书记一"), phone(service, "党员甲"),
    )  # fmt: skip
    theirs.sync()
    pledge_id = member.post("/pledges", PLEDGE).json["id"]
    assert pledge_id not in str(theirs.sync()), "nobody is told that a draft exists"

    member.post(f"/pledges/{pledge_id}/submit")
    theirs.sync()
    assert theirs.held["pledge"][pledge_id]["allowed_steps"], "what he may do is told with it"

    member.post(f"/pledges/{pledge_id}/withdraw")
    gone = [one for page in theirs.sync() for one in page["deleted"]]
    mine.sync()
    assert gone == [{"kind": "pledge", "id": pledge_id}]
    assert theirs.ids("pledge") == set()
    assert mine.held["pledge"][pledge_id]["status"] == "draft"


def test_activity_is_heard_of_once_announced_with_ones_own_leave(service: Service) -> None:
    world, member = service.world, service.caller("党员甲")
    mine, theirs, others = (phone(service, name) for name in ("党员甲", "书记一", "党员丙"))
    for one in (mine, theirs, others):
        one.sync()
    activity = announce(world)
    world.session.commit()
    activity_id = str(activity.id)
    assert activity_id not in str(mine.sync()), "a plan is the organisers' own business"
    theirs.sync()
    assert theirs.held["activity"][activity_id]["status"] == "planned"

    activity_life.publish(world.session, world.actor("书记一"), activity.id, now=NOW)
    world.session.commit()
    mine.sync()
    assert mine.held["activity"][activity_id]["leave_status"] is None
    member.put(f"/activities/{activity_id}/leave", {"reason_kind": "sick"})
    mine.sync()
    theirs.sync()
    assert mine.held["activity"][activity_id]["leave_status"] == "requested"
    assert theirs.held["activity"][activity_id]["leave_status"] is None, "it is not his own"
    assert activity_id not in str(others.sync())


def test_everything_comes_in_small_pages_as_in_large_ones(service: Service) -> None:
    world, small, large = service.world, phone(service, "书记一"), phone(service, "书记一")
    for _ in range(3):
        world.add_claim("党员甲", "一支部")
    world.session.commit()

    small.sync(limit=2)
    large.sync()

    assert len(small.ids("claim")) == len(small.ids("service_record")) == 3
    assert small.names() == {"党员甲", "党员乙", "组长", "书记一", "副书记一"}
    assert small.held == large.held


def test_page_takes_as_many_statements_for_many_objects_as_for_one(service: Service) -> None:
    world, theirs = service.world, phone(service, "书记一")
    theirs.sync()
    counts = []
    for claims in (1, 60):
        for _ in range(claims):
            world.add_claim("党员甲", "一支部")
        world.session.commit()
        with counted_statements(world.session) as statements:
            theirs.fetch()
        counts.append(len(statements))
    since, theirs.since = theirs.since, None
    with counted_statements(world.session) as statements:
        theirs.fetch()

    assert since
    # The actor, the horizon, his organisations, the feed, and one for each kind that changed.
    assert counts[0] == counts[1] <= 4 + 8
    assert len(statements) <= 4 + 2 * 8


def test_cursor_that_is_not_ours_begins_afresh(service: Service) -> None:
    for cursor in ("nonsense", "WzEsIjAxIl0.c2lnbmVk", ".eJw.c2lnbmVk"):
        answer = service.caller("党员甲").get("/sync", since=cursor)
        assert (answer.status_code, answer.json["code"]) == (410, "sync.reset")
        assert answer.json["retry"] == "refresh"


def test_cursor_of_another_member_or_time_or_database_begins_afresh(service: Service) -> None:
    mine, secret = phone(service, "党员甲"), str(service.app.secret_key)
    mine.sync()
    assert mine.since
    member_id = service.world.members["党员甲"]
    cursor = sync_cursor.decode(mine.since, secret, member_id)
    restored = replace(cursor, history="of another cluster")
    # SQLite has no such name; there a number that was never given out tells.
    ahead = replace(cursor, floor=Position(2**62, 2**62))
    caller = service.caller("党员甲")

    assert service.caller("党员乙").get("/sync", since=mine.since).status_code == 410
    for one in (restored, ahead):
        answer = caller.get("/sync", since=sync_cursor.encode(one, secret))
        assert (answer.status_code, answer.json["code"]) == (410, "sync.reset")
    assert caller.get("/sync", since=mine.since).status_code == 200
    with time_machine.travel(NOW + KEPT + timedelta(hours=1)):
        assert service.caller("党员甲").get("/sync", since=mine.since).status_code == 410


def test_bad_query_is_refused(service: Service) -> None:
    for query in (
        {"since": ""},
        {"since": "a b"},
        {"since": "x" * 2001},
        {"limit": 201},
        {"x": "1"},
    ):
        assert service.caller("党员甲").get("/sync", **query).status_code == 422


def test_roster_carries_masked_phones_and_hears_of_changed_names(service: Service) -> None:
    world, theirs = service.world, phone(service, "书记一")
    text = str(theirs.sync())
    world.session.get_one(Member, world.members["党员甲"]).name = "党员甲（更名）"
    world.session.commit()
    theirs.sync()

    assert world.phones["党员甲"] not in text
    lines = {one["name"]: one["phone_masked"] for one in theirs.held["member"].values()}
    assert lines["党员甲（更名）"].startswith("138****")
