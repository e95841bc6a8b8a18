"""Simulating a draft over a real ledger: who changes by how much, and nothing is written."""

import random
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.background import BackgroundJob
from core.db import Base
from core.errors import NotFound
from core.ids import new_id
from members.access_models import Role
from members.models import Exemption, ExemptionKind
from points import crediting, ledger, review, scheme_simulation, simulation_reading
from points.crediting import Occasion
from points.definitions import Event
from points.models import LedgerEntry
from points.review import Action, Decision
from points.scheme_models import SchemeSimulation, SchemeSimulationChange
from points.scheme_scope import NotDelegated
from points.scheme_simulation import PeriodMismatch, Stretch
from points.simulation_reading import Report
from tests.points.schemes.drafting import changed, draft, item_of, publish
from tests.statements import counted_statements
from tests.world import NOW, World, build_world

OWN_TABLES = {SchemeSimulation.__tablename__, SchemeSimulationChange.__tablename__}
MEMBERS = ("党员甲", "党员乙", "组长", "副书记一")


@pytest.fixture
def world(session: Session) -> World:
    return build_world(session)


def approve(world: World, name: str, on: date, minutes: int) -> UUID:
    claim_id = world.add_claim(name, "一支部", minutes=minutes, happened_on=on)
    decisions = [Decision(claim_id, 1, Action.APPROVE)]
    (result,) = review.review(world.session, world.actor("书记一"), decisions, now=NOW)
    assert result.entry_id is not None, result.message
    return result.entry_id


def attend(world: World, name: str, on: date, status: str = "present") -> None:
    places = (world.organizations[one].hex for one in ("区委", "街道", "一支部"))
    occasion = Occasion(
        source_kind="attendance",
        source_id=new_id(),
        revision=1,
        member_id=world.members[name],
        organization_id=world.organizations["一支部"],
        path=f"/{'/'.join(places)}/",
        title="主题党日",
        happened_on=on,
        event=Event.ATTENDANCE,
        tags=frozenset({"theme_day"}),
        status=status,
    )
    crediting.credit(world.session, world.actor("书记一"), [occasion], now=NOW)


def simulate(
    world: World,
    scheme_id: UUID,
    *,
    through_on: date | None = None,
    name: str = "区管理员",
    year: int = 2026,
) -> Report:
    actor = world.actor(name)
    job = scheme_simulation.request(
        world.session, actor, scheme_id, stretch=Stretch(year, through_on), now=NOW
    )
    for _ in scheme_simulation.run(world.session, job.subject_id, now=NOW):
        world.session.flush()
    return simulation_reading.get_report(world.session, actor, job.subject_id)


def changes_of(world: World, report: Report) -> list[Any]:
    page = simulation_reading.list_changes(
        world.session, world.actor("区管理员"), report.simulation.id, after=None, limit=200
    )
    return list(page.items)


def lower_cap(data: dict[str, Any]) -> None:
    item_of(data, "volunteer_service")["caps"] = {"day": "8", "year": "5"}


def test_draft_changes_whom_it_should_by_what_it_should(world: World) -> None:
    """甲 served 4 + 4 + 4 h and has 4 + 4 + 2; under 5 a year he would have 4 + 1 + 0.

    乙 came to a theme day only; nothing changes for him.
    """
    for month in (2, 3, 4):
        approve(world, "党员甲", date(2026, month, 1), 240)
    attend(world, "党员乙", date(2026, 3, 1))

    report = simulate(world, draft(world, text=changed(lower_cap)).id)

    (row,) = changes_of(world, report)
    change = row.SchemeSimulationChange
    assert (row.member_name, row.organization_name, row.party_group_name) == (
        "党员甲", "一支部", "一组",
    )  # fmt: skip
    assert (change.total_before, change.total_after) == (7000, 6500)
    assert (report.changed, report.simulation.examined) == (1, 13)
    assert report.mean_delta == -38  # 5 points over 13 members, rounded half up
    assert report.moves == []


