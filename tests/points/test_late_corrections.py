"""What is put right about a closed year: in the open one, under the closed one's name, once."""

from datetime import date, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.ids import new_id
from members import affiliations
from members.affiliations import Belonging
from notifications.models import OutboxMessage
from points import (
    closing,
    crediting,
    explanations,
    ledger,
    objection_decisions,
    objections,
    periods,
    reproducing,
    reversing,
    review,
    review_batches,
    verification,
)
from points.ledger import AlreadyReversed
from points.models import Claim, LedgerEntry
from points.objection_decisions import Verdict
from points.periods import NoOpenPeriod, PeriodClosed
from points.review import Action, Decision
from tests.points.closing.closings import FORCED, LATER, LATER_DAY, close_year
from tests.points.late_steps import (
    approve,
    assert_sound,
    attend,
    posted,
    reverse,
    sealed,
    total,
    used,
)
from tests.world import NOW, World, build_world


@pytest.fixture
def world(session: Session) -> World:
    """Two years are open; tests close the first after something has happened in it."""
    world = build_world(session)
    periods.ensure_year(session, 2027)
    return world


def test_reversal_about_a_closed_year_stands_in_the_open_one(world: World) -> None:
    (entry_id,) = approve(world, world.add_claim("党员甲", "一支部", minutes=120))
    close_year(world.session)
    before = sealed(world)

    made = reverse(world, entry_id)

    assert made.reverses_id == entry_id
    assert posted(world) == [(200, "2026", None), (-200, "2027", "2026")]
    assert (total(world, "党员甲", 2026), total(world, "党员甲", 2027)) == (6200, 5800)
    assert_sound(world, before)


def test_nothing_is_reversed_twice_before_and_after_the_close(world: World) -> None:
    first, second = approve(
        world, world.add_claim("党员甲", "一支部"), world.add_claim("党员乙", "一支部")
    )
    ledger.reverse(world.session, world.actor("书记一"), first, reason="误报", now=NOW)
    close_year(world.session)
    before = sealed(world)
    reverse(world, second)

    for entry_id in (first, second):
        with pytest.raises(AlreadyReversed):
            reverse(world, entry_id)

    assert len(posted(world)) == 4
    assert_sound(world, before)


def test_member_and_explanation_are_told_what_happened(world: World) -> None:
    (entry_id,) = approve(world, world.add_claim("党员甲", "一支部", minutes=120))
    close_year(world.session)

    made = reverse(world, entry_id)

    actor = world.actor("党员甲", on=LATER_DAY)
    said = explanations.explain(world.session, actor, made.id).steps
    assert "2026 年的一笔积分已更正，计入 2027 年。" in said
    assert "属于 2026 年度，只用于补记该年度的事" in said[-1]
    told = world.session.scalars(
        sa.select(OutboxMessage).where(OutboxMessage.kind == "entry_reversed_late")
    ).one()
    assert (told.member_id, told.params["old"], told.params["new"]) == (
        world.members["党员甲"],
        "2026",
        "2027",
    )


def test_upheld_objection_takes_back_in_the_open_year(world: World) -> None:
    (entry_id,) = approve(world, world.add_claim("党员甲", "一支部", minutes=120))
    objection = objections.file_on_entry(
        world.session, world.actor("党员甲"), entry_id, reason="不是我做的", now=NOW
    )
    close_year(world.session)
    before = sealed(world)
    decider = world.actor("副书记一", on=LATER_DAY)

    decided = objection_decisions.decide(
        world.session, decider, objection.id, verdict=Verdict.UPHELD, reply="属实", now=LATER
    )

    assert posted(world)[1:] == [(-200, "2027", "2026")]
    assert decided.reversal_id is not None
    assert_sound(world, before)


def test_undo_across_the_close_is_decided_anew_in_the_open_year(world: World) -> None:
    actor = world.actor("书记一", on=LATER_DAY)
    decisions = [Decision(world.add_claim("党员甲", "一支部", minutes=120), 1, Action.APPROVE)]
    batch = review_batches.decide(world.session, actor, decisions, now=LATER)
    close_year(world.session)
    before = sealed(world)

    review_batches.undo(world.session, actor, batch.review_id or new_id(), now=LATER)
    again = world.session.scalars(sa.select(Claim.id).where(Claim.status == "pending")).one()
    approve(world, again, now=LATER)

    assert posted(world) == [
        (200, "2026", None),
        (-200, "2027", "2026"),
        (200, "2027", "2026"),
    ]
    assert total(world, "党员甲", 2027) == 6000
    assert_sound(world, before)


def test_claim_that_waited_over_the_close_is_an_adjustment(world: World) -> None:
    claim_id = world.add_claim("党员甲", "一支部", minutes=120)
    close_year(world.session)
    before = sealed(world)

    approve(world, claim_id, now=LATER)

    assert posted(world) == [(200, "2027", "2026")]
    assert_sound(world, before)


