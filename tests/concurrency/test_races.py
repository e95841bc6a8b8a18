"""Conflicting decisions at the same moment, 200 times each in depth, on both engines."""

import random
from collections.abc import Iterator
from datetime import date
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.config import Settings
from members.access_models import RoleGrant
from members.role_grants import revoke
from points import claims, ledger
from points.models import Claim, ClaimStatus, LedgerEntry, Period, PeriodStatus, Quota
from points.review import Outcome
from tests.concurrency.arena import RACES, THREADS, Act, Arena, Finish
from tests.world import NOW

YEAR_CAP = 1000


@pytest.fixture
def arena(fresh_settings: Settings) -> Iterator[Arena]:
    with Arena.open(fresh_settings) as arena:
        yield arena


def entries_of(arena: Arena, member_id: UUID) -> list[int]:
    query = sa.select(LedgerEntry.points).where(LedgerEntry.member_id == member_id)
    found = arena.alone(lambda session: session.scalars(query.order_by(LedgerEntry.seq)).all())
    return list(found)


def outcome(finish: Finish) -> str:
    """The outcome of a contestant that decided one claim, or why it was refused."""
    if finish.refusal is not None:
        return finish.refusal.code
    (result,) = finish.value
    return result.code or str(result.outcome)


def test_two_secretaries_approve_one_claim_once(arena: Arena) -> None:
    claim_ids = arena.add_claims(arena.add_members(RACES))

    for claim_id in claim_ids:
        finishes = arena.race(
            arena.approve("书记一", claim_id),
            arena.approve("副书记一", claim_id),
            pauses=(arena.pause(), arena.pause()),
        )

        outcomes = sorted(outcome(finish) for finish in finishes)
        assert outcomes == ["approved", "claim.already_decided"]
    assert arena.faults() == []
    count = sa.select(sa.func.count()).select_from(LedgerEntry)
    assert arena.alone(lambda session: session.scalar(count)) == RACES


