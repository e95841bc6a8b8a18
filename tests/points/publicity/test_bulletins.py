"""Bulletins: what is published, once, frozen; closing confirms what stands."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.errors import NotFound
from members.access_models import Role
from points import adjustment_posting, bulletin_reading, bulletins, ledger, objections, verification
from points.bulletins import (
    AlreadyPublished,
    BulletinClosed,
    BulletinWindowOpen,
    MonthNotBegun,
    NothingToPublish,
    OpenObjections,
)
from points.publicity_models import Bulletin, BulletinConfirmation, BulletinEntry
from tests.points.publicity.scene import (
    WINDOW_OVER,
    approve,
    enter,
    publish,
    publish_richer,
)
from tests.statements import counted_statements
from tests.world import NOW, World, build_world


@pytest.fixture
def world(session: Session) -> World:
    world = build_world(session)
    publish_richer(world)
    return world


def confirmed(world: World) -> set[object]:
    return set(world.session.scalars(sa.select(BulletinConfirmation.entry_id)))


def test_rows_are_by_group_then_name_with_item_and_points_and_nothing_private(
    world: World,
) -> None:
    approve(world, "书记一", world.add_claim("党员甲", "一支部", minutes=480))
    approve(world, "副书记一", world.add_claim("党员乙", "一支部"))

    bulletin = publish(world)

    rows = bulletin_reading.list_rows(world.session, world.actor("书记一"), bulletin)
    shown = [(r.row.group_name, r.row.member_name, r.row.item_name, r.row.points) for r in rows]
    assert shown == [("", "党员乙", "志愿服务", 100), ("一组", "党员甲", "志愿服务", 800)]
    assert (bulletin.ends_on, bulletin.working_days) == (date(2026, 11, 17), 5)
    columns = {column.name for column in BulletinEntry.__table__.columns}
    assert columns == {
        "entry_id", "bulletin_id", "position", "group_name", "member_name", "item_name", "title",
        "happened_on", "points",
    }  # fmt: skip


def test_veto_and_fresh_absence_are_not_published(world: World) -> None:
    enter(world, "书记一", "discipline", "党员甲", document_number="街纪〔2026〕1 号")
    world.session.execute(
        sa.text("UPDATE adjustment SET confirmed_by = :by"),
        {"by": world.members["街道干事"].hex if _is_sqlite(world) else world.members["街道干事"]},
    )
    assert adjustment_posting.post_ripe(world.session, now=WINDOW_OVER) == 1

    with pytest.raises(NothingToPublish):
        publish(world, now=WINDOW_OVER)


def _is_sqlite(world: World) -> bool:
    return world.session.get_bind().dialect.name == "sqlite"


def test_month_is_published_once_and_late_entries_go_into_the_next(world: World) -> None:
    approve(world, "书记一", world.add_claim("党员甲", "一支部"))
    publish(world)
    (late,) = approve(world, "书记一", world.add_claim("党员乙", "一支部"))

    with pytest.raises(AlreadyPublished):
        publish(world)
    following = publish(world, month="2026-12", now=NOW + timedelta(days=25))

    rows = bulletin_reading.list_rows(world.session, world.actor("书记一"), following)
    assert [row.row.entry_id for row in rows] == [late]


def test_nothing_or_a_month_to_come_is_not_published(world: World) -> None:
    with pytest.raises(NothingToPublish):
        publish(world)
    with pytest.raises(MonthNotBegun):
        publish(world, month="2026-12")


@pytest.mark.parametrize("who", ["书记二", "街道干事", "组长", "区管理员"])
def test_only_the_branch_publishes(world: World, who: str) -> None:
    approve(world, "书记一", world.add_claim("党员甲", "一支部"))

    with pytest.raises(NotFound):
        publish(world, who)


def test_delegate_publishes(world: World) -> None:
    world.grant("党员乙", Role.DELEGATE, "一支部", valid_to=date(2026, 12, 1))
    approve(world, "书记一", world.add_claim("党员甲", "一支部"))

    assert publish(world, "党员乙").entries == 1


@pytest.mark.parametrize(
    ("who", "sees"),
    [("党员乙", True), ("街道干事", True), ("审计员", True), ("党员丙", False), ("书记三", False)],
)
def test_bulletin_is_for_its_branch_and_the_bodies_above(
    world: World, who: str, sees: bool
) -> None:
    approve(world, "书记一", world.add_claim("党员甲", "一支部"))
    bulletin = publish(world)

    if sees:
        found = bulletin_reading.get(world.session, world.actor(who), bulletin.id)
        assert found.id == bulletin.id
    else:
        with pytest.raises(NotFound):
            bulletin_reading.get(world.session, world.actor(who), bulletin.id)


def test_close_after_the_window_confirms_what_stands(world: World) -> None:
    stands, taken = approve(
        world, "书记一", world.add_claim("党员甲", "一支部"), world.add_claim("党员乙", "一支部")
    )
    bulletin = publish(world)
    before = bulletin.sha256
    ledger.reverse(world.session, world.actor("副书记一"), taken, reason="重复", now=NOW)
    with pytest.raises(BulletinWindowOpen):
        bulletins.close(
            world.session, world.actor("书记一"), bulletin.id, now=NOW + timedelta(days=7)
        )

    bulletins.close(world.session, world.actor("书记一"), bulletin.id, now=WINDOW_OVER)

    assert confirmed(world) == {stands}
    rows = bulletin_reading.list_rows(world.session, world.actor("书记一"), bulletin)
    assert sorted((row.is_withdrawn, row.is_confirmed) for row in rows) == [
        (False, True),
        (True, False),
    ]
    assert bulletin.sha256 == before
    assert verification.verify(world.session).findings == []
    with pytest.raises(BulletinClosed):
        bulletins.close(world.session, world.actor("书记一"), bulletin.id, now=WINDOW_OVER)


def test_reversal_of_what_was_confirmed_is_published_in_its_turn(world: World) -> None:
    (entry,) = approve(world, "书记一", world.add_claim("党员甲", "一支部"))
    bulletin = publish(world)
    bulletins.close_ripe(world.session, now=WINDOW_OVER)
    reversal = ledger.reverse(
        world.session, world.actor("书记一"), entry, reason="查实", now=WINDOW_OVER
    )

    following = publish(world, month="2026-12", now=NOW + timedelta(days=25))

    (row,) = bulletin_reading.list_rows(world.session, world.actor("书记一"), following)
    assert (row.row.entry_id, row.row.points) == (reversal.id, -100)
    (first,) = bulletin_reading.list_rows(world.session, world.actor("书记一"), bulletin)
    assert (first.is_withdrawn, first.row.points) == (True, 100)


def test_open_objection_keeps_a_bulletin_open(world: World) -> None:
    (entry,) = approve(world, "书记一", world.add_claim("党员甲", "一支部"))
    bulletin = publish(world)
    objections.file_on_entry(
        world.session, world.actor("党员乙"), entry, reason="时长不实", now=NOW
    )

    with pytest.raises(OpenObjections):
        bulletins.close(world.session, world.actor("书记一"), bulletin.id, now=WINDOW_OVER)
    assert bulletins.close_ripe(world.session, now=WINDOW_OVER) == 0
    assert confirmed(world) == set()


def test_job_closes_what_is_ripe_once(world: World) -> None:
    approve(world, "书记一", world.add_claim("党员甲", "一支部"))
    publish(world)

    assert bulletins.close_ripe(world.session, now=NOW) == 0
    assert bulletins.close_ripe(world.session, now=WINDOW_OVER) == 1
    assert bulletins.close_ripe(world.session, now=WINDOW_OVER) == 0


@pytest.mark.parametrize("table", ["bulletin_entry", "bulletin_confirmation"])
def test_what_was_published_is_never_changed(world: World, table: str) -> None:
    approve(world, "书记一", world.add_claim("党员甲", "一支部"))
    publish(world)
    bulletins.close_ripe(world.session, now=WINDOW_OVER)

    for change in (f"DELETE FROM {table}", f"UPDATE {table} SET entry_id = entry_id"):  # noqa: S608
        with pytest.raises(sa.exc.DBAPIError), world.session.begin_nested():
            world.session.execute(sa.text(change))


def test_bulletin_closed_within_its_window_cannot_stand(world: World) -> None:
    approve(world, "书记一", world.add_claim("党员甲", "一支部"))
    publish(world)
    early = sa.update(Bulletin).values(status="closed", closed_on=Bulletin.ends_on)

    with pytest.raises(IntegrityError), world.session.begin_nested():
        world.session.execute(early)


@pytest.mark.parametrize("count", [10, 500])
def test_publishing_and_closing_are_a_constant_number_of_statements(
    world: World, count: int
) -> None:
    members = [world.add_member(f"群众{number}", "一支部") for number in range(count)]
    assert len(members) == count
    claims = [world.add_claim(f"群众{number}", "一支部") for number in range(count)]
    approve(world, "书记一", *claims)

    with counted_statements(world.session) as publishing:
        bulletin = publish(world)
    with counted_statements(world.session) as closing:
        bulletins.close(world.session, world.actor("书记一"), bulletin.id, now=WINDOW_OVER)

    assert bulletin.entries == count
    assert len(confirmed(world)) == count
    assert (len(publishing), len(closing)) == (13, 7)
