"""The definition of a points scheme, read strictly from data; nothing here is a number of ours."""

import enum
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import RuleViolation
from core.quantities import Points, parse_points


class Unit(enum.StrEnum):
    """What an item counts."""

    MINUTE = "minute"
    OCCURRENCE = "occurrence"
    GRADE = "grade"


class CapSpan(enum.StrEnum):
    """The stretch of time that an item's cap covers."""

    DAY = "day"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


# The 2023, 2024 and 2026 rules against 指尖上的形式主义 name these as banned measures of work.
FORBIDDEN_WORDS = frozenset(
    {"login", "open_app", "streak", "like", "share", "comment", "view_minutes", "install"}
    | {"登录", "打卡", "签到天数", "点赞", "转发", "评论", "阅读", "在线时长", "安装"}
)


class InvalidDefinition(RuleViolation):
    """A scheme definition that cannot be used."""

    code = "scheme.invalid"
    title = "积分方案有错误"


class ForbiddenItem(InvalidDefinition):
    """An item that the rules against formalism ban."""

    code = "policy.forbidden_event"
    title = "不允许以登录、阅读、点赞、在线时长等计分"


@dataclass(frozen=True, slots=True)
class Component:
    """A part of the total: where it starts, and the most that it can hold."""

    code: str
    name: str
    start: Points
    cap: Points


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that gives or takes points."""

    code: str
    name: str
    component: str
    unit: Unit
    points: Points
    per_units: int
    step_units: int
    grades: Mapping[str, Points]
    caps: Mapping[CapSpan, Points]


@dataclass(frozen=True, slots=True)
class Band:
    """A named half-open range of totals, from `lower` up to the next band."""

    name: str
    lower: Points


@dataclass(frozen=True, slots=True)
class Definition:
    """A whole scheme."""

    code: str
    name: str
    total_cap: Points
    floor: Points
    components: Mapping[str, Component]
    items: Mapping[str, Item]
    bands: tuple[Band, ...]


def parse_definition(data: Mapping[str, Any]) -> Definition:
    """Read a scheme from its data form (YAML or JSON).

    Raises:
        InvalidDefinition: a part is missing, malformed or contradicts another.
        ForbiddenItem: an item is of a banned kind.
    """
    try:
        components = {part["code"]: _component(part) for part in data["components"]}
        items = {part["code"]: _item(part) for part in data["items"]}
        bands = tuple(Band(part["name"], parse_points(part["from"])) for part in data["bands"])
        definition = Definition(
            code=data["code"],
            name=data["name"],
            total_cap=parse_points(data["total_cap"]),
            floor=parse_points(data["floor"]),
            components=components,
            items=items,
            bands=bands,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidDefinition(f"方案内容缺失或格式不对：{error}") from error
    _require_consistent(definition)
    return definition


def digest(data: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON form, pinned beside a published version."""
    canonical = json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _component(part: Mapping[str, Any]) -> Component:
    start = parse_points(part.get("start", "0"))
    return Component(part["code"], part["name"], start, parse_points(part["cap"]))


def _item(part: Mapping[str, Any]) -> Item:
    _require_permitted(part["code"], part["name"])
    return Item(
        code=part["code"],
        name=part["name"],
        component=part["component"],
        unit=Unit(part["unit"]),
        points=parse_points(part.get("points", "0")),
        per_units=int(part.get("per_units", 1)),
        step_units=int(part.get("step_units", 1)),
        grades={name: parse_points(text) for name, text in part.get("grades", {}).items()},
        caps={CapSpan(span): parse_points(text) for span, text in part.get("caps", {}).items()},
    )


def _require_permitted(code: str, name: str) -> None:
    for word in FORBIDDEN_WORDS:
        if word in name or word in code.split("_") or word == code:
            raise ForbiddenItem(f"项目“{name}”属于禁止计分的行为（{word}）。")


def _require_consistent(definition: Definition) -> None:
    for item in definition.items.values():
        if item.component not in definition.components:
            raise InvalidDefinition(f"项目“{item.name}”的组成部分“{item.component}”不存在。")
        if item.per_units < 1 or item.step_units < 1:
            raise InvalidDefinition(f"项目“{item.name}”的计量单位应为正整数。")
    lowers = [band.lower for band in definition.bands]
    if lowers != sorted(lowers, reverse=True) or len(set(lowers)) != len(lowers):
        raise InvalidDefinition("等次应从高到低排列，且分界不能相同。")
