"""What a phone may rely on when it repeats, pages, and meets a newer version."""

from typing import Any

import flask
import pytest

from api.auth import Access
from api.blueprints import Blueprint
from api.document import PREFIX
from api.idempotency import HEADER, NEEDS_KEY, Retry
from api.offline import OFFLINE
from api.paging import LIMIT_MAX
from api.subrequests import find_reading_path
from tests.served import Document

# Reviewed by a person: what may be sent twice without a key, and why.
WITHOUT_KEY = {
    "sign_in": Retry.NO_MEMBER,
    "refresh_session": Retry.NO_MEMBER,
    "send_sms_code": Retry.NO_MEMBER,
    "bind_wechat": Retry.NO_MEMBER,
    "add_photo": Retry.NATURAL,
    "confirm_own_report": Retry.NO_MEMBER,
    "validate_scheme": Retry.PURE,
    "mark_messages_read": Retry.NATURAL,
    "confirm_session": Retry.NATURAL,
    "send_outbox": Retry.BATCH,
}
SHOWN_ONCE = {"issue_account", "disclose_contact_number", "create_own_report_link"}
SHOWN_ONCE |= {"disclose_member_number", "create_sign_in_ticket"}
# Reviewed by a person: lists without a cursor, and what keeps them short.
BOUNDED = {
    "list_errors": "the error codes of this version",
    "list_data_classes": "the kinds of data of this version",
    "list_service_signups": "those who signed up for one service, whose places are bounded",
    "list_own_corrections": "the corrections of one record",
    "list_consents": "one for each purpose",
    "list_service_issuers": "the issuers of one district",
    "get_community_feedback": "one line for each community of one body",
    "list_periods": "one for each year",
    "list_my_statements": "one for each year",
    "list_scheme_delegations": "the committees of one district",
    "list_cadres": "the cadres of one village",
    "list_attendance": "those expected at one meeting",
    "list_attendance_events": "the changes of one attendance",
    "list_activity_templates": "the templates of one line of bodies",
    "judge_quorum": "the decisions of one meeting",
    "list_votes": "the votes of one meeting",
    "list_photos": "three at most",
    "list_duties": "the duties of one branch in one month",
    "list_duty_exceptions": "the exceptions of one month",
    "get_tree": "as many levels as were asked for",
    "get_organization_history": "the moves of one organisation",
    "list_contact_facts": "a hundred at most",
    "list_contact_holds": "the holds of one member",
    "list_my_transfers": "the transfers of one member",
    "find_branch_names": "the first that match",
    "list_graduates": "the graduates who have not moved on",
    "list_my_migrant_contacts": "the members of whom one person is the contact",
    "list_contact_contests": "the contests of one member",
    "list_membership_decisions": "the decisions on one member",
    "list_my_exports": "two a day, for three days",
}


def retries(app: flask.Flask) -> dict[str, Retry]:
    return {
        name.split(".")[-1]: view.__dict__["retry"]
        for name, view in app.view_functions.items()
        if view.__dict__.get("retry") is not None
    }


def test_posts_without_a_key_are_exactly_those_reviewed(
    app: flask.Flask, document: Document
) -> None:
    found = retries(app)
    posts = {o["operationId"] for (method, _), o in document.operations.items() if method == "POST"}

    assert found.keys() == posts
    assert {n: why for n, why in found.items() if why not in NEEDS_KEY} == WITHOUT_KEY
    assert {name for name, why in found.items() if why is Retry.SHOWN_ONCE} == SHOWN_ONCE


def test_document_asks_for_the_key_where_it_is_needed(app: flask.Flask, document: Document) -> None:
    found = retries(app)
    for operation in document.operations.values():
        needs = found.get(operation["operationId"]) in NEEDS_KEY
        asked = [p for p in operation["parameters"] if p["name"] == HEADER]
        assert [p["required"] for p in asked] == [True] * needs, operation["operationId"]


def test_offline_writes_are_operations_that_can_be_repeated(
    app: flask.Flask, document: Document
) -> None:
    found, by_name = retries(app), {}
    for (method, _), operation in document.operations.items():
        by_name[operation["operationId"]] = method, operation
    for name, write in OFFLINE.items():
        method, operation = by_name[name]
        assert method == "PUT" or found[name] in NEEDS_KEY | {Retry.NATURAL}, name
        fields = {write.object_field, write.instant_field, write.day_field} - {None}
        assert fields <= _body_of(document, operation).keys(), name


def test_lists_have_a_cursor_or_are_short_by_nature(document: Document) -> None:
    without = set()
    for (method, _), operation in document.operations.items():
        parameters = {p["name"]: p["schema"] for p in operation["parameters"]}
        if "cursor" in parameters:
            assert parameters["limit"]["maximum"] == LIMIT_MAX, operation["operationId"]
        elif method == "GET" and _is_list(document, operation):
            without.add(operation["operationId"])

    assert without == BOUNDED.keys()


def test_whoever_meets_a_newer_version_is_shown_it(app: flask.Flask, document: Document) -> None:
    """What takes a version has an address at which its object is read."""
    checked = 0
    for (method, template), operation in document.operations.items():
        if {"version", "revision"} & _body_of(document, operation).keys():
            ids = _path_ids(operation)
            with app.app_context():
                path = PREFIX + document.path_of(method, template, **ids)
                assert find_reading_path(path, ids), operation["operationId"]
            checked += 1

    assert checked >= 20


def test_public_post_cannot_ask_for_a_members_key() -> None:
    blueprint = Blueprint("spare", __name__)

    with pytest.raises(ValueError, match="key"):
        blueprint.post("/x", access=Access.PUBLIC, retry=Retry.KEYED)(lambda: None)


def _path_ids(operation: dict[str, Any]) -> dict[str, str]:
    names = [p["name"] for p in operation["parameters"] if p["in"] == "path"]
    return {name: f"0198c0de-0000-7000-8000-{n:012x}" for n, name in enumerate(names)}


def _body_of(document: Document, operation: dict[str, Any]) -> dict[str, Any]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    properties: dict[str, Any] = (
        document.resolve(content["schema"])["properties"] if content else {}
    )
    return properties


def _is_list(document: Document, operation: dict[str, Any]) -> bool:
    answer = document.resolve(operation["responses"]["200"])
    schema = document.resolve(
        answer.get("content", {}).get("application/json", {}).get("schema", {})
    )
    return schema.get("type") == "array" or "items" in schema.get("properties", {})
