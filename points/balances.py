"""A member's points of one year: by component, provisional and confirmed, with what waits."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.quantities import Points
from members.access import Actor
from members.models import Organization
from points import rules, schemes
from points.models import Claim, ClaimStatus, LedgerEntry, Period, Quota


@dataclass(frozen=True, slots=True)
class ComponentBalance:
    """One component: where it started, what entries made of it, its height."""

    code: str
    name: str
    start: Points
    points: Points
    cap: Points


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
    path = session.scalar(
        sa.select(Organization.path).where(Organization.id == actor.organization_id)
    )
    day = min(actor.on, date(year, 12, 31))
    scheme = schemes.require_in_force(session, path or "", day)
    earned = _earned(session, actor.member_id, year)
    components = [
        ComponentBalance(
            part.code,
            part.name,
            part.start,
            Points(part.start + earned.get(part.code, 0)),
            part.cap,
        )
        for part in scheme.definition.components.values()
    ]
    total = Points(max(scheme.definition.floor, sum(part.points for part in components)))
    pending = session.scalar(
        sa.select(sa.func.count()).where(
            Claim.member_id == actor.member_id, Claim.status == ClaimStatus.PENDING
        )
    )
    return Balance(
        year=year,
        total=total,
        provisional=Points(sum(earned.values())),
        confirmed=Points(0),
        band=rules.band_of(scheme.definition.bands, total),
        pending_claims=pending or 0,
        components=components,
        caps=_caps(session, actor.member_id, scheme.definition.code, year),
    )


def _earned(session: Session, member_id: UUID, year: int) -> dict[str, int]:
    rows = session.execute(
        sa.select(LedgerEntry.component_code, sa.func.sum(LedgerEntry.points))
        .join(Period, Period.id == LedgerEntry.period_id)
        .where(LedgerEntry.member_id == member_id, Period.code == str(year))
        .group_by(LedgerEntry.component_code)
    )
    return {code: int(points) for code, points in rows}


def _caps(session: Session, member_id: UUID, scheme_code: str, year: int) -> list[CapUse]:
    rows = session.execute(
        sa.select(Quota.bucket, Quota.used, Quota.cap)
        .where(
            Quota.member_id == member_id,
            Quota.scheme_code == scheme_code,
            Quota.bucket.endswith(f":{year}", autoescape=True),
        )
        .order_by(Quota.bucket)
    )
    return [CapUse(bucket, Points(used), Points(cap)) for bucket, used, cap in rows]
