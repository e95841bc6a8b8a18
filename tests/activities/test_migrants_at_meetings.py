"""A migrant at his host's meetings: he takes part, it counts at home, and he has no vote there."""

from datetime import date

import sqlalchemy as sa

from activities import records
from activities.models import Activity
from activities.records import Voters
from members import migrant_hosts
from members.access_models import Role
from members.contact.models import RecordedFact
from members.migrant_hosts import Arrival
from members.models import OrganizationKind
from tests.activities.lives import PRESENT, Life
from tests.members.moving import Moving
from tests.world import NOW, TODAY


def general_meeting_with_a_guest(life: Life, host: str) -> Activity:
    """党员丙 of the second branch is present at a host's meeting, among its own members."""
    moving = Moving(life.world)
    arrangement = moving.arrangement("街道干事", host)
    registration = moving.register("党员丙", by="书记二", arrangement=arrangement)
    migrant_hosts.accept(
        life.session,
        life.world.actor("书记一"),
        moving.placement(registration).id,
        arrival=Arrival(date(2026, 10, 9)),
        now=NOW,
    )
    meeting = life.meeting(kind="general_meeting", at=host)
    life.call(meeting, life.mark("党员丙", PRESENT))
    return meeting


def test_guest_takes_part_without_a_vote(life: Life) -> None:
    meeting = general_meeting_with_a_guest(life, "一支部")

    row = life.row(meeting, "党员丙")
    assert (row.status, row.is_expected) == ("present", False)
    assert row.home_organization_id == life.world.organizations["二支部"]
    # Those who belong here by their primary affiliation vote.
    assert records.find_voters(life.session, meeting.id) == Voters(5, 5)


def test_roll_call_at_the_host_is_contact_for_his_own_branch(life: Life) -> None:
    meeting = general_meeting_with_a_guest(life, "一支部")

    fact = life.session.scalars(
        sa.select(RecordedFact).filter_by(member_id=life.world.members["党员丙"])
    ).one()
    assert (fact.kind, fact.strength, fact.happened_on) == ("attendance", "hard", TODAY)
    assert fact.organization_id == life.world.organizations["一支部"]
    assert fact.source_id == life.row(meeting, "党员丙").id
    standing = Moving(life.world).standing("党员丙")
    assert (standing.last_attended_on, standing.anchor_on) == (TODAY, TODAY)


def test_functional_branch_expects_a_migrant_and_gives_him_no_vote(life: Life) -> None:
    life.world.add_organization("功能支部", OrganizationKind.FUNCTIONAL_BRANCH, "街道")
    life.world.grant("书记一", Role.BRANCH_SECRETARY, "功能支部")

    meeting = general_meeting_with_a_guest(life, "功能支部")

    assert life.row(meeting, "党员丙").is_expected
    assert records.find_voters(life.session, meeting.id) == Voters(0, 0)
