"""A scheme in plain sentences: members must know the rules by which they are scored; pure."""

from collections.abc import Iterator

from core.quantities import format_hours, format_points
from points.definitions import Component, ComponentKind, Definition, Item, Unit
from points.scheme_words import shown, word


def describe(definition: Definition) -> list[str]:
    """The whole scheme, from how one starts to what becomes of the total."""
    bands = "，".join(f"{one.name} {format_points(one.lower)} 分起" for one in definition.bands)
    return [
        _opening(definition),
        *(_component(part) for part in definition.components.values()),
        *(f"{one.name}：有关项目合计上限{shown(one.caps)}。" for one in definition.groups.values()),
        *(_item(definition, item) for item in definition.items.values()),
        _ending(definition),
        f"等次：{bands}。等次仅供参考，评议由组织决定。",
    ]


def _opening(definition: Definition) -> str:
    limit = definition.total_cap
    capped = f"总分上限 {format_points(limit)} 分" if limit is not None else "总分不设上限"
    return (
        f"{definition.name}，适用于{word(definition.subject)}，{word(definition.base_model)}，"
        f"按{word(definition.span)}计分，{capped}，最低 {format_points(definition.floor)} 分。"
    )


def _component(part: Component) -> str:
    facts = [word(part.kind)]
    if part.kind is ComponentKind.VETO:
        what = f"参考等次不高于“{part.at_most}”" if part.at_most else "清零"
        return f"{part.name}（{facts[0]}）：有一项即{'全年' if part.is_yearly else '当期'}{what}。"
    if part.start:
        facts.append(f"起始 {format_points(part.start)} 分")
    if part.starts:
        facts.append(f"分类起始{shown(part.starts)}")
    if part.cap is not None:
        facts.append(f"上限 {format_points(part.cap)} 分")
    if part.deduct_cap:
        facts.append(f"最多扣 {format_points(part.deduct_cap)} 分")
    facts += _special(part)
    return f"{part.name}（{'，'.join(facts)}）。"


def _special(part: Component) -> Iterator[str]:
    if part.floor is not None:
        yield f"最低 {format_points(part.floor)} 分"
    if part.allowance:
        yield f"每期前 {format_points(part.allowance)} 分不计"
    if part.weight != 1:
        yield f"按 {shown(part.weight)} 折算"
    if part.is_yearly:
        yield "全年只计一次"


def _item(definition: Definition, item: Item) -> str:
    part = definition.components[item.component].name
    return f"{part}·{item.name}：{'；'.join(_facts(item))}。"


def _facts(item: Item) -> Iterator[str]:
    yield _worth(item)
    if item.activity_kinds:
        yield f"限{shown(item.activity_kinds)}"
    if item.statuses:
        yield f"限{shown(item.statuses)}"
    if item.classes:
        yield f"限{shown(item.classes)}"
    if item.caps:
        yield f"上限{shown(item.caps)}"
    if item.group:
        yield "与其他项目共用上限"
    if item.evidence_basis:
        yield f"须附佐证（{item.evidence_basis}）"


def _worth(item: Item) -> str:
    points = format_points(item.points)
    if item.unit is Unit.GRADE:
        return shown(item.grades)
    if item.unit is Unit.MINUTE:
        return f"每 {format_hours(item.per_units)} 小时 {points} 分"
    if item.unit is Unit.SCORE:
        return f"由{word(item.entered_by)}评定，至多 {points} 分"
    return f"每 {item.per_units} 次 {points} 分" if item.per_units > 1 else f"每次 {points} 分"


def _ending(definition: Definition) -> str:
    exempt = f"不计分：{shown(definition.exempt)}。" if definition.exempt else ""
    return (
        f"公示 {definition.publicity_days} 个工作日；申报截止：{shown(definition.cutoff)}；"
        f"跨年{word(definition.rollover)}。{exempt}"
    )
