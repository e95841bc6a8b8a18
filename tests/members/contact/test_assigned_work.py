"""Assigned work on the clock of self-withdrawal: only what is due, known and undone counts."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from core.clock import at_local
from members.contact import assigned_work, facts
from members.contact.assigned_work import (
    OwnWork,
    WorkAnswer,
    WorkAnswered,
    WorkFacts,
    WorkInvalid,
)
from members.contact.assigned_work_models import AssignedWork, WorkState
from members.contact.models import CaseState, ContactCase, StageEntry
from points.models import LedgerEntry
from tests.members.contact.scene import KIND, TODAY, Scene
from tests.statements import counted_statements

WHO = "党员甲"


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def assign(
    scene: Scene, due: date, *, name: str = WHO, written: date | None = None
) -> AssignedWork:
    """Work that was due on a day, written down five days before or when it is said."""
    on = written or due - timedelta(days=5)
    work = WorkFacts("联系三户独居老人", min(on, due), due)
    member_id, leader = scene.world.members[name], scene.world.actor("书记一")
    return assigned_work.assign(scene.session, leader, member_id, facts=work, now=at_local(on, 9))


def answer(scene: Scene, work: AssignedWork, state: WorkState, on: date = TODAY) -> AssignedWork:
    return assigned_work.answer(
        scene.session,
        scene.world.actor("书记一"),
        work.id,
        answer=WorkAnswer(state, on, "有说明"),
        version=work.version,
        now=at_local(max(on, TODAY), 9),
    )


@pytest.fixture
def reachable(scene: Scene) -> Scene:
    """He comes to everything, pays, and answers: only the assigned work is left."""
    scene.meets(ago(300), TODAY, every=7, who=[WHO, "书记一"])
    scene.told(WHO, KIND.DUES_PAID, TODAY)
    return scene


def stage(scene: Scene) -> tuple[int, date] | None:
    query = sa.select(StageEntry.stage, StageEntry.anchor_on).filter_by(
        member_id=scene.world.members[WHO], clock="self_withdrawal", signal="work"
    )
    row = scene.session.execute(query).one_or_none()
    return tuple(row) if row else None


def test_without_assigned_work_there_is_no_signal(reachable: Scene) -> None:
    reachable.scan()

    assert stage(reachable) is None


def test_work_left_undone_is_a_signal_of_its_own_from_the_day_it_was_due(reachable: Scene) -> None:
    assign(reachable, ago(190))
    assign(reachable, TODAY + timedelta(days=1), written=ago(200))

    reachable.scan()

    assert stage(reachable) == (6, ago(190))
    case = reachable.case(WHO)
    assert case is not None
    assert (case.clock, case.signal, case.anchor_on) == ("self_withdrawal", "work", ago(190))
    assert reachable.stage(WHO) == 0
    assert reachable.session.scalars(sa.select(LedgerEntry.id)).all() == []
    assert reachable.scan().crossings == []


def test_what_was_written_down_late_counts_from_that_day(reachable: Scene) -> None:
    assign(reachable, ago(190), written=ago(20))

    reachable.scan()

    assert stage(reachable) is None


def test_refused_work_counts_from_the_refusal_until_it_is_done(reachable: Scene) -> None:
    work = assign(reachable, TODAY, written=ago(199))
    refused = answer(reachable, work, WorkState.REFUSED, ago(190))

    reachable.scan()
    assert (refused.counts_from, stage(reachable)) == (ago(190), (6, ago(190)))
    with pytest.raises(WorkAnswered):
        answer(reachable, refused, WorkState.REFUSED, TODAY)
    answer(reachable, refused, WorkState.DONE)

    assert stage(reachable) is None
    assert reachable.case(WHO).state == CaseState.CLOSED  # type: ignore[union-attr]


@pytest.mark.parametrize("state", [WorkState.EXCUSED, WorkState.WITHDRAWN])
def test_excused_and_withdrawn_work_leaves_nothing_on_the_clock(
    reachable: Scene, state: WorkState
) -> None:
    work = assign(reachable, ago(190))
    reachable.scan()

    answer(reachable, work, state)

    assert stage(reachable) is None
    closed = reachable.case(WHO)
    assert closed is not None
    assert (closed.state, closed.closing_note) == (CaseState.CLOSED, "分配的工作已了结")
    assert reachable.scan().crossings == []


def test_one_piece_done_begins_the_count_of_the_others_anew(reachable: Scene) -> None:
    assign(reachable, ago(190))
    other = assign(reachable, ago(150))
    reachable.scan()

    answer(reachable, other, WorkState.DONE, ago(100))

    assert stage(reachable) is None
    reachable.scan()
    assert stage(reachable) == (3, ago(100))
    assert reachable.scan(ago(101)).crossings == []


def test_any_day_gives_what_a_scan_on_it_gave(reachable: Scene) -> None:
    work = assign(reachable, ago(190))
    then = TODAY - timedelta(days=60)
    reachable.scan(then)
    before = stage(reachable)
    answer(reachable, work, WorkState.DONE, ago(10))
    assert stage(reachable) is None

    reachable.scan(then)

    assert before is not None
    assert stage(reachable) == before


def test_work_of_a_former_branch_counts_no_more(reachable: Scene) -> None:
    assign(reachable, ago(190))
    other = reachable.world.organizations["二支部"]
    reachable.session.execute(
        sa.text("UPDATE assigned_work SET organization_id = :other"),
        {"other": other.hex if reachable.session.get_bind().dialect.name == "sqlite" else other},
    )

    reachable.scan()

    assert stage(reachable) is None


def test_nobody_assigns_to_himself_and_days_must_fit(scene: Scene) -> None:
    with pytest.raises(OwnWork):
        assign(scene, TODAY, name="书记一")
    work = assign(scene, TODAY, written=TODAY)
    with pytest.raises(WorkInvalid):
        answer(scene, work, WorkState.DONE, ago(1))
    with pytest.raises(DBAPIError), scene.session.begin_nested():
        scene.session.execute(sa.text("UPDATE assigned_work SET recorded_by = member_id"))


@pytest.mark.parametrize(
    "statement", ["UPDATE assigned_work SET note = ''", "DELETE FROM assigned_work"]
)
def test_settled_work_never_changes(scene: Scene, statement: str) -> None:
    answer(scene, assign(scene, TODAY, written=TODAY), WorkState.DONE)

    with pytest.raises(DBAPIError, match="append-only"), scene.session.begin_nested():
        scene.session.execute(sa.text(statement))


@pytest.mark.parametrize("members", [3, 300])
def test_statements_do_not_grow_with_the_work(scene: Scene, members: int) -> None:
    ids = scene.add_members(members)
    scene.meets(ago(300), TODAY, every=7, who=["书记一"])
    told = [scene.fact("书记一", KIND.ANSWERED_CALL, TODAY)]
    for name, member_id in zip([f"成员{one}" for one in range(members)], ids, strict=True):
        scene.world.members[name] = member_id
        told.append(scene.fact(name, KIND.ANSWERED_CALL, TODAY))
    facts.record(scene.session, told, now=at_local(TODAY, 8))
    by = scene.world.members["书记一"]
    place = scene.world.organizations["一支部"]
    scene.session.execute(
        sa.insert(AssignedWork),
        [
            {
                "member_id": one,
                "organization_id": place,
                "title": "走访",
                "basis": "",
                "document_number": "",
                "assigned_on": ago(200),
                "due_on": ago(190),
                "counts_from": ago(190),
                "recorded_by": by,
                "recorded_at": at_local(ago(200), 9),
                "state": "open",
                "note": "",
                "own_word": "",
                "version": 1,
            }
            for one in ids
        ],
    )
    with counted_statements(scene.session) as statements:
        result = scene.scan()

    mine = [one for one in result.crossings if one.signal == "work"]
    assert (len(mine), len(statements)) == (members, 11)
    cases = scene.session.scalar(sa.select(sa.func.count()).select_from(ContactCase))
    assert cases == members
