"""A score in sentences that its member can check with pencil and paper."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from core.quantities import Points, format_points, format_share
from points.definitions import Annual, Component, Definition

EXEMPT = "组织已批准豁免，不计分，也不按零分。"


class _Part(Protocol):
    @property
    def code(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def start(self) -> Points: ...
    @property
    def points(self) -> Points: ...


class _Span(Protocol):
    @property
    def code(self) -> str: ...
    @property
    def total(self) -> Points: ...
    @property
    def is_vetoed(self) -> bool: ...


def compose(
    definition: Definition,
    parts: Sequence[_Part],
    spans: Sequence[_Span],
    vetoes: Sequence[Component],
) -> list[str]:
    """How the total comes about, part by part and span by span."""
    sentences = [_of_part(definition, part) for part in parts]
    if len(spans) > 1:
        each = "，".join(f"{span.code} {format_points(span.total)} 分" for span in spans)
        how = "平均" if definition.annual is Annual.MEAN else "相加"
        sentences.append(f"各期得分：{each}；全年按各期{how}计算。")
    elif definition.total_cap is not None:
        bounds = f"{format_points(definition.floor)} 至 {format_points(definition.total_cap)} 分"
        sentences.append(f"各部分合计后，总分限于 {bounds}。")
    return [*sentences, *_of_vetoes(spans, vetoes)]


def of_late(points: Points) -> str:
    """That points about closed years are among the parts, beyond this year's bounds."""
    return f"以上已含对以前年度的更正 {format_points(points)} 分，不受本年各部分上下限限制。"


def conclude(total: Points, band: str | None) -> str:
    """The total, and what it is good for."""
    named = f"，参考等次“{band}”" if band else ""
    return f"合计 {format_points(total)} 分{named}。等次仅供参考，评议由组织决定。"


def _of_part(definition: Definition, part: _Part) -> str:
    said = f"{part.name}：{format_points(part.points)} 分"
    if part.start:
        said += f"（起始 {format_points(part.start)} 分）"
    rule = definition.components.get(part.code)
    if rule is not None and rule.allowance:
        said += f"，每期前 {format_points(rule.allowance)} 分不计"
    if rule is not None and rule.weight != 1:
        said += f"，按 {format_share(rule.weight)} 折算"
    return f"{said}。"


def _of_vetoes(spans: Sequence[_Span], vetoes: Sequence[Component]) -> Iterator[str]:
    for veto in vetoes:
        if veto.at_most:
            yield f"{veto.name}：参考等次不高于“{veto.at_most}”。"
    zeroing = [veto for veto in vetoes if not veto.at_most]
    if any(veto.is_yearly for veto in zeroing):
        yield "一票否决，全年清零。"
    elif zeroing:
        vetoed = [span.code for span in spans if span.is_vetoed]
        yield from (f"{code} 一票否决，当期清零。" for code in vetoed)
