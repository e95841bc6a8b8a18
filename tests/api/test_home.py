"""The first screen: what it shows to whom, that it is cheap, and that it is not sent twice."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine

from activities.home import get_home
from api.document import PREFIX
from api.routes.home import ANSWERS
from core.db import Base
from core.todo import TodoKind
from members.access_models import RoleGrant
from members.feedback.models import Feedback
from members.models import Affiliation
from notifications.models import InboxMessage
from tests.first_screen import Matters
from tests.served import EVERYTHING, Service
from tests.statements import counted_statements
from tests.world import NOW, TODAY

OWN = {
    TodoKind.MEETING, TodoKind.SERVICE, TodoKind.CLAIM_RETURNED, TodoKind.DEDUCTION_TOLD,
    TodoKind.BULLETIN_OPEN, TodoKind.OBJECTION_REPLIED, TodoKind.PLEDGE_RETURNED,
    TodoKind.PLEDGE_DUE, TodoKind.ASSIGNED_WORK,
}  # fmt: skip
OFFICE = set(TodoKind) - OWN - {TodoKind.OWN_REPORT}
STATEMENTS_MAX = 8
BYTES_MAX = 2048


def home_of(service: Service, name: str) -> dict[str, Any]:
    answer = service.caller(name).get("/me/home")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json
    return found


def kinds_of(service: Service, name: str) -> set[str]:
    return {one["kind"] for one in home_of(service, name)["todo"]}


def test_member_finds_what_waits_for_him_and_where_to_answer(service: Service) -> None:
    Matters(service.world, "党员甲", 1).add_own()
    member, home = service.caller("党员甲"), home_of(service, "党员甲")
    todo = {one["kind"]: one for one in home["todo"]}

    assert [one["kind"] for one in home["todo"]] == [kind for kind in TodoKind if kind in OWN]
    assert home["points"] == {"year": 2026, "provisional": "1", "confirmed": "0"}
    assert (home["unread"], [one["title"] for one in home["notices"]]) == (1, ["申报已通过"])
    assert todo["claim_returned"]["line"] == "“事项1”的申报被退回，请修改后再报"
    assert todo["meeting"]["line"] == "11 月 11 日 16:00 事项1，已准假"
    assert (todo["meeting"]["state"], todo["service"]["state"]) == ("approved", "signed_up")
    for one in home["todo"]:
        assert member.get(one["href"].removeprefix(PREFIX)).status_code == 200, one["href"]
    assert len(member.get("/me/home").data) < 2 * BYTES_MAX


def test_typical_member_gets_less_than_two_kilobytes(service: Service) -> None:
    world = service.world
    Matters(world, "党员乙", 1).add_office()
    for name in ("党员甲", "组长", "街道干事"):
        answer = service.caller(name).get("/me/home")
        assert len(answer.data) < BYTES_MAX, (name, len(answer.data))
    # For him one of everything waits, which is no typical day.
    assert len(service.caller("书记一").get("/me/home").data) < 1.25 * BYTES_MAX


def test_leader_finds_what_waits_for_his_office_and_others_do_not(service: Service) -> None:
    Matters(service.world, "党员乙", 1).add_office()
    secretary = service.caller("书记一")
    todo = [one for one in home_of(service, "书记一")["todo"] if one["kind"] in OFFICE]

    assert {one["kind"] for one in todo} == OFFICE
    for one in todo:
        listed = secretary.get(*_path_and_query(one["href"])[:1], **_path_and_query(one["href"])[1])
        assert len(listed.json["items"]) == one["count"] == 1, one["href"]
    assert kinds_of(service, "党员甲") == {TodoKind.MEETING}
    assert kinds_of(service, "书记二") == set()
    assert kinds_of(service, "书记三") == set()
    # From stage 4 on a case is the committee's; its branches' claims and leaves are not.
    assert kinds_of(service, "街道干事") & OFFICE == {TodoKind.CONTACT_CASES}
    assert kinds_of(service, "审计员") == set()


def _path_and_query(href: str) -> tuple[str, dict[str, str]]:
    path, _, query = href.removeprefix(PREFIX).partition("?")
    return path, dict(pair.split("=") for pair in query.split("&") if pair)


def test_nobody_is_told_of_his_own_matters_as_an_office(service: Service) -> None:
    Matters(service.world, "书记一", 1).add_office()

    assert kinds_of(service, "书记一") & OFFICE == set()
    assert kinds_of(service, "副书记一") & OFFICE == OFFICE


def test_who_is_looked_for_is_asked_for_his_word(service: Service) -> None:
    Matters(service.world, "党员甲", 1).add_case()
    home = home_of(service, "党员甲")

    assert home["contact"]["is_report_asked"] is True
    asked = home["todo"][0]
    assert asked["kind"] == TodoKind.OWN_REPORT
    member = service.caller("党员甲")
    key = {"Idempotency-Key": "0f8fad5b-d9cb-469f-a165-70867728950e"}
    path = asked["href"].removeprefix(PREFIX)
    assert member.send("POST", path, headers=key).status_code == 200
    # Nothing of the case itself is shown, and his word ends the search.
    after = home_of(service, "党员甲")
    assert (after["todo"], after["contact"]["is_report_asked"]) == ([], False)


def test_first_screen_costs_the_same_whatever_there_is(service: Service) -> None:
    world = service.world
    counts = []
    for number in range(3):
        with counted_statements(world.session) as seen:
            get_home(world.session, world.actor("书记一"), now=NOW)
        # Looking up who asks is the first of them.
        counts.append(len(seen) - 1)
        Matters(world, "书记一", 10 * number + 1).add_own()
        Matters(world, ("党员甲", "党员乙", "组长")[number], 10 * number + 2).add_office()

    assert len(set(counts)) == 1
    assert counts[0] <= STATEMENTS_MAX


def test_unchanged_first_screen_is_not_sent_again(service: Service) -> None:
    member = service.caller("党员甲")
    first = member.get("/me/home")
    seen = {"If-None-Match": first.headers["ETag"]}
    with time_machine.travel(NOW + timedelta(minutes=5)):
        same = service.caller("党员甲").send("GET", "/me/home", headers=seen)
        later = member.get("/me/home")
        Matters(service.world, "党员甲", 1).add_own()
        changed = member.send("GET", "/me/home", headers=seen)

    assert (same.status_code, same.data) == (304, b"")
    assert later.json["server_time"] != first.json["server_time"]
    assert later.headers["ETag"] == first.headers["ETag"]
    assert changed.status_code == 200


def test_tag_notices_everything_but_the_clock(service: Service) -> None:
    """A title that looks like the clock is data like any other."""
    matters = Matters(service.world, "党员甲", 1)
    matters.add_own()
    tags = set()
    for title in ('"server_time":"甲"', '"server_time":"乙"'):
        service.world.session.execute(sa.update(InboxMessage).values(title=title))
        tags.add(service.caller("党员甲").get("/me/home").headers["ETag"])

    assert len(tags) == 2


def test_retired_leader_and_member_of_no_branch_have_a_screen(service: Service) -> None:
    world = service.world
    Matters(world, "党员乙", 1).add_office()
    _change(service, RoleGrant, "书记一", valid_to=TODAY)
    _change(service, Affiliation, "党员甲", valid_to=TODAY)

    assert kinds_of(service, "书记一") == {TodoKind.MEETING}
    assert home_of(service, "书记一")["contact"]["name"] == "全能"
    alone = home_of(service, "党员甲")
    assert (alone["contact"], alone["todo"]) == (None, [])


def test_member_of_a_branch_without_leaders_is_sent_upwards(service: Service) -> None:
    for name in ("书记一", "副书记一", "全能"):
        _change(service, RoleGrant, name, valid_to=TODAY)
    upwards = home_of(service, "党员甲")["contact"]
    _change(service, RoleGrant, "街道干事", valid_to=TODAY)
    nobody = home_of(service, "党员甲")["contact"]

    assert (upwards["name"], upwards["role"]) == ("街道干事", "committee_officer")
    assert upwards["line"] == "请找上级党组织的街道干事"
    assert (nobody["name"], nobody["line"]) == (None, "支部书记暂缺，请联系上级党组织")


def test_number_that_a_branch_makes_known_is_its_members_to_call(service: Service) -> None:
    secretary, branch = service.caller("副书记一"), service.world.organizations["一支部"]
    path = f"/orgs/{branch}/contact-phone"

    assert secretary.put(path, {"phone": "029-87010000"}).status_code == 204
    shown = home_of(service, "党员甲")["contact"]
    assert shown["office_phone"] == "029-87010000"
    assert shown["line"].startswith("打电话给书记")
    assert home_of(service, "党员丙")["contact"]["office_phone"] is None
    assert service.caller("书记二").put(path, {"phone": "1"}).status_code == 404
    assert service.caller("党员甲").put(path, {"phone": "1"}).status_code == 403
    refused = secretary.put(path, {"phone": "请拨打一号"})
    assert (refused.status_code, refused.json["code"]) == (422, "organization.phone_invalid")
    assert secretary.put(path, {"phone": ""}).status_code == 204
    assert home_of(service, "党员甲")["contact"]["office_phone"] is None


def test_number_of_a_branch_is_not_given_for_who_stands_above_it(service: Service) -> None:
    branch = service.world.organizations["一支部"]
    service.caller("书记一").put(f"/orgs/{branch}/contact-phone", {"phone": "029-87010000"})
    leave_office(service, "书记一", "副书记一", EVERYTHING)

    assert home_of(service, "党员甲")["contact"]["line"].startswith("请找上级党组织的")


def leave_office(service: Service, *names: str) -> None:
    """Their grants end with yesterday."""
    ids = [service.world.members[name] for name in names]
    service.world.session.execute(
        sa.update(RoleGrant).where(RoleGrant.member_id.in_(ids)).values(valid_to=TODAY)
    )


def test_secretary_without_anybody_above_is_not_told_that_there_is_no_secretary(
    service: Service,
) -> None:
    leave_office(service, "副书记一", "街道干事", EVERYTHING)

    assert home_of(service, "书记一")["contact"]["line"] == "请联系上级党组织"


def test_feedback_of_who_left_office_waits_for_his_colleagues(service: Service) -> None:
    world = service.world
    Matters(world, "党员乙", 1).add_office()
    world.session.execute(
        sa.update(Feedback).values(status="taken", taken_by=world.members["副书记一"])
    )
    assert TodoKind.FEEDBACK not in kinds_of(service, "书记一")

    leave_office(service, "副书记一")

    assert TodoKind.FEEDBACK in kinds_of(service, "书记一")


def test_what_was_read_leaves_the_first_screen_and_the_unread_list(service: Service) -> None:
    for number in (1, 2, 3, 4):
        Matters(service.world, "党员甲", number).add_message()
    member = service.caller("党员甲")
    unread = member.get("/me/messages", unread="true").json["items"]
    home = home_of(service, "党员甲")
    # The newest three are shown, and reading one reads the older ones.
    assert home["unread"] == len(unread) == 4
    assert [one["id"] for one in home["notices"]] == [one["id"] for one in unread[:3]]
    key = {"Idempotency-Key": "0f8fad5b-d9cb-469f-a165-70867728950e"}
    body = {"up_to": unread[1]["id"]}
    assert member.send("POST", "/me/messages/read", json=body, headers=key).status_code == 204

    assert home_of(service, "党员甲")["unread"] == 1
    assert [one["id"] for one in member.get("/me/messages", unread="true").json["items"]] == [
        unread[0]["id"]
    ]
    assert len(member.get("/me/messages", unread="false").json["items"]) == 3


def test_each_kind_has_an_operation_that_answers_it(service: Service) -> None:
    assert ANSWERS.keys() == set(TodoKind)
    for kind, answer in ANSWERS.items():
        assert answer.endpoint in service.app.view_functions, kind


@pytest.mark.parametrize("word", ["rank", "total", "order", "position"])
def test_first_screen_compares_nobody(service: Service, word: str) -> None:
    assert word not in service.caller("党员甲").get("/me/home").text


def _change(service: Service, model: type[Base], name: str, **values: Any) -> None:
    member_id = service.world.members[name]
    columns: Any = model
    service.world.session.execute(
        sa.update(model).where(columns.member_id == member_id).values(**values)
    )
