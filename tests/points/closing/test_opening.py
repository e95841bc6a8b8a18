"""Opening a year: reset, carry over, a share; once, whatever is killed or asked for twice."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import NotFound
from core.ids import new_id
from points import opening, periods
from points.models import LedgerEntry, Period, PeriodStatus
from points.opening import AlreadyOpened, PreviousNotClosed, carried_points
from points.periods import NoOpenPeriod, PeriodClosed
from points.statement_models import PeriodOpening
from tests.points.closing.closings import LATER, LATER_DAY, close_year, statement_of
from tests.points.closing.schemes import republish
from tests.points.closing.test_closing import approve
from tests.world import World, build_world

SHARE = {"base_model": "carry_share", "carry_share": "0.2"}


@pytest.fixture
def world(session: Session) -> World:
    world = build_world(session)
    approve(world, world.add_claim("党员甲", "一支部", minutes=150))
    return world


def open_year(world: World, code: str = "2027") -> Period:
    admin = world.members["区管理员"]
    period = opening.begin(world.session, code, opened_by=admin, now=LATER)
    for _ in opening.carry(world.session, period.id, now=LATER):
        world.session.flush()
    return period


def carried(world: World) -> dict[Any, LedgerEntry]:
    query = sa.select(LedgerEntry).where(LedgerEntry.source_kind == "carry_over")
    return {entry.member_id: entry for entry in world.session.scalars(query)}


def test_reset_posts_nothing_and_is_recorded(world: World) -> None:
    close_year(world.session)

    period = open_year(world)

    assert carried(world) == {}
    record = world.session.scalars(sa.select(PeriodOpening)).one()
    assert (record.period_id, record.rollovers) == (period.id, {"reset": len(world.members)})


def test_whole_total_opens_the_next_year(world: World) -> None:
    republish(world, rollover="carry_over")
    close_year(world.session)

    period = open_year(world)

    entries = carried(world)
    mine = entries[world.members["党员甲"]]
    sealed = statement_of(world.session, mine.member_id)
    assert mine.points == sealed.total == 6250
    assert (mine.source_id, mine.period_id, mine.happened_on) == (
        sealed.id,
        period.id,
        period.starts_on,
    )
    assert len(entries) == len(world.members)


def test_share_of_the_total_opens_the_next_year(world: World) -> None:
    republish(world, **SHARE)
    close_year(world.session)

    open_year(world)

    assert carried(world)[world.members["党员甲"]].points == 1250
    assert carried(world)[world.members["党员乙"]].points == 1200


@pytest.mark.parametrize(
    ("total", "share", "points"),
    [(6250, "0.2", 1250), (3333, "0.2", 666), (1, "0.5", 0), (0, "0.2", 0), (-333, "0.2", -67)],
)
def test_share_is_rounded_down(total: int, share: str, points: int) -> None:
    scheme = {"base_model": "carry_share", "carry_share": share}

    assert carried_points(scheme, total) == points


def test_year_before_must_be_closed(world: World) -> None:
    with pytest.raises(PreviousNotClosed):
        open_year(world)


def test_first_year_takes_over_nothing(world: World) -> None:
    assert open_year(world, "2026").status == PeriodStatus.OPEN
    assert world.session.scalars(sa.select(PeriodOpening)).all() == []


@pytest.mark.parametrize("code", ["", "27", "2027a", "２０２７", "9999", "0000"])
def test_what_is_no_year_is_not_found(world: World, code: str) -> None:
    with pytest.raises(NotFound):
        open_year(world, code)


def test_year_is_opened_once(world: World) -> None:
    republish(world, rollover="carry_over")
    close_year(world.session)
    open_year(world)

    with pytest.raises(AlreadyOpened):
        open_year(world)
    assert len(carried(world)) == len(world.members)


def test_killed_carrying_goes_on_and_posts_nothing_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "CHUNK", 4)
    republish(world, rollover="carry_over")
    close_year(world.session)
    period = opening.begin(world.session, "2027", opened_by=world.members["区管理员"], now=LATER)
    first = opening.carry(world.session, period.id, now=LATER)
    next(first)
    first.close()
    assert len(carried(world)) == 4

    open_year(world)

    assert len(carried(world)) == len(world.members)


def test_second_entry_of_a_statement_is_refused_by_the_database(world: World) -> None:
    republish(world, rollover="carry_over")
    close_year(world.session)
    open_year(world)
    mine = carried(world)[world.members["党员甲"]]
    values = {c.name: getattr(mine, c.name) for c in LedgerEntry.__table__.columns}
    del values["seq"]

    with pytest.raises(sa.exc.IntegrityError), world.session.begin_nested():
        world.session.execute(sa.insert(LedgerEntry), [values | {"id": new_id()}])


def test_closed_year_takes_nothing_over(world: World) -> None:
    republish(world, rollover="carry_over")
    close_year(world.session)
    period = opening.begin(world.session, "2027", opened_by=world.members["区管理员"], now=LATER)
    period.status = PeriodStatus.CLOSING
    world.session.flush()

    with pytest.raises(PeriodClosed):
        next(opening.carry(world.session, period.id, now=LATER))


def test_late_adjustment_goes_into_the_open_year_under_the_old_ones_name(world: World) -> None:
    day = periods.get_period(world.session, "2026").ends_on
    before = periods.hold_posting_period(world.session, day)
    close_year(world.session)
    with pytest.raises(NoOpenPeriod):
        periods.hold_posting_period(world.session, day)
    opened = open_year(world)

    after = periods.hold_posting_period(world.session, day)

    old = periods.get_period(world.session, "2026")
    assert (before.period_id, before.about_period_id) == (old.id, None)
    assert (after.period_id, after.about_period_id) == (opened.id, old.id)


def test_entry_about_its_own_period_is_refused_by_the_database(world: World) -> None:
    entry = world.session.scalars(sa.select(LedgerEntry)).one()
    values = {c.name: getattr(entry, c.name) for c in LedgerEntry.__table__.columns}
    del values["seq"]
    values |= {"id": new_id(), "claim_id": None, "source_kind": "adjustment"}
    values |= {"source_id": new_id(), "source_revision": 1, "about_period_id": entry.period_id}

    with pytest.raises(sa.exc.IntegrityError, match="about_period"), world.session.begin_nested():
        world.session.execute(sa.insert(LedgerEntry), [values])


def test_opening_is_asked_for_by_an_administrator(world: World) -> None:
    close_year(world.session)
    admin = world.actor("区管理员", on=LATER_DAY)

    job = opening.request(world.session, admin, "2027", now=LATER)

    assert (job.kind, job.requested_by) == ("period.open", admin.member_id)
