"""What people do with a case through HTTP: giving it to somebody, its reason, contests."""

from uuid import UUID

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from members.contact.case_models import CaseAssignment
from members.contact.models import CaseState, Clock, ContactCase, RecordedFact
from tests.casework import attempt_body, open_case
from tests.served import Service


def stored(service: Service, case_id: UUID) -> ContactCase:
    service.world.session.expire_all()
    return service.world.session.get_one(ContactCase, case_id)


# --- Assignment and reason -----------------------------------------------------------------------


def assign(service: Service, case_id: UUID, to: str, role: str, version: int = 1) -> TestResponse:
    body = {"assignee_id": str(service.world.members[to]), "role": role, "version": version}
    return service.caller("书记一").put(f"/contact-cases/{case_id}/assignment", body)


def test_group_leader_sees_the_case_that_was_given_to_him(service: Service) -> None:
    case_id, other_id = open_case(service, "党员甲"), open_case(service, "党员乙")

    given = assign(service, case_id, "组长", "group_leader")

    leader = service.caller("组长")
    branch = service.world.organizations["一支部"]
    assert given.json["assignee_name"] == "组长"
    assert leader.get(f"/contact-cases/{case_id}").status_code == 200
    assert leader.get(f"/contact-cases/{other_id}").status_code == 404
    assert len(leader.get(f"/orgs/{branch}/contact-cases").json["items"]) == 1
    assert leader.post(f"/contact-cases/{case_id}/attempts", attempt_body()).status_code == 201
    end = {"state": "closed", "note": "不必查找"}
    assert leader.post(f"/contact-cases/{case_id}/end", end).status_code == 403
    [assignment] = service.world.session.scalars(sa.select(CaseAssignment))
    assert assignment.assigned_by == service.world.members["书记一"]


@pytest.mark.parametrize(
    ("to", "role", "status"),
    [
        ("组长", "group_leader", 200),
        ("副书记一", "branch_secretary", 200),
        ("街道干事", "committee", 200),
        ("书记二", "branch_secretary", 422),
        ("副书记一", "committee", 422),
        ("党员乙", "group_leader", 422),
        ("党员甲", "branch_secretary", 422),
    ],
)
def test_case_is_given_to_who_holds_the_role_there(
    service: Service, to: str, role: str, status: int
) -> None:
    case_id = open_case(service, "党员甲")

    assert assign(service, case_id, to, role).status_code == status


def test_raised_case_stays_with_whom_it_was_given(service: Service) -> None:
    """The scan raises the role with the stage; whoever knows the family goes on calling."""
    case_id = open_case(service, "党员甲", stage=3)
    assign(service, case_id, "组长", "group_leader")
    raised = {"stage": 4, "assignee_role": "committee"}
    service.world.session.execute(
        sa.update(ContactCase).where(ContactCase.id == case_id).values(**raised)
    )

    assert service.caller("组长").get(f"/contact-cases/{case_id}").status_code == 200


def test_leader_of_another_group_is_not_given_the_case(service: Service) -> None:
    case_id = open_case(service, "党员乙")  # in no group

    assert assign(service, case_id, "组长", "group_leader").status_code == 422


def test_second_change_of_what_somebody_saw_is_conflict(service: Service) -> None:
    case_id, caller = open_case(service, "党员甲"), service.caller("街道干事")
    reason = {"reason_code": "home_moved", "version": 1}

    assert assign(service, case_id, "组长", "group_leader").json["version"] == 2
    late = caller.put(f"/contact-cases/{case_id}/reason", reason)
    fresh = caller.put(f"/contact-cases/{case_id}/reason", reason | {"version": 2})

    assert (late.status_code, late.json["code"]) == (409, "conflict.version")
    assert fresh.json["reason_code"] == "home_moved"


# --- Contests ------------------------------------------------------------------------------------

NOTE = {"note": "三月起我一直在流入地参加组织生活。"}


def test_member_contests_and_a_person_answers(service: Service) -> None:
    case_id, member = open_case(service), service.caller("党员乙")

    [contest] = member.post("/me/contact-contests", NOTE).json
    answer = service.caller("街道干事").post(
        f"/contact-cases/{case_id}/contests/{contest['id']}/answer",
        {"is_upheld": True, "answer": "已核实，说明属实。"},
    )

    assert answer.json["state"] == "closed"
    [own] = member.get("/me/contact-contests").json
    assert (own["state"], own["answer"]) == ("upheld", "已核实，说明属实。")
    [fact] = service.world.session.scalars(sa.select(RecordedFact))
    assert (fact.kind, fact.recorded_by) == ("reply", service.world.members["党员乙"])


def test_rejected_contest_leaves_the_case_and_is_answered_once(service: Service) -> None:
    case_id = open_case(service)
    [contest] = service.caller("党员乙").post("/me/contact-contests", NOTE).json
    path = f"/contact-cases/{case_id}/contests/{contest['id']}/answer"
    reply = {"is_upheld": False, "answer": "流入地没有记录，请补充材料。"}

    assert service.caller("书记一").post(path, reply).json["state"] == "open"
    again = service.caller("街道干事").post(path, reply | {"is_upheld": True})

    assert (again.status_code, again.json["code"]) == (409, "contact.contest_answered")
    assert stored(service, case_id).state == CaseState.OPEN


def test_contest_needs_a_case_and_waits_for_its_answer(service: Service) -> None:
    member = service.caller("党员乙")

    without = member.post("/me/contact-contests", NOTE)
    open_case(service)
    open_case(service, clock=Clock.ABROAD)
    first = member.post("/me/contact-contests", NOTE)
    second = member.post("/me/contact-contests", NOTE)

    assert (without.status_code, without.json["code"]) == (404, "contact.nothing_to_contest")
    assert len(first.json) == 2
    assert (second.status_code, second.json["code"]) == (409, "contact.contest_open")


def test_secretary_does_not_answer_his_own_contest(service: Service) -> None:
    case_id = open_case(service, "书记一")
    [contest] = service.caller("书记一").post("/me/contact-contests", NOTE).json
    path = f"/contact-cases/{case_id}/contests/{contest['id']}/answer"

    own = service.caller("书记一").post(path, {"is_upheld": True, "answer": "属实"})

    assert own.status_code == 404
