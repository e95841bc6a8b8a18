"""What the rules against formalism ban has no place to stand: no column, field, path or item."""

import copy
import re
from collections.abc import Iterator
from typing import Any

import flask
import pytest
import yaml

from core.db import Base
from points.definition_reading import ForbiddenItem, parse_definition
from points.forbidden_words import FORBIDDEN_WORDS
from tests.engines import ROOT
from tests.served import Document, Service
from tests.world import SCHEME

# Measures of people that may not exist: log-ins and presence in the app, clicks, places, faces,
# league tables (decision 1, guardrails 1 to 5).
BANNED = {
    "login", "logins", "signin", "streak", "streaks", "like", "likes", "liked", "share", "shares",
    "shared", "comment", "comments", "rank", "ranks", "ranking", "rankings", "leaderboard", "top",
    "gps", "latitude", "longitude", "lat", "lng", "lon", "geo", "coordinates", "location", "face",
    "faces", "fingerprint", "biometric", "install", "installs", "installed", "online", "offline",
    "views", "clicks", "heartbeat", "presence", "duration", "imei", "mac",
}  # fmt: skip
BANNED_PHRASES = (
    "view_minutes", "open_app", "app_open", "last_seen", "last_login", "last_active",
    "read_minutes", "study_minutes", "screen_time", "time_spent", "device_id",
)  # fmt: skip


def is_banned(name: str) -> bool:
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_")
    return bool(BANNED & set(re.split(r"[^a-z0-9]+|_", snake))) or any(
        phrase in snake for phrase in BANNED_PHRASES
    )


def names_in_document(document: Document) -> Iterator[str]:
    for (_, path), operation in document.operations.items():
        yield from (operation["operationId"], path)
        yield from (parameter["name"] for parameter in operation["parameters"])
    yield from _property_names(document.content["components"]["schemas"])


def _property_names(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from part.get("properties", {})
        yield from (str(word) for word in part.get("enum", []))
        for value in part.values():
            yield from _property_names(value)


@pytest.mark.parametrize(
    "name", ["login_days", "dailyLogin", "LikeOut", "share-count", "last_seen_at", "/me/ranking"]
)
def test_rule_knows_a_banned_name(name: str) -> None:
    assert is_banned(name)


@pytest.mark.parametrize("name", ["likelihood", "surface", "claims", "happened_on", "toplevel"])
def test_rule_leaves_other_names_alone(name: str) -> None:
    assert not is_banned(name)


def test_no_table_or_column_measures_what_is_banned(app: flask.Flask) -> None:
    names = {
        name
        for table in Base.metadata.tables.values()
        for name in (table.name, *(column.name for column in table.columns))
    }

    assert len(names) > 50
    assert sorted(filter(is_banned, names)) == []


def test_no_operation_or_field_measures_what_is_banned(app: flask.Flask) -> None:
    names = set(names_in_document(Document(app)))

    assert len(names) > 100
    assert sorted(filter(is_banned, names)) == []


def test_shipped_schemes_reward_nothing_banned() -> None:
    files = sorted((ROOT / "docs/schemes").glob("*.yaml"))
    assert files
    for file in files:
        items = yaml.safe_load(file.read_text(encoding="utf-8"))["items"]
        assert [item["code"] for item in items if is_banned(item["code"])] == [], file.name


@pytest.mark.parametrize("word", sorted(FORBIDDEN_WORDS))
def test_scheme_with_a_banned_item_is_refused(word: str) -> None:
    scheme = copy.deepcopy(SCHEME)
    item = scheme["items"][0]
    item["name" if not word.isascii() else "code"] = word

    with pytest.raises(ForbiddenItem):
        parse_definition(scheme)


def test_nothing_can_be_sorted_by_a_parameter(app: flask.Flask) -> None:
    parameters = {
        parameter["name"]
        for operation in Document(app).operations.values()
        for parameter in operation["parameters"]
        if parameter["in"] == "query"
    }

    assert parameters & {"sort", "sort_by", "order", "order_by", "orderby", "rank_by"} == set()


def test_members_are_listed_in_the_same_order_whatever_their_points(service: Service) -> None:
    branch = service.world.organizations["一支部"]
    path = f"/orgs/{branch}/members"
    before = [line["name"] for line in service.caller("书记一").get(path).json["items"]]
    claims = [
        service.world.add_claim(name, "一支部", minutes=60 * number)
        for number, name in ((7, before[-1]), (1, "党员甲"))
        if name != "书记一"
    ]
    decisions = [{"id": str(claim), "version": 1, "action": "approve"} for claim in claims]
    decided = service.caller("副书记一").post("/claims/review", {"decisions": decisions})

    after = [line["name"] for line in service.caller("书记一").get(path).json["items"]]

    assert {result["outcome"] for result in decided.json["results"]} == {"approved"}
    assert len(after) >= 5
    assert after == before
