"""Whether the parts of a scheme contradict each other; if they do, it cannot be used."""

import math
from collections.abc import Iterator, Sequence

from core.errors import FieldProblem
from core.quantities import Points, format_points
from members.models import MemberClass
from points.definitions import (
    SPANS_A_YEAR,
    Annual,
    BaseModel,
    CapSpan,
    Component,
    ComponentKind,
    Definition,
    Event,
    Group,
    Item,
    Rollover,
    Span,
    Unit,
)

BANDS_MIN, BANDS_MAX = 3, 6
PUBLICITY_DAYS_MIN, PUBLICITY_DAYS_MAX = 3, 10
# What a closed year hands over is an entry of this component.
_RESERVED = "carry_over"


def find_errors(definition: Definition) -> list[FieldProblem]:
    """Contradictions, each with its place and a sentence."""
    return [
        FieldProblem(pointer, "contradiction", message)
        for check in (_of_base, _of_components, _of_groups, _of_items, _of_sums, _of_bands)
        for pointer, message in check(definition)
    ]


def highest_in_span(definition: Definition) -> int | None:
    """The most that one span's total can come to, in hundredths; None where nothing limits it."""
    tops = [definition.total_cap] if definition.total_cap is not None else []
    gaining = [
        part
        for part in _inside(definition)
        if part.kind not in (ComponentKind.DEDUCTION, ComponentKind.VETO)
    ]
    caps = [part.cap * part.weight for part in gaining if part.cap is not None]
    if len(caps) == len(gaining):
        tops.append(Points(math.floor(sum(caps))))
    return min(tops, default=None)


def has_more_than_spans(definition: Definition) -> bool:
    """Whether a year may come to more than its spans do: by yearly parts, or the year before."""
    carries = definition.rollover is Rollover.CARRY_OVER or definition.carry_share > 0
    return carries or len(_inside(definition)) < len(definition.components)


