"""Explanations out of the database: reversals, late adjustments, and years that took over."""

from datetime import date
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.ids import new_id
from points import crediting, explanations, periods, reversing, scores
from points.crediting import Occasion
from points.definitions import Event
from points.models import LedgerEntry
from tests.points.closing.closings import LATER, LATER_DAY, close_year
from tests.points.closing.schemes import republish
from tests.points.closing.test_opening import carried, open_year
from tests.world import NOW, World, build_world


@pytest.fixture
def world(session: Session) -> World:
    return build_world(session)


def attend(world: World, status: str, *, day: date = date(2026, 11, 7), **options: object) -> UUID:
    names = ("区委", "街道", "一支部")
    one = Occasion(
        source_kind="attendance",
        source_id=new_id(),
        revision=1,
        member_id=world.members["党员甲"],
        organization_id=world.organizations["一支部"],
        path="/" + "".join(f"{world.organizations[name].hex}/" for name in names),
        title="十一月主题党日",
        happened_on=day,
        event=Event.ATTENDANCE,
        tags=frozenset({"theme_day"}),
        status=status,
        **options,  # type: ignore[arg-type]
    )
    made = crediting.credit(world.session, world.actor("书记一"), [one], now=NOW)
    entry_id = made[one.source_id].entry_id
    assert entry_id is not None, made[one.source_id].note
    return entry_id


def told(world: World, entry_id: UUID) -> str:
    return "".join(explanations.explain(world.session, world.actor("党员甲"), entry_id).steps)


@pytest.mark.parametrize(
    ("status", "change", "freed"),
    [("present", "收回 2 分", "加分"), ("absent_unexcused", "退还 2 分", "扣分")],
)
def test_reversal_says_whose_why_and_what_it_frees(
    world: World, status: str, change: str, freed: str
) -> None:
    entry = world.session.scalars(
        sa.select(LedgerEntry).where(LedgerEntry.id == attend(world, status))
    ).one()
    made = reversing.reverse_all(
        world.session, world.actor("书记一"), [entry], reason="记错了人", now=NOW
    )

    said = told(world, made[entry.id])

    assert f"2026-11-10 由书记一冲正2026-11-10入账的“十一月主题党日”，{change}。" in said
    assert f"原因：记错了人。由此腾出的{freed}额度在同一期内可再计" in said


def test_entry_says_who_entered_it_and_where(world: World) -> None:
    said = told(world, attend(world, "present_remote"))

    assert "适用方案：党员积分起步方案第 1 版，依据活动当日（2026-11-07）。" in said
    assert "出勤情况：线上参加。" in said
    assert "2026-11-10 由书记一登记，计入一支部。公示期满无异议后转为正式积分。" in said


def test_late_adjustment_names_the_year_that_it_speaks_about(world: World) -> None:
    periods.ensure_year(world.session, 2027)
    close_year(world.session, now=LATER)

    said = told(world, attend(world, "present"))

    assert "这件事属于 2026 年度；该年度已结账，不再变动，所以记入 2027 年度。" in said


def test_carried_points_are_explained_and_count(world: World) -> None:
    attend(world, "present")
    republish(world, rollover="carry_over")
    close_year(world.session, now=LATER)
    open_year(world)
    entry = carried(world)[world.members["党员甲"]]

    steps = explanations.explain(world.session, world.actor("党员甲", on=LATER_DAY), entry.id).steps

    score = scores.load_scores(
        world.session, [entry.member_id], year=2027, on=LATER_DAY, subject="party_members"
    )[entry.member_id]

    assert "上一年度结账总分 62 分，方案规定全部结转，计入 62 分。" in steps
    # 60 to start with and 62 carried, under a total of 100.
    assert (score.components[-1].code, score.components[-1].points) == ("carry_over", 6200)
    assert score.total == 10_000
