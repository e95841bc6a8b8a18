"""Postings against the close of their period, 500 times on each engine in depth."""

import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.config import Settings
from points import closing, ledger, schemes
from points.closing import CloseTerms
from points.models import LedgerEntry, Period
from points.statement_models import PeriodSeal, PeriodStatement
from tests.concurrency.arena import Act, Arena, Finish, later
from tests.depth import far
from tests.world import NOW, SCHEME

RACES = far(deep=500, quick=40)
# Each race has a year of its own, because a closed year never opens again.
FIRST_YEAR = 1500
LATER = datetime(2027, 1, 20, 2, 0, tzinfo=UTC)
FORCED = CloseTerms(force_late=True, reason="竞态测试")
MEMBERS = ("党员甲", "党员乙", "组长")


@pytest.fixture
def arena(fresh_settings: Settings) -> Iterator[Arena]:
    with Arena.open(fresh_settings) as arena:
        arena.alone(lambda session: publish_for_the_past(session, arena))
        yield arena


def publish_for_the_past(session: Session, arena: Arena) -> None:
    schemes.publish(
        session,
        arena.world.organizations["区委"],
        SCHEME,
        effective_from=date(FIRST_YEAR - 1, 1, 1),
        published_by=None,
        now=NOW,
    )


def open_year(arena: Arena, year: int) -> UUID:
    def act(session: Session) -> UUID:
        period = Period(code=str(year), starts_on=date(year, 1, 1), ends_on=date(year, 12, 31))
        session.add(period)
        session.flush()
        return period.id

    period_id: UUID = arena.alone(act)
    return period_id


def reverse(arena: Arena, name: str, entry_id: UUID) -> Act:
    return lambda session: ledger.reverse(
        session, arena.actor(session, name), entry_id, reason="重复申报", now=NOW
    )


def close(year: int, *, pause_seconds: float) -> Act:
    """All steps with their own commits, as the API and the jobs process make them."""

    def act(session: Session) -> PeriodSeal:
        period = closing.begin(session, str(year), begun_by=None, terms=FORCED, now=LATER)
        time.sleep(pause_seconds)
        session.commit()
        for _ in closing.close(session, period.id, now=LATER):
            session.commit()
        return session.get_one(PeriodSeal, period.id)

    return act


def fate(finish: Finish) -> str:
    """Whether a posting came before the close or was refused; nothing else may happen."""
    if finish.refusal is not None:
        return finish.refusal.code
    if isinstance(finish.value, LedgerEntry):
        return "posted"
    (result,) = finish.value
    return result.code or "posted"


def totals_today(session: Session, period_id: UUID) -> tuple[int, int]:
    count, points = session.execute(
        sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(LedgerEntry.points), 0)).where(
            LedgerEntry.period_id == period_id
        )
    ).one()
    return count, int(points)


def test_no_posting_gets_past_a_close(arena: Arena) -> None:
    fates: Counter[str] = Counter()
    members = [arena.world.members[name] for name in MEMBERS]

    for number in range(RACES):
        year = FIRST_YEAR + number
        period_id = open_year(arena, year)
        first, second, third = arena.add_claims(members, minutes=60, on=date(year, 6, 1))
        (earlier,) = arena.alone(arena.approve("书记一", first))

        # A close has more to do before it locks, and would hardly ever be first.
        wait = number % 4 * 0.01
        *postings, sealed = arena.race(
            later(arena.approve("书记一", second), wait),
            later(arena.approve("副书记一", third), wait),
            later(reverse(arena, "副书记一", earlier.entry_id), wait),
            close(year, pause_seconds=arena.pause()),
            pauses=(arena.pause(), arena.pause(), arena.pause()),
        )

        fates.update(fate(finish) for finish in postings)
        today = arena.alone(lambda session, key=period_id: totals_today(session, key))
        assert (sealed.value.entries, sealed.value.points) == today

    assert fates.keys() == {"posted", "period.closed"}
    assert min(fates.values()) > RACES // 25, fates
    assert arena.faults() == []
    # What was sealed in all the years, against all that stands there in the end.
    for seal, today in arena.alone(find_seals):
        assert (seal.entries, seal.points) == today


def find_seals(session: Session) -> list[tuple[PeriodSeal, tuple[int, int]]]:
    seals = session.scalars(sa.select(PeriodSeal)).all()
    assert len(seals) == RACES
    return [(seal, totals_today(session, seal.period_id)) for seal in seals]


def test_two_closes_of_one_year_make_one(arena: Arena) -> None:
    """Two jobs processes that both believe the close to be theirs."""
    for number in range(RACES // 10):
        year = FIRST_YEAR + number
        period_id = open_year(arena, year)
        claim_ids = arena.add_claims(
            [arena.world.members[name] for name in MEMBERS], on=date(year, 6, 1)
        )
        arena.alone(arena.approve("书记一", *claim_ids))
        arena.alone(
            lambda session, code=str(year): closing.begin(
                session, code, begun_by=None, terms=FORCED, now=LATER
            )
        )

        def finish(session: Session, key: UUID = period_id) -> None:
            for _ in closing.close(session, key, now=LATER):
                session.commit()

        arena.race(finish, finish, finish)

        statements = sa.select(sa.func.count()).where(PeriodStatement.period_id == period_id)
        seal = arena.alone(lambda session, key=period_id: session.get_one(PeriodSeal, key))
        assert arena.alone(lambda session, query=statements: session.scalar(query)) == 3
        assert (seal.statements, seal.entries) == (3, 3)
