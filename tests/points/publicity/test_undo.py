"""Undoing a batch: what stood is taken back, what others changed since is left alone."""

from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import Forbidden, NotFound
from members.access_models import RoleGrant
from notifications.models import OutboxMessage
from points import claims, ledger, queue, review_batches, verification
from points.models import Claim, ClaimStatus, LedgerEntry
from points.review import Action, Decision
from points.review_batches import AlreadyUndone, Reviewed, UndoExpired, Undone
from tests.points.publicity.scene import read
from tests.statements import counted_statements
from tests.world import NOW, World, build_world


@pytest.fixture
def world(session: Session) -> World:
    return build_world(session)


def decide(
    world: World, approved: list[UUID], returned: list[UUID] | None = None, who: str = "书记一"
) -> Reviewed:
    decisions = [Decision(claim_id, 1, Action.APPROVE) for claim_id in approved]
    decisions += [Decision(claim_id, 1, Action.RETURN, "写明地点") for claim_id in returned or []]
    return review_batches.decide(world.session, world.actor(who), decisions, now=NOW)


def undo(world: World, made: Reviewed, who: str = "书记一", *, minutes: int = 5) -> Undone:
    assert made.review_id is not None
    return review_batches.undo(
        world.session, world.actor(who), made.review_id, now=NOW + timedelta(minutes=minutes)
    )


def test_approvals_are_reversed_and_wait_anew_and_returns_wait_again(world: World) -> None:
    approved = world.add_claim("党员甲", "一支部")
    returned = world.add_claim("党员乙", "一支部")
    made = decide(world, [approved], [returned])
    assert made.undo_until == NOW + timedelta(minutes=10)

    assert undo(world, made) == Undone(1, 1, 0)

    assert read(world.session, Claim, approved).status == ClaimStatus.UNDONE
    assert read(world.session, Claim, returned).status == ClaimStatus.PENDING
    (again,) = world.session.scalars(
        sa.select(Claim).where(Claim.status == "pending", Claim.id != returned)
    )
    old = read(world.session, Claim, approved)
    assert (again.source_id, again.quantity, again.version) == (old.source_id, old.quantity, 1)
    assert world.session.scalar(sa.select(sa.func.sum(LedgerEntry.points))) == 0
    kinds = [event.kind for event in claims.list_timeline(world.session, approved)]
    assert kinds == ["submitted", "approved", "undone"]
    told = world.session.scalars(sa.select(OutboxMessage.kind)).all()
    assert sorted(told) == ["claim_approved", "claim_returned", "entry_reversed", "review_undone"]
    assert verification.verify(world.session).findings == []


def test_claim_that_took_the_place_can_be_decided_and_undone_again(world: World) -> None:
    undo(world, decide(world, [world.add_claim("党员甲", "一支部")]))
    again = world.session.scalars(sa.select(Claim.id).where(Claim.status == "pending")).one()

    undo(world, decide(world, [again], who="副书记一"), "副书记一")

    statuses = world.session.scalars(sa.select(Claim.status).order_by(Claim.id)).all()
    assert sorted(statuses) == ["pending", "undone", "undone"]
    assert verification.verify(world.session).findings == []


def test_what_others_changed_since_is_left_alone(world: World) -> None:
    reversed_, resent = world.add_claim("党员甲", "一支部"), world.add_claim("党员乙", "一支部")
    made = decide(world, [reversed_], [resent])
    (entry,) = world.session.scalars(sa.select(LedgerEntry.id))
    ledger.reverse(world.session, world.actor("副书记一"), entry, reason="重复", now=NOW)
    claims.resubmit(world.session, world.actor("党员乙"), resent, changes={}, now=NOW)

    assert undo(world, made) == Undone(0, 0, 2)

    assert read(world.session, Claim, reversed_).status == ClaimStatus.APPROVED


def test_undo_is_for_its_reviewer_in_time_and_once(world: World) -> None:
    made = decide(world, [world.add_claim("党员甲", "一支部")])
    with pytest.raises(NotFound):
        undo(world, made, "副书记一")
    with pytest.raises(UndoExpired):
        undo(world, made, minutes=11)
    undo(world, made)
    with pytest.raises(AlreadyUndone):
        undo(world, made)


def test_reviewer_without_his_role_undoes_nothing(world: World) -> None:
    made = decide(world, [world.add_claim("党员甲", "一支部")])
    actor = world.actor("书记一")
    world.session.execute(
        sa.update(RoleGrant)
        .where(RoleGrant.member_id == actor.member_id)
        .values(revoked_at=NOW, revoked_by=world.members["街道干事"])
    )

    with pytest.raises(Forbidden):
        review_batches.undo(world.session, actor, made.review_id or UUID(int=0), now=NOW)


def test_batch_without_a_decision_has_nothing_to_undo(world: World) -> None:
    made = decide(world, [world.add_claim("书记一", "一支部", reviewer="一支部")])

    assert (made.review_id, made.results[0].code) == (None, "claim.own")


@pytest.mark.parametrize("count", [2, 40])
def test_undo_is_a_constant_number_of_statements(world: World, count: int) -> None:
    approved = [world.add_claim("党员甲", "一支部") for _ in range(count)]
    returned = [world.add_claim("党员乙", "一支部") for _ in range(count)]
    made = decide(world, approved, returned)
    actor = world.actor("书记一")

    with counted_statements(world.session) as statements:
        done = review_batches.undo(world.session, actor, made.review_id or UUID(int=0), now=NOW)

    assert done == Undone(count, count, 0)
    assert len(statements) == 19
    waiting = queue.count_waiting(world.session, actor, world.organizations["一支部"])
    assert waiting["clean"] == 2 * count
