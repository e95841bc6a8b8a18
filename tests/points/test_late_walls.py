"""What the database refuses of late entries, what a batch costs, and older statements."""

import json
from collections.abc import Sequence
from datetime import date, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.ids import new_id
from points import (
    crediting,
    periods,
    reversing,
    schemes,
    statement_texts,
    statements,
)
from points.models import LedgerEntry
from tests.points.closing.closings import LATER, LATER_DAY, close_year
from tests.points.late_steps import (
    approve,
    attend,
    reverse,
    statement_of,
)
from tests.statements import counted_statements
from tests.world import NOW, World, build_world


@pytest.fixture
def world(session: Session) -> World:
    """Two years are open; tests close the first after something has happened in it."""
    world = build_world(session)
    periods.ensure_year(session, 2027)
    return world


@pytest.mark.parametrize("count", [1, 100])
def test_late_reversals_are_a_constant_number_of_statements(world: World, count: int) -> None:
    approve(world, *(world.add_claim("党员乙", "一支部", minutes=30) for _ in range(count)))
    close_year(world.session)
    entries: Sequence[LedgerEntry] = world.session.scalars(sa.select(LedgerEntry)).all()
    actor = world.actor("书记一", on=LATER_DAY)

    with counted_statements(world.session) as seen:
        reversing.reverse_all(world.session, actor, entries, reason="误报", now=LATER)

    # Periods open and shut, scheme codes, quota rows held and stored, reversed before, entries,
    # messages.
    assert len(seen) == 8


def test_database_refuses_a_late_entry_without_its_year(world: World) -> None:
    (entry_id,) = approve(world, world.add_claim("党员甲", "一支部"))
    close_year(world.session)
    made = reverse(world, entry_id)
    values = {c.name: getattr(made, c.name) for c in LedgerEntry.__table__.columns}
    del values["seq"]
    world.session.execute(sa.text("DELETE FROM outbox_message"))
    (other,) = approve(
        world, world.add_claim("党员乙", "一支部", happened_on=date(2027, 1, 9)), now=LATER
    )
    original = world.session.scalars(sa.select(LedgerEntry).where(LedgerEntry.id == other)).one()
    old = periods.get_period(world.session, "2026")

    wrong = (
        {"reverses_id": other, "about_period_id": old.id},
        {"reverses_id": other, "period_id": old.id, "about_period_id": None},
        {"reverses_id": other, "period_id": old.id, "about_period_id": original.period_id},
    )
    for changes in wrong:
        with (
            pytest.raises(sa.exc.IntegrityError, match=r"late.entry"),
            world.session.begin_nested(),
        ):
            world.session.execute(sa.insert(LedgerEntry), [values | {"id": new_id()} | changes])


def test_statement_sealed_before_this_rule_is_reproduced_as_it_was(world: World) -> None:
    """The first form of the text counted late entries under the bounds of their part."""
    missed = attend(world, "党员甲", "absent_unexcused")
    crediting.credit(world.session, world.actor("书记一"), [missed], now=NOW)
    close_year(world.session)
    live = reversing.live_entries(world.session, "attendance", [missed.source_id])
    actor = world.actor("书记一", on=LATER_DAY)
    reversing.reverse_all(world.session, actor, list(live.values()), reason="记错", now=LATER)
    periods.ensure_year(world.session, 2028)
    close_year(world.session, "2027", now=datetime(2028, 1, 20, 2, 0, tzinfo=LATER.tzinfo))
    mine = statement_of(world.session, world.members["党员甲"], "2027")
    said = statement_texts.read(mine.content)
    assert said is not None
    query = statements.entries_of(mine.period_id, mine.subject)
    rows = world.session.execute(query.where(LedgerEntry.member_id == mine.member_id)).all()
    definition, _ = schemes.get_definition(world.session, mine.scheme_version_id or new_id())

    first = statement_texts.compose(said.facts, definition, rows, version=1)

    assert (json.loads(first)["v"], json.loads(first)["score"]["total"]) == (1, 6000)
    assert (said.version, mine.total) == (2, 6200)
