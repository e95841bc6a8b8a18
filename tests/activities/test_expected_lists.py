"""The expected list: by the affiliations of the day, frozen, with guests and exempt members."""

from datetime import date

import pytest

from activities import expected_lists
from activities.models import ActivityKind
from core.errors import NotFound
from members.models import (
    Affiliation,
    AffiliationKind,
    Exemption,
    ExemptionKind,
    OrganizationKind,
)
from tests.activities.lives import ABSENT, PRESENT, Life
from tests.world import LONG_AGO, NOW


def test_exempt_member_is_neither_absent_nor_deducted(life: Life) -> None:
    life.session.add(
        Exemption(
            member_id=life.world.members["党员乙"],
            kind=ExemptionKind.AGED,
            valid_from=date(2026, 1, 1),
            valid_to=date(2026, 12, 31),
            decided_by_organization_id=life.world.organizations["一支部"],
            recorded_by=life.world.members["书记一"],
        )
    )
    activity = life.meeting()

    marked = life.call(activity, life.mark("党员乙", ABSENT))
    life.close(activity, presumes_absence=True)

    assert marked[life.world.members["党员乙"]].code == "attendance.exempt"
    assert life.events(activity, "党员乙") == [(1, "exempt", "exemption")]
    assert life.points("党员乙") == []


def test_guest_is_listed_with_his_kind_and_never_absent(life: Life) -> None:
    life.session.add(
        Affiliation(
            member_id=life.world.members["党员丙"],
            organization_id=life.world.organizations["一支部"],
            kind=AffiliationKind.COMMUNITY_REGISTRATION,
            valid_from=LONG_AGO,
        )
    )
    activity = life.meeting()

    refused = life.call(activity, life.mark("党员丙", ABSENT))
    assert refused[life.world.members["党员丙"]].code == "attendance.guest"
    assert life.row(activity, "党员丙").status is None
    life.call(activity, life.mark("党员丙", PRESENT), default=None)
    life.close(activity)

    row = life.row(activity, "党员丙")
    assert (row.affiliation_kind, row.is_expected) == ("community_registration", False)
    # His own branch's scheme counts, and his own branch awards.
    assert row.home_organization_id == life.world.organizations["二支部"]
    assert life.points("党员丙") == [200]


def test_member_who_belongs_twice_stands_on_the_list_once(life: Life) -> None:
    life.session.add(
        Affiliation(
            member_id=life.world.members["党员甲"],
            organization_id=life.world.organizations["一支部"],
            kind=AffiliationKind.TEMPORARY,
            valid_from=LONG_AGO,
        )
    )
    activity = life.meeting()

    life.call(activity)

    assert life.row(activity, "党员甲").affiliation_kind == "primary"


def test_list_is_of_the_day_and_stays_as_it_was(life: Life) -> None:
    activity = life.meeting()
    life.call(activity, default=None)
    life.add_members(3)

    expected_lists.start(life.session, life.world.actor("书记一"), activity, now=NOW)
    marked = life.call(activity)

    assert len(marked) == 5


def test_invited_members_are_the_whole_list(life: Life) -> None:
    invited = tuple(life.world.members[name] for name in ("书记一", "副书记一", "党员丙"))
    activity = life.meeting(kind=ActivityKind.COMMITTEE_MEETING, invited=invited)

    marked = life.call(activity)

    # 党员丙 belongs elsewhere, and an invitation does not move him.
    assert marked.keys() == set(invited[:2])


def test_meeting_of_a_group_expects_the_group(life: Life) -> None:
    activity = life.meeting("组长", at="一组", kind=ActivityKind.GROUP_MEETING)

    marked = life.call(activity, who="组长")

    assert marked.keys() == {life.world.members["党员甲"]}


def test_temporary_branch_expects_those_who_belong_for_a_time(life: Life) -> None:
    place = life.world.add_organization("工地临时支部", OrganizationKind.TEMPORARY_BRANCH, "街道")
    life.session.add(
        Affiliation(
            member_id=life.world.members["党员甲"],
            organization_id=place,
            kind=AffiliationKind.TEMPORARY,
            valid_from=LONG_AGO,
        )
    )
    activity = life.meeting("街道干事", at="工地临时支部")

    life.call(activity, who="街道干事")
    life.close(activity, who="街道干事")

    row = life.row(activity, "党员甲")
    assert (row.status, row.is_expected, row.affiliation_kind) == ("present", True, "temporary")
    assert life.points("党员甲") == [200]


def test_joint_activity_lists_several_branches(life: Life) -> None:
    branches = tuple(life.world.organizations[name] for name in ("一支部", "二支部"))
    activity = life.meeting(
        "街道干事", at="街道", kind=ActivityKind.JOINT_ACTIVITY, organization_ids=branches
    )

    own = life.call(activity, who="书记二")
    rest = life.call(activity, who="街道干事")

    assert life.world.members["党员丙"] in own
    assert life.world.members["党员甲"] in rest
    assert not own.keys() & rest.keys()


def test_branch_does_not_draw_others_into_a_joint_activity(life: Life) -> None:
    others = (life.world.organizations["二支部"],)

    with pytest.raises(NotFound):
        life.meeting(kind=ActivityKind.JOINT_ACTIVITY, organization_ids=others)
