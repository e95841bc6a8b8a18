"""The published document says what the API does: operations, examples, problems, pages."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import flask
import pytest

from api import constraints, problems
from api.document import PREFIX
from tests.engines import ROOT, environment
from tests.served import CHINESE, PROBLEM, Caller, Document

# They need no token, and say 401 of what they are given instead.
OPENING = {f"{PREFIX}/auth/{name}" for name in ("sessions", "sessions/refresh", "wechat-bindings")}


def run_command(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the product in a process of its own, on a database without tables."""
    return subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", *arguments],
        cwd=ROOT,
        env=environment(f"sqlite:///{directory}/none.db", directory),
        capture_output=True,
        text=True,
        check=False,
    )


def test_document_is_openapi_3_1(document: Document) -> None:
    assert document.content["openapi"] == "3.1.0"
    assert document.content["info"]["description"]
    assert document.content["security"] == [{"bearer": []}]


def test_operations_are_named_once_and_summed_up_in_chinese(document: Document) -> None:
    names = [operation["operationId"] for operation in document.operations.values()]

    assert len(names) == len(set(names))
    for operation in document.operations.values():
        assert re.fullmatch(r"[a-z][a-z0-9_]+", operation["operationId"])
        assert CHINESE.search(operation["summary"]), operation["operationId"]


def test_document_holds_every_route_of_the_api(app: flask.Flask, document: Document) -> None:
    served = {
        (method, re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith(PREFIX)
    }

    assert served == document.operations.keys()


def test_every_json_body_has_an_example_that_its_schema_accepts(document: Document) -> None:
    for (method, path), operation in document.operations.items():
        bodies = [operation.get("requestBody", {})]
        bodies += [
            document.resolve(answer)
            for status, answer in operation["responses"].items()
            if status.startswith("2")
        ]
        for content in (body.get("content", {}).get("application/json") for body in bodies):
            if content is not None:
                errors = document.validator(content["schema"]).iter_errors(content["example"])
                assert [str(error) for error in errors] == [], f"{method} {path}"


def test_success_of_every_operation_is_documented_once(document: Document) -> None:
    for (method, path), operation in document.operations.items():
        success = [status for status in operation["responses"] if status.startswith("2")]
        assert len(success) == 1, f"{method} {path}"


def test_refusals_are_documented_as_problem_documents(document: Document) -> None:
    for (method, path), operation in document.operations.items():
        refusals = {s: a for s, a in operation["responses"].items() if s.startswith("4")}
        assert refusals.keys() >= {"400", "422"}, f"{method} {path}"
        for answer in refusals.values():
            (content,) = document.resolve(answer)["content"].items()
            assert content[0] == PROBLEM
            assert content[1]["schema"]["allOf"] == [{"$ref": "#/components/schemas/ProblemOut"}]


def test_problem_schema_requires_what_every_problem_has(document: Document) -> None:
    schema = document.content["components"]["schemas"]["ProblemOut"]

    assert set(schema["properties"]) - set(schema["required"]) == {"errors", "current"}


def test_operations_without_token_say_so(document: Document) -> None:
    for (_, path), operation in document.operations.items():
        is_open = operation.get("security") == []
        assert is_open == ("401" not in operation["responses"] or path in OPENING)


def test_written_document_is_what_the_routes_say(tmp_path: Path) -> None:
    done = run_command(tmp_path, "openapi", "check")

    assert done.returncode == 0, done.stderr


def test_written_problem_page_is_what_the_catalogue_says(tmp_path: Path) -> None:
    done = run_command(tmp_path, "problems", "check")

    assert done.returncode == 0, done.stderr


def test_catalogue_lists_each_code_once_in_chinese(app: flask.Flask) -> None:
    rows = app.test_client().get(f"{PREFIX}/meta/errors").get_json()

    codes = [row["code"] for row in rows]
    assert codes == sorted(set(codes))
    assert set(problems.EDGE_ERRORS) <= set(codes)
    for row in rows:
        assert re.fullmatch(r"[a-z_]+(\.[a-z_]+)*", row["code"])
        assert CHINESE.search(row["title"]), row["code"]


def test_constraints_answer_with_catalogued_statuses(document: Document) -> None:
    """A code means one status, whether a rule or the database was first to object."""
    for code, status, _ in constraints.CONSTRAINTS.values():
        assert document.catalogue[code]["status"] == status


class _Addresses(HTMLParser):
    """What a page loads, and the text of its scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, _tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attributes if name in ("src", "href")]


def test_swagger_page_loads_from_its_own_host_only(app: flask.Flask) -> None:
    client = app.test_client()
    page = client.get("/docs")
    addresses = _Addresses()
    addresses.feed(page.text)

    assert page.status_code == 200
    assert len(addresses.found) >= 2
    assert re.findall(r"https?://[^\s\"']+", page.text) == []
    for address in addresses.found:
        assert urlsplit(address).netloc == ""
        with client.get(address) as file:
            assert file.status_code == 200, address
            assert len(file.data) > 100


def test_swagger_files_do_not_leave_their_folder(app: flask.Flask) -> None:
    client = app.test_client()
    for path in ("../__init__.py", "..%2f__init__.py", "%2e%2e/__init__.py", "/etc/passwd", ""):
        with client.get(f"/docs/ui/{path}") as answer:
            assert answer.status_code == 404, path


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "request.not_found"),
        ("GET", "//me", 404, "request.not_found"),
        ("GET", "/me/", 404, "request.not_found"),
        ("DELETE", "/me", 405, "request.method"),
        ("PATCH", "/me", 405, "request.method"),
        ("TRACE", "/me", 405, "request.method"),
    ],
)
def test_wrong_address_and_method_are_problems_too(
    app: flask.Flask, document: Document, method: str, path: str, status: int, code: str
) -> None:
    answer = Caller(app, document).send(method, path)

    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert ("Allow" in answer.headers) == (status == 405)


def test_answers_name_a_request_that_a_person_can_read_out(app: flask.Flask) -> None:
    client = app.test_client()
    given: dict[str, Any] = {"X-Request-Id": "phone-12345678"}

    assert re.fullmatch(r"[a-z0-9]{8}", client.get("/nothing").headers["X-Request-Id"])
    assert client.get("/nothing", headers=given).get_json()["request_id"] == "phone-12345678"
    for hostile in ("short", "x" * 41, "<script>alert(1)</script>", "a b c d e f", "甲" * 10):
        answer = client.get("/nothing", headers={"X-Request-Id": hostile})
        assert answer.headers["X-Request-Id"] != hostile


def test_a_problems_type_leads_to_its_line(app: flask.Flask) -> None:
    client = app.test_client()
    problem = client.get("/api/v1/me").get_json()
    path, anchor = problem["type"].split("#")

    page = client.get(path)

    assert (page.status_code, page.mimetype) == (200, "text/markdown")
    assert f'<a id="{anchor}"></a>' in page.get_data(as_text=True)
