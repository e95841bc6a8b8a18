"""The last place of a service, and its list, wanted at the same moment by several people."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities import opportunities, service_checks, service_confirmation, signups
from activities.models import VolunteerRecord
from activities.service_checks import Check
from activities.service_confirmation import Line
from activities.service_models import ServiceOpportunity, ServiceSignup
from activities.signup_rules import OpportunityPlan
from core.config import Settings
from points.models import Claim
from tests.concurrency.arena import RACES, THREADS, Act, Arena
from tests.world import NOW

START, END = NOW + timedelta(hours=2), NOW + timedelta(hours=4)
AFTER = NOW + timedelta(hours=5)
# Four tests of so many races are more than 200 together.
EACH = RACES // 4 + 5
PEOPLE = ("党员甲", "党员乙", "书记一", "副书记一", "组长")


@pytest.fixture
def arena(fresh_settings: Settings) -> Iterator[Arena]:
    with Arena.open(fresh_settings) as arena:
        yield arena


def publish(arena: Arena, count: int, *, places: int) -> list[UUID]:
    """So many services of the first branch, offered in one transaction."""
    plan = OpportunityPlan("清扫", "花园", "", START, END, 120, places, None, False)

    def act(session: Session) -> list[UUID]:
        branch = arena.world.organizations["一支部"]
        actor = arena.actor(session, "书记一")
        return [
            opportunities.publish(session, actor, branch, plan=plan, now=NOW).id
            for _ in range(count)
        ]

    found: list[UUID] = arena.alone(act)
    return found


def sign_up(arena: Arena, name: str, opportunity_id: UUID) -> Act:
    def act(session: Session) -> UUID:
        actor = arena.actor(session, name)
        made = signups.sign_up(
            session, actor, opportunity_id, actor.member_id, given_word="", now=NOW
        )
        return made.id

    return act


def withdraw(arena: Arena, name: str, signup_id: UUID) -> Act:
    return lambda session: signups.withdraw(session, arena.actor(session, name), signup_id, now=NOW)


def confirm(arena: Arena, name: str, opportunity_id: UUID, signup_id: UUID, minutes: int) -> Act:
    def act(session: Session) -> str:
        (result,) = service_confirmation.confirm(
            session,
            arena.actor(session, name),
            opportunity_id,
            [Line(signup_id, minutes)],
            now=AFTER,
        )
        return result.code or str(result.outcome)

    return act


def places_of(arena: Arena, opportunity_id: UUID) -> tuple[int, int]:
    """What the opportunity counts, and how many live sign-ups there are."""
    taken = sa.select(ServiceOpportunity.taken).where(ServiceOpportunity.id == opportunity_id)
    live = sa.select(sa.func.count(ServiceSignup.id)).where(
        ServiceSignup.opportunity_id == opportunity_id, ServiceSignup.withdrawn_at.is_(None)
    )
    return arena.alone(lambda session: (session.scalar(taken), session.scalar(live)))


def test_full_is_full(arena: Arena) -> None:
    """Five people want two places; two get them."""
    for opportunity_id in publish(arena, EACH, places=2):
        finishes = arena.race(
            *(sign_up(arena, name, opportunity_id) for name in PEOPLE),
            pauses=[arena.pause() for _ in PEOPLE],
        )

        refusals = [finish.refusal.code for finish in finishes if finish.refusal]
        assert refusals == ["opportunity.full"] * 3
        assert places_of(arena, opportunity_id) == (2, 2)


def test_one_person_takes_one_place(arena: Arena) -> None:
    for opportunity_id in publish(arena, EACH, places=5):
        act = sign_up(arena, "党员甲", opportunity_id)

        finishes = arena.race(act, act, pauses=(arena.pause(), arena.pause()))

        assert [finish.refusal.code for finish in finishes if finish.refusal] == ["signup.exists"]
        assert places_of(arena, opportunity_id) == (1, 1)


def test_place_given_back_is_taken_once(arena: Arena) -> None:
    """One leaves twice at once while others want his place."""
    for opportunity_id in publish(arena, EACH, places=1):
        signup_id = arena.alone(sign_up(arena, "党员甲", opportunity_id))

        first, second, *others = arena.race(
            withdraw(arena, "党员甲", signup_id),
            withdraw(arena, "党员甲", signup_id),
            sign_up(arena, "党员乙", opportunity_id),
            sign_up(arena, "组长", opportunity_id),
            pauses=[arena.pause() for _ in range(4)],
        )

        assert sorted((first.won, second.won)) == [False, True]
        taken = sum(other.won for other in others)
        assert taken <= 1
        assert places_of(arena, opportunity_id) == (taken, taken)


def test_list_is_confirmed_once(arena: Arena) -> None:
    for opportunity_id in publish(arena, RACES // THREADS, places=5):
        signup_id = arena.alone(sign_up(arena, "党员甲", opportunity_id))
        free_start(arena)

        finishes = arena.race(
            *(
                confirm(arena, name, opportunity_id, signup_id, 60 + n)
                for n, name in enumerate(["书记一", "副书记一"] * (THREADS // 2))
            )
        )

        told = sorted(finish.value for finish in finishes)
        assert told == ["confirmed"] + ["signup.settled"] * (THREADS - 1)
    counts = sa.select(
        sa.func.count(VolunteerRecord.id), sa.func.count(sa.distinct(VolunteerRecord.signup_id))
    )
    made, distinct = arena.alone(lambda session: session.execute(counts).one())
    claims = arena.alone(lambda session: session.scalar(sa.select(sa.func.count(Claim.id))))
    assert made == distinct == claims == RACES // THREADS


def test_late_check_out_or_confirmation_comes_first_never_between(arena: Arena) -> None:
    for opportunity_id in publish(arena, EACH, places=5):
        signup_id = arena.alone(sign_up(arena, "党员甲", opportunity_id))
        free_start(arena)

        def check(session: Session, *, is_in: bool, key: UUID = signup_id) -> None:
            step = service_checks.check_in if is_in else service_checks.check_out
            at = START if is_in else END - timedelta(minutes=30)
            actor = arena.actor(session, "党员甲")
            step(session, actor, key, check=Check(at), now=AFTER)

        arena.alone(lambda session: check(session, is_in=True))
        checked, confirmed = arena.race(
            lambda session: check(session, is_in=False),
            confirm(arena, "书记一", opportunity_id, signup_id, 100),
            pauses=(arena.pause(), arena.pause()),
        )

        assert confirmed.value == "confirmed"
        claimed = sa.select(VolunteerRecord.claimed_minutes).where(
            VolunteerRecord.signup_id == signup_id
        )
        kept = arena.alone(lambda session, query=claimed: session.scalar(query))
        assert kept == (90 if checked.won else 100)


def free_start(arena: Arena) -> None:
    """Take back the records of the races before: one person starts one service at a time."""
    records = sa.update(VolunteerRecord).values(withdrawn_at=AFTER)
    arena.alone(lambda session: session.execute(records))
