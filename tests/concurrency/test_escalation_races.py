"""An answer in the last moment against the escalation that comes for it, on both engines."""

import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.config import Settings
from points import objection_decisions, objection_escalation, objections
from points.objection_decisions import Verdict
from points.publicity_models import Objection, ObjectionEvent
from tests.concurrency.arena import Arena
from tests.depth import far
from tests.world import NOW

RACES = far(deep=200, quick=40)
OVERDUE = NOW + timedelta(days=20)


@pytest.fixture
def arena(fresh_settings: Settings) -> Iterator[Arena]:
    with Arena.open(fresh_settings) as arena:
        yield arena


def contest(arena: Arena) -> UUID:
    """An objection to an entry that 书记一 has approved, for 副书记一 to answer."""
    (claim_id,) = arena.add_claims([arena.world.members["党员甲"]], minutes=30)
    (approved,) = arena.alone(arena.approve("书记一", claim_id))

    def act(session: Session) -> UUID:
        actor = arena.actor(session, "党员甲")
        return objections.file_on_entry(
            session, actor, approved.entry_id, reason="不实", now=NOW
        ).id

    objection_id: UUID = arena.alone(act)
    return objection_id


def test_objection_is_answered_below_or_goes_up_never_both(arena: Arena) -> None:
    fates: Counter[str] = Counter()
    for number in range(RACES):
        # An answer takes longer than an escalation, so it gets a start in half of the races.
        start_seconds = 0.04 * (number % 2)
        objection_id = contest(arena)

        def decide(session: Session, key: UUID = objection_id) -> Any:
            return objection_decisions.decide(
                session,
                arena.actor(session, "副书记一"),
                key,
                verdict=Verdict.UPHELD,
                reply="属实",
                now=OVERDUE,
            )

        def escalate(session: Session, start: float = start_seconds) -> int:
            time.sleep(start)
            return objection_escalation.escalate_overdue(session, now=OVERDUE)

        decided, *moved = arena.race(
            decide, escalate, escalate, pauses=(arena.pause(), arena.pause(), arena.pause())
        )

        raised = sum(one.value for one in moved)
        assert raised == (0 if decided.won else 1)
        if decided.refusal is not None:
            assert decided.refusal.code == "not_found"
        row = arena.alone(lambda session, key=objection_id: session.get_one(Objection, key))
        assert row.status == ("upheld" if decided.won else "open")
        steps = sa.select(ObjectionEvent.kind).where(ObjectionEvent.objection_id == objection_id)
        kinds = arena.alone(lambda session, query=steps: session.scalars(query).all())
        assert sorted(kinds) == sorted(["filed", "upheld" if decided.won else "escalated"])
        fates["decided" if decided.won else "escalated"] += 1

    assert min(fates["decided"], fates["escalated"]) > RACES // 25, fates
    assert arena.faults() == []
