"""Short ways to correct a closed year, and to see what has come of it."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.ids import new_id
from members.models import Organization
from points import (
    ledger,
    reproducing,
    review,
    scores,
    verification,
)
from points.crediting import Occasion
from points.definitions import Event
from points.models import LedgerEntry, Period, Quota
from points.review import Action, Decision
from points.statement_models import PeriodStatement
from tests.points.closing.closings import LATER, LATER_DAY
from tests.world import NOW, World

DAY = date(2026, 11, 7)


def approve(world: World, *claim_ids: UUID, now: datetime = NOW) -> list[UUID]:
    decisions = [Decision(claim_id, 1, Action.APPROVE) for claim_id in claim_ids]
    results = review.review(world.session, world.actor("书记一"), decisions, now=now)
    return [result.entry_id for result in results if result.entry_id]


def reverse(world: World, entry_id: UUID, *, by: str = "书记一") -> LedgerEntry:
    actor = world.actor(by, on=LATER_DAY)
    return ledger.reverse(world.session, actor, entry_id, reason="误报", now=LATER)


def attend(
    world: World, name: str, status: str, *, revision: int = 1, source_id: UUID | None = None
) -> Occasion:
    branch = world.session.get_one(Organization, world.organizations["一支部"])
    return Occasion(
        source_kind="attendance",
        source_id=source_id or new_id(),
        revision=revision,
        member_id=world.members[name],
        organization_id=branch.id,
        path=branch.path,
        title="主题党日",
        happened_on=DAY,
        event=Event.ATTENDANCE,
        tags=frozenset({"theme_day"}),
        status=status,
    )


def code_of(world: World, period_id: UUID | None) -> str | None:
    return world.session.get_one(Period, period_id).code if period_id else None


def posted(world: World) -> list[tuple[int, str | None, str | None]]:
    """Points, the year that they stand in, and the year that they name."""
    rows = world.session.scalars(sa.select(LedgerEntry).order_by(LedgerEntry.seq)).all()
    return [
        (one.points, code_of(world, one.period_id), code_of(world, one.about_period_id))
        for one in rows
    ]


def total(world: World, name: str, year: int) -> Any:
    ids = [world.members[name]]
    found = scores.load_scores(
        world.session, ids, year=year, on=date(year, 12, 31), subject="party_members"
    )
    return found[ids[0]].total


def statement_of(session: Session, member_id: UUID, code: str) -> PeriodStatement:
    query = sa.select(PeriodStatement).join(Period, Period.id == PeriodStatement.period_id)
    mine = query.where(PeriodStatement.member_id == member_id, Period.code == code)
    return session.scalars(mine).one()


def sealed(world: World) -> list[tuple[UUID, str]]:
    rows = world.session.scalars(sa.select(PeriodStatement).order_by(PeriodStatement.id))
    return [(one.id, one.content) for one in rows]


def used(world: World, bucket: str) -> int:
    query = sa.select(Quota.used).where(Quota.bucket == bucket)
    return world.session.scalars(query).one()


def assert_sound(world: World, before: list[tuple[UUID, str]]) -> None:
    """Nothing of the closed year has changed, and every number follows from the ledger."""
    assert set(before) <= set(sealed(world))
    assert all(one.is_same for one in reproducing.reproduce(world.session, "2026"))
    assert verification.verify(world.session).findings == []
