"""The table of a pledge's states is the single source: drawn, offered and obeyed over HTTP."""

from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa

from activities.pledge_models import PledgeEvent
from activities.pledge_states import (
    BRANCH_STEPS,
    DECIDING_STEPS,
    MEMBER_STEPS,
    PRIVATE,
    PUBLIC,
    RUNNING,
    STATUS_LABELS,
    TRANSITIONS,
    PledgeStatus,
    PledgeStep,
)
from tests.pledging import WAYS, Pledging
from tests.served import Service

S, P = PledgeStatus, PledgeStep
WORDS = {
    "category": "service",
    "title": "帮扶独居老人",
    "content": "每月上门看望。",
    "target": "全年 12 次以上",
}
REASON = {"reason": "因客观原因"}
MEETING = {"body": "general_meeting", "meeting_on": "2026-11-10", "reference": "记录 4 号"}
RATINGS = {"member_rating": "优", "masses_rating": "优", "organization_rating": "优"}
# What each step is asked with; None: no body, and no version.
BODIES: dict[PledgeStep, dict[str, Any] | None] = {
    P.EDIT: WORDS | {"due_on": "2026-12-20"},
    P.SUBMIT: None,
    P.WITHDRAW: None,
    P.AMEND: WORDS | REASON,
    P.NOTE_PROGRESS: {"note": "上门两次"},
    P.REPORT_FULFILMENT: {"note": "全年 14 次"},
    P.PUBLISH: {},
    P.APPROVE: {},
    P.RETURN: REASON,
    P.SUPERVISE: {"note": "已核实"},
    P.EXTEND: REASON | {"due_on": "2027-03-01"},
    P.SUSPEND: REASON,
    P.RESUME: {},
    P.EXCUSE: REASON,
    P.EVALUATE: MEETING | RATINGS | REASON | {"grade": "优"},
    P.FIND_UNFULFILLED: MEETING | REASON | {"grade": "差"},
    P.CLOSE: {},
}
UNVERSIONED = {P.SUBMIT, P.WITHDRAW, P.NOTE_PROGRESS, P.REPORT_FULFILMENT, P.SUPERVISE}


def reachable(start: PledgeStatus) -> set[PledgeStatus]:
    found, waiting = {start}, [start]
    while waiting:
        here = waiting.pop()
        for (status, _), target in TRANSITIONS.items():
            if status is here and target not in found:
                found.add(target)
                waiting.append(target)
    return found


def test_every_status_is_reached_from_a_draft() -> None:
    assert reachable(S.DRAFT) == set(S) == STATUS_LABELS.keys()


def test_only_what_is_given_up_or_closed_leads_nowhere() -> None:
    assert set(S) - {status for status, _ in TRANSITIONS} == {S.WITHDRAWN, S.CLOSED}


def test_every_step_belongs_to_one_side_and_leads_somewhere() -> None:
    sides = [*MEMBER_STEPS, *BRANCH_STEPS, *DECIDING_STEPS]

    assert len(sides) == len(set(sides))
    assert set(sides) == {step for _, step in TRANSITIONS} == set(P) - {P.CREATE} == BODIES.keys()


def test_nothing_leads_back_before_publication() -> None:
    """A promise that the branch has read cannot be made to disappear."""
    assert all(reachable(status) <= PUBLIC for status in PUBLIC)
    assert RUNNING < PUBLIC
    assert not PUBLIC & PRIVATE


def test_points_follow_from_an_evaluation_only() -> None:
    into = {step for (_, step), target in TRANSITIONS.items() if target is S.EVALUATED}

    assert into == {P.EVALUATE}


def test_database_keeps_decisions_from_oneself_for_every_deciding_step() -> None:
    checks = cast(sa.Table, PledgeEvent.__table__).constraints
    (check,) = (one for one in checks if str(one.name).endswith("not_oneself"))

    assert isinstance(check, sa.CheckConstraint)
    assert {step for step in P if f"'{step}'" in str(check.sqltext)} == DECIDING_STEPS


def test_allowed_steps_are_exactly_those_that_succeed(service: Service) -> None:
    """Every step is tried in every status, by the member and by his branch."""
    # One test for all statuses: reading the document takes longer than a status does.
    pledging = Pledging(service.world)
    pledge_ids = {status: pledging.at(status) for status in WAYS}
    assert pledge_ids.keys() == set(S)
    for status, pledge_id in pledge_ids.items():
        for name in ("党员甲", "书记一"):
            shown = service.caller(name).get(f"/pledges/{pledge_id}")
            allowed = set(shown.json["allowed_steps"]) if shown.status_code == 200 else set()
            outcomes = {step: attempt(service, name, pledge_id, step) for step in BODIES}

            succeeded = {step for step, code in outcomes.items() if code == 200}
            assert succeeded == allowed, (status, name)
            assert set(outcomes.values()) <= {200, 403, 404, 409}, (status, name)


def attempt(service: Service, name: str, pledge_id: UUID, step: PledgeStep) -> int:
    """The answer's status; nothing that the attempt does is kept."""
    path, given = f"/pledges/{pledge_id}", BODIES[step]
    version = Pledging(service.world).get(pledge_id).version
    body = given if given is None or step in UNVERSIONED else given | {"version": version}
    caller = service.caller(name)
    with service.undone():
        if step is P.EDIT:
            answer = caller.put(path, body)
        else:
            answer = caller.post(f"{path}/{step.replace('_', '-')}", body)
    if answer.status_code == 200:
        assert answer.json["status"] == TRANSITIONS[status_of(service, pledge_id), step]
    return answer.status_code


def status_of(service: Service, pledge_id: UUID) -> PledgeStatus:
    return PledgeStatus(Pledging(service.world).get(pledge_id).status)


def test_secretary_publishes_but_does_not_decide_his_own(service: Service) -> None:
    pledge_id = Pledging(service.world).at(S.APPROVED, "书记一", decider="街道干事")

    allowed = {
        name: service.caller(name).get(f"/pledges/{pledge_id}").json["allowed_steps"]
        for name in ("书记一", "街道干事")
    }

    assert allowed == {"书记一": ["publish"], "街道干事": ["supervise"]}
    assert attempt(service, "书记一", pledge_id, P.PUBLISH) == 200
    assert attempt(service, "书记一", pledge_id, P.SUPERVISE) == 404
