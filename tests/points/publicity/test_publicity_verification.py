"""`flask ledger verify` sees what was done to bulletins behind the product's back."""

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from points import bulletins, closing, objections, verification
from points.closing import BusinessWaiting, CloseTerms
from tests.points.publicity.scene import WINDOW_OVER, approve, enter, publish, publish_richer
from tests.world import NOW, World, build_world

AFTER_THE_YEAR = NOW.replace(year=2027, month=3)


@pytest.fixture
def world(session: Session) -> World:
    world = build_world(session)
    publish_richer(world)
    return world


def waiting(world: World) -> dict[str, int]:
    with pytest.raises(BusinessWaiting) as refused:
        closing.begin(world.session, "2026", begun_by=None, terms=CloseTerms(), now=AFTER_THE_YEAR)
    return {one.code: one.params["count"] for one in refused.value.problems}


def test_period_waits_for_publicity_and_deductions(world: World) -> None:
    (entry,) = approve(world, "书记一", world.add_claim("党员甲", "一支部"))
    assert waiting(world) == {"period.unpublished_entries": 1}
    publish(world)
    enter(world, "书记一", "dues_late", "党员甲")
    objections.file_on_entry(world.session, world.actor("党员乙"), entry, reason="不实", now=NOW)
    assert waiting(world) == {
        "period.pending_deductions": 1,
        "period.open_bulletins": 1,
        "period.open_objections": 1,
    }


def test_period_closes_when_all_is_published_and_confirmed(world: World) -> None:
    approve(world, "书记一", world.add_claim("党员甲", "一支部"))
    publish(world)
    bulletins.close_ripe(world.session, now=WINDOW_OVER)

    begun = closing.begin(
        world.session, "2026", begun_by=None, terms=CloseTerms(), now=AFTER_THE_YEAR
    )

    assert begun.status == "closing"


DAMAGES = {
    "a row was changed": "UPDATE bulletin_entry SET points = points + 100",
    "a name was changed": "UPDATE bulletin_entry SET member_name = '某人'",
    "the digest was changed": "UPDATE bulletin SET sha256 = 'x'",
    "a bulletin was opened again": "UPDATE bulletin SET status = 'open', closed_on = NULL",
    "a confirmation is gone": "DELETE FROM bulletin_confirmation",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_refused_or_found(world: World, damage: str) -> None:
    approve(world, "书记一", world.add_claim("党员甲", "一支部"))
    publish(world)
    bulletins.close_ripe(world.session, now=WINDOW_OVER)
    assert verification.verify(world.session).findings == []
    is_sqlite = world.session.get_bind().dialect.name == "sqlite"
    if not is_sqlite and "bulletin " not in DAMAGES[damage]:
        # The product's role has no such grant, so there is nothing left for `verify` to find.
        with pytest.raises(sa.exc.DBAPIError), world.session.begin_nested():
            world.session.execute(sa.text(DAMAGES[damage]))
        return
    for table in ("bulletin_entry", "bulletin_confirmation") if is_sqlite else ():
        for event in ("update", "delete"):
            world.session.execute(sa.text(f"DROP TRIGGER {table}_no_{event}"))
    world.session.execute(sa.text(DAMAGES[damage]))
    world.session.expire_all()

    subjects = {finding.subject for finding in verification.verify(world.session).findings}

    assert subjects - {"数据库"}


def test_upheld_objection_without_its_reversal_is_found(world: World) -> None:
    (entry,) = approve(world, "书记一", world.add_claim("党员甲", "一支部"))
    publish(world)
    made = objections.file_on_entry(
        world.session, world.actor("党员乙"), entry, reason="不实", now=NOW
    )
    upheld = sa.text(
        "UPDATE objection SET status = 'upheld', reply = '是',"
        " decided_by = (SELECT id FROM member WHERE name = '副书记一')"
    )
    world.session.execute(upheld)
    bulletins.close_ripe(world.session, now=WINDOW_OVER)

    messages = [finding.message for finding in verification.verify(world.session).findings]

    assert messages == ["异议成立，却没有冲正。"], made