def test_moves_between_bands_are_counted(world: World) -> None:
    approve(world, "党员甲", date(2026, 2, 1), 60)

    def change(data: dict[str, Any]) -> None:
        data["bands"][2]["from"] = "61"

    report = simulate(world, draft(world, text=changed(change)).id)

    moves = {(one.band_before, one.band_after): one.members for one in report.moves}
    assert moves == {("合格", "不合格"): 12}
    assert (report.changed, report.mean_delta) == (12, 0)


def test_part_of_a_year_counts_what_happened_by_then(world: World) -> None:
    for month in (2, 3, 9):
        approve(world, "党员甲", date(2026, month, 1), 240)
    scheme_id = draft(world, text=changed(lower_cap)).id

    report = simulate(world, scheme_id, through_on=date(2026, 6, 30))

    (row,) = changes_of(world, report)
    change = row.SchemeSimulationChange
    assert (change.total_before, change.total_after) == (6800, 6500)


@pytest.mark.parametrize("seed", range(6))
def test_scheme_that_granted_the_entries_changes_nobody(world: World, seed: int) -> None:
    """Whatever was approved, attended, missed and reversed, in whatever order."""
    draw = random.Random(seed)
    entries: list[UUID] = []
    for _ in range(40):
        name = draw.choice(MEMBERS)
        on = date(2026, draw.randint(1, 10), draw.randint(1, 28))
        step = draw.random()
        if step < 0.5:
            entries.append(approve(world, name, on, draw.choice((45, 120, 300, 600))))
        elif step < 0.8:
            status = draw.choice(("present", "absent_unexcused", "leave_approved"))
            attend(world, name, on, status)
        elif entries:
            take_back(world, entries.pop(draw.randrange(len(entries))))
    assert world.scheme_version_id is not None

    report = simulate(world, world.scheme_version_id)

    assert (report.changed, report.mean_delta, report.moves) == (0, 0, [])
    assert report.simulation.examined == 13


def take_back(world: World, entry_id: UUID) -> None:
    owner = world.session.scalar(sa.select(LedgerEntry.member_id).where(LedgerEntry.id == entry_id))
    name = "副书记一" if owner != world.members["副书记一"] else "书记一"
    ledger.reverse(world.session, world.actor(name), entry_id, reason="重复", now=NOW)


def test_simulation_writes_nothing_but_what_it_found(world: World) -> None:
    for month in (2, 3, 4):
        approve(world, "党员甲", date(2026, month, 1), 240)
    scheme_id = draft(world, text=changed(lower_cap)).id
    before = everything(world.session)

    report = simulate(world, scheme_id)

    after = everything(world.session)
    assert report.changed == 1
    assert {name for name, rows in after.items() if rows != before[name]} == {
        BackgroundJob.__tablename__, *OWN_TABLES,
    }  # fmt: skip


def everything(session: Session) -> dict[str, Sequence[Any]]:
    session.flush()
    return {
        table.name: sorted(map(repr, session.execute(sa.select(table))))
        for table in Base.metadata.sorted_tables
    }


def test_changes_are_listed_by_group_and_name_whatever_the_points(world: World) -> None:
    for minutes, name in ((60, "党员乙"), (240, "组长"), (120, "党员甲"), (300, "副书记一")):
        approve(world, name, date(2026, 2, 1), minutes)

    def change(data: dict[str, Any]) -> None:
        item_of(data, "volunteer_service")["points"] = "2"

    report = simulate(world, draft(world, text=changed(change)).id)
    actor, rows, after = world.actor("审计员"), [], None
    while True:
        page = simulation_reading.list_changes(
            world.session, actor, report.simulation.id, after=after, limit=1
        )
        rows += [(row.party_group_name or "", row.member_name) for row in page.items]
        after = page.next_key
        if after is None:
            break

    # 党员甲 alone belongs to a group, whose id came after the branch's.
    assert rows == [*sorted(rows[:-1]), ("一组", "党员甲")]
    assert len(rows) == 4


