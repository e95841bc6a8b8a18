"""Granting awards their points: in date order, under caps whose rows are locked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.quantities import Points, format_points
from points import quotas, rules
from points.definitions import Item
from points.ledger import Posting, Source
from points.schemes import SchemeInForce


@dataclass(frozen=True, slots=True)
class Award:
    """What passed every check and now asks for its points: an approved claim, or a fact."""

    origin: UUID | Source
    member_id: UUID
    organization_id: UUID
    title: str
    happened_on: date
    period_id: UUID
    about_period_id: UUID | None
    scheme: SchemeInForce
    item: Item
    asked: Points
    inputs: Mapping[str, Any]
    caps: tuple[rules.Cap, ...]


def grant_all(session: Session, awards: Sequence[Award]) -> list[Posting]:
    """Grant every award in date order under caps whose rows are locked (domain 1.4)."""
    if not awards:
        return []
    limits: dict[quotas.Key, int] = {}
    for one in awards:
        for key, cap in zip(_keys(one), one.caps, strict=True):
            # Two scheme versions may cap one bucket differently; each award keeps to its own.
            limits[key] = max(cap.limit, limits.get(key, 0))
    used = quotas.lock(session, limits)
    postings = []
    for one in sorted(awards, key=_in_date_order):
        keys = _keys(one)
        mine = {key[-1]: used[key] for key in keys}
        postings.append(_posting(one, mine))
        for key in keys:
            used[key] += abs(postings[-1].grant.points)
    quotas.store(session, used)
    return postings


def occasion_of(origin_id: UUID) -> str:
    """The name of one occasion in the bucket of a cap for each; the random end of its id."""
    return origin_id.hex[-16:]


def note_of(posting: Posting) -> str:
    """What the member is told where a cap took something, else nothing."""
    grant = posting.grant
    if grant.binding_cap is None:
        return ""
    return (
        f"本次应计 {format_points(grant.asked)} 分，因{grant.binding_cap.name}"
        f" {format_points(grant.binding_cap.limit)} 分，实计 {format_points(grant.points)} 分；"
        "所做的事仍全部记录。"
    )


def _in_date_order(award: Award) -> tuple[date, UUID]:
    origin = award.origin
    return award.happened_on, origin.id if isinstance(origin, Source) else origin


def _keys(award: Award) -> list[quotas.Key]:
    """The quota row of each of its caps, in their order."""
    code = award.scheme.definition.code
    return [(award.member_id, code, cap.bucket) for cap in award.caps]


def _posting(award: Award, used: Mapping[str, int]) -> Posting:
    pinned = [
        {"bucket": cap.bucket, "name": cap.name, "limit": cap.limit, "used": used[cap.bucket]}
        for cap in award.caps
    ]
    return Posting(
        origin=award.origin,
        member_id=award.member_id,
        organization_id=award.organization_id,
        period_id=award.period_id,
        about_period_id=award.about_period_id,
        scheme_version_id=award.scheme.id,
        subject=award.scheme.definition.subject,
        item_code=award.item.code,
        component_code=award.item.component,
        title=award.title,
        happened_on=award.happened_on,
        grant=rules.grant(award.asked, award.caps, used),
        inputs={**award.inputs, "caps": pinned},
    )