def most_in_span(holder: Item | Group, span: Span) -> int | None:
    """The most that an item or a group gives in one span, where its caps say so."""
    whole = {CapSpan.MONTH: 12, CapSpan.QUARTER: 4, CapSpan.HALF_YEAR: 2, CapSpan.YEAR: 1}
    times = [
        cap * max(1, whole[kind] // SPANS_A_YEAR[span])
        for kind, cap in holder.caps.items()
        if kind in whole
    ]
    return min(times, default=None)


_Found = Iterator[tuple[str, str]]


def _inside(definition: Definition) -> list[Component]:
    """The components that count in each span."""
    is_year = definition.span is Span.YEAR
    return [part for part in definition.components.values() if is_year or not part.is_yearly]


def _of_base(definition: Definition) -> _Found:
    if not PUBLICITY_DAYS_MIN <= definition.publicity_days <= PUBLICITY_DAYS_MAX:
        yield "/publicity_days", "公示应为 3 至 10 个工作日。"
    if (definition.base_model is BaseModel.CARRY_SHARE) != (definition.carry_share > 0):
        yield "/carry_share", "“结转一部分”的方案须写明结转比例，其他方案不能写。"
    is_whole = definition.rollover is Rollover.CARRY_OVER
    if definition.base_model is BaseModel.CARRY_SHARE and is_whole:
        yield "/rollover", "“结转一部分”的方案不能同时全部结转。"
    if definition.span is Span.YEAR and definition.annual is not Annual.SUM:
        yield "/period/annual", "按年计分不能再取平均。"
    yield from _of_starts(definition)


def _of_starts(definition: Definition) -> _Found:
    starts = [part for part in definition.components.values() if part.highest_start > 0]
    if definition.base_model is BaseModel.ZERO and starts:
        yield "/base_model", "“零起点”的方案不能有起始分。"
    if definition.base_model in (BaseModel.START_FULL, BaseModel.FIXED_BASE) and not starts:
        yield "/base_model", "这种方案须有起始分。"
    if definition.base_model is BaseModel.START_FULL and not any(
        part.highest_start == part.cap for part in starts
    ):
        yield "/base_model", "“满分扣减”的方案须有一个起始分等于上限的组成部分。"
    started = sum(part.highest_start * part.weight for part in _inside(definition))
    cap = definition.total_cap
    if cap is not None and max(started, definition.floor) > cap:
        yield "/total_cap", "总分上限不能低于起始分之和，也不能低于最低分。"


def _of_components(definition: Definition) -> _Found:
    for number, part in enumerate(definition.components.values()):
        for key, message in (*_of_bounds(part), *_of_kind(definition, part)):
            yield f"/components/{number}/{key}", f"组成部分“{part.name}”{message}"


def _of_bounds(part: Component) -> _Found:
    if part.code == _RESERVED:
        yield "code", f"不能用代码“{_RESERVED}”，它留给上年结转。"
    lowest = min([part.start, *part.starts.values()])
    if lowest < 0 or (part.cap is not None and part.highest_start > part.cap):
        yield "start", "的起始分应在零与上限之间。"
    if part.deduct_cap is not None and part.deduct_cap < 0:
        yield "deduct_cap", "的扣分上限不能小于零。"
    if part.floor is not None and part.floor > lowest:
        yield "floor", "的最低分不能高于起始分。"
    if part.weight == 0:
        yield "weight", "的权重为零，什么也不计。"


def _of_kind(definition: Definition, part: Component) -> _Found:
    takes = part.kind in (ComponentKind.DEDUCTION, ComponentKind.VETO)
    if takes and part.highest_start:
        yield "start", "是扣分项，不能有起始分。"
    if takes and part.cap is not None:
        yield "cap", "是扣分项，扣分的上限写作 deduct_cap。"
    has_room = part.kind in (ComponentKind.BONUS, ComponentKind.DEDUCTION)
    if part.allowance < 0 or (part.allowance and (not has_room or part.highest_start)):
        yield "allowance", "不能有免计分：只有从零计起的加分、扣分部分可以有，且不小于零。"
    if part.at_most and part.kind is not ComponentKind.VETO:
        yield "at_most", "不是一票否决，不能限定等次。"
    elif part.at_most and part.at_most not in {band.name for band in definition.bands[1:]}:
        yield "at_most", f"：没有“{part.at_most}”这个等次，或它就是最高等次，限定不了什么。"
    if part.kind is ComponentKind.VETO and part.weight != 1:
        yield "weight", "是一票否决，没有权重。"


def _of_groups(definition: Definition) -> _Found:
    for number, group in enumerate(definition.groups.values()):
        if not group.caps or any(cap < 0 for cap in group.caps.values()):
            yield f"/groups/{number}/caps", f"共用上限“{group.name}”须写上限，且不小于零。"


def _of_items(definition: Definition) -> _Found:
    for number, item in enumerate(definition.items.values()):
        for key, message in _of_item(definition, item):
            yield f"/items/{number}/{key}", f"项目“{item.name}”{message}"


def _of_item(definition: Definition, item: Item) -> _Found:
    part = definition.components.get(item.component)
    if part is None:
        yield "component", f"的组成部分“{item.component}”不存在。"
        return
    if item.group and item.group not in definition.groups:
        yield "group", f"的共用上限“{item.group}”不存在。"
    if any(cap < 0 for cap in item.caps.values()):
        yield "caps", "的上限不能小于零。"
    yield from _of_event(item)
    yield from _of_veto(item, part)
    yield from _of_unit(item)
    yield from _of_sign(item, part)


def _of_event(item: Item) -> _Found:
    if (item.event is Event.ATTENDANCE) < bool(item.activity_kinds or item.statuses):
        yield "event", "不是组织生活项目，不能限定活动种类或出勤情况。"
    is_weighed = not item.raters or sum(item.raters.values()) == 1
    is_rated = item.event is Event.APPRAISAL and item.unit is Unit.SCORE
    if is_rated < bool(item.raters) or not is_weighed:
        yield "raters", "的评价主体只用于评定分数的测评，权重之和应为 1。"
    if item.event is Event.CARRY_OVER:
        yield "event", "：结转由结账产生，不设项目。"


def _of_veto(item: Item, part: Component) -> _Found:
    is_veto = item.event is Event.VETO
    if is_veto != (part.kind is ComponentKind.VETO):
        yield "component", "：一票否决项目与一票否决组成部分须相互对应。"
    if is_veto and (item.most or item.unit is not Unit.OCCURRENCE):
        yield "points", "是一票否决：按次登记，本身不带分值。"


def _of_unit(item: Item) -> _Found:
    if (item.unit is Unit.GRADE) != bool(item.grades):
        yield "grades", "按等次计分须列出等次，其他项目不能有等次。"
    if item.unit is Unit.GRADE and item.event not in (*_BY_HAND, Event.PLEDGE_EVALUATED):
        yield "unit", "按等次计分的，只能是承诺评定、测评或人工登记。"
    if item.unit is Unit.MINUTE and item.event is not Event.VOLUNTEER_SERVICE:
        yield "unit", "：只有志愿服务按时长计分，不计学习、在线时长。"
    if item.unit is Unit.SCORE and item.event not in _BY_HAND:
        yield "unit", "由人评定分数的，只能是人工登记或测评。"


def _of_sign(item: Item, part: Component) -> _Found:
    key = "grades" if item.grades else "points"
    if item.event is Event.VOLUNTEER_SERVICE and item.least < 0:
        yield key, "：志愿服务自愿，不能扣分（志愿服务条例第二十五条）。"
    if part.kind is ComponentKind.DEDUCTION and item.most > 0:
        yield key, "属于扣分部分，分值不能大于零。"
    if part.kind is ComponentKind.BONUS and item.least < 0:
        yield key, "属于加分部分，分值不能小于零。"
    if part.cap is not None and item.most > part.cap:
        yield key, f"一次就超过组成部分的上限 {format_points(part.cap)} 分。"


def _of_sums(definition: Definition) -> _Found:
    """Parts that are earned up from zero: what their items can come to must fit in them.

    Printed schemes get this wrong: one lists 5 + 5 under a heading of 6 (domain 1.1, example M).
    """
    for number, part in enumerate(definition.components.values()):
        reach = reach_of(definition, part)
        if part.cap is not None and reach is not None and reach > part.cap:
            said = f"上限 {format_points(part.cap)} 分，各项目合计可达 {format_points(reach)} 分"
            yield f"/components/{number}/cap", f"组成部分“{part.name}”{said}，二者矛盾。"


def reach_of(definition: Definition, part: Component) -> int | None:
    """What the items of a base part that is earned up from zero can come to, if caps tell.

    An item for some classes only counts for them: nobody can have those of two classes.
    """
    if part.kind is not ComponentKind.BASE or part.highest_start:
        return None
    span = Span.YEAR if part.is_yearly else definition.span
    mine = [
        item for item in definition.items.values() if item.component == part.code and item.most > 0
    ]
    reaches = [
        _reach(definition, [item for item in mine if not item.classes or one in item.classes], span)
        for one in MemberClass
    ]
    known = [reach for reach in reaches if reach is not None]
    return max(known) if mine and len(known) == len(reaches) else None


def _reach(definition: Definition, items: Sequence[Item], span: Span) -> int | None:
    reach = 0
    for code in {item.group for item in items}:
        mosts = [most_in_span(item, span) for item in items if item.group == code]
        together = [] if None in mosts else [sum(most or 0 for most in mosts)]
        if code in definition.groups:
            together += [top for top in (most_in_span(definition.groups[code], span),) if top]
        if not together:
            return None
        reach += min(together)
    return reach


def _of_bands(definition: Definition) -> _Found:
    lowers = [band.lower for band in definition.bands]
    names = [band.name for band in definition.bands]
    if not BANDS_MIN <= len(lowers) <= BANDS_MAX:
        yield "/bands", f"等次应有 {BANDS_MIN} 至 {BANDS_MAX} 个。"
        return
    if lowers != sorted(set(lowers), reverse=True) or len(set(names)) != len(names):
        yield "/bands", "等次应从高到低排列，分界和名称不能相同，否则区间会重叠。"
        return
    zeroes = [p for p in definition.components.values() if p.kind == "veto" and not p.at_most]
    lowest = min(definition.of_year(definition.floor), 0 if zeroes else definition.floor)
    if lowers[-1] > lowest:
        yield "/bands", f"{format_points(lowers[-1])} 分以下没有等次，最低等次应从最低分起。"
    highest = highest_in_span(definition)
    if highest is None or has_more_than_spans(definition):
        return
    if lowers[0] > definition.of_year(Points(highest)):
        yield "/bands/0/from", f"“{names[0]}”高于可得的最高分，谁也达不到。"


_BY_HAND = (Event.MANUAL, Event.APPRAISAL)
