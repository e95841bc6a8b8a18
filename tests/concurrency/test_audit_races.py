"""Under races the trail has one event for each transaction that committed, and no other."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from core import audit
from core.attribution import by_job
from core.audit_models import AuditEvent
from core.config import Settings
from points import claims
from tests.concurrency.arena import RACES, Act, Arena
from tests.world import NOW


@pytest.fixture
def arena(fresh_settings: Settings) -> Iterator[Arena]:
    with Arena.open(fresh_settings) as arena:
        yield arena


def named(act: Act, name: str) -> Act:
    """The act on an account of its own, by which its event is known again."""

    def attributed(session: sa.orm.Session) -> object:
        audit.attribute(session, by_job(name))
        return act(session)

    return attributed


def test_events_are_the_transactions_that_committed(arena: Arena) -> None:
    claim_ids = arena.add_claims(arena.add_members(RACES))
    committed = []

    for number, claim_id in enumerate(claim_ids):
        withdrawal = lambda session, key=claim_id: claims.withdraw(  # noqa: E731
            session, arena.actor(session, "党员甲"), key, now=NOW
        )
        acts = {"approve": arena.approve("书记一", claim_id), "withdraw": withdrawal}
        finishes = arena.race(
            *(named(act, f"{name}:{number}") for name, act in acts.items()),
            pauses=(arena.pause(), arena.pause()),
        )
        approval, withdrawn = finishes
        if withdrawn.won:
            committed.append((f"withdraw:{number}", claim_id.hex))
        elif approval.value[0].outcome == "approved":
            committed.append((f"approve:{number}", claim_id.hex))

    events = arena.alone(
        lambda session: session.execute(
            sa.select(AuditEvent.operation, AuditEvent.objects).where(
                AuditEvent.operation.contains(":")
            )
        ).all()
    )
    kept = sorted((event.operation, event.objects["claim"][0]) for event in events)
    assert kept == sorted(committed)
    assert len(committed) == RACES
