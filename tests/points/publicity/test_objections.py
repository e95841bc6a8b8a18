"""Objections: who may file and decide, what upheld does, the appeal."""

from datetime import date, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.errors import NotFound
from notifications.models import OutboxMessage
from points import (
    adjustment_posting,
    bulletins,
    ledger,
    objection_decisions,
    objections,
    verification,
)
from points.models import LedgerEntry
from points.objection_decisions import DeciderConcerned, Verdict
from points.objections import (
    AppealNotPossible,
    NotObjectable,
    ObjectionDecided,
    ObjectionTooLate,
)
from points.publicity_models import Adjustment, Objection
from tests.points.publicity.scene import (
    WINDOW_OVER,
    approve,
    enter,
    publish,
    publish_richer,
    read,
)
from tests.world import NOW, World, build_world


@pytest.fixture
def world(session: Session) -> World:
    world = build_world(session)
    publish_richer(world)
    return world


@pytest.fixture
def published(world: World) -> UUID:
    """An entry of 党员甲's, approved by 书记一 and published."""
    (entry,) = approve(world, "书记一", world.add_claim("党员甲", "一支部"))
    publish(world)
    return entry


def file(world: World, who: str, entry_id: UUID) -> Objection:
    return objections.file_on_entry(
        world.session, world.actor(who), entry_id, reason="时长不实", now=NOW
    )


def decide(
    world: World, who: str, objection: Objection, verdict: str = "upheld", reply: str = "已核实"
) -> Objection:
    return objection_decisions.decide(
        world.session,
        world.actor(who),
        objection.id,
        verdict=Verdict(verdict),
        reply=reply,
        now=NOW,
    )


def test_upheld_takes_the_points_back_and_tells_both(world: World, published: UUID) -> None:
    objection = file(world, "党员乙", published)
    assert objection.reply_due_on == date(2026, 11, 24)

    decided = decide(world, "副书记一", objection)

    reversal = world.session.scalars(
        sa.select(LedgerEntry).where(LedgerEntry.reverses_id == published)
    ).one()
    assert decided.reversal_id == reversal.id
    told = world.session.execute(
        sa.select(OutboxMessage.member_id).where(OutboxMessage.kind == "objection_decided")
    )
    assert {row[0] for row in told} == {world.members["党员甲"], world.members["党员乙"]}
    kinds = [e.kind for e in objection_decisions.list_timeline(world.session, objection.id)]
    assert kinds == ["filed", "upheld"]
    assert bulletins.close_ripe(world.session, now=WINDOW_OVER) == 1
    assert verification.verify(world.session).findings == []


def test_rejected_leaves_the_entry_and_lets_the_bulletin_close(
    world: World, published: UUID
) -> None:
    decide(world, "副书记一", file(world, "党员乙", published), "rejected")

    assert bulletins.close_ripe(world.session, now=WINDOW_OVER) == 1
    assert world.session.scalar(sa.select(sa.func.count()).select_from(LedgerEntry)) == 1


def test_whoever_approved_is_concerned_or_objected_does_not_decide(
    world: World, published: UUID
) -> None:
    with pytest.raises(DeciderConcerned):
        decide(world, "书记一", file(world, "党员乙", published))
    with pytest.raises(NotFound):
        decide(world, "书记二", file(world, "党员甲", published))


@pytest.mark.parametrize("who", ["member_id", "objector_id", "approved_by"])
def test_database_refuses_a_decision_by_anybody_concerned(
    world: World, published: UUID, who: str
) -> None:
    objection = file(world, "党员乙", published)
    change = sa.update(Objection).where(Objection.id == objection.id)

    with pytest.raises(IntegrityError), world.session.begin_nested():
        world.session.execute(
            change.values(status="rejected", reply="驳回", decided_by=getattr(Objection, who))
        )


def test_objection_that_nobody_in_the_branch_may_answer_goes_up(
    world: World, published: UUID
) -> None:
    by_deputy = file(world, "副书记一", published)

    assert by_deputy.deciding_organization_id == world.organizations["街道"]
    assert decide(world, "街道干事", by_deputy, "rejected").status == "rejected"


@pytest.mark.parametrize("who", ["党员丙", "书记二", "街道干事"])
def test_other_branches_cannot_object(world: World, published: UUID, who: str) -> None:
    with pytest.raises(NotFound):
        file(world, who, published)


