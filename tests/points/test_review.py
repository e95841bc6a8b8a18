"""Deciding claims: grants, caps, refusals, and a constant number of statements."""

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import Forbidden
from members.access_models import RoleGrant
from notifications.models import OutboxMessage
from points import review
from points.models import Claim, LedgerEntry, Quota
from points.review import Action, Decision, Outcome
from tests.statements import counted_statements
from tests.world import NOW, World, build_world


@pytest.fixture
def world(session: Session) -> World:
    return build_world(session)


def approve(world: World, *claim_ids: object, by: str = "书记一") -> list[review.Result]:
    decisions = [Decision(claim_id, 1, Action.APPROVE) for claim_id in claim_ids]  # type: ignore[arg-type]
    return review.review(world.session, world.actor(by), decisions, now=NOW)


def test_approval_posts_one_entry_and_tells_the_member(world: World) -> None:
    claim_id = world.add_claim("党员甲", "一支部", minutes=150)

    (result,) = approve(world, claim_id)

    assert result.outcome is Outcome.APPROVED
    assert (result.asked, result.points) == (250, 250)
    entry = world.session.scalars(sa.select(LedgerEntry)).one()
    assert (entry.claim_id, entry.points, entry.binding_cap) == (claim_id, 250, None)
    message = world.session.scalars(sa.select(OutboxMessage)).one()
    assert message.params["points"] == "2.5"


def test_second_approval_is_refused_and_posts_nothing(world: World) -> None:
    claim_id = world.add_claim("党员甲", "一支部")
    approve(world, claim_id)

    (again,) = approve(world, claim_id, by="副书记一")

    assert (again.outcome, again.code) == (Outcome.REFUSED, "claim.already_decided")
    assert world.session.scalar(sa.select(sa.func.count()).select_from(LedgerEntry)) == 1


def test_cap_grants_what_room_is_left_and_names_the_cap(world: World) -> None:
    claims = [world.add_claim("党员甲", "一支部", minutes=420) for _ in range(2)]

    results = approve(world, *claims)

    assert sorted((r.points or 0) for r in results) == [100, 700]
    capped = world.session.scalars(
        sa.select(LedgerEntry).where(LedgerEntry.binding_cap.is_not(None))
    ).one()
    assert capped.binding_cap == "item:volunteer_service:day:2026-11-07"
    assert (capped.asked, capped.points) == (700, 100)
    used = {row.bucket: row.used for row in world.session.scalars(sa.select(Quota))}
    assert used["item:volunteer_service:year:2026"] == 800


def test_return_needs_a_reason_and_keeps_it(world: World) -> None:
    claim_id = world.add_claim("党员甲", "一支部")
    actor = world.actor("书记一")

    (refused,) = review.review(
        world.session, actor, [Decision(claim_id, 1, Action.RETURN)], now=NOW
    )
    (returned,) = review.review(
        world.session, actor, [Decision(claim_id, 1, Action.RETURN, "请写明地点")], now=NOW
    )

    assert refused.code == "claim.reason_required"
    assert returned.outcome is Outcome.RETURNED
    claim = world.session.get_one(Claim, claim_id, populate_existing=True)
    assert (claim.status, claim.decision_reason, claim.version) == ("returned", "请写明地点", 2)


def test_other_branch_and_absent_claims_answer_alike(world: World) -> None:
    foreign = world.add_claim("党员丙", "二支部")
    absent = world.members["党员甲"]

    one, two = approve(world, foreign, absent)

    assert (one.outcome, one.code, one.message) == (two.outcome, two.code, two.message)
    assert one.code == "not_found"


def test_nobody_approves_his_own_claim(world: World) -> None:
    claim_id = world.add_claim("副书记一", "一支部")

    (own,) = approve(world, claim_id, by="副书记一")

    assert own.code == "claim.own"


def test_revoked_role_decides_nothing(world: World) -> None:
    claim_id = world.add_claim("党员甲", "一支部")
    actor = world.actor("书记一")
    world.session.execute(
        sa.update(RoleGrant)
        .where(RoleGrant.member_id == actor.member_id)
        .values(revoked_at=NOW, revoked_by=world.members["区管理员"])
    )

    with pytest.raises(Forbidden):
        review.review(world.session, actor, [Decision(claim_id, 1, Action.APPROVE)], now=NOW)


def test_five_hundred_approvals_take_the_statements_of_one(world: World) -> None:
    single = world.add_claim("党员甲", "一支部", minutes=30)
    many = [world.add_claim("党员乙", "一支部", minutes=30) for _ in range(500)]

    with counted_statements(world.session) as for_one:
        approve(world, single)
    with counted_statements(world.session) as for_many:
        results = approve(world, *many)

    assert all(result.outcome is Outcome.APPROVED for result in results)
    assert sum(result.points or 0 for result in results) == 800
    assert len(for_many) == len(for_one), for_many
