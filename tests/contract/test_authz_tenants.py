"""Two committees in one database: what belongs to the other one does not come through anywhere."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.contract.authz_requests import ITEMS, Prepared, marks_in
from tests.contract.authz_service import AuthzService, authz_service, shown
from tests.contract.authz_table import NOWHERE, operations
from tests.contract.authz_world import MARK
from tests.engines import ENGINE_KINDS, Databases
from tests.served import ABSENT_ID

# Everybody below the committee whose things carry no mark.
_OWN = "same_branch"
INSIDERS = ("member", "leader", "secretary", "delegate", "general", "committee")
# Names of branches are no secret, or nobody could be transferred; a host reads his guest's.
NAMES_OF_BRANCHES = {"find_branch_names", "list_migrants_hosted"}
# What an id in a body may name, besides what stands in the path.
FOREIGN = (
    "member_id", "organization_id", "parent_id", "activity_id", "template_id", "signup_id",
    "contact_id", "assignee_id", "decided_by_organization_id", "issuer_id", "number_id",
    "party_group_id", "group_id",
)  # fmt: skip


@pytest.fixture(scope="module", params=ENGINE_KINDS)
def tenants(request: pytest.FixtureRequest, databases: Databases) -> Iterator[AuthzService]:
    with authz_service(databases, request.param) as service:
        yield service


def test_no_list_search_or_export_shows_the_other_committee(tenants: AuthzService) -> None:
    leaks, read = [], 0
    for name, row in operations().items():
        for principal in INSIDERS:
            prepared = tenants.requests.make(name, row["object"], "self", principal)
            if prepared is None or prepared.method != "GET" or name in NAMES_OF_BRANCHES:
                continue
            answer = tenants.send(prepared, principal).answer
            read += answer.status_code == 200
            leaks += [(name, principal, found) for found in marks_in(_text(answer))]

    assert leaks == []
    assert read > 300


def test_the_mark_is_there_to_be_seen(tenants: AuthzService) -> None:
    """The test above would pass for ever if nothing carried the mark."""
    seen = set()
    for name, row in operations().items():
        prepared = tenants.requests.make(name, row["object"], "other_committee", "district")
        if prepared and prepared.method == "GET" and row["object"]:
            seen |= {name} if MARK in _text(tenants.send(prepared, "district").answer) else set()

    assert len(seen) >= 25, sorted(seen)


def test_foreign_id_in_a_body_answers_as_absent(tenants: AuthzService) -> None:
    faults, asked = [], 0
    for name, row in operations().items():
        prepared = tenants.requests.make(name, row["object"], _OWN, "secretary")
        if prepared is None or "json" not in prepared.options:
            continue
        for field in _ids_in(prepared.options["json"]):
            foreign = tenants.send(_with(prepared, field, _foreign_id(tenants, field)), "secretary")
            absent = tenants.send(_with(prepared, field, ABSENT_ID), "secretary")
            asked += 1
            if foreign.body.replace(_foreign_id(tenants, field).encode(), b"") != (
                absent.body.replace(ABSENT_ID.encode(), b"")
            ):
                faults.append(f"{name}.{field}: {shown(foreign)} and {shown(absent)}")
            if foreign.written and foreign.answer.status_code >= 400:
                faults.append(f"{name}.{field} wrote {foreign.written}")

    assert not faults, "\n".join(["", *faults])
    assert asked >= 15


@pytest.mark.parametrize("name", ITEMS)
def test_foreign_item_of_a_batch_answers_as_absent(tenants: AuthzService, name: str) -> None:
    """One foreign id among own ones is told apart from nothing by nobody, and is not decided."""
    own = tenants.requests.make(name, ITEMS[name], _OWN, "secretary")
    foreign = tenants.requests.make(name, ITEMS[name], "other_committee", "secretary")
    absent = tenants.requests.make(name, ITEMS[name], "absent", "secretary")
    assert own and foreign and absent  # noqa: PT018
    field = next(iter(own.options["json"].keys() & {"decisions", "gradings"}))
    answers = []
    for other in (foreign, absent):
        mixed = copy.deepcopy(own)
        mixed.options["json"][field] += other.options["json"][field]
        answer = tenants.send(mixed, "secretary").answer
        items = answer.get_json()["results"]
        said = {name: value for name, value in items[1].items() if not name.endswith("_id")}
        answers.append(said)

    assert answers[0] == answers[1]
    assert answers[0]["outcome"] == "refused"


def test_foreign_id_in_the_outbox_answers_as_absent(tenants: AuthzService) -> None:
    """Whatever comes in by the outbox meets the walls of its own operation."""
    foreign = tenants.send(_sent_later(tenants, "other_committee"), "secretary")
    absent = tenants.send(_sent_later(tenants, "absent"), "secretary")
    own = tenants.send(_sent_later(tenants, "same_group"), "secretary")
    results = [one.answer.get_json()["results"][0] for one in (foreign, absent, own)]
    for result in results:
        result["problem"] = (result["problem"] or {}).get("code")

    assert results[0] == results[1]
    assert [result["problem"] for result in results] == ["not_found", "not_found", None]
    assert (foreign.written, bool(own.written)) == ((), True)


def _sent_later(tenants: AuthzService, relation: str) -> Prepared:
    outbox = tenants.requests.make("send_outbox", "", NOWHERE, "secretary")
    contact = tenants.requests.make("log_contact", "member", relation, "secretary")
    assert outbox and contact  # noqa: PT018
    subject = tenants.found.subjects.get(relation)
    member_id = str(subject.member_id) if subject else ABSENT_ID
    op = {"key": ABSENT_ID, "operation": "log_contact", "path_params": {"member_id": member_id}}
    body = contact.options["json"] | {"happened_on": "2026-11-01"}
    outbox.options["json"] = {"ops": [op | {"body": body}]}
    return outbox


def _text(answer: TestResponse) -> str:
    return answer.data.decode("utf-8", "replace")


def _ids_in(part: Any) -> Iterator[str]:
    """The names of the fields that hold an id, at any depth."""
    if isinstance(part, list):
        part = part[0] if part else {}
    if isinstance(part, dict):
        for name, value in part.items():
            if name in FOREIGN and isinstance(value, str):
                yield name
            else:
                yield from _ids_in(value)


def _with(prepared: Prepared, field: str, value: str) -> Prepared:
    changed = copy.deepcopy(prepared)
    _put(changed.options["json"], field, value)
    return changed


def _put(part: Any, field: str, value: str) -> None:
    for one in part if isinstance(part, list) else [part]:
        if not isinstance(one, dict):
            continue
        for name, inner in one.items():
            if name == field:
                one[name] = value
            else:
                _put(inner, field, value)


def _foreign_id(tenants: AuthzService, field: str) -> str:
    subject = tenants.found.subjects["other_committee"]
    kind = field.removesuffix("_id")
    if kind in {"member", "contact", "assignee"}:
        return str(subject.member_id)
    if kind in {"organization", "parent", "decided_by_organization", "party_group", "group"}:
        return str(subject.organization_id)
    return str(subject.ids[kind])
