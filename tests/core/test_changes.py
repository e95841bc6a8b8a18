"""The feed: who is told of what, by triggers that no code has to remember."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities import activity_life, calendar
from core import changes
from core.changes import Audience, Change, Position
from core.db import unit_of_work
from members.audiences import Circle, find_audiences
from points import review
from points.review import Action, Decision
from tests.activities.lives import Life
from tests.statements import counted_statements
from tests.world import NOW, World, build_world

# Later migrations that make one of these tables again have to keep its triggers.
WATCHED = {
    "claim": 3, "volunteer_record": 3, "pledge": 3, "ledger_entry": 1, "bulletin": 3,
    "inbox_message": 3, "affiliation": 3, "member": 1, "member_classification": 3,
    "activity": 3, "activity_organization": 2, "attendance": 3, "leave_request": 3,
}  # fmt: skip


@pytest.fixture
def world(session: Session) -> World:
    world = build_world(session)
    session.execute(sa.delete(Change))
    return world


def told(world: World) -> set[tuple[str, str | None, str | None, int]]:
    """Kind, member and organisation by name, and circle of every line; the feed is then empty."""
    names: dict[Any, str] = {
        id_: name for name, id_ in (*world.members.items(), *world.organizations.items())
    }
    columns = (Change.kind, Change.member_id, Change.organization_id, Change.circle)
    rows = world.session.execute(sa.delete(Change).returning(*columns)).all()
    return {(kind, names.get(one), names.get(place), circle) for kind, one, place, circle in rows}


def test_every_table_that_phones_hold_is_watched(session: Session, engine_kind: str) -> None:
    on = {
        "sqlite": "SELECT tbl_name, count(*) FROM sqlite_master WHERE type = 'trigger'"
        " AND name LIKE '%\\_noted\\_%' ESCAPE '\\' GROUP BY 1",
        "postgresql": "SELECT tgrelid::regclass::text, count(*) FROM pg_trigger"
        " WHERE tgname LIKE 'noted\\_%' AND tgenabled = 'O' GROUP BY 1",
    }[engine_kind]

    assert {row[0]: row[1] for row in session.execute(sa.text(on))} == WATCHED


def test_claim_is_told_to_its_member_and_to_those_who_decide(world: World) -> None:
    world.add_claim("党员甲", "一支部")

    assert told(world) == {
        ("claim", "党员甲", "一支部", Circle.DECIDERS),
        ("service_record", "党员甲", "一支部", Circle.DECIDERS),
    }


def test_batch_of_any_size_adds_no_statement(world: World, engine_kind: str) -> None:
    counts = []
    for size in (1, 40):
        ids = [world.add_claim("党员甲", "一支部", minutes=30) for _ in range(size)]
        world.session.commit()
        with counted_statements(world.session) as statements, unit_of_work(world.session):
            decisions = [Decision(one, 1, Action.APPROVE) for one in ids]
            review.review(world.session, world.actor("书记一"), decisions, now=NOW)
        counts.append(len(statements))

    assert counts[0] == counts[1]
    assert ("points_entry", "党员甲", "一支部", Circle.DECIDERS) in told(world)


def test_plan_is_told_to_leaders_and_an_announcement_to_everybody(world: World) -> None:
    activity = Life(world).meeting()
    assert told(world) == {("activity", None, "一支部", Circle.LEADERS)}

    activity_life.publish(world.session, world.actor("书记一"), activity.id, now=NOW)
    assert told(world) == {("activity", None, "一支部", Circle.EVERYBODY)}

    Life(world).call(activity)
    heard = told(world)
    assert ("activity", "党员甲", None, Circle.EVERYBODY) in heard
    assert ("activity", "党员丙", None, Circle.EVERYBODY) not in heard
    assert ("activity", None, "一支部", Circle.EVERYBODY) in heard
    calendar.list_activities(
        world.session, world.actor("党员甲"), activity.organization_id, after=None, limit=1
    )
    assert told(world) == set(), "reading notes nothing"


def test_reader_gets_his_lines_in_order_and_nobody_elses(world: World) -> None:
    for name, branch in (("党员甲", "一支部"), ("党员丙", "二支部"), ("党员乙", "一支部")):
        world.add_claim(name, branch)
    session, actor = world.session, world.actor("书记一")
    audiences = find_audiences(session, actor)
    start = Position(0, 0)

    pages, after = [], start
    while page := changes.read(session, actor.member_id, audiences, after=after, limit=2):
        pages.append(page)
        after = page[-1].position
    own = changes.read(session, world.members["党员丙"], [], after=start, limit=10)
    everybody = [Audience(world.organizations["一支部"], Circle.EVERYBODY)]

    lines = [line for page in pages for line in page]
    assert [len(page) for page in pages] == [2, 2]
    assert lines == sorted(lines)
    assert [line.kind for line in lines] == ["claim", "service_record"] * 2
    assert len(own) == 2
    assert changes.read(session, world.members["书记二"], everybody, after=start, limit=9) == []


def test_old_lines_go_and_new_ones_stay(world: World) -> None:
    world.add_claim("党员甲", "一支部")
    at = world.session.scalars(sa.select(Change.at)).first()
    assert at is not None

    assert changes.purge(world.session, ended_before=at - timedelta(seconds=1)) == 0
    assert changes.purge(world.session, ended_before=at + timedelta(seconds=1)) == 2