def test_late_grant_never_passes_the_cap_of_its_own_year(world: World) -> None:
    """Ten points of service a year: eight stand, so a late claim of four gets two."""
    approve(world, world.add_claim("党员甲", "一支部", minutes=480))
    claim_id = world.add_claim("党员甲", "一支部", minutes=240, happened_on=date(2026, 11, 2))
    close_year(world.session)
    before = sealed(world)

    approve(world, claim_id, now=LATER)

    assert posted(world)[-1] == (200, "2027", "2026")
    assert used(world, "item:volunteer_service:year:2026") == 1000
    assert_sound(world, before)


def test_late_grant_takes_no_room_of_the_open_year(world: World) -> None:
    claim_id = world.add_claim("党员甲", "一支部", minutes=480)
    close_year(world.session)
    approve(world, claim_id, now=LATER)

    on = date(2027, 1, 9)
    approve(world, world.add_claim("党员甲", "一支部", minutes=480, happened_on=on), now=LATER)

    assert [points for points, *_ in posted(world)] == [800, 800]
    assert used(world, "item:volunteer_service:year:2027") == 800


def test_room_that_a_late_reversal_frees_is_the_closed_years(world: World) -> None:
    (entry_id,) = approve(world, world.add_claim("党员甲", "一支部", minutes=480))
    claim_id = world.add_claim("党员甲", "一支部", minutes=480, happened_on=date(2026, 11, 2))
    close_year(world.session)
    before = sealed(world)
    reverse(world, entry_id)

    approve(world, claim_id, now=LATER)

    assert [points for points, *_ in posted(world)] == [800, -800, 800]
    assert used(world, "item:volunteer_service:year:2026") == 800
    assert_sound(world, before)


def test_returned_deduction_is_felt_where_the_part_is_full(world: World) -> None:
    """The base starts at its cap of sixty: two points given back still count."""
    missed = attend(world, "党员甲", "absent_unexcused")
    crediting.credit(world.session, world.actor("书记一"), [missed], now=NOW)
    close_year(world.session)
    before = sealed(world)

    live = reversing.live_entries(world.session, "attendance", [missed.source_id])
    reversing.reverse_all(
        world.session,
        world.actor("书记一", on=LATER_DAY),
        list(live.values()),
        reason="记错",
        now=LATER,
    )

    assert (total(world, "党员甲", 2026), total(world, "党员甲", 2027)) == (5800, 6200)
    assert_sound(world, before)


def test_correction_of_a_late_correction_after_another_close(world: World) -> None:
    """The second one names the year of the thing, and no year's points are moved twice."""
    claim_id = world.add_claim("党员甲", "一支部", minutes=120)
    close_year(world.session)
    approve(world, claim_id, now=LATER)
    periods.ensure_year(world.session, 2028)
    after = datetime(2028, 1, 20, 2, 0, tzinfo=LATER.tzinfo)
    close_year(world.session, "2027", now=after)
    (late,) = world.session.scalars(sa.select(LedgerEntry.id)).all()

    reverse(world, late)

    assert posted(world) == [(200, "2027", "2026"), (-200, "2028", "2026")]
    assert all(one.is_same for one in reproducing.reproduce(world.session, "2027"))
    assert verification.verify(world.session).findings == []


def test_correction_within_the_open_year_keeps_the_closed_ones_name(world: World) -> None:
    claim_id = world.add_claim("党员甲", "一支部", minutes=120)
    close_year(world.session)
    before = sealed(world)
    (late,) = approve(world, claim_id, now=LATER)

    reverse(world, late)

    assert posted(world) == [(200, "2027", "2026"), (-200, "2027", "2026")]
    assert used(world, "item:volunteer_service:year:2026") == 0
    assert_sound(world, before)


def test_member_who_moved_is_corrected_where_it_was_awarded(world: World) -> None:
    """The entry stays the old branch's; the score that changes is the member's, wherever he is."""
    (entry_id,) = approve(world, world.add_claim("党员甲", "一支部", minutes=120))
    to = Belonging(world.organizations["二支部"], None, date(2027, 1, 5))
    officer = world.actor("街道干事", on=LATER_DAY)
    affiliations.transfer(world.session, officer, world.members["党员甲"], to=to, now=LATER)
    close_year(world.session)
    before = sealed(world)

    made = reverse(world, entry_id)

    assert made.organization_id == world.organizations["一支部"]
    assert total(world, "党员甲", 2027) == 5800
    assert_sound(world, before)


def test_closing_year_takes_no_correction_and_says_so(world: World) -> None:
    (entry_id,) = approve(world, world.add_claim("党员甲", "一支部"))
    closing.begin(world.session, "2026", begun_by=None, terms=FORCED, now=LATER)

    with pytest.raises(PeriodClosed, match="正在结账"):
        reverse(world, entry_id)


def test_no_open_year_is_a_conflict_that_says_so(session: Session) -> None:
    world = build_world(session)
    (entry_id,) = approve(world, world.add_claim("党员甲", "一支部"))
    pending = world.add_claim("党员乙", "一支部")
    close_year(session)

    with pytest.raises(NoOpenPeriod, match="还没有开放的年度"):
        reverse(world, entry_id)
    decisions = [Decision(pending, 1, Action.APPROVE)]
    (refused,) = review.review(session, world.actor("书记一"), decisions, now=LATER)
    assert refused.code == "period.none_open"