def test_no_crowd_passes_a_cap(arena: Arena) -> None:
    """Eight reviewers decide overlapping batches; each member's claims ask for far too much."""
    members_a_batch = 10
    shuffled = random.Random(1)
    for _ in range(RACES // members_a_batch):
        member_ids = arena.add_members(members_a_batch)
        batches = []
        for thread in range(THREADS):
            batch = arena.add_claims(member_ids, on=date(2026, 11, 1 + thread))
            # In another order each, so that locks taken as they come would wait in a circle.
            batches.append(shuffled.sample(batch, len(batch)))
        reviewers = ["书记一", "副书记一"] * (THREADS // 2)

        finishes = arena.race(
            *(arena.approve(who, *batch) for who, batch in zip(reviewers, batches, strict=True))
        )

        results = [result for finish in finishes for result in finish.value]
        assert {result.outcome for result in results} == {Outcome.APPROVED}
        for member_id in member_ids:
            granted = entries_of(arena, member_id)
            assert (len(granted), sum(granted)) == (THREADS, YEAR_CAP)
    assert arena.faults() == []
    over = sa.select(sa.func.count()).where(Quota.used > Quota.cap)
    assert arena.alone(lambda session: session.scalar(over)) == 0


def reverse(arena: Arena, name: str, entry_id: UUID) -> Act:
    return lambda session: ledger.reverse(
        session, arena.actor(session, name), entry_id, reason="重复申报", now=NOW
    )


def posted(arena: Arena, member_ids: list[UUID], *, minutes: int, on: date) -> list[UUID]:
    """One approved claim for each member; the ids of their entries, in the same order."""
    claim_ids = arena.add_claims(member_ids, minutes=minutes, on=on)
    results = arena.alone(arena.approve("书记一", *claim_ids))
    return [result.entry_id for result in results]


def test_approval_against_reversal_leaves_one_of_the_two_orders(arena: Arena) -> None:
    """The year is full (7 + 3 of 10); taking the 7 back frees room for a waiting 7, or later."""
    member_ids = arena.add_members(RACES)
    earlier = posted(arena, member_ids, minutes=420, on=date(2026, 11, 1))
    posted(arena, member_ids, minutes=180, on=date(2026, 11, 2))
    waiting = arena.add_claims(member_ids, on=date(2026, 11, 3))

    for member_id, entry_id, claim_id in zip(member_ids, earlier, waiting, strict=True):
        approval, reversal = arena.race(
            arena.approve("副书记一", claim_id),
            reverse(arena, "书记一", entry_id),
            pauses=(arena.pause(), arena.pause()),
        )

        assert approval.won
        assert reversal.won
        assert entries_of(arena, member_id) in ([700, 300, 0, -700], [700, 300, -700, 700])
    assert arena.faults() == []


def test_two_reversals_of_one_entry_take_it_back_once(arena: Arena) -> None:
    member_ids = arena.add_members(RACES)
    entry_ids = posted(arena, member_ids, minutes=420, on=date(2026, 11, 1))

    for member_id, entry_id in zip(member_ids, entry_ids, strict=True):
        finishes = arena.race(
            reverse(arena, "书记一", entry_id),
            reverse(arena, "副书记一", entry_id),
            pauses=(arena.pause(), arena.pause()),
        )

        refusals = [finish.refusal.code for finish in finishes if finish.refusal]
        assert refusals == ["entry.already_reversed"]
        assert entries_of(arena, member_id) == [700, -700]
    assert arena.faults() == []


def test_no_approval_commits_after_its_role_was_revoked(arena: Arena) -> None:
    """Whoever issues COMMIT after the revocation's was acknowledged has committed after it."""
    claim_ids = arena.add_claims(arena.add_members(RACES))
    grant_id = arena.alone(
        lambda session: session.scalar(
            sa.select(RoleGrant.id).where(RoleGrant.member_id == arena.world.members["书记一"])
        )
    )

    def take_role(session: Session) -> None:
        revoke(session, arena.actor(session, "街道干事"), grant_id, now=NOW)

    def give_role_back(session: Session) -> None:
        live = sa.update(RoleGrant).where(RoleGrant.id == grant_id)
        session.execute(live.values(revoked_at=None, revoked_by=None))

    for claim_id in claim_ids:
        approval, revocation = arena.race(
            arena.approve("书记一", claim_id), take_role, pauses=(arena.pause(),)
        )

        assert revocation.won
        assert outcome(approval) in {"approved", "perm.denied"}
        if approval.won:
            assert approval.commit_issued < revocation.commit_acknowledged
        arena.alone(give_role_back)
    assert arena.faults() == []


def test_closed_period_keeps_the_total_that_it_closed_with(arena: Arena) -> None:
    claim_ids = arena.add_claims(arena.add_members(RACES))
    period_id = arena.world.period_id
    total = sa.select(sa.func.coalesce(sa.func.sum(LedgerEntry.points), 0)).where(
        LedgerEntry.period_id == period_id
    )

    def set_status(session: Session, status: PeriodStatus) -> None:
        session.execute(sa.update(Period).where(Period.id == period_id).values(status=status))

    def close(session: Session) -> int | None:
        set_status(session, PeriodStatus.CLOSED)
        return session.scalar(total)

    for claim_id in claim_ids:
        approval, closing = arena.race(
            arena.approve("书记一", claim_id), close, pauses=(arena.pause(),)
        )

        # Behind the close there would be no year to take it as a late one.
        assert outcome(approval) in {"approved", "period.closed", "period.none_open"}
        assert arena.alone(lambda session: session.scalar(total)) == closing.value
        arena.alone(lambda session: set_status(session, PeriodStatus.OPEN))
    assert arena.faults() == []


def test_claim_is_approved_or_withdrawn_never_both(arena: Arena) -> None:
    claim_ids = arena.add_claims(arena.add_members(RACES))

    def withdraw(claim_id: UUID) -> Act:
        return lambda session: claims.withdraw(
            session, arena.actor(session, "党员甲"), claim_id, now=NOW
        )

    for claim_id in claim_ids:
        approval, withdrawal = arena.race(
            arena.approve("书记一", claim_id),
            withdraw(claim_id),
            pauses=(arena.pause(), arena.pause()),
        )

        claim = arena.alone(lambda session, key=claim_id: session.get_one(Claim, key))
        if withdrawal.won:
            expected = (ClaimStatus.WITHDRAWN, "claim.already_decided")
        else:
            assert withdrawal.refusal is not None
            assert withdrawal.refusal.code == "claim.already_decided"
            expected = (ClaimStatus.APPROVED, "approved")
        assert (claim.status, outcome(approval)) == expected
    assert arena.faults() == []
