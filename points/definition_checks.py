"""Whether the parts of a scheme fit together: contradictions, and what can never happen."""

from collections.abc import Iterator
from itertools import pairwise

from core.errors import FieldProblem
from core.quantities import format_points
from points.definitions import (
    BaseModel,
    CapSpan,
    Component,
    ComponentKind,
    Definition,
    Event,
    Item,
    Span,
    Unit,
)

BANDS_MIN, BANDS_MAX = 3, 6
PUBLICITY_DAYS_MIN, PUBLICITY_DAYS_MAX = 3, 10
_SPAN_NAMES = {
    CapSpan.ACTIVITY: "每次",
    CapSpan.DAY: "当日",
    CapSpan.MONTH: "当月",
    CapSpan.QUARTER: "当季",
    CapSpan.YEAR: "全年",
}


def find_errors(definition: Definition) -> list[FieldProblem]:
    """Contradictions: a scheme that has one cannot be used."""
    return [
        FieldProblem(pointer, "contradiction", message)
        for check in (_of_base, _of_components, _of_items, _of_sums, _of_bands)
        for pointer, message in check(definition)
    ]


def find_warnings(definition: Definition) -> list[FieldProblem]:
    """What is possible but hardly meant: caps that can never bind, parts that nothing feeds."""
    return [
        FieldProblem(pointer, "doubtful", message)
        for check in (_idle_caps, _idle_parts)
        for pointer, message in check(definition)
    ]


_Found = Iterator[tuple[str, str]]


def _of_base(definition: Definition) -> _Found:
    starts = [part for part in definition.components.values() if part.start > 0]
    if not PUBLICITY_DAYS_MIN <= definition.publicity_days <= PUBLICITY_DAYS_MAX:
        yield "/publicity_days", "公示应为 3 至 10 个工作日。"
    if (definition.base_model is BaseModel.CARRY_SHARE) != (definition.carry_share > 0):
        yield "/carry_share", "“结转一部分”的方案须写明结转比例，其他方案不能写。"
    if definition.base_model is BaseModel.ZERO and starts:
        yield "/base_model", "“零起点”的方案不能有起始分。"
    if definition.base_model in (BaseModel.START_FULL, BaseModel.FIXED_BASE) and not starts:
        yield "/base_model", "这种方案须有起始分。"
    if definition.base_model is BaseModel.START_FULL and not any(
        part.start == part.cap for part in starts
    ):
        yield "/base_model", "“满分扣减”的方案须有一个起始分等于上限的组成部分。"
    if definition.span is Span.YEAR and definition.annual != "sum":
        yield "/period/annual", "按年计分不能再取平均。"
    if definition.total_cap is not None and not (
        max(definition.started, definition.floor) <= definition.total_cap
    ):
        yield "/total_cap", "总分上限不能低于起始分之和，也不能低于最低分。"


def _of_components(definition: Definition) -> _Found:
    for number, part in enumerate(definition.components.values()):
        pointer = f"/components/{number}"
        if part.start < 0 or (part.cap is not None and not part.start <= part.cap):
            yield f"{pointer}/start", f"组成部分“{part.name}”的起始分应在零与上限之间。"
        if part.deduct_cap is not None and part.deduct_cap < 0:
            yield f"{pointer}/deduct_cap", f"组成部分“{part.name}”的扣分上限不能小于零。"
        if part.kind in (ComponentKind.DEDUCTION, ComponentKind.VETO) and part.start:
            yield f"{pointer}/start", f"组成部分“{part.name}”是扣分项，不能有起始分。"


def _of_items(definition: Definition) -> _Found:
    for number, item in enumerate(definition.items.values()):
        for key, message in _of_item(definition, item):
            yield f"/items/{number}/{key}", f"项目“{item.name}”{message}"


def _of_item(definition: Definition, item: Item) -> _Found:
    part = definition.components.get(item.component)
    if part is None:
        yield "component", f"的组成部分“{item.component}”不存在。"
        return
    if any(cap < 0 for cap in item.caps.values()):
        yield "caps", "的上限不能小于零。"
    yield from _of_event(item, part)
    yield from _of_unit(item)
    yield from _of_sign(item, part)


def _of_event(item: Item, part: Component) -> _Found:
    if (item.event is Event.ATTENDANCE) < bool(item.activity_kinds or item.statuses):
        yield "event", "不是组织生活项目，不能限定活动种类或出勤情况。"
    if (item.event is Event.VETO) != (part.kind is ComponentKind.VETO):
        yield "component", "：一票否决项目与一票否决组成部分须相互对应。"
    is_weighed = not item.raters or sum(item.raters.values()) == 1
    if (item.event is Event.APPRAISAL) < bool(item.raters) or not is_weighed:
        yield "raters", "的评价主体只用于测评，权重之和应为 1。"
    if item.event is Event.CARRY_OVER:
        yield "event", "：结转由结账产生，不设项目。"


def _of_unit(item: Item) -> _Found:
    if (item.unit is Unit.GRADE) != bool(item.grades):
        yield "grades", "按等次计分须列出等次，其他项目不能有等次。"
    if item.unit is Unit.MINUTE and item.event is not Event.VOLUNTEER_SERVICE:
        yield "unit", "：只有志愿服务按时长计分，不计学习、在线时长。"
    if item.unit is Unit.SCORE and item.event not in (Event.MANUAL, Event.APPRAISAL):
        yield "unit", "由人评定分数的，只能是人工登记或测评。"


