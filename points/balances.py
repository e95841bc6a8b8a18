"""A member's points of one year: the score, provisional and confirmed, with what waits.

The arithmetic is that of the sealed statement: `scoring.score` over the same tallies.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.quantities import Points
from members.access import Actor
from members.models import Affiliation, AffiliationKind, Organization
from points import schemes, scores, scoring
from points.models import Claim, ClaimStatus, LedgerEntry, Period, Quota, Subject
from points.opening import SOURCE as CARRIED
from points.publicity_models import BulletinConfirmation
from points.scoring import ComponentScore, Tally


@dataclass(frozen=True, slots=True)
class CapUse:
    """How much of one cap is used."""

    bucket: str
    used: Points
    cap: Points


@dataclass(frozen=True, slots=True)
class Balance:
    """The score of a year. Entries are provisional until their bulletin confirms them.

    Args:
        status: `scored`, or `exempt`, who has no total rather than zero.
        provisional, confirmed: what the entries of each kind add up to, before spans and bounds.
    """

    year: int
    status: str
    total: Points | None
    provisional: Points
    confirmed: Points
    band: str | None
    pending_claims: int
    components: Sequence[ComponentScore]
    caps: Sequence[CapUse]


def get_own(session: Session, actor: Actor, *, year: int) -> Balance:
    """The actor's own balance of a year; three statements.

    Raises:
        NoSchemeInForce: no scheme covers his branch in that year.
    """
    day = min(actor.on, date(year, 12, 31))
    rows = session.execute(
        _BALANCE, {"member": actor.member_id, "year": str(year), "day": day}
    ).all()
    home = next((row.name for row in rows if row.part == "home"), actor.organization_path)
    scheme = schemes.require_in_force(session, home, day)
    found = scores.find_exempting(session, [actor.member_id], on=day)
    reasons = found.get(actor.member_id, set())
    score = scoring.score(
        scheme.definition,
        [
            Tally(row.name, int(row.first), int(row.second), int(row.third), row.code == _LATE)
            for row in rows
            if row.part == "tally"
        ],
        year=year,
        through=day,
        is_exempt=bool(reasons & scheme.definition.exempt),
        member_class=scores.class_of(reasons),
    )
    sums = {row.name: int(row.first) for row in rows if row.part == "sum"}
    return Balance(
        year=year,
        status=score.status,
        total=score.total,
        provisional=Points(sums.get("provisional", 0)),
        confirmed=Points(sums.get("confirmed", 0)),
        band=score.band,
        pending_claims=next(int(row.first) for row in rows if row.part == "pending"),
        components=score.components,
        caps=_caps(rows, scheme.definition.code),
    )


def find_sums(session: Session, member_id: UUID, *, year: int, subject: str) -> dict[str, Points]:
    """What a member's entries of a year add up to, provisional and confirmed; one statement."""
    found = session.execute(_sums(subject), {"member": member_id, "year": str(year)})
    sums = {row.name: Points(int(row.first)) for row in found}
    return {name: sums.get(name, Points(0)) for name in ("provisional", "confirmed")}


def _caps(rows: Sequence[Any], scheme_code: str) -> list[CapUse]:
    return [
        CapUse(row.name, Points(row.first), Points(row.second))
        for row in sorted((row for row in rows if row.part == "cap"), key=lambda row: row.name)
        if row.code == scheme_code
    ]


def _balance_statement() -> sa.CompoundSelect[Any]:
    """Everything that is one member's and one year's: (part, name, code, three numbers)."""
    return sa.union_all(_tallies(), _sums(), _cap_uses(), _pending(), _home())


_MEMBER, _YEAR = sa.bindparam("member", type_=sa.Uuid), sa.bindparam("year", type_=sa.Text)
_DAY = sa.bindparam("day", type_=sa.Date)
_LATE = "late"


def _part(part: str, name: Any, *numbers: Any, code: Any = "") -> sa.Select[Any]:
    columns = [*numbers, 0, 0, 0][:3]
    query: sa.Select[Any] = sa.select(
        sa.literal(part).label("part"),
        (sa.literal(name) if isinstance(name, str) else name).label("name"),
        (sa.literal(code) if isinstance(code, str) else code).label("code"),
        *(
            sa.cast(column, sa.BigInteger).label(label)
            for column, label in zip(columns, ("first", "second", "third"), strict=True)
        ),
    )
    return query


def _own_entries(query: sa.Select[Any], subject: str = Subject.PARTY_MEMBERS) -> sa.Select[Any]:
    return query.join(Period, Period.id == LedgerEntry.period_id).where(
        LedgerEntry.member_id == _MEMBER,
        LedgerEntry.subject == subject,
        Period.code == _YEAR,
    )


def _tallies() -> sa.Select[Any]:
    component, month, points, count, is_late = scores.tally_columns()
    late = sa.case((is_late, _LATE), else_="")
    query = _part("tally", component, month, points, count, code=late).select_from(LedgerEntry)
    return _own_entries(query).group_by(component, month, is_late)


@cache
def _sums(subject: str = Subject.PARTY_MEMBERS) -> sa.Select[Any]:
    # What was carried over follows from a sealed statement, so nothing is left to be published.
    is_final = BulletinConfirmation.entry_id.is_not(None) | (
        sa.func.coalesce(LedgerEntry.source_kind, "") == CARRIED
    )
    standing = sa.case((is_final, "confirmed"), else_="provisional")
    query = (
        _part("sum", standing, sa.func.sum(LedgerEntry.points))
        .select_from(LedgerEntry)
        .outerjoin(BulletinConfirmation, BulletinConfirmation.entry_id == LedgerEntry.id)
    )
    return _own_entries(query, subject).group_by(sa.text("2"))


def _cap_uses() -> sa.Select[Any]:
    return _part("cap", Quota.bucket, Quota.used, Quota.cap, code=Quota.scheme_code).where(
        Quota.member_id == _MEMBER,
        # Only what covers the whole year; a day's cap is told by the entry that met it.
        Quota.bucket.like(sa.literal("%:").concat(_YEAR)),
    )


def _pending() -> sa.Select[Any]:
    return (
        _part("pending", "", sa.func.count(Claim.id))
        .select_from(Claim)
        .join(Period, Claim.happened_on.between(Period.starts_on, Period.ends_on))
        .where(
            Claim.member_id == _MEMBER,
            Claim.status == ClaimStatus.PENDING,
            Period.code == _YEAR,
        )
    )


def _home() -> sa.Select[Any]:
    """Where the member belonged on the day whose scheme counts."""
    return (
        _part("home", Organization.path)
        .select_from(Affiliation)
        .join(Organization, Organization.id == Affiliation.organization_id)
        .where(
            Affiliation.member_id == _MEMBER,
            Affiliation.kind == AffiliationKind.PRIMARY,
            Affiliation.valid_from <= _DAY,
            Affiliation.valid_to.is_(None) | (Affiliation.valid_to > _DAY),
        )
    )


# The member's first screen runs it, so it is built once and asks everything at once.
_BALANCE = _balance_statement()
