"""Callers of the served API: every answer is held against the published document."""

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any
from uuid import UUID

import jsonschema_rs
import time_machine
from flask import Flask
from sqlalchemy import Connection
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from api.auth import access_token, shown_tokens
from api.document import PREFIX
from core.db import session_info
from members.access_models import Role
from tests.devices import sign_in
from tests.engines import Databases
from tests.undoing import undone
from tests.world import NOW, World, build_world

PROBLEM = "application/problem+json"
PROBLEM_FIELDS = {"type", "code", "status", "title", "detail", "retry", "request_id"}
CHINESE = re.compile(r"[\u4e00-\u9fff]")
DOCUMENT = "tests.document"
SCHEMA_NAMED = re.compile(r'"#/components/schemas/([^"]+)"')
EVERYTHING = "全能"
# What a path names nothing by, after the type of its parameter.
ABSENT_ID = "0198c0de-0000-7000-8000-00000000dead"
ABSENT_BY_TYPE = {"string": ABSENT_ID, "integer": "1901"}


class Document:
    """The OpenAPI document that an app serves, and its error catalogue."""

    def __init__(self, app: Flask) -> None:
        client = app.test_client()
        self.content: dict[str, Any] = client.get("/openapi.json").get_json()
        rows = client.get(f"{PREFIX}/meta/errors").get_json()
        self.catalogue: dict[str, dict[str, Any]] = {row["code"]: row for row in rows}
        self._routes = app.url_map.bind("localhost")
        self._validators: dict[str, jsonschema_rs.Validator] = {}

    @cached_property
    def operations(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Operations by method and path template; path-level parameters are merged in."""
        found = {}
        for path, item in self.content["paths"].items():
            shared = item.get("parameters", [])
            for method, operation in item.items():
                if method != "parameters":
                    own = [self.resolve(one) for one in operation.get("parameters", [])]
                    merged = {"parameters": [*shared, *own]}
                    found[method.upper(), path] = operation | merged
        return found

    def path_of(self, method: str, template: str, **ids: str) -> str:
        """A path of the template, below the API's prefix; an id that is not given names nothing."""
        path = template.removeprefix(PREFIX)
        for parameter in self.operations[method, template]["parameters"]:
            if parameter["in"] == "path":
                absent = ABSENT_BY_TYPE[parameter["schema"]["type"]]
                name = parameter["name"]
                path = path.replace("{" + name + "}", ids.get(name, absent))
        return path

    def find_operation(self, method: str, path: str) -> dict[str, Any] | None:
        """The operation that answers a request, if any does."""
        try:
            rule, _ = self._routes.match(path, method, return_rule=True)
        except HTTPException:
            return None
        template = re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule)
        return self.operations.get((method, template))

    def resolve(self, part: dict[str, Any]) -> dict[str, Any]:
        """The part itself, or what it refers to."""
        while "$ref" in part:
            _, *steps = part["$ref"].split("/")
            part = self.content
            for step in steps:
                part = part[step]
        return part

    def validator(self, schema: dict[str, Any]) -> jsonschema_rs.Validator:
        """A validator of a schema of this document, formats included."""
        key = repr(schema)
        if key not in self._validators:
            components = {"schemas": self._schemas_below(schema)}
            self._validators[key] = jsonschema_rs.Draft202012Validator(
                schema | {"components": components}, validate_formats=True
            )
        return self._validators[key]

    def _schemas_below(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The named schemas that a schema leads to; compiling all of them takes its time."""
        schemas, found = self.content["components"]["schemas"], {}
        ahead = [schema]
        while ahead:
            for name in SCHEMA_NAMED.findall(json.dumps(ahead.pop())):
                if name not in found:
                    found[name] = schemas[name]
                    ahead.append(schemas[name])
        return found

    def find_faults(self, method: str, path: str, answer: TestResponse) -> list[str]:
        """What an answer has that the document does not promise."""
        faults = self._problem_faults(answer) if answer.status_code >= 400 else []
        operation = self.find_operation(method, path)
        if operation is None:
            return faults
        documented = operation["responses"].get(str(answer.status_code))
        if documented is None:
            return [*faults, f"status {answer.status_code} is not documented"]
        content = self.resolve(documented).get("content", {})
        if not content:
            return faults if not answer.data else [*faults, "a body where none is documented"]
        if answer.mimetype not in content:
            return [*faults, f"type {answer.mimetype} is not documented"]
        if not answer.is_json:
            return faults
        validator = self.validator(content[answer.mimetype]["schema"])
        return faults + [str(error) for error in validator.iter_errors(answer.get_json())]

    def _problem_faults(self, answer: TestResponse) -> list[str]:
        body = answer.get_json()
        if answer.mimetype != PROBLEM or not isinstance(body, dict):
            return [f"{answer.status_code} is no problem document but {answer.mimetype}"]
        faults = []
        if not PROBLEM_FIELDS <= body.keys() <= PROBLEM_FIELDS | {"errors", "current"}:
            faults.append(f"the problem has the fields {sorted(body)}")
        known = self.catalogue.get(body["code"], {})
        if not known.get("status") == answer.status_code == body["status"]:
            faults.append(f"code {body['code']} with {answer.status_code} is not in the catalogue")
        if body["request_id"] != answer.headers["X-Request-Id"]:
            faults.append("the request id of the body is not that of the header")
        sentences = [body["title"], body["detail"]]
        sentences += [error["message"] for error in body.get("errors", [])]
        return faults + [
            f"not in Chinese: {text}" for text in sentences if not CHINESE.search(text)
        ]


def document_of(app: Flask) -> Document:
    """The document of an app, read once: it does not change while the app lives."""
    if DOCUMENT not in app.extensions:
        app.extensions[DOCUMENT] = Document(app)
    document: Document = app.extensions[DOCUMENT]
    return document


@dataclass
class Caller:
    """One signed-in person, or nobody; an answer that breaks the document fails the test."""

    app: Flask
    document: Document
    token: str | None = None

    def get(self, path: str, **query: Any) -> TestResponse:
        return self.send("GET", path, query_string=query)

    def post(self, path: str, body: Any = None) -> TestResponse:
        return self.send("POST", path, **({} if body is None else {"json": body}))

    def put(self, path: str, body: Any) -> TestResponse:
        return self.send("PUT", path, json=body)

    def delete(self, path: str) -> TestResponse:
        return self.send("DELETE", path)

    def send(self, method: str, path: str, **options: Any) -> TestResponse:
        """Send a request; `path` is relative to the API's prefix."""
        headers = dict(options.pop("headers", {}))
        if self.token is not None:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        answer = self.app.test_client().open(
            PREFIX + path, method=method, headers=headers, **options
        )
        faults = self.document.find_faults(method, PREFIX + path, answer)
        assert faults == [], f"{method} {path} -> {answer.status_code} {answer.text[:300]}"
        return answer


@dataclass
class Service:
    """A world behind a served app, and the people who call it."""

    app: Flask
    world: World
    connection: Connection

    @property
    def document(self) -> Document:
        return document_of(self.app)

    @property
    def nobody(self) -> Caller:
        return Caller(self.app, self.document)

    def caller(self, name: str) -> Caller:
        """Somebody of the world on the device that he is signed in on."""
        with self.app.app_context():
            token = access_token(self.world.members[name], self.world.sessions[name])
        return Caller(self.app, self.document, token)

    def tokens(self, name: str) -> dict[str, Any]:
        """What somebody gets who signs in on another device."""
        tokens = sign_in(self.world.session, self.world.members[name], now=NOW)
        self.world.session.commit()
        with self.app.app_context():
            return shown_tokens(tokens)

    @contextlib.contextmanager
    def undone(self) -> Iterator[None]:
        """Whatever is sent in this block leaves no trace."""
        with undone(self.connection):
            yield
        self.world.session.expire_all()


@contextlib.contextmanager
def served(databases: Databases, kind: str) -> Iterator[Service]:
    """The standard world, with one person who holds every role, served on one engine."""
    with (
        time_machine.travel(NOW),
        databases.engine(kind).connect() as connection,
        databases.app_on(kind, connection) as app,
    ):
        outer = connection.begin()
        info = session_info(databases.settings(kind).vault)
        with Session(
            connection,
            expire_on_commit=False,
            join_transaction_mode="create_savepoint",
            info=info,
        ) as session:
            world = build_world(session)
            add_holder_of_every_role(world)
            yield Service(app, world, connection)
        outer.rollback()


def add_holder_of_every_role(world: World) -> UUID:
    """A person whom no policy stops, so that what is refused is refused for its content."""
    member_id = world.add_member(EVERYTHING, "二支部")
    places = {
        Role.GROUP_LEADER: "一组",
        Role.BRANCH_SECRETARY: "一支部",
        Role.DEPUTY_SECRETARY: "一支部",
        Role.DELEGATE: "一支部",
        Role.COMMITTEE_OFFICER: "街道",
    }
    world.session.add_all(
        world.new_grant(
            EVERYTHING,
            role,
            places.get(role, "区委"),
            valid_to=date(2027, 1, 1) if role is Role.DELEGATE else None,
        )
        for role in Role
    )
    world.session.flush()
    return member_id
