"""What a scheme allows but hardly means: caps that can never bind, parts that nothing feeds."""

from collections.abc import Iterator
from itertools import pairwise

from core.errors import FieldProblem
from core.quantities import format_points
from points.definition_checks import has_more_than_spans, highest_in_span, reach_of
from points.definitions import CapSpan, ComponentKind, Definition, Event, Group, Item, Unit

_Found = Iterator[tuple[str, str]]
_SPAN_NAMES = {
    CapSpan.ACTIVITY: "每次",
    CapSpan.DAY: "当日",
    CapSpan.MONTH: "当月",
    CapSpan.QUARTER: "当季",
    CapSpan.HALF_YEAR: "半年",
    CapSpan.YEAR: "全年",
}


def find_warnings(definition: Definition) -> list[FieldProblem]:
    """What is worth a second look before a scheme is published."""
    return [
        FieldProblem(pointer, "doubtful", message)
        for check in (_idle_caps, _idle_items, _idle_parts, _idle_total)
        for pointer, message in check(definition)
    ]


def _idle_caps(definition: Definition) -> _Found:
    for number, item in enumerate(definition.items.values()):
        whole = f"/items/{number}/caps"
        for span, why in (*_widening(item), *_above_room(definition, item)):
            yield f"{whole}/{span}", f"项目“{item.name}”{_SPAN_NAMES[span]}上限{why}"
    for number, group in enumerate(definition.groups.values()):
        for span, why in _widening(group):
            named = f"共用上限“{group.name}”{_SPAN_NAMES[span]}上限"
            yield f"/groups/{number}/caps/{span}", f"{named}{why}"


def _widening(holder: Item | Group) -> Iterator[tuple[CapSpan, str]]:
    for narrow, wide in pairwise(holder.caps):
        if holder.caps[narrow] >= holder.caps[wide]:
            yield narrow, f"不低于{_SPAN_NAMES[wide]}上限，不会起作用。"
    for span, cap in holder.caps.items():
        if cap == 0:
            yield span, "是零，什么也不计。"


def _above_room(definition: Definition, item: Item) -> Iterator[tuple[CapSpan, str]]:
    part = definition.components[item.component]
    room: int | None = None if part.cap is None else part.cap - part.start
    word = "可加的分"
    if item.most <= 0:
        room, word = part.deduct_cap, "可扣的分"
    shared = definition.groups.get(item.group)
    for span, cap in item.caps.items():
        if room is not None and cap > room + part.allowance:
            yield span, f"高于“{part.name}”{word}，不会起作用。"
        if shared is not None and span in shared.caps and cap >= shared.caps[span]:
            yield span, f"不低于“{shared.name}”的，不会起作用。"


def _idle_items(definition: Definition) -> _Found:
    for number, item in enumerate(definition.items.values()):
        part = definition.components[item.component]
        pointer = f"/items/{number}/{'grades' if item.grades else 'points'}"
        if item.most == item.least == 0 and item.event is not Event.VETO:
            yield pointer, f"项目“{item.name}”不加分也不扣分。"
        if item.most > 0 and part.cap is not None and part.cap == part.start:
            yield pointer, f"项目“{item.name}”：“{part.name}”起始就是满分，加不上。"
        if item.least < 0 and part.deduct_cap == 0:
            yield pointer, f"项目“{item.name}”：“{part.name}”的扣分上限是零，扣不了分。"
        once = max(item.most, -item.least)
        if item.unit in (Unit.OCCURRENCE, Unit.GRADE) and 0 < min(
            item.caps.values(), default=once
        ) < once:  # fmt: skip
            yield pointer, f"项目“{item.name}”一次的分值就超过它自己的上限。"


def _idle_parts(definition: Definition) -> _Found:
    used = {item.component for item in definition.items.values()}
    for number, part in enumerate(definition.components.values()):
        pointer = f"/components/{number}"
        if part.code not in used and not part.highest_start:
            yield pointer, f"组成部分“{part.name}”没有任何项目。"
        if part.kind is ComponentKind.BONUS and part.deduct_cap is not None:
            yield f"{pointer}/deduct_cap", f"组成部分“{part.name}”没有扣分，扣分上限不会起作用。"
        reach = reach_of(definition, part)
        if part.cap is not None and reach is not None and reach < part.cap:
            said = f"各项目合计最多 {format_points(reach)} 分，达不到上限"
            yield f"{pointer}/cap", f"组成部分“{part.name}”{said} {format_points(part.cap)} 分。"
    grouped = {item.group for item in definition.items.values()}
    for number, group in enumerate(definition.groups.values()):
        if group.code not in grouped:
            yield f"/groups/{number}", f"共用上限“{group.name}”没有任何项目。"


def _idle_total(definition: Definition) -> _Found:
    highest, cap = highest_in_span(definition), definition.total_cap
    if cap is None or highest is None or has_more_than_spans(definition):
        return
    if highest < cap:
        yield "/total_cap", "各组成部分上限之和低于总分上限，总分上限不会起作用。"