def _of_sign(item: Item, part: Component) -> _Found:
    if item.event is Event.VOLUNTEER_SERVICE and item.most < 0:
        yield "points", "：志愿服务自愿，不能扣分（志愿服务条例第二十五条）。"
    if part.kind is ComponentKind.DEDUCTION and item.most > 0:
        yield "points", "属于扣分部分，分值不能大于零。"
    if part.kind is ComponentKind.BONUS and item.most < 0:
        yield "points", "属于加分部分，分值不能小于零。"
    if part.cap is not None and item.most > part.cap:
        yield "points", f"一次就超过组成部分的上限 {format_points(part.cap)} 分。"


def _of_sums(definition: Definition) -> _Found:
    """Parts that are earned up from zero: what their items can come to must fit in them.

    Printed schemes get this wrong: one lists 5 + 5 under a heading of 6 (domain 1.1, example M).
    """
    for number, part in enumerate(definition.components.values()):
        if part.kind is not ComponentKind.BASE or part.start or part.cap is None:
            continue
        mosts = [_most_in_span(item, definition.span) for item in _gains(definition, part.code)]
        known = [most for most in mosts if most is not None]
        if len(known) == len(mosts) and sum(known) > part.cap:
            reach = (
                f"上限 {format_points(part.cap)} 分，各项目合计可达 {format_points(sum(known))} 分"
            )
            yield f"/components/{number}/cap", f"组成部分“{part.name}”{reach}，二者矛盾。"


def _gains(definition: Definition, code: str) -> list[Item]:
    # A class's own items stand beside those of the others: nobody can have both.
    mine = [item for item in definition.items.values() if item.component == code and item.most > 0]
    common = [item for item in mine if not item.classes]
    return common or mine[:1]


def _most_in_span(item: Item, span: Span) -> int | None:
    """The most that an item gives in one span, where its caps say so."""
    per_span = {
        Span.MONTH: {CapSpan.MONTH: 1, CapSpan.QUARTER: 1, CapSpan.YEAR: 1},
        Span.QUARTER: {CapSpan.MONTH: 3, CapSpan.QUARTER: 1, CapSpan.YEAR: 1},
        Span.HALF_YEAR: {CapSpan.MONTH: 6, CapSpan.QUARTER: 2, CapSpan.YEAR: 1},
        Span.YEAR: {CapSpan.MONTH: 12, CapSpan.QUARTER: 4, CapSpan.YEAR: 1},
    }[span]
    times = [cap * per_span[kind] for kind, cap in item.caps.items() if kind in per_span]
    return min(times, default=None)


def _of_bands(definition: Definition) -> _Found:
    lowers = [band.lower for band in definition.bands]
    names = [band.name for band in definition.bands]
    if not BANDS_MIN <= len(lowers) <= BANDS_MAX:
        yield "/bands", f"等次应有 {BANDS_MIN} 至 {BANDS_MAX} 个。"
        return
    if lowers != sorted(set(lowers), reverse=True) or len(set(names)) != len(names):
        yield "/bands", "等次应从高到低排列，分界和名称不能相同，否则区间会重叠。"
        return
    if lowers[-1] > definition.floor:
        yield "/bands", f"{format_points(lowers[-1])} 分以下没有等次，最低等次应从最低分起。"
    if definition.total_cap is not None and lowers[0] > definition.total_cap:
        yield "/bands/0/from", f"“{names[0]}”高于总分上限，谁也达不到。"


def _idle_caps(definition: Definition) -> _Found:
    for number, item in enumerate(definition.items.values()):
        part = definition.components[item.component]
        spans = list(item.caps)
        for narrow, wide in pairwise(spans):
            if item.caps[narrow] >= item.caps[wide]:
                why = f"{_SPAN_NAMES[narrow]}上限不低于{_SPAN_NAMES[wide]}上限，不会起作用。"
                yield f"/items/{number}/caps/{narrow}", f"项目“{item.name}”{why}"
        if part.cap is None or item.most <= 0:
            continue
        for span, cap in item.caps.items():
            if cap > part.cap - part.start:
                why = f"{_SPAN_NAMES[span]}上限高于“{part.name}”可加的分，不会起作用。"
                yield f"/items/{number}/caps/{span}", f"项目“{item.name}”{why}"


def _idle_parts(definition: Definition) -> _Found:
    used = {item.component for item in definition.items.values()}
    for number, part in enumerate(definition.components.values()):
        if part.code not in used and not part.start:
            yield f"/components/{number}", f"组成部分“{part.name}”没有任何项目。"
    caps = [part.cap for part in definition.components.values() if part.kind != "veto"]
    gains = [cap for cap in caps if cap is not None]
    open_ended = [
        part
        for part in definition.components.values()
        if part.cap is None and part.kind not in (ComponentKind.DEDUCTION, ComponentKind.VETO)
    ]
    if definition.total_cap is not None and not open_ended and sum(gains) < definition.total_cap:
        yield "/total_cap", "各组成部分上限之和低于总分上限，总分上限不会起作用。"
