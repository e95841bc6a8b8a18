"""Publishing, objecting, deciding and undoing at the same moment, on both engines."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.config import Settings
from points import bulletins, ledger, objection_decisions, objections, review_batches, schemes
from points.models import Claim, ClaimStatus, LedgerEntry, Period
from points.objection_decisions import Verdict
from points.publicity_models import BulletinConfirmation, BulletinEntry
from points.review import Action, Decision
from points.review_batches import Reviewed, Undone
from tests.concurrency.arena import RACES, Act, Arena, Finish
from tests.world import NOW, SCHEME

# After all the months that the races publish.
LONG_AFTER = NOW.replace(year=2045)


@pytest.fixture
def arena(fresh_settings: Settings) -> Iterator[Arena]:
    with Arena.open(fresh_settings) as arena:
        yield arena


def month_of(number: int) -> str:
    """A branch publishes a month once, so each race has one of its own, all of them past."""
    year, month = divmod(2008 * 12 + number, 12)
    return f"{year}-{month + 1:02d}"


def publish(arena: Arena, who: str, month: str) -> Act:
    branch = arena.world.organizations["一支部"]
    return lambda session: bulletins.publish(
        session, arena.actor(session, who), branch, month, now=LONG_AFTER
    )


def posted(arena: Arena, count: int, *, on: date = date(2026, 11, 2)) -> list[UUID]:
    claim_ids = arena.add_claims(arena.add_members(count), minutes=60, on=on)
    results = arena.alone(arena.approve("书记一", *claim_ids))
    return [result.entry_id for result in results]


def codes(finishes: list[Finish]) -> list[str]:
    return sorted(one.refusal.code if one.refusal else "won" for one in finishes)


def reverse(arena: Arena, who: str, entry_id: UUID) -> Act:
    return lambda session: ledger.reverse(
        session, arena.actor(session, who), entry_id, reason="重复申报", now=NOW
    )


def test_two_publications_of_a_month_make_one(arena: Arena) -> None:
    """And of two months at once, each takes other entries."""
    arena.alone(lambda session: _open_the_past(session, arena))
    for number in range(RACES):
        month = month_of(number)
        arena.alone(lambda session: _post_directly(session, arena))

        finishes = arena.race(
            publish(arena, "书记一", month),
            publish(arena, "副书记一", month),
            publish(arena, "副书记一", month_of(number + RACES)),
            pauses=(arena.pause(), arena.pause(), arena.pause()),
        )

        assert codes(finishes)[-1] == "won"
        assert set(codes(finishes)) <= {"won", "bulletin.already_published", "bulletin.empty"}
        assert codes(finishes).count("won") == 1
    count = sa.select(sa.func.count()).select_from(BulletinEntry)
    assert arena.alone(lambda session: session.scalar(count)) == RACES
    assert arena.faults() == []


def _open_the_past(session: Session, arena: Arena) -> None:
    """A year before all the months, with the scheme that was in force from then on."""
    session.add(Period(code="2007", starts_on=date(2007, 1, 1), ends_on=date(2007, 12, 31)))
    schemes.publish(
        session,
        arena.world.organizations["区委"],
        SCHEME,
        effective_from=date(2007, 1, 1),
        published_by=None,
        now=NOW,
    )


def _post_directly(session: Session, arena: Arena) -> None:
    """One approved claim of a day before all the months."""
    (claim_id,) = arena.add_claims(arena.add_members(1), minutes=60, on=date(2007, 6, 1))
    (result,) = arena.approve("书记一", claim_id)(session)
    assert result.entry_id is not None


def test_close_against_objection_leaves_one_of_the_two_orders(arena: Arena) -> None:
    fates: Counter[str] = Counter()
    for number in range(RACES):
        (entry_id,) = posted(arena, 1)
        year, month = divmod(2026 * 12 + 10 + number, 12)
        now = NOW.replace(year=year, month=month + 1, day=10)
        bulletin = arena.alone(
            lambda session, at=now: bulletins.publish(
                session,
                arena.actor(session, "书记一"),
                arena.world.organizations["一支部"],
                f"{at:%Y-%m}",
                now=at,
            )
        )
        later = now + timedelta(days=20)

        closed, objected = arena.race(
            lambda session, key=bulletin.id, at=later: bulletins.close(
                session, arena.actor(session, "副书记一"), key, now=at
            ),
            lambda session, key=entry_id: objections.file_on_entry(
                session, arena.actor(session, "党员乙"), key, reason="不实", now=NOW
            ),
            pauses=(arena.pause(), arena.pause()),
        )

        assert closed.won != objected.won, codes([closed, objected])
        fates["closed" if closed.won else "objected"] += 1
        if objected.won:
            assert codes([closed]) == ["bulletin.open_objections"]
            arena.alone(
                lambda session, key=objected.value.id: objections.withdraw(
                    session, arena.actor(session, "党员乙"), key, now=NOW
                )
            )
            assert arena.alone(lambda s, at=later: bulletins.close_ripe(s, now=at)) == 1
        else:
            assert codes([objected]) == ["objection.too_late"]
    assert min(fates.values()) > RACES // 25, fates
    count = sa.select(sa.func.count()).select_from(BulletinConfirmation)
    assert arena.alone(lambda session: session.scalar(count)) == RACES
    assert arena.faults() == []


def decide(arena: Arena, who: str, objection_id: UUID, verdict: Verdict) -> Act:
    return lambda session: objection_decisions.decide(
        session, arena.actor(session, who), objection_id, verdict=verdict, reply="答复", now=NOW
    )


def test_two_decisions_on_one_objection_make_one(arena: Arena) -> None:
    entry_ids = posted(arena, RACES)
    arena.alone(publish(arena, "书记一", "2026-11"))
    for entry_id in entry_ids:
        objection = arena.alone(
            lambda session, key=entry_id: objections.file_on_entry(
                session, arena.actor(session, "党员乙"), key, reason="不实", now=NOW
            )
        )

        finishes = arena.race(
            decide(arena, "副书记一", objection.id, Verdict.UPHELD),
            decide(arena, "副书记一", objection.id, Verdict.REJECTED),
            pauses=(arena.pause(), arena.pause()),
        )

        assert codes(finishes) == ["objection.already_decided", "won"]
        reversals = sa.select(sa.func.count()).where(LedgerEntry.reverses_id == entry_id)
        assert arena.alone(lambda s, query=reversals: s.scalar(query)) == finishes[0].won
    assert arena.faults() == []


def reviewed(arena: Arena, claim_id: UUID) -> Reviewed:
    decisions = [Decision(claim_id, 1, Action.APPROVE)]
    made: Reviewed = arena.alone(
        lambda session: review_batches.decide(
            session, arena.actor(session, "书记一"), decisions, now=NOW
        )
    )
    return made


def test_undo_against_reversal_and_a_second_decision_takes_the_points_back_once(
    arena: Arena,
) -> None:
    fates: Counter[str] = Counter()
    for claim_id in arena.add_claims(arena.add_members(RACES)):
        made = reviewed(arena, claim_id)
        entry_id = made.results[0].entry_id
        assert entry_id is not None
        assert made.review_id is not None

        undone, again, reversed_, second = arena.race(
            lambda session, key=made.review_id: review_batches.undo(
                session, arena.actor(session, "书记一"), key, now=NOW
            ),
            lambda session, key=made.review_id: review_batches.undo(
                session, arena.actor(session, "书记一"), key, now=NOW
            ),
            reverse(arena, "副书记一", entry_id),
            arena.approve("副书记一", claim_id),
            pauses=(arena.pause(), arena.pause(), arena.pause(), arena.pause()),
        )

        assert codes([undone, again]) == ["review.already_undone", "won"]
        (refused,) = second.value
        assert refused.code == "claim.already_decided"
        outcome: Undone = (undone if undone.won else again).value
        assert (outcome.reversed == 1) != reversed_.won
        claim = arena.alone(lambda session, key=claim_id: session.get_one(Claim, key))
        live = ClaimStatus.APPROVED if reversed_.won else ClaimStatus.UNDONE
        assert claim.status == live
        fates[live] += 1
    assert min(fates.values()) > 0, fates
    total = sa.select(sa.func.sum(LedgerEntry.points))
    assert arena.alone(lambda session: session.scalar(total)) == 0
    assert arena.faults() == []
