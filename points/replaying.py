"""What a member's entries would have come to under another scheme; pure."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from points import rules
from points.definitions import Definition, Event, Item, match_items
from points.granting import occasion_of
from points.scoring import Tally

# Where a person picks the item; elsewhere what happened decides it.
_PICKED = frozenset({Event.MANUAL, Event.APPRAISAL, Event.VETO})


@dataclass(frozen=True, slots=True)
class Posted:
    """A ledger entry as replaying needs it.

    Args:
        origin_id: the claim or the source behind it; the entry itself for a reversal.
        month: the month that it counts in.
        is_late: it is about a closed year.
        path: the tree path of the organisation that awarded it.
    """

    id: UUID
    reverses_id: UUID | None
    origin_id: UUID
    is_claim: bool
    scheme_code: str
    item_code: str
    component_code: str
    happened_on: date
    month: int
    is_late: bool
    points: int
    inputs: Mapping[str, Any]
    path: str

    @property
    def is_carried(self) -> bool:
        """Whether it hands over a closed year's total, which no item gave."""
        return not self.is_claim and "event" not in self.inputs


@dataclass(frozen=True, slots=True)
class _Granted:
    """What stands for an entry in the replay; None: the scheme does not count it."""

    component_code: str | None
    points: int
    buckets: tuple[str, ...]


def as_posted(entries: Sequence[Posted]) -> list[Tally]:
    """What the entries come to as they stand in the ledger."""
    return [
        Tally(one.component_code, one.month, one.points, -1 if one.reverses_id else 1, one.is_late)
        for one in entries
    ]


def under(
    definition: Definition, entries: Sequence[Posted], is_covered: Callable[[Posted], bool]
) -> list[Tally]:
    """What they come to when the covered ones are granted anew under a definition.

    They are taken in the order in which they were posted, reversals in their turn: only the
    rules differ from what happened, so the scheme that granted them gives the same again.

    Args:
        is_covered: whether the definition decides an entry; another scheme's stays as it is.
    """
    return list(_replay(definition, entries, is_covered))


def _replay(
    definition: Definition, entries: Sequence[Posted], is_covered: Callable[[Posted], bool]
) -> Iterator[Tally]:
    used: dict[str, int] = defaultdict(int)
    granted: dict[UUID, _Granted] = {}
    for one in entries:
        if one.reverses_id is not None and one.reverses_id not in granted:
            # It takes back what a closed year holds, which other rules of this one leave alone.
            yield Tally(one.component_code, one.month, one.points, -1, one.is_late)
            continue
        if one.reverses_id is not None:
            original, sign = granted[one.reverses_id], -1
        else:
            is_anew = is_covered(one) and not one.is_carried
            original, sign = _grant(definition, one, used) if is_anew else _keep(definition, one), 1
            granted[one.id] = original
        for bucket in original.buckets:
            used[bucket] += sign * rules.use_of(bucket, original.points)
        if original.component_code is not None:
            points = sign * original.points
            yield Tally(original.component_code, one.month, points, sign, one.is_late)


def _grant(definition: Definition, entry: Posted, used: Mapping[str, int]) -> _Granted:
    worth = [
        (asked, item)
        for item in _matching(definition, entry)
        if (asked := rules.asked_from(item, entry.inputs)) is not None
    ]
    if not worth:
        return _Granted(None, 0, ())
    asked, item = max(worth, key=lambda pair: pair[0])
    occasion, member_class = occasion_of(entry.origin_id), entry.inputs.get("member_class")
    caps = rules.caps_of(definition, item, entry.happened_on, asked, occasion, member_class)
    points = rules.grant(asked, caps, used).points
    return _Granted(item.component, points, tuple(cap.bucket for cap in caps))


def _keep(definition: Definition, entry: Posted) -> _Granted:
    # An entry of another version of the same scheme uses up room of the same caps.
    is_same = entry.scheme_code == definition.code
    buckets = tuple(cap["bucket"] for cap in entry.inputs["caps"]) if is_same else ()
    return _Granted(entry.component_code, entry.points, buckets)


def _matching(definition: Definition, entry: Posted) -> list[Item]:
    if entry.is_claim:
        own = definition.items.get(entry.item_code)
        others = match_items(definition, Event.VOLUNTEER_SERVICE)
        claimable = [item for item in ([own] if own else others) if item.is_claimable]
        return claimable[:1]
    event = Event(entry.inputs["event"])
    found = match_items(
        definition,
        event,
        tags=frozenset(entry.inputs["tags"]),
        status=entry.inputs["status"],
        member_class=entry.inputs["member_class"],
    )
    return [item for item in found if event not in _PICKED or item.code == entry.item_code]
