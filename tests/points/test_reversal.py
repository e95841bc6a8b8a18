"""Taking an entry back: the room it frees, what stays as it was, and who may not."""

import copy
from datetime import date
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import DomainError, Forbidden, NotFound
from points import ledger, review, schemes
from points.ledger import AlreadyReversed, NotReversible
from points.models import LedgerEntry, Period, Quota
from points.periods import NoOpenPeriod, PeriodClosed
from points.review import Action, Decision
from tests.world import NOW, SCHEME, World, build_world

YEAR = "item:volunteer_service:year:2026"


@pytest.fixture
def world(session: Session) -> World:
    return build_world(session)


def publish(world: World, *, year_cap: str, on: date) -> None:
    """A version of the scheme with another cap of the year for volunteer service."""
    data: dict[str, Any] = copy.deepcopy(SCHEME)
    data["items"][0]["caps"] = {"year": year_cap}
    place = world.organizations["区委"]
    schemes.publish(world.session, place, data, effective_from=on, published_by=None, now=NOW)


def approve(world: World, *claim_ids: UUID) -> list[UUID]:
    decisions = [Decision(claim_id, 1, Action.APPROVE) for claim_id in claim_ids]
    results = review.review(world.session, world.actor("书记一"), decisions, now=NOW)
    return [result.entry_id for result in results if result.entry_id]


def reverse(world: World, entry_id: UUID, *, by: str = "书记一") -> LedgerEntry:
    return ledger.reverse(world.session, world.actor(by), entry_id, reason="误报", now=NOW)


def points(world: World) -> list[int]:
    return list(
        world.session.scalars(sa.select(LedgerEntry.points).order_by(LedgerEntry.seq)).all()
    )


def quota(world: World) -> tuple[int, int]:
    row = world.session.scalars(
        sa.select(Quota).where(Quota.bucket == YEAR),
        execution_options={"populate_existing": True},
    ).one()
    return row.used, row.cap


def test_reversing_the_first_of_three_does_not_grant_the_last_again(world: World) -> None:
    """Domain section 10: +2, +2, +2 under a cap of 5 give 2, 2, 1, and so it stays."""
    publish(world, year_cap="5", on=date(2026, 2, 1))
    days = [date(2026, 11, day) for day in (1, 2, 3)]
    first, *_ = approve(
        world, *(world.add_claim("党员甲", "一支部", minutes=120, happened_on=day) for day in days)
    )
    assert points(world) == [200, 200, 100]

    reverse(world, first)

    assert points(world) == [200, 200, 100, -200]
    assert quota(world) == (300, 500)


def test_freed_room_is_there_for_a_later_claim(world: World) -> None:
    publish(world, year_cap="5", on=date(2026, 2, 1))
    (first,) = approve(world, world.add_claim("党员甲", "一支部", minutes=300))
    reverse(world, first)

    approve(world, world.add_claim("党员甲", "一支部", minutes=240))

    assert points(world) == [500, -500, 400]


def test_reversal_under_an_older_version_leaves_the_present_cap(world: World) -> None:
    publish(world, year_cap="5", on=date(2026, 2, 1))
    publish(world, year_cap="12", on=date(2026, 6, 1))
    (old,) = approve(
        world, world.add_claim("党员甲", "一支部", minutes=300, happened_on=date(2026, 5, 1))
    )
    approve(world, world.add_claim("党员甲", "一支部", minutes=360))
    assert quota(world) == (1100, 1200)

    reverse(world, old)

    assert quota(world) == (600, 1200)


def test_entry_is_reversed_once_and_a_reversal_never(world: World) -> None:
    (entry_id,) = approve(world, world.add_claim("党员甲", "一支部"))
    reversal = reverse(world, entry_id)

    with pytest.raises(AlreadyReversed):
        reverse(world, entry_id, by="副书记一")
    with pytest.raises(NotReversible):
        reverse(world, reversal.id)
    assert points(world) == [100, -100]


def test_entry_of_nothing_can_be_reversed(world: World) -> None:
    publish(world, year_cap="0", on=date(2026, 2, 1))
    (entry_id,) = approve(world, world.add_claim("党员甲", "一支部"))

    reverse(world, entry_id)

    assert points(world) == [0, 0]
    assert quota(world) == (0, 0)


def test_nobody_reverses_his_own_entry_or_another_branchs(world: World) -> None:
    (own,) = approve(world, world.add_claim("副书记一", "一支部"))

    with pytest.raises(Forbidden):
        reverse(world, own, by="副书记一")
    with pytest.raises(NotFound):
        reverse(world, own, by="书记二")


@pytest.mark.parametrize(
    ("status", "refusal"), [("closing", PeriodClosed), ("closed", NoOpenPeriod)]
)
def test_nothing_is_reversed_while_no_year_takes_it(
    world: World, status: str, refusal: type[DomainError]
) -> None:
    (entry_id,) = approve(world, world.add_claim("党员甲", "一支部"))
    world.session.execute(sa.update(Period).values(status=status))

    with pytest.raises(refusal):
        reverse(world, entry_id)
    assert points(world) == [100]
