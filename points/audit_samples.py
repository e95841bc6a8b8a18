"""Random samples of a month's entries for an auditor, which anybody can draw again."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import audit
from core.db import Base, UtcDateTime
from core.ids import new_id
from members.access import Actor, get_organization
from members.audit_reading import AUDIT_ROLES
from members.models import Organization
from points import entries
from points.models import LedgerEntry

SIZE_MAX = 200


class AuditSample(Base):
    """One drawing: from what, how many, by which seed, and a digest of what came out."""

    __tablename__ = "audit_sample"
    __table_args__ = (
        sa.CheckConstraint("size BETWEEN 1 AND 200", name="size"),
        sa.CheckConstraint("population >= 0", name="population"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    starts_on: Mapped[date] = mapped_column()
    size: Mapped[int] = mapped_column()
    seed: Mapped[str] = mapped_column(sa.String(64))
    population: Mapped[int] = mapped_column()
    entries_sha256: Mapped[str] = mapped_column(sa.String(64))
    drawn_by: Mapped[UUID] = mapped_column(sa.ForeignKey("member.id"))
    drawn_at: Mapped[datetime] = mapped_column(UtcDateTime)


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is asked for: entries of a month, by the day on which the thing happened."""

    organization_id: UUID
    starts_on: date
    size: int
    seed: str


def choose(ids: Iterable[UUID], size: int, seed: str) -> list[UUID]:
    """As many of the ids as asked, in an order that nobody can foresee without the seed.

    Each id has its own place by the seed, whatever the others are: an entry that is posted later
    may push one out, and leaves the others where they were.
    """
    return sorted(ids, key=lambda one: _place_of(one, seed))[:size]


def draw(
    session: Session, actor: Actor, *, drawing: Drawing, now: datetime
) -> tuple[AuditSample, Sequence[Any]]:
    """Draw a sample, keep how it was drawn, and show its entries in the ledger's order.

    Raises:
        NotFound: the organisation is out of scope.
    """
    top = get_organization(session, actor, drawing.organization_id, roles=AUDIT_ROLES)
    next_month = (drawing.starts_on + timedelta(days=31)).replace(day=1)
    population = session.scalars(
        sa.select(LedgerEntry.id)
        .join(Organization, Organization.id == LedgerEntry.organization_id)
        .where(
            Organization.path.startswith(top.path),
            LedgerEntry.happened_on >= drawing.starts_on,
            LedgerEntry.happened_on < next_month,
        )
    ).all()
    chosen = choose(population, drawing.size, drawing.seed)
    sample = AuditSample(
        organization_id=drawing.organization_id,
        starts_on=drawing.starts_on,
        size=drawing.size,
        seed=drawing.seed,
        population=len(population),
        entries_sha256=hashlib.sha256("\n".join(map(str, chosen)).encode()).hexdigest(),
        drawn_by=actor.member_id,
        drawn_at=now,
    )
    session.add(sample)
    session.flush()
    lines = entries.find_listed(session, chosen)
    audit.note_reading(session, "ledger", (line.LedgerEntry.member_id for line in lines))
    return sample, lines


def _place_of(one: UUID, seed: str) -> bytes:
    return hashlib.sha256(f"{seed}:{one}".encode()).digest()