def test_unpublished_entry_is_contested_by_its_member_only(world: World) -> None:
    (entry,) = approve(world, "书记一", world.add_claim("党员甲", "一支部"))
    with pytest.raises(NotFound):
        file(world, "党员乙", entry)

    file(world, "党员甲", entry)

    with pytest.raises(bulletins.NothingToPublish):
        publish(world)


def test_after_the_close_or_a_reversal_nothing_is_contested(world: World, published: UUID) -> None:
    bulletins.close_ripe(world.session, now=WINDOW_OVER)
    with pytest.raises(ObjectionTooLate):
        file(world, "党员乙", published)

    ledger.reverse(world.session, world.actor("书记一"), published, reason="查实", now=NOW)
    with pytest.raises(NotObjectable):
        file(world, "党员甲", published)


def test_one_member_objects_to_an_entry_once(world: World, published: UUID) -> None:
    first = file(world, "党员乙", published)
    with pytest.raises(IntegrityError), world.session.begin_nested():
        file(world, "党员乙", published)
    objections.withdraw(world.session, world.actor("党员乙"), first.id, now=NOW)

    assert file(world, "党员乙", published).status == "open"


def test_decided_or_withdrawn_is_not_decided_again(world: World, published: UUID) -> None:
    objection = file(world, "党员乙", published)
    decide(world, "副书记一", objection, "rejected")

    with pytest.raises(ObjectionDecided):
        decide(world, "副书记一", objection)
    with pytest.raises(ObjectionDecided):
        objections.withdraw(world.session, world.actor("党员乙"), objection.id, now=NOW)


def appeal(world: World, who: str, objection: Objection, *, days: int = 0) -> Objection:
    return objections.appeal(
        world.session,
        world.actor(who),
        objection.id,
        reason="请上级再核",
        now=NOW + timedelta(days=days),
    )


def test_rejected_objection_is_appealed_once_to_the_body_above(
    world: World, published: UUID
) -> None:
    first = file(world, "党员乙", published)
    with pytest.raises(AppealNotPossible):
        appeal(world, "党员乙", first)
    decide(world, "副书记一", first, "rejected")
    with pytest.raises(NotFound):
        appeal(world, "党员甲", first)

    second = appeal(world, "党员乙", first)

    assert second.deciding_organization_id == world.organizations["街道"]
    assert decide(world, "街道干事", second).reversal_id is not None
    kinds = [e.kind for e in objection_decisions.list_timeline(world.session, first.id)]
    assert kinds == ["filed", "rejected", "appealed"]


def test_appeal_is_not_appealed_and_comes_in_time(world: World, published: UUID) -> None:
    first = file(world, "党员乙", published)
    decide(world, "副书记一", first, "rejected")
    with pytest.raises(ObjectionTooLate):
        appeal(world, "党员乙", first, days=15)
    second = appeal(world, "党员乙", first)
    decide(world, "街道干事", second, "rejected")

    with pytest.raises(AppealNotPossible):
        appeal(world, "党员乙", second)
    with pytest.raises(IntegrityError), world.session.begin_nested():
        appeal(world, "党员乙", first)


def contest(world: World, who: str, waiting: Adjustment, *, days: int = 0) -> Objection:
    return objections.file_on_adjustment(
        world.session,
        world.actor(who),
        waiting.id,
        reason="已于当月补交",
        now=NOW + timedelta(days=days),
    )


def test_contested_deduction_waits_and_is_dismissed_when_upheld(world: World) -> None:
    (waiting,) = enter(world, "书记一", "dues_late", "党员甲")
    with pytest.raises(NotFound):
        contest(world, "党员乙", waiting)
    objection = contest(world, "党员甲", waiting)

    assert adjustment_posting.post_ripe(world.session, now=WINDOW_OVER) == 0
    with pytest.raises(DeciderConcerned):
        decide(world, "书记一", objection)
    decide(world, "副书记一", objection)

    assert read(world.session, Adjustment, waiting.id).status == "dismissed"
    assert adjustment_posting.post_ripe(world.session, now=WINDOW_OVER) == 0


def test_deduction_is_posted_once_its_objection_is_rejected(world: World) -> None:
    (waiting,) = enter(world, "书记一", "dues_late", "党员甲")
    decide(world, "副书记一", contest(world, "党员甲", waiting), "rejected")

    assert adjustment_posting.post_ripe(world.session, now=WINDOW_OVER) == 1


def test_deduction_is_not_contested_after_its_window(world: World) -> None:
    (waiting,) = enter(world, "书记一", "dues_late", "党员甲")

    with pytest.raises(ObjectionTooLate):
        contest(world, "党员甲", waiting, days=8)
