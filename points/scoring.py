"""From entries to a score: components, spans, the year, a band, and the sentences for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from core.quantities import Points, format_points
from points import rules
from points.definitions import Annual, Component, ComponentKind, Definition


@dataclass(frozen=True, slots=True)
class Tally:
    """What a member's entries of one component in one month of the year come to.

    Args:
        count: entries less reversals; an entry of no points, such as a veto, counts too.
    """

    component_code: str
    month: int
    points: int
    count: int


@dataclass(frozen=True, slots=True)
class ComponentScore:
    """One component over the year."""

    code: str
    name: str
    start: Points
    points: Points
    cap: Points | None


@dataclass(frozen=True, slots=True)
class SpanScore:
    """The score of one span of the year, with its own band."""

    code: str
    total: Points
    band: str | None
    is_vetoed: bool
    components: tuple[Points, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """A member's score of a year; exempt is no score, not zero (domain 1.2)."""

    status: str
    total: Points | None
    band: str | None
    components: tuple[ComponentScore, ...]
    spans: tuple[SpanScore, ...]
    steps: tuple[str, ...]


def score(
    definition: Definition,
    tallies: Sequence[Tally],
    *,
    year: int,
    through: date | None = None,
    is_exempt: bool = False,
) -> Score:
    """The score that follows from a year's entries; pure, and the same wherever it is asked.

    Args:
        through: a span that begins after this day does not count yet; None: the whole year.
    """
    spans = _spans(definition, tallies, year, through or date(year, 12, 31))
    parts = tuple(
        ComponentScore(
            part.code,
            part.name,
            part.start,
            _annual(definition, [span.components[number] for span in spans]),
            part.cap,
        )
        for number, part in enumerate(definition.components.values())
    )
    if is_exempt:
        step = "组织已批准豁免，不计分，也不按零分。"
        return Score("exempt", None, None, parts, (), (step,))
    total = _annual(definition, [span.total for span in spans])
    band = rules.band_of(definition.bands, total)
    steps = _steps(definition, parts, spans, total, band)
    return Score("scored", total, band, parts, spans, steps)


def _spans(
    definition: Definition, tallies: Sequence[Tally], year: int, through: date
) -> tuple[SpanScore, ...]:
    last = 12 if through.year > year else through.month if through.year == year else 1
    months: dict[str, set[int]] = {}
    for month in range(1, last + 1):
        code = rules.span_of(definition.span, date(year, month, 1))
        months.setdefault(code, set()).add(month)
    # A span that has begun counts whole: an entry may be dated after today's month in it.
    for month in range(last + 1, 13):
        code = rules.span_of(definition.span, date(year, month, 1))
        if code in months:
            months[code].add(month)
    return tuple(
        _span(definition, code, [one for one in tallies if one.month in within])
        for code, within in months.items()
    )


def _span(definition: Definition, code: str, tallies: Sequence[Tally]) -> SpanScore:
    values = tuple(
        _component(part, [one for one in tallies if one.component_code == part.code])
        for part in definition.components.values()
    )
    is_vetoed = any(
        part.kind is ComponentKind.VETO
        and sum(one.count for one in tallies if one.component_code == part.code) > 0
        for part in definition.components.values()
    )
    total = Points(max(definition.floor, sum(values)))
    if definition.total_cap is not None:
        total = Points(min(definition.total_cap, total))
    if is_vetoed:
        total = Points(min(0, total))
    return SpanScore(code, total, rules.band_of(definition.bands, total), is_vetoed, values)


def _component(part: Component, tallies: Sequence[Tally]) -> Points:
    value = part.start + sum(one.points for one in tallies)
    # Postings keep to the caps one by one; a late entry of another year may still stand above.
    return Points(value if part.cap is None else min(part.cap, value))


def _annual(definition: Definition, values: Sequence[Points]) -> Points:
    if definition.annual is Annual.MEAN and values:
        return rules.round_half_up(Fraction(sum(values), len(values)))
    return Points(sum(values))


def _steps(
    definition: Definition,
    parts: Sequence[ComponentScore],
    spans: Sequence[SpanScore],
    total: Points,
    band: str | None,
) -> tuple[str, ...]:
    steps = [f"{part.name}：{format_points(part.points)} 分。" for part in parts]
    if len(spans) > 1:
        each = "，".join(f"{span.code} {format_points(span.total)} 分" for span in spans)
        how = "平均" if definition.annual is Annual.MEAN else "相加"
        steps.append(f"各期得分：{each}；全年按各期{how}计算。")
    steps += [f"{span.code} 一票否决，当期清零。" for span in spans if span.is_vetoed]
    if sum(part.points for part in parts) < definition.floor:
        steps.append(f"最低计 {format_points(definition.floor)} 分。")
    named = f"，参考等次“{band}”" if band else ""
    return (*steps, f"合计 {format_points(total)} 分{named}。等次仅供参考，评议由组织决定。")
