"""Pure arithmetic of points: what is asked, which caps apply, what is granted."""

import calendar
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from core.quantities import Points
from points.definitions import (
    Band,
    CapSpan,
    Component,
    ComponentKind,
    Cutoff,
    Definition,
    Event,
    Group,
    Item,
    Span,
    Unit,
)

# Buckets of deductions count what was taken, as a positive number.
DEDUCTION = "deduct:"


@dataclass(frozen=True, slots=True)
class Cap:
    """One limit on a member's points: where its use is counted, its name, its height."""

    bucket: str
    name: str
    limit: Points


@dataclass(frozen=True, slots=True)
class Grant:
    """What a request gets: never more than asked, never more than the narrowest room."""

    asked: Points
    points: Points
    binding_cap: Cap | None


def asked_points(item: Item, quantity: int) -> Points:
    """Points that a quantity is worth before caps; part steps are rounded down.

    Args:
        quantity: minutes of service, or occurrences. Service that a scheme counts by the
            occurrence counts once, however long it took.
    """
    if item.unit is Unit.OCCURRENCE and item.event is Event.VOLUNTEER_SERVICE:
        quantity = 1
    counted = quantity - quantity % item.step_units
    return Points(counted * item.points // item.per_units)


def asked_from(item: Item, inputs: Mapping[str, Any]) -> Points | None:
    """Points that an occasion is worth before caps, from what its entry pins; None if nothing.

    Args:
        inputs: `quantity`; `grade` for a graded item; where people gave the number, `points` in
            hundredths, or `ratings` by each of the item's raters. It is held within the item's own.
    """
    if item.unit is Unit.GRADE:
        return item.grades.get(inputs.get("grade", ""))
    if item.unit is Unit.SCORE:
        given = inputs.get("points")
        if given is None and item.raters:
            given = weighted(item, inputs.get("ratings") or {})
        if given is None:
            return None
        low, high = sorted((0, item.points))
        return Points(min(max(given, low), high))
    return asked_points(item, inputs["quantity"])


def weighted(item: Item, ratings: Mapping[str, int]) -> Points | None:
    """One score from those of several raters, rounded half up to a hundredth.

    Args:
        ratings: rater -> hundredths; None comes of it unless every rater of the item has one.
    """
    if ratings.keys() != item.raters.keys():
        return None
    return round_half_up(sum((weight * ratings[who] for who, weight in item.raters.items()), _ZERO))


def round_half_up(value: Fraction) -> Points:
    """Round to a whole hundredth; halves go up, also below zero."""
    return Points(math.floor(value + _HALF))


def caps_of(
    definition: Definition,
    item: Item,
    happened_on: date,
    asked: Points | None = None,
    occasion: str = "",
    member_class: str | None = None,
) -> tuple[Cap, ...]:
    """Every cap that an entry of this item on this day counts against, narrowest first.

    Gains and deductions fill separate buckets, so that neither makes room for the other: a cap
    on what may be earned is never passed by losing points first.

    Args:
        asked: what the occasion is worth; tells a gain from a deduction where grades have both.
        occasion: names the activity, for an item with a cap for each.
        member_class: empty for an ordinary member; None where it is not known: then there is
            room as for the class that starts lowest, and the score keeps to the cap.
    """
    is_deduction = (item.points if asked is None else asked) < 0
    prefix, word = (DEDUCTION, "扣分") if is_deduction else ("", "")
    shared = definition.groups.get(item.group)
    holders: list[tuple[str, Item | Group]] = [("item", item)]
    if shared is not None:
        holders.append(("group", shared))
    caps = [
        Cap(
            f"{prefix}{kind}:{one.code}:{span}:{_span_code(span, happened_on, occasion)}",
            f"{one.name}{_CAP_NAMES[span]}{word}上限",
            limit,
        )
        for kind, one in holders
        for span, limit in one.caps.items()
    ]
    part = definition.components[item.component]
    if is_deduction:
        return (*caps, *_deduction_caps(definition, part, happened_on))
    return (*caps, *_height_caps(definition, part, happened_on, member_class))


def _deduction_caps(definition: Definition, part: Component, day: date) -> Iterator[Cap]:
    if part.deduct_cap is not None:
        span = component_span(definition, part)
        bucket = f"{DEDUCTION}component:{part.code}:{span_of(span, day)}"
        limit = Points(part.deduct_cap + part.allowance)
        yield Cap(bucket, f"{part.name}{_SPAN_NAMES[span]}可扣分", limit)


def _height_caps(
    definition: Definition, part: Component, day: date, member_class: str | None
) -> Iterator[Cap]:
    """A cap is a height: what a component, or the total, starts with takes up part of it."""
    span = component_span(definition, part)
    if part.cap is not None:
        room = Points(part.cap - _start_of(part, member_class) + part.allowance)
        bucket = f"component:{part.code}:{span_of(span, day)}"
        yield Cap(bucket, f"{part.name}{_SPAN_NAMES[span]}上限", room)
    if definition.total_cap is None or span is not definition.span:
        return
    inside = _plain_parts(definition)
    if not inside:
        return
    started = sum(_start_of(one, member_class) for one in inside)
    free = sum(one.allowance for one in inside if one.kind is not ComponentKind.DEDUCTION)
    room = Points(definition.total_cap - started + free)
    yield Cap(f"total:{span_of(span, day)}", f"{_SPAN_NAMES[span]}总分上限", room)


def component_span(definition: Definition, part: Component) -> Span:
    """The stretch that a component is counted over."""
    return Span.YEAR if part.is_yearly else definition.span


def _plain_parts(definition: Definition) -> list[Component]:
    """The components whose points are points of a span's total, so that its cap holds them.

    None where parts are weighed, nor one that counts beside the spans; there the score keeps to
    the cap.
    """
    parts = definition.components.values()
    if any(one.weight != 1 for one in parts):
        return []
    return [one for one in parts if component_span(definition, one) is definition.span]


def _start_of(part: Component, member_class: str | None) -> Points:
    if member_class is None:
        return min([part.start, *part.starts.values()])
    return part.start_for(member_class)


def span_of(span: Span, day: date) -> str:
    """The code of the scoring span that a day belongs to: 2026, 2026-H1, 2026-Q3, 2026-07."""
    if span is Span.MONTH:
        return f"{day:%Y-%m}"
    if span is Span.QUARTER:
        return f"{day.year}-Q{(day.month + 2) // 3}"
    if span is Span.HALF_YEAR:
        return f"{day.year}-H{(day.month + 5) // 6}"
    return str(day.year)


def grant(asked: Points, caps: Sequence[Cap], used: Mapping[str, int]) -> Grant:
    """Grant what room is left under every cap (decision 4); a deduction takes no more than that.

    Args:
        used: bucket -> hundredths already granted, or deducted, in it.
    """
    size, binding = abs(asked), None
    for cap in caps:
        room = max(0, cap.limit - used.get(cap.bucket, 0))
        if room < size:
            size, binding = room, cap
    return Grant(asked, Points(size if asked >= 0 else -size), binding)


def use_of(bucket: str, points: int) -> int:
    """How much an entry of so many points takes up in a bucket; a reversal gives it back."""
    return -points if bucket.startswith(DEDUCTION) else points


def claim_deadline(cutoff: Cutoff, happened_on: date) -> date:
    """The last day on which a claim for this day may be sent in (domain 1.4).

    The end of a later month; for the last weeks of a year a day of January, when the year's
    points are returned upward.
    """
    months = happened_on.year * 12 + happened_on.month - 1 + cutoff.months_after
    year, month = divmod(months, 12)
    if year > happened_on.year:
        return date(happened_on.year + 1, *cutoff.year_end)
    return date(year, month + 1, calendar.monthrange(year, month + 1)[1])


def band_of(bands: Sequence[Band], total: int) -> str | None:
    """The name of the half-open band that a total falls into; bands stand from high to low."""
    return next((band.name for band in bands if total >= band.lower), None)


_ZERO, _HALF = Fraction(0), Fraction(1, 2)
_CAP_NAMES = {
    CapSpan.ACTIVITY: "每次",
    CapSpan.DAY: "当日",
    CapSpan.MONTH: "当月",
    CapSpan.QUARTER: "当季",
    CapSpan.HALF_YEAR: "半年",
    CapSpan.YEAR: "全年",
}
_SPAN_NAMES = {
    Span.MONTH: "当月",
    Span.QUARTER: "当季",
    Span.HALF_YEAR: "半年",
    Span.YEAR: "全年",
}
_WIDTHS = {
    CapSpan.MONTH: Span.MONTH,
    CapSpan.QUARTER: Span.QUARTER,
    CapSpan.HALF_YEAR: Span.HALF_YEAR,
    CapSpan.YEAR: Span.YEAR,
}


def _span_code(span: CapSpan, day: date, occasion: str) -> str:
    if span is CapSpan.ACTIVITY:
        return occasion
    return day.isoformat() if span is CapSpan.DAY else span_of(_WIDTHS[span], day)
