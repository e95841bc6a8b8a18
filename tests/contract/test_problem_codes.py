"""Which problems an operation can have: as the document says it, and how they are found."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import flask
import pytest
import sqlalchemy as sa

from api.cli.problem_codes import find_codes
from api.problem_responses import FILE, OF_ALL
from api.problems import Problem
from core.errors import VersionConflict
from core.paging import InvalidCursor
from members.access_models import Account
from tests.served import Document


def _refuse() -> None:
    raise InvalidCursor


def _catch() -> None:
    try:
        flask.abort(404)
    except VersionConflict:
        return


class _Ruled:
    def decide(self) -> None:
        _refuse()


NOT_OF_AN_OPERATION = {
    "callback.invalid": "to a provider of text messages",
    "checkpoint.invalid": "by a command",
    "checkpoint.nothing_sealed": "by a command",
    "claim.own": "of one item of a batch",
    "claim.reason_required": "of one item of a batch",
    "claim.recused": "of one item of a batch",
    "import.file_refused": "by nobody: its kinds have codes of their own",
    "import.header_changed": "of an import that runs in the background",
    "member.branch_unknown": "by a command",
    "org.list_unreadable": "by a command",
    "request.method": "where no operation is",
    "server.error": "where we are at fault, which no operation promises",
    "service.own": "of one item of a batch",
}
BY_NAME = {"refuse": _refuse}
REACHES: dict[str, tuple[Callable[..., Any], set[str]]] = {
    "called": (_refuse, {"cursor.invalid"}),
    "from a table": (lambda name: BY_NAME[name](), {"cursor.invalid"}),
    "bound": (partial(_refuse), {"cursor.invalid"}),
    "method": (lambda: _Ruled().decide(), {"cursor.invalid"}),
    "caught": (_catch, set()),
    "edge": (lambda: Problem(410, "sync.reset"), {"sync.reset"}),
    "written": (lambda: sa.insert(Account), {"account.phone_taken"}),
    "read": (lambda: sa.select(Account), set()),
}


@pytest.mark.parametrize("name", REACHES)
def test_what_an_operation_can_say_is_found_however_it_is_reached(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # These are lines of a test, and not of the product.
    monkeypatch.setattr("api.cli.problem_codes.PACKAGES", {"tests", "core", "members"})
    view, expected = REACHES[name]
    app = flask.Flask("planted")
    blueprint = flask.Blueprint("planted", __name__)

    def guarded() -> Any:
        return view()

    guarded.__dict__.update(access_policy=None, asks_confirmation=False)
    blueprint.add_url_rule("/", "act", guarded)
    app.register_blueprint(blueprint)

    found = set(find_codes(app)["act"]) - {"auth.password_change_required"}

    assert {code for code in found if not code.startswith("auth.")} == expected


def test_codes_of_recording_service_are_those_of_its_rules(document: Document) -> None:
    assert _codes(document, "/service-records", "post", "422") == {
        "claim.item_unknown", "claim.too_old", "idempotency.malformed", "idempotency.mismatch",
        "member.not_affiliated", "period.closed", "policy.forbidden_event", "scheme.invalid",
        "scheme.none_in_force", "service.refused", "validation",
    }  # fmt: skip
    assert _codes(document, "/service-records", "post", "409") == {
        "claim.duplicate", "idempotency.in_progress", "idempotency.settled",
    }  # fmt: skip
    assert _codes(document, "/me/home", "get", "403") == {"auth.password_change_required"}
    assert "409" not in document.content["paths"]["/api/v1/me/home"]["get"]["responses"]


def test_every_problem_of_every_operation_names_its_codes(document: Document) -> None:
    named: set[str] = set()
    for path, operations in document.content["paths"].items():
        for method in operations.keys() & {"get", "post", "put", "delete"}:
            for status in operations[method]["responses"]:
                if int(status) >= 400:
                    named |= _codes(document, path.removeprefix("/api/v1"), method, status)

    assert OF_ALL <= named <= document.catalogue.keys()
    assert document.catalogue.keys() - named == NOT_OF_AN_OPERATION.keys()


# What the walk finds because a class or a table is named, and what cannot happen there.
OVERSHOT = {
    ("list_errors", 401), ("list_errors", 403), ("list_errors", 409),
    ("list_service_records", 409), ("get_service_record", 409), ("sync", 409),
}  # fmt: skip


def test_no_code_is_found_under_a_status_that_the_operation_does_not_name(
    document: Document,
) -> None:
    statuses = {code: row["status"] for code, row in document.catalogue.items()}
    found = json.loads(FILE.read_text(encoding="utf-8"))
    missing = {
        (operation["operationId"], statuses[code])
        for operation in document.operations.values()
        for code in found[operation["operationId"]]
        if str(statuses[code]) not in operation["responses"]
    }

    assert missing == OVERSHOT


def _codes(document: Document, path: str, method: str, status: str) -> set[str]:
    response = document.content["paths"][f"/api/v1{path}"][method]["responses"][status]
    content = document.resolve(response)["content"]["application/problem+json"]
    return set(content["schema"]["properties"]["code"]["enum"])
