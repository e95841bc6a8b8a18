"""Hostile input into every field: refused alike on both engines, and never an error of ours."""

import json
import time
from collections.abc import Callable, Iterator
from itertools import count, groupby
from typing import Any

import pytest

from api.app import BODY_BYTES_MAX
from api.document import PREFIX
from core.ids import new_id
from tests.contract.hostile_bodies import JSON, body_shapes, form_shapes, raw
from tests.contract.hostile_input import (
    BAD_PATH_IDS,
    INVALID_QUERY,
    kind_of,
    mutate,
)
from tests.depth import spread
from tests.engines import ENGINE_KINDS, Databases
from tests.served import ABSENT_ID, EVERYTHING, Document, Service, served

# Each answer as (request, status, what is wrong with it).
Answers = dict[str, tuple[int, tuple[str, ...]]]
Probe = tuple[str, str, dict[str, Any], bool]
STRAY = ("strange=1", "%FF=%FF", "sort=points", "limit[]=1", "%00=1")


def ask(service: Service, probes: Iterator[Probe]) -> Answers:
    """Send every probe as the holder of every role; nothing that one does is seen by the next."""
    token = service.caller(EVERYTHING).token
    client = service.app.test_client()
    answers: Answers = {}
    for name, target, options, is_invalid in probes:
        method, path = target.split(" ", 1)
        headers = {"Authorization": f"Bearer {token}"} | options.pop("headers", {})
        with service.undone():
            answer = client.open(PREFIX + path, method=method, headers=headers, **options)
        faults = service.document.find_faults(method, PREFIX + path, answer)
        if answer.status_code >= 500:
            faults.append("an error of ours")
        if is_invalid and not 400 <= answer.status_code < 500:
            faults.append("accepted")
        assert name not in answers
        answers[name] = answer.status_code, tuple(faults)
    return answers


def require_alike(databases: Databases, make: Callable[[Service], Iterator[Probe]]) -> Answers:
    """Both engines answer every probe with the same status, without a fault."""
    by_engine = {}
    for kind in ENGINE_KINDS:
        with served(databases, kind) as service:
            by_engine[kind] = ask(service, make(service))
    sqlite, postgresql = by_engine.values()
    assert len(sqlite) > 0
    found = [f"{name}: {sqlite[name]}" for name in sqlite if sqlite[name][1]]
    found += [
        f"{name}: {sqlite[name]} on SQLite, {postgresql[name]} on PostgreSQL"
        for name in sqlite
        if sqlite[name] != postgresql[name]
    ]
    if found:
        report = f"{len(found)} of {len(sqlite)}\n" + "\n".join(found[:40])
        pytest.fail(report.encode("utf-8", "backslashreplace").decode(), pytrace=False)
    return sqlite


