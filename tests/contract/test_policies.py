"""Every operation says who may call it, and takes nothing that it does not name."""

from collections.abc import Iterator
from typing import Any

import flask
import pytest
import sqlalchemy as sa

from api import routes
from api.app import create_app
from api.auth import Access, guard, unguarded_rules
from api.blueprints import Blueprint
from api.document import PREFIX
from core.config import ConfigError, Settings
from core.db import Base
from tests.served import EVERYTHING, Document, Service

# Reviewed by a person: what anybody on the internet may call.
PUBLIC = {
    "api-docs.openapi_json",
    "api-docs.openapi_swagger_ui",
    "auth.refresh_session",
    "auth.sign_in",
    # It asks for a token of its own, or answers this machine only.
    "metrics",
    "meta.get_meta",
    "meta.list_data_classes",
    "meta.list_dictionaries",
    "meta.list_errors",
    # The link itself says for whom it was made, and until when.
    "my-exports.get_export_file",
    "own-reports.confirm_own_report",
    "own-reports.get_own_report",
    # The link itself says for whom it was made, and until when.
    "photos.get_file",
    "swagger_files",
    "problem_page",
    "provider_callback",
    "service-sheets.verify_service_sheet",
    "sms-codes.send_sms_code",
    "system.get_health",
    "system.get_readiness",
    "wechat.bind_wechat",
}
WRITING = ("INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE", "TRUNCATE")
# Columns that only the server sets, whatever table they stand in, and what attackers try.
SERVER_SET = {
    "status", "points", "asked", "points_granted", "decided_by", "decided_at", "approver_id",
    "submitted_by", "entered_by", "created_at", "created_by", "granted_by", "granted_at",
    "revoked_by", "posted_ref", "flags", "is_flagged", "session_id", "password_hash",
    "must_change_password", "phone_sealed", "phone_index", "path", "depth", "is_admin", "roles",
    "claim_id", "reviewer_organization_id", "request_id", "__class__", "_sa_instance_state",
}  # fmt: skip


def policies(app: flask.Flask) -> dict[str, Any]:
    return {name: view.__dict__["access_policy"] for name, view in app.view_functions.items()}


def test_every_route_declares_who_may_call_it(app: flask.Flask) -> None:
    assert unguarded_rules(app) == []
    assert len(policies(app)) >= 30


def test_public_operations_are_exactly_those_reviewed(app: flask.Flask) -> None:
    public = {name for name, policy in policies(app).items() if policy is Access.PUBLIC}

    assert public == PUBLIC


def test_role_policies_name_at_least_one_role(app: flask.Flask) -> None:
    assert all(policy for policy in policies(app).values())


def test_app_with_an_open_route_does_not_start(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    careless = Blueprint("careless", __name__)
    careless.add_url_rule("/open", "open", lambda: "everything", methods=["GET"])
    monkeypatch.setattr(routes, "BLUEPRINTS", (*routes.BLUEPRINTS, careless))

    with pytest.raises(ConfigError, match=r"careless\.open"):
        create_app(settings)


def test_route_without_policy_is_an_error_of_the_programmer() -> None:
    with pytest.raises(TypeError, match="access"):
        Blueprint("careless", __name__).get("/open")(lambda: None)  # type: ignore[call-arg]


def test_guarded_view_keeps_its_policy() -> None:
    assert guard(lambda: None, Access.MEMBER).__dict__["access_policy"] is Access.MEMBER


def test_methods_are_those_that_every_phone_can_send(app: flask.Flask) -> None:
    methods = {method for rule in app.url_map.iter_rules() for method in rule.methods or ()}

    # Werkzeug adds HEAD and OPTIONS by itself.
    assert methods - {"HEAD", "OPTIONS"} == {"GET", "POST", "PUT", "DELETE"}


def test_operation_without_token_is_unauthenticated(service: Service) -> None:
    for method, template in service.document.operations:
        endpoint = _endpoint(service, method, template)
        if endpoint not in PUBLIC:
            path = service.document.path_of(method, template)
            answer = service.nobody.send(method, path)
            assert (answer.status_code, answer.json["code"]) == (401, "auth.required"), path


def test_member_without_role_reaches_no_operation_of_a_role(service: Service) -> None:
    """The role is asked for before anything of the input is read."""
    member = service.caller("党员乙")
    for method, template in service.document.operations:
        policy = policies(service.app)[_endpoint(service, method, template)]
        if isinstance(policy, frozenset):
            answer = member.send(method, service.document.path_of(method, template))
            assert (answer.status_code, answer.json["code"]) == (403, "perm.denied"), template


def test_reading_writes_nothing_but_that_it_was_read(service: Service) -> None:
    statements: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    service.world.add_claim("党员甲", "一支部")
    caller = service.caller(EVERYTHING)
    sa.event.listen(service.connection, "before_cursor_execute", note)
    for path in _readable(service):
        caller.get(path)
    sa.event.remove(service.connection, "before_cursor_execute", note)

    assert len(statements) > 20
    written = [s for s in statements if any(word in s.upper().split() for word in WRITING)]
    assert [s for s in written if not s.startswith("INSERT INTO audit_event ")] == []


def test_input_schemas_refuse_unknown_fields(app: flask.Flask) -> None:
    for _, schema in in_schemas(Document(app)):
        assert schema["additionalProperties"] is False


def test_columns_that_the_server_sets_are_refused(service: Service) -> None:
    """Mass assignment: whatever else an input names, the answer is 422 and nothing is written."""
    columns = {column.name for table in Base.metadata.tables.values() for column in table.columns}
    caller = service.caller(EVERYTHING)
    for target, schema in in_schemas(service.document):
        example = service.document.find_operation(*target.split(" "))["requestBody"]["content"][  # type: ignore[index]
            "application/json"
        ]["example"]
        canaries = (columns | SERVER_SET) - schema["properties"].keys()
        method, path = target.split(" ")
        body = example | dict.fromkeys(canaries, 1)
        answer = caller.send(method, path.removeprefix(PREFIX), json=body)
        assert answer.status_code == 422, target
        one = caller.send(method, path.removeprefix(PREFIX), json=example | {min(canaries): 1})
        assert [error["pointer"] for error in one.json["errors"]] == [f"/{min(canaries)}"]


def test_no_input_takes_what_only_the_server_decides(app: flask.Flask) -> None:
    taken = {
        f"{target}: {name}"
        for target, schema in in_schemas(Document(app))
        for name in schema["properties"].keys() & SERVER_SET
    }

    assert taken == set()


def in_schemas(document: Document) -> Iterator[tuple[str, dict[str, Any]]]:
    """`METHOD path` and the resolved schema of every JSON body."""
    for (method, template), operation in document.operations.items():
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content:
            path = PREFIX + document.path_of(method, template)
            yield f"{method} {path}", document.resolve(content["schema"])


def _endpoint(service: Service, method: str, template: str) -> str:
    path = PREFIX + service.document.path_of(method, template)
    endpoint, _ = service.app.url_map.bind("localhost").match(path, method)
    return str(endpoint)


def _readable(service: Service) -> Iterator[str]:
    world = service.world
    ids = {
        "organization_id": str(world.organizations["一支部"]),
        "member_id": str(world.members["党员甲"]),
    }
    for method, template in service.document.operations:
        if method == "GET":
            yield service.document.path_of(method, template, **ids)
