"""From entries to a score: components, spans, the year, a band, and the sentences for it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from core.quantities import Points
from points import rules, score_sentences
from points.definitions import Annual, Component, ComponentKind, Definition, Span

# The component of what a year hands over to the next; no scheme has it among its own.
CARRIED = "carry_over"
_YEAR = frozenset(range(1, 13))


@dataclass(frozen=True, slots=True)
class Tally:
    """What a member's entries of one component in one month of the year come to.

    Args:
        count: entries less reversals; an entry of no points, such as a veto, counts too.
        is_late: they are about a closed year, whose caps have bound them already.
    """

    component_code: str
    month: int
    points: int
    count: int
    is_late: bool = False


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
    """The score of one span of the year; its own band, unless the spans are added up."""

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
    member_class: str = "",
) -> Score:
    """The score that follows from a year's entries; pure, and the same wherever it is asked.

    Args:
        through: a span that begins after this day does not count yet; None: the whole year.
        member_class: where it starts may differ by class; empty for an ordinary member.
    """
    book = _Book(definition, tallies, member_class)
    spans = _spans(book, year, through or date(year, 12, 31))
    parts = _parts(book, spans)
    if is_exempt:
        return Score("exempt", None, None, parts, (), (score_sentences.EXEMPT,))
    total = _year_total(book, spans)
    vetoes = book.vetoes(_YEAR)
    band = _shut(definition, vetoes, rules.band_of(definition.bands, total))
    sentences = score_sentences.compose(definition, parts, spans, vetoes)
    if book.late:
        sentences.append(score_sentences.of_late(book.late))
    end = score_sentences.conclude(total, band)
    return Score("scored", total, band, parts, spans, (*sentences, end))


@dataclass(frozen=True, slots=True)
class _Book:
    """A member's entries of a year under his scheme."""

    definition: Definition
    tallies: Sequence[Tally]
    member_class: str

    def value(self, part: Component, months: Collection[int]) -> Points:
        """What a component comes to over some months."""
        mine = self._of(part.code, months)
        late = sum(one.points for one in mine if one.is_late)
        given = sum(one.points for one in mine) - late
        value = part.start_for(self.member_class) + _beyond(part.allowance, given)
        if part.floor is not None:
            value = max(part.floor, value)
        if part.cap is not None:
            value = min(part.cap, value)
        # This year's bounds would swallow what puts another year right.
        return Points(value + late)

    def vetoes(self, months: Collection[int]) -> list[Component]:
        """The vetoes that stand in some months."""
        return [
            part
            for part in self.definition.components.values()
            if part.kind is ComponentKind.VETO and self._stands(part, months)
        ]

    def _stands(self, part: Component, months: Collection[int]) -> bool:
        # What takes back a veto of a closed year lifts none of this year's.
        mine = self._of(part.code, months)
        return any(
            sum(one.count for one in mine if one.is_late is is_late) > 0
            for is_late in (False, True)
        )

    @property
    def late(self) -> Points:
        """What entries about closed years come to."""
        return Points(sum(one.points for one in self.tallies if one.is_late))

    @property
    def carried(self) -> Points:
        """What the year before has handed over."""
        return Points(sum(one.points for one in self._of(CARRIED, _YEAR)))

    def _of(self, code: str, months: Collection[int]) -> list[Tally]:
        return [one for one in self.tallies if one.component_code == code and one.month in months]


def _beyond(allowance: Points, points: int) -> int:
    """What is left when the first so many points do not count."""
    return max(0, points - allowance) if points > 0 else min(0, points + allowance)


def _spans(book: _Book, year: int, through: date) -> tuple[SpanScore, ...]:
    last = 12 if through.year > year else through.month if through.year == year else 1
    months: dict[str, set[int]] = {}
    for month in range(1, 13):
        code = rules.span_of(book.definition.span, date(year, month, 1))
        # A span that has begun counts whole: an entry may be dated after today's month in it.
        if month <= last or code in months:
            months.setdefault(code, set()).add(month)
    return tuple(_span(book, code, within) for code, within in months.items())


def _span(book: _Book, code: str, months: Collection[int]) -> SpanScore:
    definition = book.definition
    parts = definition.components.values()
    values = tuple(
        Points(0) if _is_beside(definition, part) else book.value(part, months) for part in parts
    )
    raw = weigh(definition, values)
    if definition.span is Span.YEAR:
        raw += book.carried
    total = _within(definition, rules.round_half_up(raw))
    vetoes = [part for part in book.vetoes(months) if not _is_beside(definition, part)]
    if is_zeroed := _zeroes(vetoes):
        total = Points(min(0, total))
    # Where spans are added up, the bands are those of their sum.
    has_bands = definition.of_year(Points(1)) == 1
    band = rules.band_of(definition.bands, total) if has_bands else None
    band = _shut(definition, vetoes, band) if has_bands else None
    return SpanScore(code, total, band, is_zeroed, values)


def _parts(book: _Book, spans: Sequence[SpanScore]) -> tuple[ComponentScore, ...]:
    parts = [
        ComponentScore(
            part.code,
            part.name,
            part.start_for(book.member_class),
            book.value(part, _YEAR)
            if _is_beside(book.definition, part)
            else _annual(book.definition, [span.components[number] for span in spans]),
            part.cap,
        )
        for number, part in enumerate(book.definition.components.values())
    ]
    if book.carried:
        parts.append(ComponentScore(CARRIED, "上年结转", Points(0), book.carried, None))
    return tuple(parts)


def _year_total(book: _Book, spans: Sequence[SpanScore]) -> Points:
    """The spans together, and what counts once beside them."""
    definition = book.definition
    total = _annual(definition, [span.total for span in spans])
    if definition.span is Span.YEAR:
        return total
    beside = [part for part in definition.components.values() if _is_beside(definition, part)]
    more = sum((part.weight * book.value(part, _YEAR) for part in beside), Fraction(book.carried))
    total = rules.round_half_up(total + more)
    # A mean is on the scale of one span. What stands beside a sum may pass the caps of its spans.
    if definition.annual is Annual.MEAN:
        total = _within(definition, total)
    total = Points(max(definition.of_year(definition.floor), total))
    is_zeroed = _zeroes([part for part in book.vetoes(_YEAR) if part.is_yearly])
    return Points(min(0, total)) if is_zeroed else total


def weigh(definition: Definition, values: Sequence[Points]) -> Fraction:
    """The sum of components' values by their weights."""
    weights = [part.weight for part in definition.components.values()]
    return sum((w * value for w, value in zip(weights, values, strict=True)), Fraction(0))


def _annual(definition: Definition, values: Sequence[Points]) -> Points:
    if definition.annual is Annual.MEAN and values:
        return rules.round_half_up(Fraction(sum(values), len(values)))
    return Points(sum(values))


def _is_beside(definition: Definition, part: Component) -> bool:
    return part.is_yearly and definition.span is not Span.YEAR


def _within(definition: Definition, total: int) -> Points:
    total = max(definition.floor, total)
    return Points(total if definition.total_cap is None else min(definition.total_cap, total))


def _zeroes(vetoes: Sequence[Component]) -> bool:
    return any(not part.at_most for part in vetoes)


def _shut(definition: Definition, vetoes: Sequence[Component], band: str | None) -> str | None:
    """The band that vetoes leave: what was reached, or less where one of them allows no more."""
    order = [one.name for one in definition.bands]
    left = [one.at_most for one in vetoes if one.at_most] + ([band] if band else [])
    return max(left, key=order.index, default=None)