def operations(document: Document) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every operation with its path, whose ids name nothing."""
    for (method, template), operation in document.operations.items():
        yield method, document.path_of(method, template), operation


def with_bodies(document: Document) -> Iterator[tuple[str, dict[str, Any], Any]]:
    """`METHOD path`, schema and example of every operation that takes JSON."""
    for method, path, operation in operations(document):
        content = operation.get("requestBody", {}).get("content", {}).get(JSON)
        if content:
            yield f"{method} {path}", content["schema"], content["example"]


@pytest.mark.parametrize(
    "kind", ["integer", "text", "choice", "boolean", "uuid", "date", "date-time", "list"]
)
def test_hostile_value_in_a_body_is_refused_alike(databases: Databases, kind: str) -> None:
    def probes(service: Service) -> Iterator[Probe]:
        turns = count()
        for target, schema, example in with_bodies(service.document):
            for pointer, mutations in groupby(
                mutate(service.document, schema, example, kind), lambda one: one.pointer
            ):
                for n, mutation in spread(enumerate(mutations), next(turns)):
                    name = f"{target} {pointer} #{n} {str(mutation.value)[:40]!r}"
                    yield name, target, raw(mutation.body.encode()), mutation.is_invalid

    require_alike(databases, probes)


def test_hostile_query_parameter_is_refused_alike(databases: Databases) -> None:
    def probes(service: Service) -> Iterator[Probe]:
        turns = count()
        for method, path, operation in operations(service.document):
            for parameter in operation["parameters"]:
                if parameter["in"] != "query":
                    continue
                kind = kind_of(parameter["schema"])
                values = INVALID_QUERY.get(kind or "", INVALID_QUERY["string"])
                for value in spread(values, next(turns)):
                    name = f"{method} {path} {parameter['name']}={value[:40]!r}"
                    query = {"query_string": {parameter["name"]: value}}
                    yield name, f"{method} {path}", query, True

    require_alike(databases, probes)


def test_stray_and_repeated_query_parameters_are_refused(databases: Databases) -> None:
    def probes(service: Service) -> Iterator[Probe]:
        for turn, (method, path, operation) in enumerate(operations(service.document)):
            # Without the body that it needs, an operation would be refused for another reason.
            content = operation.get("requestBody", {}).get("content", {}).get(JSON)
            body = {"json": content["example"]} if content else {}
            target = f"{method} {path}"
            names = [one["name"] for one in operation["parameters"] if one["in"] == "query"]
            for query in spread([*STRAY, *(f"{name}=1&{name}=1" for name in names)], turn):
                yield f"{target}?{query}", target, {"query_string": query} | body, True

    answers = require_alike(databases, probes)

    assert {status for status, _ in answers.values()} == {422}


@pytest.mark.parametrize("bad", BAD_PATH_IDS)
def test_malformed_path_id_is_not_found(databases: Databases, bad: str) -> None:
    def probes(service: Service) -> Iterator[Probe]:
        with_ids = (one for one in operations(service.document) if ABSENT_ID in one[1])
        for method, path, _ in spread(with_ids, BAD_PATH_IDS.index(bad)):
            target = f"{method} {path.replace(ABSENT_ID, bad)}"
            yield target, target, {}, True

    answers = require_alike(databases, probes)

    assert {status for status, _ in answers.values()} <= {404, 405}


def test_wrong_body_is_refused_alike(databases: Databases) -> None:
    def probes(service: Service) -> Iterator[Probe]:
        for turn, (target, _, example) in enumerate(with_bodies(service.document)):
            for shape, options in spread(body_shapes(example), turn):
                yield f"{target} {shape}", target, options, True

    answers = require_alike(databases, probes)

    assert {status for status, _ in answers.values()} == {400, 422}


def test_wrong_content_type_is_refused(databases: Databases) -> None:
    types = ["text/plain", "application/x-www-form-urlencoded", "application/xml", "", "*/*"]
    types += ["multipart/form-data; boundary=x", "text/json", "application/vnd.api+json", "json"]

    def probes(service: Service) -> Iterator[Probe]:
        for turn, (target, _, example) in enumerate(with_bodies(service.document)):
            for content_type in spread(types, turn):
                options = raw(json.dumps(example).encode(), content_type)
                yield f"{target} {content_type!r}", target, options, True

    answers = require_alike(databases, probes)

    assert {status for status, _ in answers.values()} == {415}


def test_wrong_form_is_refused_alike(databases: Databases) -> None:
    def probes(service: Service) -> Iterator[Probe]:
        for method, path, operation in operations(service.document):
            content = operation.get("requestBody", {}).get("content", {}).get("multipart/form-data")
            if content:
                for shape, options in form_shapes(service.document.resolve(content["schema"])):
                    yield f"{method} {path} {shape}", f"{method} {path}", options, True

    answers = require_alike(databases, probes)

    assert {status for status, _ in answers.values()} <= {400, 413, 415, 422}


def test_body_of_more_than_one_mebibyte_is_refused(databases: Databases) -> None:
    def probes(service: Service) -> Iterator[Probe]:
        for target, _, _ in with_bodies(service.document):
            yield target, target, raw(b" " * (BODY_BYTES_MAX + 1)), True

    answers = require_alike(databases, probes)

    assert {status for status, _ in answers.values()} == {413}


def test_body_where_none_is_expected_is_refused(databases: Databases) -> None:
    bodies = [b"{ }", b'{"x":1}', b"[]", b"x", b"\xff", b" " * (BODY_BYTES_MAX + 1)]

    def probes(service: Service) -> Iterator[Probe]:
        for method, path, operation in operations(service.document):
            if "requestBody" not in operation:
                for n, body in enumerate(bodies):
                    yield f"{method} {path} {n}", f"{method} {path}", raw(body), True

    answers = require_alike(databases, probes)

    assert {status for status, _ in answers.values()} == {422}


def test_hostile_text_costs_no_more_than_its_length(service: Service) -> None:
    """A megabyte of quotes, or of combining marks, once took minutes to look through."""
    quotes = raw(b'"' + b'\\"' * 500_000)
    marks = raw(json.dumps({"phone": "\u0301\u0316" * 80_000}).encode())
    started = time.process_time()

    answers = [
        service.nobody.send("POST", "/auth/sessions", **options) for options in (quotes, marks)
    ]

    assert [answer.status_code for answer in answers] == [400, 422]
    assert time.process_time() - started < 2


def test_refusal_of_many_items_stays_short(service: Service) -> None:
    decisions = {"decisions": [1] * 2000}

    answer = service.caller("书记一").post("/claims/review", decisions)

    assert answer.status_code == 422
    assert len(answer.data) < 20_000


@pytest.mark.parametrize("name", ["㛃䶮", "𠮷野", "欧阳𣲗", "买买提·吐尔逊", "é", "Ａ组"])
def test_rare_names_are_kept_as_they_are(service: Service, name: str) -> None:
    branch = service.world.organizations["一支部"]
    secretary = service.caller("书记一")

    created = secretary.post(f"/orgs/{branch}/members", {"name": name, "kind": "full_member"})
    read = secretary.get(f"/members/{created.json['id']}")

    assert created.status_code == 201
    assert read.json["name"] == name


def test_two_spellings_of_one_letter_become_one(service: Service) -> None:
    member = service.caller("党员甲")
    facts = {"title": "  Cafe\u0301 义卖 ", "planned_minutes": 60, "claimed_minutes": 60}
    times = {"starts_at": "2026-11-07T09:00:00+08:00", "ends_at": "2026-11-07T10:00:00+08:00"}

    assert member.post("/service-records", facts | times).json["title"] == "Café 义卖"


def test_instants_keep_their_offset(service: Service) -> None:
    member = service.caller("党员甲")
    facts = {"title": "值班", "planned_minutes": 60, "claimed_minutes": 60}
    times = {"starts_at": "2026-11-06T15:30:00-10:00", "ends_at": "2026-11-07T02:30:00Z"}

    kept = member.post("/service-records", facts | times).json

    assert kept["starts_at"] == "2026-11-07T09:30:00+08:00"
    assert kept["happened_on"] == "2026-11-07"


def test_id_of_another_kind_is_not_found(service: Service) -> None:
    member = service.world.members["党员甲"]
    caller = service.caller("书记一")

    for path in ("/claims/{}", "/service-records/{}", "/orgs/{}/claims", "/jobs/{}"):
        of_member = caller.get(path.format(member))
        of_nothing = caller.get(path.format(new_id()))
        assert (of_member.status_code, of_nothing.status_code) == (404, 404)
