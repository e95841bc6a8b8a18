"""Items that count for some classes of members only, where members claim them."""

from datetime import date, timedelta

import pytest
from sqlalchemy.orm import Session

from activities import opportunities, service_confirmation, signups, volunteering
from activities.service_confirmation import Line
from activities.service_rules import ServiceFacts
from activities.signup_rules import OpportunityPlan
from core.ids import new_id
from members.models import MemberClassification
from points import review
from points.models import Claim
from points.review import Action, Decision
from tests.points.closing.schemes import republish
from tests.world import LONG_AGO, NOW, SCHEME, World, build_world

FROM = date(2026, 10, 1)


@pytest.fixture
def world(session: Session) -> World:
    """An hour of service gives members who work away from home two points, all others one."""
    world = build_world(session)
    service, *others = SCHEME["items"]
    for_migrants = service | {"code": "service_away", "points": "2", "classes": ["migrant"]}
    rest = service | {"classes": ["ordinary", "post_holder", "aged_or_frail"]}
    republish(world, effective_from=FROM, items=[rest, for_migrants, *others])
    world.session.add(
        MemberClassification(
            id=new_id(),
            member_id=world.members["党员甲"],
            member_class="migrant",
            valid_from=LONG_AGO,
            recorded_by=world.members["区管理员"],
        )
    )
    session.flush()
    return world


def recorded(world: World, name: str) -> Claim:
    starts_at = NOW - timedelta(days=2)
    facts = ServiceFacts(
        title="清扫社区",
        organiser="",
        place="",
        origin="self",
        external_reference="",
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=1),
        planned_minutes=60,
        claimed_minutes=60,
        is_office_duty=False,
    )
    member_id = world.members[name]
    record = volunteering.record(world.session, world.actor(name), member_id, facts=facts, now=NOW)
    return world.session.get_one(Claim, record.claim_id)


def test_claim_counts_under_the_item_of_the_members_class(world: World) -> None:
    claims = [recorded(world, name) for name in ("党员甲", "党员乙")]

    decisions = [Decision(one.id, one.version, Action.APPROVE) for one in claims]
    results = review.review(world.session, world.actor("书记一"), decisions, now=NOW)

    assert [one.item_code for one in claims] == ["service_away", "volunteer_service"]
    assert [one.points for one in results] == [200, 100]


def test_organisers_list_claims_under_the_item_of_each_members_class(world: World) -> None:
    session, starts_at = world.session, NOW + timedelta(hours=2)
    ends_at = starts_at + timedelta(hours=1)
    plan = OpportunityPlan("清扫花坛", "花园", "", starts_at, ends_at, 60, 10, None, False)
    secretary, names = world.actor("书记一"), ("党员甲", "党员乙")
    offered = opportunities.publish(
        session, secretary, world.organizations["一支部"], plan=plan, now=NOW
    )
    lines = [
        Line(
            signups.sign_up(
                session,
                world.actor(name),
                offered.id,
                world.members[name],
                given_word="",
                now=NOW,
            ).id,
            60,
        )
        for name in names
    ]

    results = service_confirmation.confirm(session, secretary, offered.id, lines, now=ends_at)

    claims = [session.get_one(Claim, one.claim_id) for one in results]
    assert [one.item_code for one in claims] == ["service_away", "volunteer_service"]
