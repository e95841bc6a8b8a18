"""Contact facts: once, together with the standing; retracted, said again, derived again."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from members.contact import facts, verification
from members.contact.facts import ContactFact, day_source
from members.contact.models import RecordedDay, RecordedFact, Standing
from tests.members.contact.scene import KIND, TODAY, Scene
from tests.statements import counted_statements
from tests.world import NOW

EARLIER = TODAY - timedelta(days=30)


def standing(scene: Scene, name: str) -> Standing:
    found = scene.session.get_one(Standing, scene.world.members[name])
    scene.session.refresh(found)
    return found


def dues(scene: Scene, name: str, day: date) -> ContactFact:
    member_id = scene.world.members[name]
    branch = scene.world.organizations[scene.branch]
    source = day_source(member_id, KIND.DUES_PAID, day)
    return ContactFact(member_id, KIND.DUES_PAID, day, branch, source, None)


def test_every_member_has_a_standing_from_the_first_day(scene: Scene) -> None:
    found = standing(scene, "党员甲")

    assert (found.watched_from, found.anchor_on, found.reached_on) == (date(2026, 11, 10),) * 3
    assert scene.session.scalar(sa.select(sa.func.count()).select_from(Standing)) == len(
        scene.world.members
    )


def test_facts_move_the_standing_forward_only(scene: Scene) -> None:
    scene.told("党员甲", KIND.DUES_PAID, TODAY)
    scene.told("党员甲", KIND.ATTENDANCE, EARLIER)
    scene.told("党员甲", KIND.VISIT, TODAY + timedelta(days=1))

    found = standing(scene, "党员甲")
    assert (found.last_attended_on, found.last_dues_on) == (EARLIER, TODAY)
    assert (found.anchor_on, found.reached_on) == (TODAY, TODAY + timedelta(days=1))
    assert verification.find_differences(scene.session) == []


def test_the_same_fact_is_recorded_once(scene: Scene) -> None:
    fact = dues(scene, "党员甲", TODAY)

    first = facts.record(scene.session, [fact, fact], now=NOW)
    second = facts.record(scene.session, [fact], now=NOW)

    assert (first, second) == ({fact.member_id}, set())
    assert len(scene.session.scalars(sa.select(RecordedFact)).all()) == 1


def test_a_retracted_fact_no_longer_counts_and_may_be_said_again(scene: Scene) -> None:
    facts.record(
        scene.session, [dues(scene, "党员甲", TODAY), dues(scene, "党员甲", EARLIER)], now=NOW
    )
    wrong = dues(scene, "党员甲", TODAY)

    for _ in range(2):
        facts.retract(scene.session, [wrong.source_id], actor_id=None, reason="录错", now=NOW)
        assert standing(scene, "党员甲").last_hard_on == EARLIER
        assert facts.record(scene.session, [wrong], now=NOW) == {wrong.member_id}
        assert standing(scene, "党员甲").last_hard_on == TODAY

    query = sa.select(RecordedFact.revision).filter_by(source_id=wrong.source_id)
    assert sorted(scene.session.scalars(query)) == [1, 2, 3]
    assert verification.find_differences(scene.session) == []


def test_the_day_stays_recorded_when_its_fact_is_retracted(scene: Scene) -> None:
    fact = dues(scene, "党员甲", TODAY)
    facts.record(scene.session, [fact], now=NOW)
    facts.retract(scene.session, [fact.source_id], actor_id=None, reason="录错", now=NOW)

    assert scene.session.scalars(sa.select(RecordedDay.day)).all() == [TODAY]


def test_verify_finds_a_standing_that_its_facts_do_not_say_and_rebuild_mends_it(
    scene: Scene,
) -> None:
    scene.told("党员甲", KIND.DUES_PAID, EARLIER)
    scene.session.execute(
        sa.update(Standing)
        .where(Standing.member_id == scene.world.members["党员甲"])
        .values(last_hard_on=TODAY, last_soft_on=TODAY)
    )

    assert len(verification.find_differences(scene.session)) == 2
    assert verification.rebuild(scene.session) == 1
    assert verification.find_differences(scene.session) == []
    assert standing(scene, "党员甲").anchor_on == EARLIER


@pytest.mark.parametrize("table", ["contact_fact", "contact_fact_retraction"])
@pytest.mark.parametrize("change", ["UPDATE {} SET reason_or_note = ''", "DELETE FROM {}"])
def test_facts_are_never_changed(scene: Scene, table: str, change: str) -> None:
    fact = dues(scene, "党员甲", TODAY)
    facts.record(scene.session, [fact], now=NOW)
    facts.retract(scene.session, [fact.source_id], actor_id=None, reason="录错", now=NOW)
    column = "note" if table == "contact_fact" else "reason"

    with pytest.raises(DBAPIError):
        scene.session.execute(sa.text(change.format(table).replace("reason_or_note", column)))


def test_a_soft_fact_cannot_be_stored_as_hard(scene: Scene) -> None:
    row = RecordedFact(
        member_id=scene.world.members["党员甲"],
        kind=KIND.REPLY,
        strength="hard",
        happened_on=TODAY,
        organization_id=scene.world.organizations[scene.branch],
        source_id=scene.world.members["党员甲"],
        revision=1,
        recorded_at=NOW,
        note="",
    )
    scene.session.add(row)

    with pytest.raises(DBAPIError):
        scene.session.flush()


@pytest.mark.parametrize("count", [1, 500])
def test_statements_do_not_grow_with_the_facts(scene: Scene, count: int) -> None:
    ids = scene.add_members(count)
    branch = scene.world.organizations[scene.branch]
    told = [
        ContactFact(
            one, KIND.DUES_PAID, TODAY, branch, day_source(one, KIND.DUES_PAID, TODAY), None
        )
        for one in ids
    ]
    with counted_statements(scene.session) as recording:
        facts.record(scene.session, told, now=NOW)
    with counted_statements(scene.session) as retracting:
        facts.retract(
            scene.session, [one.source_id for one in told], actor_id=None, reason="更正", now=NOW
        )

    assert (len(recording), len(retracting)) == (4, 3)
    assert verification.find_differences(scene.session) == []
