"""Assigned work settled while a scan runs: no stage and no case is left for what is done."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import at_local
from core.config import Settings
from core.ids import new_id
from members.contact import assigned_work, facts, scan
from members.contact.assigned_work import WorkAnswer, WorkFacts
from members.contact.assigned_work_models import AssignedWork, WorkState
from members.contact.facts import ContactFact
from members.contact.models import CaseState, ContactCase, ContactKind, Signal, StageEntry
from tests.concurrency.arena import RACES, Arena, later
from tests.world import NOW, TODAY

DUE = TODAY - timedelta(days=200)


@pytest.fixture
def arena(fresh_settings: Settings) -> Iterator[Arena]:
    with Arena.open(fresh_settings) as arena:
        yield arena


def test_work_done_while_a_scan_runs_leaves_no_stage_and_no_open_case(arena: Arena) -> None:
    """Both orders occur: the case is never made, or it is made and closed by the answer."""
    members = arena.add_members(RACES)
    branch = arena.world.organizations["一支部"]
    heard = [
        ContactFact(one, ContactKind.ANSWERED_CALL, TODAY, branch, new_id(), None)
        for one in (*members, arena.world.members["书记一"])
    ]
    met = [
        ContactFact(
            members[0],
            ContactKind.ATTENDANCE,
            DUE + timedelta(days=7 * week),
            branch,
            new_id(),
            None,
        )
        for week in range(29)
    ]
    arena.alone(lambda session: facts.record(session, [*heard, *met], now=NOW))
    outcomes = set()
    for number, member_id in enumerate(members):
        work_id = arena.alone(lambda session, one=member_id: _assign(session, arena, one))
        finishes = arena.race(
            lambda session: scan.scan(session, now=NOW),
            later(lambda session, one=work_id: _done(session, arena, one), number % 20 / 200),
            pauses=[arena.pause(), arena.pause()],
        )
        assert all(one.won for one in finishes)
        outcomes.add(arena.alone(lambda session, one=member_id: _state(session, one)))

    assert outcomes <= {(None, False), (CaseState.CLOSED, False)}


def _assign(session: Session, arena: Arena, member_id: UUID) -> UUID:
    work = WorkFacts("走访", DUE - timedelta(days=9), DUE)
    now = at_local(DUE - timedelta(days=9), 9)
    actor = arena.actor(session, "书记一")
    return assigned_work.assign(session, actor, member_id, facts=work, now=now).id


def _done(session: Session, arena: Arena, work_id: UUID) -> AssignedWork:
    actor = arena.actor(session, "书记一")
    done = WorkAnswer(WorkState.DONE, TODAY)
    return assigned_work.answer(session, actor, work_id, answer=done, version=1, now=NOW)


def _state(session: Session, member_id: UUID) -> tuple[str | None, bool]:
    case = session.scalar(sa.select(ContactCase.state).filter_by(member_id=member_id))
    stage = sa.select(StageEntry.stage).filter_by(member_id=member_id, signal=Signal.WORK)
    return case, session.scalar(stage) is not None
