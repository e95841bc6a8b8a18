"""Two meetings that evaluate one pledge, a publication twice, and amendments, with real commits."""

from collections import Counter
from collections.abc import Iterator
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities import pledge_evaluations, pledge_reviews
from activities.pledge_evaluations import Result
from activities.pledge_models import PledgeEvaluation
from activities.pledge_reviews import Ruling
from activities.pledge_states import PledgeStep
from core.config import Settings
from points.models import LedgerEntry, Quota
from tests.concurrency.arena import RACES, Act, Arena, Finish
from tests.pledging import MEETING, approved_pledges, grading
from tests.world import NOW


@pytest.fixture
def arena(fresh_settings: Settings) -> Iterator[Arena]:
    with Arena.open(fresh_settings) as arena:
        yield arena


def approved(arena: Arena, count: int) -> list[UUID]:
    def act(session: Session) -> list[UUID]:
        arena.world.session = session
        return approved_pledges(arena.world, count)

    ids: list[UUID] = arena.alone(act)
    return ids


def published(arena: Arena, count: int) -> list[UUID]:
    ids = approved(arena, count)
    arena.alone(publish(arena, "书记一"))
    return ids


def publish(arena: Arena, name: str) -> Act:
    return lambda session: pledge_reviews.publish_approved(
        session,
        arena.actor(session, name),
        arena.world.organizations["一支部"],
        year=2026,
        now=NOW,
    )


def evaluate(arena: Arena, name: str, grade: str, pledge_id: UUID, version: int) -> Act:
    def act(session: Session) -> Result:
        one = grading(pledge_id, grade, version, reason="复核")
        actor = arena.actor(session, name)
        return pledge_evaluations.evaluate(session, actor, one, meeting=MEETING, now=NOW)

    return act


def fate(finish: Finish) -> str:
    return finish.refusal.code if finish.refusal else "done"


def test_two_evaluators_make_one_entry(arena: Arena) -> None:
    fates: Counter[tuple[str, ...]] = Counter()
    for pledge_id in published(arena, RACES):
        finishes = arena.race(
            evaluate(arena, "书记一", "优", pledge_id, 2),
            evaluate(arena, "副书记一", "良", pledge_id, 2),
            pauses=(arena.pause(), arena.pause()),
        )
        fates[tuple(sorted(map(fate, finishes)))] += 1

    assert fates == {("conflict.version", "done"): RACES}
    entries, evaluations = arena.alone(
        lambda session: [
            session.scalar(sa.select(sa.func.count()).select_from(model))
            for model in (LedgerEntry, PledgeEvaluation)
        ]
    )
    assert (entries, evaluations) == (RACES, RACES)
    used = arena.alone(
        lambda session: session.scalars(
            sa.select(Quota.used).where(Quota.bucket.like("item:%"))
        ).all()
    )
    assert used == [1200, 1200]
    assert arena.faults() == []


def test_corrections_take_turns_and_leave_one_standing(arena: Arena) -> None:
    races = RACES // 4
    ids = published(arena, races)
    arena.alone(evaluate_all_of(arena, "书记一", ids))
    for pledge_id in ids:
        finishes = arena.race(
            evaluate(arena, "书记一", "中", pledge_id, 3),
            evaluate(arena, "副书记一", "良", pledge_id, 3),
            pauses=(arena.pause(), arena.pause()),
        )
        assert sorted(map(fate, finishes)) == ["conflict.version", "done"]

    def standing(session: Session) -> Counter[UUID | None]:
        rows = session.scalars(sa.select(LedgerEntry)).all()
        gone = {row.reverses_id for row in rows}
        return Counter(row.source_id for row in rows if row.source_id and row.id not in gone)

    assert set(arena.alone(standing).values()) == {1}
    assert arena.faults() == []


def test_evaluation_against_other_steps_leaves_one_winner(arena: Arena) -> None:
    def excuse(pledge_id: UUID) -> Act:
        return lambda session: pledge_reviews.decide(
            session,
            arena.actor(session, "副书记一"),
            pledge_id,
            step=PledgeStep.EXCUSE,
            ruling=Ruling(2, "住院"),
            now=NOW,
        )

    for pledge_id in published(arena, RACES // 4):
        finishes = arena.race(
            evaluate(arena, "书记一", "优", pledge_id, 2),
            excuse(pledge_id),
            pauses=(arena.pause(), arena.pause()),
        )
        assert sorted(map(fate, finishes)) == ["conflict.version", "done"]
    assert arena.faults() == []


def test_two_publications_and_a_batch_make_each_public_once(arena: Arena) -> None:
    for _ in range(RACES // 10):
        ids = approved(arena, 5)
        finishes = arena.race(
            publish(arena, "书记一"),
            publish(arena, "副书记一"),
            evaluate_all_of(arena, "书记一", ids),
            pauses=(arena.pause(), arena.pause()),
        )
        assert [finish.refusal for finish in finishes] == [None] * 3
        assert sorted(finishes[0].value + finishes[1].value) == sorted(ids)


def evaluate_all_of(arena: Arena, name: str, ids: list[UUID]) -> Act:
    """Locks the same rows in the order in which it is told of them."""

    def act(session: Session) -> int:
        gradings = [grading(pledge_id, "优", 2) for pledge_id in reversed(ids)]
        results = pledge_evaluations.evaluate_all(
            session, arena.actor(session, name), gradings, meeting=MEETING, now=NOW
        )
        return len(results)

    return act
