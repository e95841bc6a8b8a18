"""The organiser's list: as many statements for one person as for two hundred, and the walls."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities import opportunities, service_confirmation
from activities.models import VolunteerRecord
from activities.service_confirmation import Line, Outcome
from activities.service_models import ServiceOpportunity, ServiceSignup
from activities.signup_rules import OpportunityPlan
from core.ids import new_id
from members.models import Affiliation, Member, MemberKind
from points.models import Claim
from tests.statements import counted_statements
from tests.world import LONG_AGO, NOW, World, build_world

AFTER = NOW + timedelta(hours=5)


@pytest.fixture
def world(session: Session) -> World:
    return build_world(session)


def offered(world: World, *, places: int = 500) -> UUID:
    """A service of the first branch, two hours from now, of two hours."""
    plan = OpportunityPlan(
        title="清扫社区花坛",
        place="梧桐里花园",
        needs="",
        starts_at=NOW + timedelta(hours=2),
        ends_at=NOW + timedelta(hours=4),
        planned_minutes=120,
        places=places,
        issuer_id=None,
        is_office_duty=False,
    )
    branch = world.organizations["一支部"]
    return opportunities.publish(
        world.session, world.actor("书记一"), branch, plan=plan, now=NOW
    ).id


def signed_up(world: World, opportunity_id: UUID, count: int) -> list[UUID]:
    """So many new members of the first branch who signed up."""
    ids = [(new_id(), new_id()) for _ in range(count)]
    rows = {
        Member: [
            {"id": member, "name": "来人", "kind": MemberKind.FULL_MEMBER, "created_at": NOW}
            for member, _ in ids
        ],
        Affiliation: [
            {
                "member_id": member,
                "organization_id": world.organizations["一支部"],
                "valid_from": LONG_AGO,
            }
            for member, _ in ids
        ],
        ServiceSignup: [
            {
                "id": signup,
                "opportunity_id": opportunity_id,
                "member_id": member,
                "entered_by": member,
                "signed_up_at": NOW,
            }
            for member, signup in ids
        ],
    }
    for model, given in rows.items():
        world.session.execute(sa.insert(model), given)
    return [signup for _, signup in ids]


def confirm(
    world: World, opportunity_id: UUID, signups: Sequence[UUID]
) -> tuple[list[Outcome], int]:
    """The outcomes of a list of 90 minutes each, and how many statements it took."""
    lines, actor = [Line(signup_id, 90) for signup_id in signups], world.actor("书记一")
    world.session.expire_all()
    with counted_statements(world.session) as statements:
        results = service_confirmation.confirm(
            world.session, actor, opportunity_id, lines, now=AFTER
        )
    return [result.outcome for result in results], len(statements)


def test_statements_do_not_depend_on_how_many_came(world: World) -> None:
    counts = []
    for people in (1, 200):
        opportunity_id = offered(world)
        signups = signed_up(world, opportunity_id, people)
        outcomes, count = confirm(world, opportunity_id, signups)
        assert outcomes == [Outcome.CONFIRMED] * people
        counts.append(count)

    assert counts == [16, 16]
    claims = world.session.scalars(sa.select(Claim.quantity)).all()
    assert claims == [90] * 201


def test_guests_of_many_branches_cost_no_more_statements(world: World) -> None:
    opportunity_id = offered(world)
    signups = signed_up(world, opportunity_id, 30)
    for place in ("二支部", "三支部"):
        moved = sa.select(ServiceSignup.member_id).where(ServiceSignup.id.in_(signups[:10]))
        world.session.execute(
            sa.update(Affiliation)
            .where(Affiliation.member_id.in_(moved))
            .values(organization_id=world.organizations[place])
            .execution_options(synchronize_session=False)
        )
        signups = signups[10:] + signups[:10]
    _, count = confirm(world, opportunity_id, signups)

    assert count == 16
    reviewers = set(world.session.scalars(sa.select(Claim.reviewer_organization_id)))
    assert reviewers == {world.organizations[name] for name in ("一支部", "二支部", "三支部")}


def test_database_refuses_an_organiser_who_confirms_himself(world: World) -> None:
    opportunity_id = offered(world)
    confirm(world, opportunity_id, signed_up(world, opportunity_id, 1))
    himself = sa.update(VolunteerRecord).values(confirmed_by=VolunteerRecord.member_id)

    with pytest.raises(sa.exc.IntegrityError), world.session.begin_nested():
        world.session.execute(himself.execution_options(synchronize_session=False))


def test_database_refuses_more_people_than_places(world: World) -> None:
    opportunity_id = offered(world, places=1)
    full = sa.update(ServiceOpportunity).where(ServiceOpportunity.id == opportunity_id)

    with pytest.raises(sa.exc.IntegrityError), world.session.begin_nested():
        world.session.execute(full.values(taken=2).execution_options(synchronize_session=False))


def test_database_refuses_a_sign_up_for_another_without_his_word(world: World) -> None:
    opportunity_id = offered(world)
    assigned = ServiceSignup(
        opportunity_id=opportunity_id,
        member_id=world.members["党员甲"],
        entered_by=world.members["书记一"],
        signed_up_at=NOW,
    )

    world.session.add(assigned)
    with pytest.raises(sa.exc.IntegrityError):
        world.session.flush()
