"""Points without a claim: one entry per fact, deductions, exemptions, corrections."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.ids import new_id
from points import crediting, reversing, verification
from points.crediting import Occasion
from points.definitions import Event
from points.models import LedgerEntry, Period
from tests.statements import counted_statements
from tests.world import NOW, World, build_world

DAY = date(2026, 11, 7)


@pytest.fixture
def world(session: Session) -> World:
    return build_world(session)


@pytest.fixture
def attended(world: World) -> Callable[..., Occasion]:
    path = (
        "/" + "/".join(world.organizations[name].hex for name in ("区委", "街道", "一支部")) + "/"
    )

    def make(name: str = "党员甲", status: str = "present", **changes: object) -> Occasion:
        made = Occasion(
            source_kind="attendance",
            source_id=new_id(),
            revision=1,
            member_id=world.members[name],
            organization_id=world.organizations["一支部"],
            path=path,
            title="十一月主题党日",
            happened_on=DAY,
            event=Event.ATTENDANCE,
            tags=frozenset({"theme_day", "party_lecture"}),
            status=status,
        )
        return replace(made, **changes)  # type: ignore[arg-type]

    return make


def test_attendance_gives_points_once_and_absence_takes_them(
    session: Session, world: World, attended: Callable[..., Occasion]
) -> None:
    came, missed = attended("党员甲"), attended("党员乙", "absent_unexcused")

    made = crediting.credit(session, world.actor("书记一"), [came, missed], now=NOW)

    assert made[came.source_id].points == 200
    assert made[missed.source_id].points == -200
    assert verification.verify(session).findings == []


def test_same_revision_is_refused_by_the_database(
    session: Session, world: World, attended: Callable[..., Occasion]
) -> None:
    came = attended()
    crediting.credit(session, world.actor("书记一"), [came], now=NOW)

    with pytest.raises(sa.exc.IntegrityError), session.begin_nested():
        crediting.credit(session, world.actor("书记一"), [came], now=NOW)


def test_correction_reverses_and_credits_the_next_revision(
    session: Session, world: World, attended: Callable[..., Occasion]
) -> None:
    secretary, missed = world.actor("书记一"), attended("党员甲", "absent_unexcused")
    crediting.credit(session, secretary, [missed], now=NOW)
    live = reversing.live_entries(session, "attendance", [missed.source_id])
    reversing.reverse_all(session, secretary, list(live.values()), reason="记错了", now=NOW)
    came = replace(missed, status="present", revision=2)
    crediting.credit(session, secretary, [came], now=NOW)

    live = reversing.live_entries(session, "attendance", [missed.source_id])
    assert [entry.points for entry in live.values()] == [200]
    assert session.scalar(sa.select(sa.func.sum(LedgerEntry.points))) == 200
    assert verification.verify(session).findings == []


def test_deductions_stop_where_the_component_is_empty(
    session: Session, world: World, attended: Callable[..., Occasion]
) -> None:
    missed = [attended("党员甲", "absent_unexcused") for _ in range(32)]

    made = crediting.credit(session, world.actor("书记一"), missed, now=NOW)

    assert sorted(one.points for one in made.values()) == [-200] * 30 + [0, 0]
    assert verification.verify(session).findings == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"is_exempt": True, "status": "absent_unexcused"}, "豁免"),
        ({"status": "leave_approved"}, "没有相应项目"),
        ({"tags": frozenset({"training"})}, "没有相应项目"),
        ({"path": "/elsewhere/"}, "没有适用的积分方案"),
        ({"happened_on": date(2031, 1, 1)}, "结账"),
    ],
)
def test_fact_without_points_says_why(
    session: Session,
    world: World,
    attended: Callable[..., Occasion],
    changes: dict[str, object],
    reason: str,
) -> None:
    one = attended(**changes)

    made = crediting.credit(session, world.actor("书记一"), [one], now=NOW)

    assert made[one.source_id].entry_id is None
    assert reason in made[one.source_id].note


def test_closed_period_takes_no_credit(
    session: Session, world: World, attended: Callable[..., Occasion]
) -> None:
    session.execute(sa.update(Period).values(status="closed"))
    one = attended()

    assert crediting.credit(session, world.actor("书记一"), [one], now=NOW)[
        one.source_id
    ].note.startswith("该年度")


@pytest.mark.parametrize("batch", [1, 45, 500])
def test_statements_do_not_grow_with_the_batch(
    session: Session, world: World, attended: Callable[..., Occasion], batch: int
) -> None:
    occasions, actor = [attended() for _ in range(batch)], world.actor("书记一")

    with counted_statements(session) as seen:
        crediting.credit(session, actor, occasions, now=NOW)

    # Periods, schemes, quota rows locked and stored, entries.
    assert len(seen) == 5
