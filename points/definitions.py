"""The definition of a points scheme, read strictly from data; nothing here is a number of ours."""

import enum
import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Protocol, TypeVar

from core.errors import RuleViolation
from core.quantities import POINTS_MAX, Points, parse_points

# Codes become parts of bucket names, with colons between them, and have columns of this size.
_CODE = re.compile(r"[a-z][a-z0-9_-]{0,39}", re.ASCII)
_NAME_LENGTH_MAX = 40


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


class Event(enum.StrEnum):
    """What has to happen for an item to give or take points; life cycles ask by event."""

    VOLUNTEER_SERVICE = "volunteer_service"
    ATTENDANCE = "attendance"
    PLEDGE_EVALUATED = "pledge_evaluated"
    MANUAL = "manual"
    APPRAISAL = "appraisal"
    VETO = "veto"


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
    event: Event
    activity_kinds: frozenset[str]
    statuses: frozenset[str]
    classes: frozenset[str]

    @property
    def is_claimable(self) -> bool:
        """Whether a member may ask for it: service that gives points, not a grade or a loss."""
        return self.event is Event.VOLUNTEER_SERVICE and self.points > 0

    def is_for(self, event: Event, tags: frozenset[str], status: str, member_class: str) -> bool:
        """Whether something that happened is what this item counts.

        Args:
            tags: the kinds of an activity; an item that names none counts every kind.
            status: how somebody attended; likewise.
            member_class: the class of the member on that day, empty for an ordinary one.
        """
        return (
            self.event is event
            and (not self.activity_kinds or bool(self.activity_kinds & tags))
            and (not self.statuses or status in self.statuses)
            and (not self.classes or (member_class or "ordinary") in self.classes)
        )


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
    subject: str


def match_items(
    definition: Definition,
    event: Event,
    *,
    tags: frozenset[str] = frozenset(),
    status: str = "",
    member_class: str = "",
) -> list[Item]:
    """The items that count something that happened, in the order of the scheme."""
    return [
        item for item in definition.items.values() if item.is_for(event, tags, status, member_class)
    ]


def parse_definition(data: Mapping[str, Any]) -> Definition:
    """Read a scheme from its data form (YAML or JSON).

    Raises:
        InvalidDefinition: a part is missing, malformed or contradicts another.
        ForbiddenItem: an item is of a banned kind.
    """
    try:
        definition = Definition(
            code=_code(data["code"]),
            name=_name(data["name"]),
            total_cap=_points(data["total_cap"]),
            floor=_points(data["floor"]),
            components=_by_code(_component(part) for part in data["components"]),
            items=_by_code(_item(part) for part in data["items"]),
            bands=tuple(Band(_name(part["name"]), _points(part["from"])) for part in data["bands"]),
            subject=str(data.get("subject", "party_members")),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidDefinition(f"方案内容缺失或格式不对：{error}") from error
    _require_consistent(definition)
    return definition


def digest(data: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON form, pinned beside a published version."""
    canonical = json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


class _Coded(Protocol):
    @property
    def code(self) -> str: ...


_Part = TypeVar("_Part", bound=_Coded)


def _by_code(parts: Iterable[_Part]) -> dict[str, _Part]:
    found: dict[str, _Part] = {}
    for part in parts:
        if part.code in found:
            raise ValueError(f"代码“{part.code}”重复")
        found[part.code] = part
    return found


def _component(part: Mapping[str, Any]) -> Component:
    start = _points(_part(part, Component).get("start", "0"))
    return Component(_code(part["code"]), _name(part["name"]), start, _points(part["cap"]))


def _item(part: Mapping[str, Any]) -> Item:
    code, name = _code(_part(part, Item)["code"]), _name(part["name"])
    _require_permitted(code, name)
    grades, caps = _table(part.get("grades", {})), _table(part.get("caps", {}))
    return Item(
        code=code,
        name=name,
        component=_code(part["component"]),
        unit=Unit(part["unit"]),
        points=_points(part.get("points", "0")),
        per_units=_units(part.get("per_units", 1)),
        step_units=_units(part.get("step_units", 1)),
        grades={_name(grade): _points(text) for grade, text in grades.items()},
        caps={CapSpan(span): _points(text) for span, text in caps.items()},
        event=Event(part["event"]),
        activity_kinds=frozenset(part.get("activity_kinds", ())),
        statuses=frozenset(part.get("statuses", ())),
        classes=frozenset(part.get("classes", ())),
    )


def _part(value: Any, kind: type[Component | Item]) -> Mapping[str, Any]:
    # A mistyped "caps" that is passed over would be an item without a cap.
    unknown = sorted(str(key) for key in _table(value).keys() - {f.name for f in fields(kind)})
    if unknown:
        raise ValueError(f"没有这些键：{'、'.join(unknown)}")
    return _table(value)


def _table(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeError(f"“{value}”应为一组键值")
    return value


def _code(value: Any) -> str:
    if not isinstance(value, str) or not _CODE.fullmatch(value):
        raise ValueError(f"代码“{value}”应为小写字母、数字和下划线，至多 40 个")
    return value


def _name(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value.strip()) <= _NAME_LENGTH_MAX:
        raise ValueError(f"名称“{value}”应为 1 至 {_NAME_LENGTH_MAX} 个字")
    return value


def _units(value: Any) -> int:
    # `int` would turn 1.9 and "1_000" into something that nobody wrote.
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= POINTS_MAX:
        raise ValueError(f"计量单位“{value}”应为正整数")
    return value


def _points(text: Any) -> Points:
    points = parse_points(text)
    if abs(points) > POINTS_MAX:
        raise ValueError(f"分值 {text} 过大")
    return points


def _require_permitted(code: str, name: str) -> None:
    words_of_code = f"_{code.replace('-', '_')}_"
    letters = unicodedata.normalize("NFKC", name).casefold()
    # A space or an invisible character between two letters does not make another word of them.
    squeezed = "".join(letter for letter in letters if letter.isalnum())
    for word in sorted(FORBIDDEN_WORDS):
        if f"_{word}_" in words_of_code or word.replace("_", "") in squeezed:
            raise ForbiddenItem(f"项目“{name}”属于禁止计分的行为（{word}）。")


def _require_consistent(definition: Definition) -> None:
    for item in definition.items.values():
        if item.component not in definition.components:
            raise InvalidDefinition(f"项目“{item.name}”的组成部分“{item.component}”不存在。")
        if (item.unit is Unit.GRADE) != bool(item.grades):
            raise InvalidDefinition(f"项目“{item.name}”按等次计分须列出等次，其他项目不能有等次。")
        if any(cap < 0 for cap in item.caps.values()):
            raise InvalidDefinition(f"项目“{item.name}”的上限不能小于零。")
    for part in definition.components.values():
        if not 0 <= part.start <= part.cap:
            raise InvalidDefinition(f"组成部分“{part.name}”的起始分应在零与上限之间。")
    started = sum(part.start for part in definition.components.values())
    if not max(started, definition.floor) <= definition.total_cap:
        raise InvalidDefinition("总分上限不能低于起始分之和，也不能低于最低分。")
    _require_bands(definition.bands)


def _require_bands(bands: tuple[Band, ...]) -> None:
    lowers, names = [band.lower for band in bands], [band.name for band in bands]
    if lowers != sorted(set(lowers), reverse=True) or len(set(names)) != len(names):
        raise InvalidDefinition("等次应从高到低排列，分界和名称不能相同。")
