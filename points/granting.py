"""Granting approved claims their points: in date order, under caps whose rows are locked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from core.quantities import format_points
from points import quotas, rules
from points.ledger import Posting
from points.models import Period
from points.schemes import SchemeInForce


@dataclass(frozen=True, slots=True)
class ReadyClaim:
    """A claim that passed every check, with what posting it needs."""

    claim: Row[Any]
    period: Period
    scheme: SchemeInForce
    caps: tuple[rules.Cap, ...]


def grant_all(session: Session, ready: Sequence[ReadyClaim]) -> list[Posting]:
    """Grant every claim in date order under caps whose rows are locked (domain 1.4)."""
    if not ready:
        return []
    limits: dict[quotas.Key, int] = {}
    for one in ready:
        for cap in one.caps:
            # Two scheme versions may cap one bucket differently; each claim keeps to its own.
            key = _key(one, cap)
            limits[key] = max(cap.limit, limits.get(key, 0))
    used = quotas.lock(session, limits)
    postings = []
    for one in sorted(ready, key=lambda one: (one.claim.happened_on, one.claim.id)):
        mine = {cap.bucket: used[_key(one, cap)] for cap in one.caps}
        postings.append(_posting(one, mine))
        for cap in one.caps:
            used[_key(one, cap)] += postings[-1].grant.points
    quotas.store(session, used)
    return postings


def _key(one: ReadyClaim, cap: rules.Cap) -> quotas.Key:
    return (one.claim.member_id, one.scheme.definition.code, cap.bucket)


def _posting(one: ReadyClaim, used: Mapping[str, int]) -> Posting:
    claim, item = one.claim, one.scheme.definition.items[one.claim.item_code]
    grant = rules.grant(rules.asked_points(item, claim.quantity), one.caps, used)
    return Posting(
        claim_id=claim.id,
        member_id=claim.member_id,
        organization_id=claim.organization_id,
        period_id=one.period.id,
        scheme_version_id=one.scheme.id,
        item_code=item.code,
        component_code=item.component,
        title=claim.title,
        happened_on=claim.happened_on,
        grant=grant,
        inputs={
            "quantity": claim.quantity,
            "caps": [
                {"bucket": c.bucket, "name": c.name, "limit": c.limit, "used": used[c.bucket]}
                for c in one.caps
            ],
        },
    )


def note_of(posting: Posting) -> str:
    grant = posting.grant
    if grant.binding_cap is None:
        return ""
    return (
        f"本次应计 {format_points(grant.asked)} 分，因{grant.binding_cap.name}"
        f" {format_points(grant.binding_cap.limit)} 分，实计 {format_points(grant.points)} 分；"
        "时长仍全部记录。"
    )
