"""Who may write, decide and read a pledge, and on which version of it."""

from datetime import date

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities import pledge_lists, pledge_reading, pledge_reviews
from activities.pledge_meetings import Meeting
from activities.pledge_reviews import Ruling
from activities.pledge_states import PledgeStatus, PledgeStep
from activities.pledge_steps import OwnPledge, StepImpossible
from core.errors import Forbidden, NotFound, VersionConflict
from members.access_models import Role, RoleGrant
from tests.pledging import Pledging
from tests.world import NOW, World, build_world

S, P = PledgeStatus, PledgeStep


@pytest.fixture
def world(session: Session) -> World:
    return build_world(session)


@pytest.fixture
def pledging(world: World) -> Pledging:
    return Pledging(world)


def test_secretarys_own_pledge_is_decided_above(world: World, pledging: Pledging) -> None:
    pledge_id = pledging.at(S.SUBMITTED, "书记一")

    for name in ("书记一", "副书记一", "书记三"):
        with pytest.raises(NotFound):
            pledging.take(pledge_id, P.APPROVE, by=name)
    pledging.take(pledge_id, P.APPROVE, by="街道干事")
    pledging.take(pledge_id, P.PUBLISH, by="书记一")
    result = pledging.grade(pledge_id, "良", by="街道干事")

    assert pledging.get(pledge_id).approval_body == "upper_committee"
    assert result.credited is not None
    assert result.credited.points == 400


def test_nobody_decides_his_own_pledge(world: World, pledging: Pledging) -> None:
    pledge_id = pledging.at(S.SUBMITTED, "副书记一")

    with pytest.raises(OwnPledge):
        pledging.take(pledge_id, P.APPROVE, by="副书记一")
    pledging.take(pledge_id, P.APPROVE, by="书记一")


def test_revoked_role_decides_nothing(world: World, pledging: Pledging) -> None:
    pledge_id = pledging.at(S.SUBMITTED)
    former = world.actor("书记一")
    world.session.execute(
        sa.update(RoleGrant)
        .where(RoleGrant.member_id == former.member_id)
        .values(revoked_at=NOW, revoked_by=world.members["区管理员"])
    )

    with pytest.raises(Forbidden):
        pledge_reviews.approve(
            world.session, former, pledge_id, meeting=Meeting(), version=2, now=NOW
        )


def test_helper_enters_for_a_member_without_a_phone(world: World, pledging: Pledging) -> None:
    pledge_id = pledging.write("党员乙", by="书记一")
    pledging.take(pledge_id, P.SUBMIT)

    kept = pledging.get(pledge_id)
    assert (kept.member_id, kept.entered_by) == (world.members["党员乙"], world.members["书记一"])
    # Whoever keeps the roster goes on with it, and so does the member himself; nobody else.
    pledging.take(pledge_id, P.WITHDRAW, by="副书记一")
    pledging.take(pledge_id, P.SUBMIT, by="党员乙")
    for name in ("党员甲", "书记三"):
        with pytest.raises(NotFound):
            pledging.take(pledge_id, P.WITHDRAW, by=name)


def test_helper_does_not_write_what_a_member_entered_himself(pledging: Pledging) -> None:
    pledge_id = pledging.at(S.PUBLISHED, "党员乙")

    with pytest.raises(NotFound):
        pledging.take(pledge_id, P.AMEND, by="书记一")


def test_draft_is_nobody_elses_to_read(world: World, pledging: Pledging) -> None:
    pledge_id = pledging.write()

    for name in ("书记一", "区管理员", "党员乙"):
        with pytest.raises(NotFound):
            pledge_reading.get(world.session, world.actor(name), pledge_id)
    with pytest.raises(NotFound):
        pledging.take(pledge_id, P.APPROVE)


def test_out_of_scope_equals_absent(world: World, pledging: Pledging) -> None:
    pledge_id = pledging.at(S.IN_PROGRESS)

    for name in ("书记三", "书记二", "党员丁"):
        with pytest.raises(NotFound):
            pledge_reading.get(world.session, world.actor(name), pledge_id)
    for step in (P.SUPERVISE, P.EVALUATE, P.EXCUSE, P.CLOSE):
        with pytest.raises(NotFound):
            pledging.take(pledge_id, step, by="书记三")
    with pytest.raises(NotFound):
        pledge_lists.list_public(
            world.session,
            world.actor("党员丁"),
            world.organizations["一支部"],
            year=2026,
            after=None,
            limit=10,
        )
    with pytest.raises(NotFound):
        pledge_reviews.publish_approved(
            world.session, world.actor("书记三"), world.organizations["一支部"], year=2026, now=NOW
        )


def test_stale_version_is_told_the_newest_state(world: World, pledging: Pledging) -> None:
    pledge_id = pledging.at(S.PUBLISHED)

    with pytest.raises(VersionConflict) as refused:
        pledge_reviews.decide(
            world.session,
            world.actor("书记一"),
            pledge_id,
            step=P.SUSPEND,
            ruling=Ruling(1, "住院"),
            now=NOW,
        )

    (problem,) = refused.value.problems
    assert problem.params == {"version": 4, "status": "published"}


def test_step_from_the_wrong_state_is_conflict(pledging: Pledging) -> None:
    pledge_id = pledging.at(S.SUBMITTED)

    with pytest.raises(StepImpossible) as refused:
        pledging.take(pledge_id, P.SUBMIT)
    assert refused.value.problems[0].params["status"] == "submitted"


def test_delegate_decides_until_his_day(world: World, pledging: Pledging) -> None:
    world.grant("党员乙", Role.DELEGATE, "一支部", valid_to=date(2026, 12, 1))

    pledging.take(pledging.at(S.SUBMITTED), P.APPROVE, by="党员乙")
