"""What the rules against formalism ban has no place to stand: no column, field, path or item.

The numbers are those of the guardrails in api.md, section 3. Each check is also shown something
that breaks it, or it could be silent because it sees nothing.
"""

import copy
import enum
from collections.abc import Mapping
from typing import Any

import flask
import pytest
import sqlalchemy as sa
import yaml

from core.db import Base
from jobs.schedule import JOBS, REQUESTED, SWEEPS
from notifications import catalogue
from points.definition_reading import ForbiddenItem, InvalidDefinition, parse_definition
from points.definitions import Event, Unit
from points.forbidden_words import FORBIDDEN_WORDS
from tests.contract.formalism import (
    BANNED_SENTENCE,
    PACKAGES,
    compulsory_evidence,
    is_banned,
    is_evidence,
    properties_of,
    reported_read_state,
    texts_under,
)
from tests.engines import ROOT
from tests.served import Document
from tests.world import SCHEME


def names_in_database() -> set[str]:
    return {
        name
        for table in Base.metadata.tables.values()
        for name in (table.name, *(column.name for column in table.columns))
    }


def names_in_document(document: Document) -> set[str]:
    names = set()
    for (_, path), operation in document.operations.items():
        names |= {operation["operationId"], path}
        names |= {parameter["name"] for parameter in operation["parameters"]}
    content = document.content
    names |= {name for name, _ in properties_of(content["components"]["schemas"])}
    return names | set(texts_under(content, "enum"))


def names_in_code() -> set[str]:
    """Words that the product stores or runs by: enumerations, messages, jobs."""
    words = {
        str(member)
        for kind in enum.StrEnum.__subclasses__()
        if kind.__module__.partition(".")[0] in PACKAGES
        for member in kind
    }
    return words | {one.name for one in (*JOBS, *SWEEPS)} | set(REQUESTED) | set(catalogue.KINDS)


def resolved(document: Document, part: Any, above: tuple[str, ...] = ()) -> Any:
    """A part of the document with what it refers to put in its place."""
    if isinstance(part, list):
        return [resolved(document, value, above) for value in part]
    if not isinstance(part, Mapping):
        return part
    reference = part.get("$ref")
    if reference in above:
        return {}
    if reference is not None:
        return resolved(document, document.resolve(dict(part)), (*above, reference))
    return {key: resolved(document, value, above) for key, value in part.items()}


def resolved_operations(document: Document) -> dict[tuple[str, str], dict[str, Any]]:
    return {key: resolved(document, one) for key, one in document.operations.items()}


# --- The rule itself -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "login_days", "dailyLogin", "LikeOut", "share-count", "last_seen_at", "/me/ranking",
        "/orgs/{id}/leaderboard", "gps_lat", "faceToken", "device_id", "boundDevice",
        "onlineMinutes", "install_rate", "active_users", "sign_in_days", "top10Members", "dau",
        "check_in_days",
        "geofence_radius", "paiming", "lastSignInAt", "read_rate", "wifi-bssid", "views",
    ],
)  # fmt: skip
def test_rule_knows_a_banned_name(name: str) -> None:
    assert is_banned(name)


@pytest.mark.parametrize(
    "name",
    ["likelihood", "surface", "claims", "happened_on", "toplevel", "check_in", "sign_in", "place"],
)
def test_rule_leaves_other_names_alone(name: str) -> None:
    assert not is_banned(name)


@pytest.mark.parametrize(
    "text", ["本月排名", "积分排行榜", "按登录天数计分", "需人脸核验", "活跃度"]
)
def test_rule_knows_a_banned_sentence(text: str) -> None:
    assert BANNED_SENTENCE.search(text)


@pytest.mark.parametrize("text", ["按姓名排列，不排名", "无排名", "到位", "登录"])
def test_rule_leaves_other_sentences_alone(text: str) -> None:
    assert not BANNED_SENTENCE.search(text)


# --- 1, 3, 5: no event, column, field, path, job or message measures what is banned --------------


def test_guardrail_1_3_5_no_table_or_column_is_banned(app: flask.Flask) -> None:
    names = names_in_database()

    assert len(names) > 50
    assert sorted(filter(is_banned, names)) == []


def test_guardrail_1_3_5_no_operation_field_or_choice_is_banned(document: Document) -> None:
    # What is refused is no measure of anybody: the outbox says what cannot be done offline.
    names = names_in_document(document) - document.catalogue.keys()

    assert len(names) > 100
    assert sorted(filter(is_banned, names)) == []


def test_guardrail_1_3_5_no_word_message_or_job_is_banned(app: flask.Flask) -> None:
    names = names_in_code()

    assert {"theme_day", "volunteer_service", "claim_approved", "seal-ledger"} <= names
    assert sorted(filter(is_banned, names)) == []


def test_guardrail_1_2_3_5_no_sentence_speaks_of_it(document: Document) -> None:
    texts = list(texts_under(document.content, "summary", "description", "title"))
    texts += [text for kind in catalogue.KINDS.values() for text in (kind.title, kind.body)]

    assert len(texts) > 100
    assert [text for text in texts if BANNED_SENTENCE.search(text)] == []


def test_guardrail_1_3_5_planted_names_are_seen(app: flask.Flask) -> None:
    planted = sa.Table("daily_login", Base.metadata, sa.Column("gps_lat", sa.Integer))
    try:
        found = set(filter(is_banned, names_in_database()))
    finally:
        Base.metadata.remove(planted)

    assert found == {"daily_login", "gps_lat"}


