"""Guardrail 10: a deduction has a reason, is told to the member, and waits for its window."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core.ids import new_id
from notifications import catalogue
from notifications.models import OutboxMessage
from points import bulletin_reading
from points.bulletins import NothingToPublish
from points.models import LedgerEntry
from tests.activities.lives import ABSENT, Life
from tests.points.publicity.scene import WINDOW_OVER, approve, enter, publish, publish_richer
from tests.world import NOW, World, build_world

REFUSED = r"deduction_after_window|early deduction"


@pytest.fixture
def world(session: Session) -> World:
    world = build_world(session)
    publish_richer(world)
    return world


def messages(world: World, name: str) -> list[str]:
    query = sa.select(OutboxMessage.kind).filter_by(member_id=world.members[name])
    return list(world.session.scalars(query))


def published(world: World, **more: Any) -> set[str]:
    bulletin = publish(world, **more)
    return {
        one.row.member_name
        for one in bulletin_reading.list_rows(world.session, world.actor("书记一"), bulletin)
    }


def planted_deduction(world: World, **changes: Any) -> dict[str, Any]:
    """A row of the ledger that takes two points, like an award that stands there."""
    award = world.session.execute(sa.select(LedgerEntry.__table__).limit(1)).mappings().one()
    row = {name: value for name, value in award.items() if name != "seq"}
    taken = {"id": new_id(), "claim_id": None, "asked": -200, "points": -200, "binding_cap": None}
    source = {"source_kind": "adjustment", "source_id": new_id(), "source_revision": 1}
    return row | taken | source | changes


def test_guardrail_10_deduction_without_a_reason_cannot_stand(world: World) -> None:
    enter(world, "书记一", "dues_late", "党员甲")
    for column in ("basis", "notified_on", "objection_until"):
        empty = "''" if column == "basis" else "NULL"
        refusal = pytest.raises(DBAPIError, match=r"ck_adjustment_(basis|notice)")
        with refusal, world.session.begin_nested():
            world.session.execute(sa.text(f"UPDATE adjustment SET {column} = {empty}"))  # noqa: S608


def test_guardrail_10_member_is_told_before_anything_is_posted(world: World) -> None:
    (waiting,) = enter(world, "书记一", "dues_late", "党员甲", title="党费未按时交")

    assert messages(world, "党员甲") == ["deduction_notice"]
    assert {"basis", "until"} <= catalogue.KINDS["deduction_notice"].params
    assert waiting.basis
    assert world.session.scalars(sa.select(LedgerEntry.id)).all() == []
    with pytest.raises(NothingToPublish):
        publish(world)


@pytest.mark.parametrize("source_kind", ["adjustment", "veto", "made_up"])
def test_guardrail_10_ledger_itself_refuses_a_deduction_nobody_was_told_of(
    world: World, source_kind: str
) -> None:
    approve(world, "副书记一", world.add_claim("党员甲", "一支部"))
    row = planted_deduction(world, source_kind=source_kind)

    with (
        pytest.raises(DBAPIError, match=REFUSED),
        world.session.begin_nested(),
    ):
        world.session.execute(sa.insert(LedgerEntry), row)


@pytest.mark.parametrize("days", range(8))
def test_guardrail_10_ledger_itself_refuses_a_deduction_within_its_window(
    world: World, days: int
) -> None:
    approve(world, "副书记一", world.add_claim("党员甲", "一支部"))
    (waiting,) = enter(world, "书记一", "dues_late", "党员甲")
    at = NOW + timedelta(days=days)
    row = planted_deduction(world, source_id=waiting.id, posted_at=at)

    with (
        pytest.raises(DBAPIError, match=REFUSED),
        world.session.begin_nested(),
    ):
        world.session.execute(sa.insert(LedgerEntry), row)


def test_guardrail_10_the_same_deduction_is_possible_once_its_window_is_over(world: World) -> None:
    """So that the refusals above are due to the window."""
    approve(world, "副书记一", world.add_claim("党员甲", "一支部"))
    (waiting,) = enter(world, "书记一", "dues_late", "党员甲")

    with world.session.begin_nested():
        row = planted_deduction(world, source_id=waiting.id, posted_at=WINDOW_OVER)
        world.session.execute(sa.insert(LedgerEntry), row)


def absence(world: World) -> Life:
    life = Life(world)
    activity = life.meeting(title="缺席的活动")
    life.call(activity, life.mark("党员乙", ABSENT))
    life.close(activity)
    assert life.points("党员乙") == [-200]
    return life


def test_guardrail_10_absence_is_told_once_and_kept_out_of_the_next_bulletin(world: World) -> None:
    """A roll call takes points by the scheme at once; the bulletin waits for the member's say."""
    absence(world)

    assert len(messages(world, "党员乙")) == 1
    assert "党员乙" not in published(world)


def test_guardrail_10_absence_is_published_once_its_window_is_over(world: World) -> None:
    absence(world)

    assert "党员乙" in published(world, now=WINDOW_OVER)
