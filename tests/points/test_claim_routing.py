"""Who decides a claim: the branch, or the body above where nobody in the branch could."""

from datetime import date
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from core.ids import new_id
from members.access_models import Role
from members.models import OrganizationKind
from points import claims, review
from points.claims import NewClaim
from points.definitions import Event
from points.models import Claim
from points.review import Action, Decision
from tests.world import NOW, World, build_world


@pytest.fixture
def world(session: Session) -> World:
    return build_world(session)


def reviewer_of_new_claim(
    world: World,
    name: str,
    branch: str,
    *,
    event: Event = Event.VOLUNTEER_SERVICE,
) -> UUID:
    new = NewClaim(
        member_id=world.members[name],
        organization_id=world.organizations[branch],
        event=event,
        source_kind="volunteer_record",
        source_id=new_id(),
        title="清扫社区",
        happened_on=date(2026, 11, 7),
        quantity=60,
        flags=(),
    )
    claim = claims.submit(world.session, world.actor(name), new=new, now=NOW)
    return claim.reviewer_organization_id


@pytest.mark.parametrize("event", sorted(set(Event) - {Event.VOLUNTEER_SERVICE}))
def test_what_nobody_asks_for_cannot_be_claimed(world: World, event: Event) -> None:
    with pytest.raises(claims.ItemNotClaimable):
        reviewer_of_new_claim(world, "党员甲", "一支部", event=event)


def test_members_claim_goes_to_his_branch(world: World) -> None:
    assert reviewer_of_new_claim(world, "党员甲", "一支部") == world.organizations["一支部"]


def test_secretarys_own_claim_goes_to_the_body_above(world: World) -> None:
    assert reviewer_of_new_claim(world, "书记一", "一支部") == world.organizations["街道"]


def test_deputys_claim_stays_where_a_secretary_can_decide_it(world: World) -> None:
    assert reviewer_of_new_claim(world, "副书记一", "一支部") == world.organizations["一支部"]


def test_claim_of_the_only_reviewer_goes_to_the_body_above(world: World) -> None:
    world.add_organization("四支部", OrganizationKind.BRANCH, "镇")
    world.add_member("副书记四", "四支部")
    world.grant("副书记四", Role.DEPUTY_SECRETARY, "四支部")

    assert reviewer_of_new_claim(world, "副书记四", "四支部") == world.organizations["镇"]


def test_claim_in_a_vacant_branch_waits_for_its_next_reviewer(world: World) -> None:
    world.add_organization("四支部", OrganizationKind.BRANCH, "镇")
    world.add_member("党员戊", "四支部")

    assert reviewer_of_new_claim(world, "党员戊", "四支部") == world.organizations["四支部"]


def test_returned_claim_is_sent_again_to_whoever_decides_it_then(world: World) -> None:
    claim_id = world.add_claim("党员甲", "一支部")
    decision = Decision(claim_id, 1, Action.RETURN, "请写明地点")
    review.review(world.session, world.actor("书记一"), [decision], now=NOW)
    world.grant("党员甲", Role.BRANCH_SECRETARY, "一支部")

    claims.resubmit(world.session, world.actor("党员甲"), claim_id, changes={}, now=NOW)

    claim = world.session.get_one(Claim, claim_id, populate_existing=True)
    assert (claim.status, claim.reviewer_organization_id) == (
        "pending",
        world.organizations["街道"],
    )
