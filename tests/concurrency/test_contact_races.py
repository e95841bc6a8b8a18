"""A contact and a scan at the same moment: no case stays open for whoever has been heard from."""

import time
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.config import Settings
from core.ids import new_id
from members.contact import facts, scan, verification
from members.contact.facts import ContactFact
from members.contact.models import (
    CaseState,
    ContactCase,
    ContactKind,
    RecordedFact,
    StageEntry,
    Standing,
)
from tests.concurrency.arena import Act, Arena
from tests.depth import far
from tests.world import NOW, TODAY

CONTACT_RACES = far(deep=200, quick=24)


@pytest.fixture
def arena(fresh_settings: Settings) -> Iterator[Arena]:
    with Arena.open(fresh_settings) as arena:
        yield arena


def told(arena: Arena, member_id: UUID, days: int, kind: ContactKind) -> ContactFact:
    branch = arena.world.organizations["一支部"]
    return ContactFact(member_id, kind, TODAY - timedelta(days=days), branch, new_id(), None)


def record(*told: ContactFact) -> Act:
    return lambda session: facts.record(session, told, now=NOW)


def delayed(act: Act, seconds: float) -> Act:
    """The act after a while: a scan takes longer to come to its locks than a fact does."""

    def run(session: Session) -> object:
        time.sleep(seconds)
        return act(session)

    return run


def scanning(session: Session) -> object:
    return scan.scan(session, now=NOW)


def test_a_fact_and_a_scan_leave_no_case_that_the_fact_answers(arena: Arena) -> None:
    """Both orders occur: the case is never made, or it is made and closed by the fact."""
    kind = ContactKind.DUES_PAID
    members = arena.add_members(CONTACT_RACES)
    heard = arena.world.members["书记一"]
    arena.alone(record(told(arena, heard, 0, kind)))
    outcomes = set()
    for number, member_id in enumerate(members):
        arena.alone(record(told(arena, member_id, 100, kind)))
        finishes = arena.race(
            scanning,
            delayed(record(told(arena, member_id, 0, ContactKind.OWN_REPORT)), number % 20 / 100),
            pauses=[arena.pause(), arena.pause()],
        )
        assert all(one.won for one in finishes)
        outcomes.add(arena.alone(lambda session, one=member_id: _state(session, one)))

    assert outcomes == {None, CaseState.RECONTACTED}
    assert arena.alone(_answered) == 0
    assert arena.alone(verification.find_differences) == []


def test_two_scans_and_a_retraction_agree_with_the_facts(arena: Arena) -> None:
    kind = ContactKind.DUES_PAID
    members = arena.add_members(CONTACT_RACES)
    arena.alone(record(told(arena, arena.world.members["书记一"], 0, kind)))
    for member_id in members:
        newest = told(arena, member_id, 1, kind)
        arena.alone(record(told(arena, member_id, 100, kind), newest))

        def retract(session: Session, source_id: UUID = newest.source_id) -> object:
            return facts.retract(session, [source_id], actor_id=None, reason="录错", now=NOW)

        arena.race(
            scanning,
            scanning,
            retract,
            record(told(arena, member_id, 20, ContactKind.ANSWERED_CALL)),
            pauses=[arena.pause(), arena.pause(), arena.pause()],
        )

    assert arena.alone(verification.find_differences) == []
    query = sa.select(sa.func.max(sa.literal(1))).where(
        ContactCase.state == CaseState.OPEN, ContactCase.stage < 3
    )
    assert arena.alone(lambda session: session.scalar(query)) is None


def _state(session: Session, member_id: UUID) -> str | None:
    return session.scalar(sa.select(ContactCase.state).filter_by(member_id=member_id))


def _answered(session: Session) -> int:
    """Open cases and stages whose member has a committed hard fact later than their anchor."""
    later = RecordedFact.happened_on > ContactCase.anchor_on
    cases = (
        sa.select(sa.func.count())
        .select_from(ContactCase)
        .join(RecordedFact, (RecordedFact.member_id == ContactCase.member_id) & later)
        .where(ContactCase.state == CaseState.OPEN, RecordedFact.strength == "hard")
    )
    stages = (
        sa.select(sa.func.count())
        .select_from(StageEntry)
        .join(Standing, Standing.member_id == StageEntry.member_id)
        .where(StageEntry.clock == "lost_contact", Standing.reached_on > StageEntry.anchor_on)
    )
    return (session.scalar(cases) or 0) + (session.scalar(stages) or 0)
