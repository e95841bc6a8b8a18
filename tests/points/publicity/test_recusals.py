"""Recusals: who has stepped back decides no more; the claim goes to others, or up."""

from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from activities import volunteering
from core.errors import NotFound
from points import claims, decided_claims, queue, recusals, review
from points.claims import NewClaim
from points.definitions import Event
from points.models import Claim, ClaimStatus
from points.review import Action, Decision
from points.review_models import Recusal
from tests.points.publicity.scene import read
from tests.world import NOW, TODAY, World, build_world


@pytest.fixture
def world(session: Session) -> World:
    return build_world(session)


def recuse(world: World, who: str, claim_id: UUID) -> Recusal:
    return recusals.for_claim(world.session, world.actor(who), claim_id, reason="亲属", now=NOW)


def code_of(world: World, who: str, claim_id: UUID, version: int = 1) -> str:
    decision = Decision(claim_id, version, Action.APPROVE)
    (result,) = review.review(world.session, world.actor(who), [decision], now=NOW)
    return result.code or str(result.outcome)


def test_recused_reviewer_is_refused_and_another_decides(world: World) -> None:
    claim_id = world.add_claim("党员甲", "一支部")
    recuse(world, "书记一", claim_id)

    assert code_of(world, "书记一", claim_id, 2) == "claim.recused"
    branch = world.organizations["一支部"]
    assert queue.count_waiting(world.session, world.actor("书记一"), branch)["clean"] == 0
    assert code_of(world, "副书记一", claim_id, 1) == "claim.already_decided"
    assert code_of(world, "副书记一", claim_id, 2) == "approved"


def test_claim_goes_up_when_nobody_is_left(world: World) -> None:
    claim_id = world.add_claim("党员丙", "二支部")

    recuse(world, "书记二", claim_id)

    moved = read(world.session, Claim, claim_id)
    assert moved.reviewer_organization_id == world.organizations["街道"]
    assert code_of(world, "街道干事", claim_id, moved.version) == "approved"


def test_recusal_for_a_member_covers_what_waits_and_what_comes(world: World) -> None:
    waiting = world.add_claim("党员丙", "二支部")
    recusals.for_member(
        world.session, world.actor("书记二"), world.members["党员丙"], reason="亲属", now=NOW
    )
    new = NewClaim(
        member_id=world.members["党员丙"],
        organization_id=world.organizations["二支部"],
        event=Event.VOLUNTEER_SERVICE,
        source_kind=volunteering.SOURCE_KIND,
        source_id=world.members["党员丙"],
        title="值守",
        happened_on=TODAY,
        quantity=60,
        flags=(),
    )

    coming = claims.submit(world.session, world.actor("党员丙"), new=new, now=NOW)

    street = world.organizations["街道"]
    assert read(world.session, Claim, waiting).reviewer_organization_id == street
    assert coming.reviewer_organization_id == street


def test_database_decides_no_claim_of_a_recused_reviewer(world: World) -> None:
    """The statement that decides checks again, whatever the code believed."""
    claim_id = world.add_claim("党员甲", "一支部")
    world.session.add(
        Recusal(
            reviewer_id=world.members["书记一"], claim_id=claim_id, reason="亲属", declared_at=NOW
        )
    )
    world.session.flush()
    marks = {claim_id: (ClaimStatus.APPROVED, "")}
    decided_claims.mark(world.session, world.actor("书记一"), marks, now=NOW)

    assert read(world.session, Claim, claim_id).status == ClaimStatus.PENDING


@pytest.mark.parametrize("who", ["书记二", "书记一"])
def test_only_claims_under_ones_own_decision(world: World, who: str) -> None:
    own = world.add_claim("书记一", "一支部")

    with pytest.raises(NotFound):
        recuse(world, who, own)
    with pytest.raises(NotFound):
        recusals.for_member(
            world.session, world.actor(who), world.members[who], reason="本人", now=NOW
        )


def test_recusal_is_declared_once_and_stays(world: World) -> None:
    claim_id = world.add_claim("党员甲", "一支部")
    recuse(world, "书记一", claim_id)

    with pytest.raises(IntegrityError), world.session.begin_nested():
        recuse(world, "书记一", claim_id)
    with pytest.raises(sa.exc.DBAPIError), world.session.begin_nested():
        world.session.execute(sa.delete(Recusal))