# --- 1: no scheme counts it ----------------------------------------------------------------------


def scheme_with(**changes: Any) -> dict[str, Any]:
    scheme = copy.deepcopy(SCHEME)
    scheme["items"][0] |= changes
    return scheme


@pytest.mark.parametrize("word", sorted(FORBIDDEN_WORDS))
def test_guardrail_1_banned_item_is_refused(word: str) -> None:
    with pytest.raises(ForbiddenItem):
        parse_definition(scheme_with(**{"code" if word.isascii() else "name": word}))


@pytest.mark.parametrize(
    "changes",
    [
        {"code": "daily-login"}, {"code": "x_like_x"}, {"code": "open-app"}, {"name": "LOGIN 奖"},
        {"name": "Ｌｏｇｉｎ"}, {"name": "登 录"}, {"name": "登\u200b录奖"}, {"name": "每日·打·卡"},
        {"name": "点　赞"}, {"name": "在线-时长"}, {"name": "（转发）"}, {"name": "Open App"},
        {"name": "阅\u00ad读"},
    ],
)  # fmt: skip
def test_guardrail_1_disguised_item_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(ForbiddenItem):
        parse_definition(scheme_with(**changes))


@pytest.mark.parametrize("event", ["login", "open_app", "streak", "like", "share", "comment",
                                   "view_minutes", "install", "check_in", "sign_in"])  # fmt: skip
def test_guardrail_1_there_is_no_such_event(event: str) -> None:
    assert event not in {*Event, *Unit}
    with pytest.raises(InvalidDefinition):
        parse_definition(scheme_with(event=event))


def test_guardrail_1_shipped_schemes_count_nothing_banned() -> None:
    files = sorted((ROOT / "docs/schemes").glob("*.yaml"))
    assert files
    for file in files:
        items = yaml.safe_load(file.read_text(encoding="utf-8"))["items"]
        assert [item["code"] for item in items if is_banned(item["code"])] == [], file.name


# --- 4: evidence only where a rule's document asks for it ----------------------------------------


def test_guardrail_4_no_request_demands_evidence(document: Document) -> None:
    assert compulsory_evidence(resolved_operations(document)) == []


def test_guardrail_4_planted_demand_is_seen(document: Document) -> None:
    body = {"content": {"application/json": {"schema": {"items": [{
        "properties": {"photoUrl": {}, "title": {}}, "required": ["photoUrl", "title"],
    }]}}}}  # fmt: skip
    planted = {
        ("POST", "/claims"): {"requestBody": body},
        ("POST", "/x/photos"): {"requestBody": body},
    }

    assert compulsory_evidence(planted) == ["POST /claims photoUrl"]


def test_guardrail_4_no_row_needs_evidence(app: flask.Flask) -> None:
    demanded = [
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        if is_evidence(column.name) and not is_evidence(table.name)
        if not column.nullable and column.default is None
    ]

    assert demanded == []


@pytest.mark.parametrize("evidence", [{"required": True}, {"required": True, "basis": " "}])
def test_guardrail_4_evidence_without_a_written_basis_is_refused(evidence: dict[str, Any]) -> None:
    with pytest.raises(InvalidDefinition) as refusal:
        parse_definition(scheme_with(evidence=evidence))

    assert "/items/0/evidence" in {p.pointer.rstrip("/").removesuffix("/basis")
                                   for p in refusal.value.problems}  # fmt: skip


def test_guardrail_4_evidence_with_its_basis_is_possible() -> None:
    basis = "某区志愿服务办法（2026）第九条"
    definition = parse_definition(scheme_with(evidence={"required": True, "basis": basis}))

    assert next(iter(definition.items.values())).evidence_basis == basis
    assert {item.evidence_basis for item in parse_definition(SCHEME).items.values()} == {""}


# --- 5: nobody is told who reads, opens or signs in ----------------------------------------------


def test_guardrail_5_nobody_else_learns_what_a_member_has_read(document: Document) -> None:
    operations = resolved_operations(document)

    assert reported_read_state(operations) == []


def test_guardrail_5_planted_report_is_seen() -> None:
    answer = {"responses": {"200": {"schema": {"properties": {"read_at": {}}}}}}
    planted = {("GET", "/orgs/{id}/messages"): answer, ("GET", "/api/v1/me/messages"): answer}

    assert reported_read_state(planted) == ["GET /orgs/{id}/messages read_at"]


def test_guardrail_5_signing_in_leaves_no_trace_but_what_stops_guessing(app: flask.Flask) -> None:
    """The account's own columns, in full: whoever adds one has to look at this guardrail."""
    columns = {column.name for column in Base.metadata.tables["account"].columns}

    # No last sign-in and no counter.
    assert columns == {
        "member_id", "phone_index", "password_hash", "must_change_password",
        "issued_by", "issued_at", "disabled_at",
    }  # fmt: skip


def test_guardrail_5_nobody_but_the_member_sees_where_he_is_signed_in(document: Document) -> None:
    told = {
        path
        for (_, path), operation in resolved_operations(document).items()
        for name, _ in properties_of(operation.get("responses", {}))
        if name in {"device_name", "renewed_at", "app_version"}
    }

    assert told == {"/api/v1/me/sessions"}
