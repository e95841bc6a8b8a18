"""An entry in sentences that its member can check, from what the entry pins and nothing else."""

from collections.abc import Iterator, Mapping
from typing import Any

from core.quantities import Points, format_hours, format_points, format_share
from members.models import MemberClass
from points import rules
from points.definitions import Component, ComponentKind, Definition, Event, Item, Unit
from points.models import LedgerEntry

_CLASS_NAMES = {
    MemberClass.POST_HOLDER: "任职党员",
    MemberClass.ORDINARY: "普通党员",
    MemberClass.MIGRANT: "流动党员",
    MemberClass.AGED_OR_FRAIL: "老弱党员",
}
_STATUS_NAMES = {
    "present": "到场参加",
    "present_remote": "线上参加",
    "present_elsewhere": "在其他组织参加",
    "leave_approved": "经批准请假",
    "absent_unexcused": "无故缺席",
    "made_up": "已补课",
}


# Corrected in the carried sum as well, a late correction would count twice (decision 41).
_NOT_RECOMPUTED = "结账以后对上一年度的更正，全数计入本年度，因此不再重算结转。"


def compose(entry: LedgerEntry, definition: Definition) -> list[str]:
    """What the occasion was worth, what each cap left of it, and what was granted."""
    item = definition.items.get(entry.item_code)
    if item is None:
        return [_of_carried(entry, definition), _NOT_RECOMPUTED]
    part = definition.components[item.component]
    if part.kind is ComponentKind.VETO:
        return [_of_veto(item, part)]
    inputs = entry.inputs
    return [
        *_of_member(item, inputs),
        _of_worth(item, inputs, Points(entry.asked)),
        *(_of_cap(cap) for cap in inputs["caps"]),
        _of_grant(entry),
        *_of_part(definition, part),
    ]


def of_late(about: str, posted_in: str) -> str:
    """That an entry speaks about a year that was closed before (decision 6)."""
    return f"这件事属于 {about} 年度；该年度已结账，不再变动，所以记入 {posted_in} 年度。"


def of_correction(counted_in: str, posted_in: str) -> list[str]:
    """That a reversal takes back points of a closed year; nothing within one year."""
    if counted_in == posted_in:
        return []
    done = f"{counted_in} 年的一笔积分已更正，计入 {posted_in} 年。"
    return [done, f"{counted_in} 年度已结账，结账单不再变动。"]


def of_freed_room(points: int, about: str, posted_in: str) -> str:
    """What may be done with the room that a reversal frees.

    Args:
        points: of the entry that is taken back, in hundredths.
        about: the year whose caps the room lies under.
    """
    freed = "扣分" if points < 0 else "加分"
    where = "在同一期内可再计" if about == posted_in else f"属于 {about} 年度，只用于补记该年度的事"
    return f"由此腾出的{freed}额度{where}，已受上限限制的记录不自动补计。"


def _of_member(item: Item, inputs: Mapping[str, Any]) -> Iterator[str]:
    """What decided which item counts: class and attendance."""
    member_class = inputs.get("member_class") or MemberClass.ORDINARY
    if item.classes:
        yield f"当日按{_CLASS_NAMES[MemberClass(member_class)]}计分，适用项目“{item.name}”。"
    status = inputs.get("status", "")
    if item.event is Event.ATTENDANCE and status in _STATUS_NAMES:
        yield f"出勤情况：{_STATUS_NAMES[status]}。"


def _of_worth(item: Item, inputs: Mapping[str, Any], asked: Points) -> str:
    comes_to = f"{_verb(asked)} {format_points(abs(asked))} 分"
    if item.unit is Unit.GRADE:
        return f"{item.name}评定为“{inputs.get('grade', '')}”，{comes_to}。"
    if item.unit is Unit.SCORE:
        most = format_points(abs(item.points))
        return f"{item.name}：{_given(item, inputs)}，本项至多 {most} 分，{comes_to}。"
    quantity = inputs["quantity"]
    if item.unit is Unit.MINUTE:
        counted = quantity - quantity % item.step_units
        rate = f"每 {format_hours(item.per_units)} 小时 {format_points(item.points)} 分"
        return (
            f"{item.name} {quantity} 分钟，按 {item.step_units} 分钟为一档计 {counted} 分钟"
            f"（{format_hours(counted)} 小时）；{rate}，{comes_to}。"
        )
    if item.event is Event.VOLUNTEER_SERVICE:
        return f"{item.name}按次计分，不论时长，{comes_to}。"
    every = f"每 {item.per_units} 次" if item.per_units > 1 else "每次"
    rate = f"{every} {format_points(item.points)} 分"
    return f"{item.name} {quantity} 次，{rate}，{comes_to}。"


def _given(item: Item, inputs: Mapping[str, Any]) -> str:
    ratings = inputs.get("ratings")
    if not ratings or inputs.get("points") is not None:
        return f"评定 {format_points(inputs['points'])} 分"
    rated = "，".join(
        f"{who} {format_points(ratings[who])} 分×{format_share(weight)}"
        for who, weight in item.raters.items()
    )
    total = rules.weighted(item, ratings)
    return f"{rated}，加权 {format_points(total or 0)} 分"


def _of_cap(cap: Mapping[str, Any]) -> str:
    verb = "扣" if cap["bucket"].startswith(rules.DEDUCTION) else "计"
    room = max(0, cap["limit"] - cap["used"])
    return (
        f"{cap['name']} {format_points(cap['limit'])} 分，此前已{verb}"
        f" {format_points(cap['used'])} 分，还可{verb} {format_points(room)} 分。"
    )


def _of_grant(entry: LedgerEntry) -> str:
    verb = _verb(entry.asked).removeprefix("应")
    granted = f"实{verb} {format_points(abs(entry.points))} 分"
    if entry.binding_cap is None:
        return f"未达到任何上限，{granted}。" if entry.inputs["caps"] else f"没有上限，{granted}。"
    name = next(c["name"] for c in entry.inputs["caps"] if c["bucket"] == entry.binding_cap)
    lost = format_points(abs(entry.asked - entry.points))
    return f"受{name}限制，{granted}，少{verb} {lost} 分。"


def _of_part(definition: Definition, part: Component) -> Iterator[str]:
    """Where the points of one entry are not simply points of the total."""
    if part.allowance:
        yield f"“{part.name}”每期前 {format_points(part.allowance)} 分不计，满额以后才影响总分。"
    if part.weight != 1:
        yield f"“{part.name}”按 {format_share(part.weight)} 折算后计入总分。"
    if part.floor is not None:
        yield f"“{part.name}”最低计 {format_points(part.floor)} 分。"


def _of_veto(item: Item, part: Component) -> str:
    if part.at_most:
        return f"{item.name}：本身不带分值，参考等次不高于“{part.at_most}”。"
    when = "全年" if part.is_yearly else "当期"
    return f"{item.name}：一票否决，本身不带分值，{when}总分清零。"


def _of_carried(entry: LedgerEntry, definition: Definition) -> str:
    total, points = format_points(entry.inputs["total"]), format_points(entry.points)
    if definition.carry_share > 0:
        how = f"按 {format_share(definition.carry_share)} 结转，不足 0.01 分的舍去"
    else:
        how = "全部结转"
    return f"上一年度结账总分 {total} 分，方案规定{how}，计入 {points} 分。"


def _verb(points: int) -> str:
    return "应扣" if points < 0 else "应计"
