"""A member's points of one year: by component, provisional and confirmed, with what waits."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.quantities import Points
from members.access import Actor
from points import rules, schemes
from points.models import Claim, ClaimStatus, LedgerEntry, Period, Quota, Subject


@dataclass(frozen=True, slots=True)
class ComponentBalance:
    """One component: where it started, what entries made of it, its height."""

    code: str
    name: str
    start: Points
    points: Points
    cap: Points | None


@dataclass(frozen=True, slots=True)
class CapUse:
    """How much of one cap is used."""

    bucket: str
    used: Points
    cap: Points


@dataclass(frozen=True, slots=True)
class Balance:
    """The total of a year. Entries are provisional until their bulletin confirms them."""

    year: int
    total: Points
    provisional: Points
    confirmed: Points
    band: str | None
    pending_claims: int
    components: list[ComponentBalance]
    caps: list[CapUse]


def get_own(session: Session, actor: Actor, *, year: int) -> Balance:
    """The actor's own balance of a year.

    Raises:
        NoSchemeInForce: no scheme covers his branch in that year.
    """
    day = min(actor.on, date(year, 12, 31))
    scheme = schemes.require_in_force(session, actor.organization_path, day)
    code = scheme.definition.code
    rows = session.execute(
        _BALANCE, {"member": actor.member_id, "year": str(year), "scheme": code}
    ).all()
    earned = {name: int(points) for part, name, points, _ in rows if part == "earned"}
    components = [
        ComponentBalance(
            code=part.code,
            name=part.name,
            start=part.start,
            points=Points(part.start + earned.get(part.code, 0)),
            cap=part.cap,
        )
        for part in scheme.definition.components.values()
    ]
    total = Points(max(scheme.definition.floor, sum(part.points for part in components)))
    return Balance(
        year=year,
        total=total,
        provisional=Points(sum(earned.values())),
        confirmed=Points(0),
        band=rules.band_of(scheme.definition.bands, total),
        pending_claims=next(count for part, _, count, _ in rows if part == "pending"),
        components=components,
        caps=[
            CapUse(bucket, Points(used), Points(cap))
            for part, bucket, used, cap in sorted(rows)
            if part == "cap"
        ],
    )


def _balance_statement() -> sa.CompoundSelect[Any]:
    member, year = sa.bindparam("member", type_=sa.Uuid), sa.bindparam("year", type_=sa.Text)
    earned = (
        sa.select(
            sa.literal("earned").label("part"),
            LedgerEntry.component_code.label("name"),
            sa.func.sum(LedgerEntry.points).label("points"),
            sa.literal(0).label("cap"),
        )
        .join(Period, Period.id == LedgerEntry.period_id)
        .where(
            LedgerEntry.member_id == member,
            LedgerEntry.subject == Subject.PARTY_MEMBERS,
            Period.code == year,
        )
        .group_by(LedgerEntry.component_code)
    )
    caps = sa.select(sa.literal("cap"), Quota.bucket, Quota.used, Quota.cap).where(
        Quota.member_id == member,
        Quota.scheme_code == sa.bindparam("scheme", type_=sa.Text),
        # Only what covers the whole year; a day's cap is told by the entry that met it.
        Quota.bucket.like(sa.literal("%:").concat(year)),
    )
    waiting = (Claim.member_id == member) & (Claim.status == ClaimStatus.PENDING)
    pending = (
        sa.select(sa.literal("pending"), sa.literal(""), sa.func.count(Claim.id), sa.literal(0))
        .join(Period, Claim.happened_on.between(Period.starts_on, Period.ends_on))
        .where(waiting, Period.code == year)
    )
    return sa.union_all(earned, caps, pending)


# The member's first screen runs it, so it is built once and asks everything at once.
_BALANCE = _balance_statement()