def test_exempt_by_the_draft_has_no_score(world: World) -> None:
    world.session.add(
        Exemption(
            member_id=world.members["党员甲"],
            kind=ExemptionKind.AGED,
            valid_from=date(2026, 1, 1),
            valid_to=date(2027, 1, 1),
            decided_by_organization_id=world.organizations["一支部"],
            recorded_by=world.members["书记一"],
        )
    )

    report = simulate(world, draft(world, text=changed(exempt=["aged"])).id)

    (row,) = changes_of(world, report)
    assert (row.SchemeSimulationChange.total_after, row.SchemeSimulationChange.band_after) == (
        None, None,
    )  # fmt: skip


def test_subtree_with_a_nearer_scheme_is_left_out(world: World) -> None:
    publish(world, draft(world, place="街道").id, on=date(2026, 2, 1))
    approve(world, "党员甲", date(2026, 3, 1), 600)

    district = simulate(world, draft(world, text=changed(lower_cap)).id)
    street = simulate(world, draft(world, place="街道", text=changed(lower_cap)).id)

    assert (district.simulation.examined, district.changed) == (5, 0)
    assert (street.simulation.examined, street.changed) == (8, 1)


def test_simulation_is_for_those_who_write_the_scheme(world: World) -> None:
    scheme_id = draft(world, place="街道").id
    assert world.scheme_version_id is not None

    with pytest.raises(NotFound):
        simulate(world, scheme_id, name="街道干事")
    with pytest.raises(NotDelegated):
        simulate(world, world.scheme_version_id, name="街道干事")
    report = simulate(world, scheme_id)
    with pytest.raises(NotFound):
        simulation_reading.get_report(world.session, world.actor("街道干事"), report.simulation.id)


@pytest.mark.parametrize(
    ("year", "through_on", "refusal"),
    [
        (2026, date(2025, 12, 31), PeriodMismatch),
        (2026, date(2026, 11, 11), PeriodMismatch),
        (2019, None, NotFound),
    ],
)
def test_impossible_days_are_refused(
    world: World, year: int, through_on: date | None, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        simulate(world, draft(world).id, year=year, through_on=through_on)


def test_replay_goes_on_behind_the_last_chunk(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheme_simulation, "CHUNK", 3)
    approve(world, "党员甲", date(2026, 2, 1), 600)
    job = scheme_simulation.request(
        world.session,
        world.actor("区管理员"),
        draft(world, text=changed(lower_cap)).id,
        stretch=Stretch(2026),
        now=NOW,
    )

    killed = scheme_simulation.run(world.session, job.subject_id, now=NOW)
    assert next(killed).done == 3
    killed.close()
    steps = [one.done for one in scheme_simulation.run(world.session, job.subject_id, now=NOW)]
    again = list(scheme_simulation.run(world.session, job.subject_id, now=NOW))

    assert (steps, again) == ([6, 9, 12, 13], [])


@pytest.mark.parametrize("entries", [1, 30])
def test_statements_do_not_grow_with_the_entries(world: World, entries: int) -> None:
    for day in range(entries):
        attend(world, MEMBERS[day % 4], date(2026, 1 + day % 10, 1 + day % 28))
    job = scheme_simulation.request(
        world.session,
        world.actor("区管理员"),
        draft(world, text=changed(total_cap="90")).id,
        stretch=Stretch(2026),
        now=NOW,
    )
    run = scheme_simulation.run(world.session, job.subject_id, now=NOW)

    with counted_statements(world.session) as whole:
        next(run)
        with counted_statements(world.session) as end:
            list(run)

    # Lock, organisation, schemes, count; then organisation, schemes, places, entries,
    # exemptions, progress; one more where there is a change to write.
    assert len(whole) - len(end) == 10
    # Lock, organisation, schemes, nobody left, the end.
    assert len(end) == 5
    assert world.session.scalar(sa.select(SchemeSimulation.examined)) == 13


def test_roles_of_a_branch_reach_no_simulation(world: World) -> None:
    report = simulate(world, draft(world).id)

    assert not world.actor("书记一").has_role(Role.AUDITOR)
    with pytest.raises(NotFound):
        simulation_reading.list_changes(
            world.session, world.actor("书记一"), report.simulation.id, after=None, limit=1
        )
