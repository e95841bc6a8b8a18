"""Pure arithmetic of points: what is asked, which caps apply, what is granted."""

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from core.quantities import Points
from points.definitions import Band, CapSpan, Definition, Event, Item, Unit

YEAR_RETURN_DAY = 15
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
        inputs: `quantity`; `grade` for a graded item; `points` in hundredths where a person
            gave the number.
    """
    if inputs.get("points") is not None:
        return Points(inputs["points"])
    if item.unit is Unit.GRADE:
        return item.grades.get(inputs.get("grade", ""))
    return asked_points(item, inputs["quantity"])


def caps_of(
    definition: Definition, item: Item, happened_on: date, asked: Points | None = None
) -> tuple[Cap, ...]:
    """Every cap that an entry of this item on this day counts against, narrowest span first.

    Gains and deductions fill separate buckets, so that neither makes room for the other: a cap
    on what may be earned is never passed by losing points first.

    Args:
        asked: what the occasion is worth; tells a gain from a deduction where grades have both.
    """
    if (item.points if asked is None else asked) < 0:
        return _deduction_caps(definition, item, happened_on)
    caps = [
        Cap(
            f"item:{item.code}:{span}:{_span_code(span, happened_on)}",
            f"{item.name}{_SPAN_NAMES[span]}上限",
            item.caps[span],
        )
        for span in CapSpan
        if span in item.caps
    ]
    component = definition.components[item.component]
    year = happened_on.year
    # A component's cap is its height: what it starts with takes up part of it.
    room = Points(component.cap - component.start)
    caps.append(Cap(f"component:{component.code}:{year}", f"{component.name}全年上限", room))
    started = sum(part.start for part in definition.components.values())
    caps.append(Cap(f"total:{year}", "全年总分上限", Points(definition.total_cap - started)))
    return tuple(caps)


def _deduction_caps(definition: Definition, item: Item, happened_on: date) -> tuple[Cap, ...]:
    caps = [
        Cap(
            f"{DEDUCTION}item:{item.code}:{span}:{_span_code(span, happened_on)}",
            f"{item.name}{_SPAN_NAMES[span]}扣分上限",
            item.caps[span],
        )
        for span in CapSpan
        if span in item.caps
    ]
    component = definition.components[item.component]
    if component.start > 0:
        # What a member starts with can be lost once; a component does not sink below zero.
        bucket = f"{DEDUCTION}component:{component.code}:{happened_on.year}"
        caps.append(Cap(bucket, f"{component.name}全年可扣分", component.start))
    return tuple(caps)


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


def claim_deadline(happened_on: date) -> date:
    """The last day on which a claim for this day may be sent in (domain 1.4).

    The end of the next month; for the last weeks of a year the fifteenth of January, when the
    year's points are returned upward.
    """
    first_of_next = (happened_on.replace(day=1) + timedelta(days=32)).replace(day=1)
    last_day = calendar.monthrange(first_of_next.year, first_of_next.month)[1]
    if first_of_next.year > happened_on.year:
        last_day = YEAR_RETURN_DAY
    return first_of_next.replace(day=last_day)


def band_of(bands: Sequence[Band], total: int) -> str | None:
    """The name of the half-open band that a total falls into; bands stand from high to low."""
    return next((band.name for band in bands if total >= band.lower), None)


_SPAN_NAMES = {
    CapSpan.DAY: "当日",
    CapSpan.MONTH: "当月",
    CapSpan.QUARTER: "当季",
    CapSpan.YEAR: "全年",
}


def _span_code(span: CapSpan, day: date) -> str:
    if span is CapSpan.DAY:
        return day.isoformat()
    if span is CapSpan.MONTH:
        return f"{day:%Y-%m}"
    if span is CapSpan.QUARTER:
        return f"{day.year}-Q{(day.month + 2) // 3}"
    return str(day.year)
