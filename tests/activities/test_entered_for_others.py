"""Records that somebody with a role enters for a member, and what is left without the role."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities import calendar, volunteering
from activities.models import VolunteerRecord
from activities.service_rules import ServiceFacts
from core.errors import NotFound
from core.ids import new_id
from members.access_models import RoleGrant
from points.models import Claim
from tests.world import NOW, World, build_world


@pytest.fixture
def world(session: Session) -> World:
    return build_world(session)


def entered_by_the_secretary(world: World) -> VolunteerRecord:
    starts_at = NOW - timedelta(days=2)
    told: dict[str, Any] = {"organiser": "", "place": "", "external_reference": ""}
    facts = ServiceFacts(
        title="清扫社区",
        origin="organiser",
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=2),
        planned_minutes=120,
        claimed_minutes=120,
        is_office_duty=False,
        **told,
    )
    return volunteering.record(
        world.session, world.actor("书记一"), world.members["党员甲"], facts=facts, now=NOW
    )


def test_secretary_withdraws_what_he_entered_for_a_member(world: World) -> None:
    record = entered_by_the_secretary(world)

    volunteering.withdraw(world.session, world.actor("书记一"), record.id, now=NOW)

    claim = world.session.get_one(Claim, record.claim_id, populate_existing=True)
    assert claim.status == "withdrawn"


def test_revoked_role_neither_reads_nor_withdraws_what_it_entered(world: World) -> None:
    record = entered_by_the_secretary(world)
    world.session.execute(
        sa.update(RoleGrant)
        .where(RoleGrant.member_id == world.members["书记一"])
        .values(revoked_at=NOW, revoked_by=world.members["区管理员"])
    )
    former = world.actor("书记一")

    with pytest.raises(NotFound):
        volunteering.get_record(world.session, former, record.id)
    with pytest.raises(NotFound):
        volunteering.withdraw(world.session, former, record.id, now=NOW)

    claim = world.session.get_one(Claim, record.claim_id, populate_existing=True)
    assert claim.status == "pending"


def test_absent_activity_is_not_called_cancelled(world: World) -> None:
    with pytest.raises(NotFound):
        calendar.cancel(
            world.session,
            world.actor("书记一"),
            world.organizations["一支部"],
            new_id(),
            now=NOW,
        )
