"""What three reminders in vain become: a call by whoever stands nearest, or above a leader."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from points.models import Claim
from points.reminders import remind_of_claims
from tests.jobs.told import rows_of
from tests.points.publicity.scene import approve
from tests.world import NOW, World, build_world


@pytest.fixture
def world(session: Session) -> World:
    return build_world(session)


def test_after_three_weeks_in_vain_the_body_above_phones_the_reviewers(world: World) -> None:
    world.add_claim("党员甲", "一支部")

    for week in range(5):
        remind_of_claims(world.session, now=NOW + timedelta(days=7 * week))

    rows = rows_of(world, "claims_waiting")
    kept_back = [row for row in rows if row.suppressed_because == "unanswered"]
    assert (len(rows), len(kept_back)) == (10, 4)
    phoning = rows_of(world, "phone_this_member")
    assert {row.member_id for row in phoning} == {world.members["街道干事"]}
    assert sorted(row.params["name"] for row in phoning) == ["书记一", "副书记一"]


def test_a_decision_in_between_is_an_answer(world: World) -> None:
    first = world.add_claim("党员甲", "一支部")
    for week in range(6):
        now = NOW + timedelta(days=7 * week)
        remind_of_claims(world.session, now=now)
        if week == 2:
            second = world.session.get_one(Claim, world.add_claim("党员乙", "一支部"))
            second.submitted_at = now
            approve(world, "书记一", first)

    assert rows_of(world, "phone_this_member") == []
