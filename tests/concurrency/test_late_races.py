"""Corrections against the close of the year that they correct, with real commits."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.config import Settings
from core.ids import new_id
from members.models import Organization
from points import crediting, ledger, reversing
from points.crediting import Occasion
from points.definitions import Event
from points.models import LedgerEntry, Period
from points.statement_models import PeriodSeal
from tests.concurrency.arena import Act, Arena, Finish
from tests.concurrency.test_closing import (
    FIRST_YEAR,
    close,
    open_year,
    publish_for_the_past,
    totals_today,
)
from tests.depth import far
from tests.world import NOW

RACES = far(deep=200, quick=40)


@pytest.fixture
def arena(fresh_settings: Settings) -> Iterator[Arena]:
    with Arena.open(fresh_settings) as arena:
        arena.alone(lambda session: publish_for_the_past(session, arena))
        yield arena


def occasion(arena: Arena, session: Session, source_id: UUID, year: int, said: str) -> Occasion:
    branch = session.get_one(Organization, arena.world.organizations["一支部"])
    return Occasion(
        source_kind="attendance",
        source_id=source_id,
        revision=1 if said == "absent_unexcused" else 2,
        member_id=arena.world.members["党员乙"],
        organization_id=branch.id,
        path=branch.path,
        title="主题党日",
        happened_on=date(year, 6, 1),
        event=Event.ATTENDANCE,
        tags=frozenset({"theme_day"}),
        status=said,
    )


def attend(arena: Arena, source_id: UUID, year: int, said: str) -> Act:
    """The absence, or its correction: the old entry taken back and the new fact credited."""

    def act(session: Session) -> str:
        actor = arena.actor(session, "书记一")
        live = reversing.live_entries(session, "attendance", [source_id])
        reversing.reverse_all(session, actor, list(live.values()), reason="到会", now=NOW)
        one = occasion(arena, session, source_id, year, said)
        crediting.credit(session, actor, [one], now=NOW)
        return "corrected"

    return act


def reverse(arena: Arena, name: str, entry_id: UUID) -> Act:
    def act(session: Session) -> str:
        actor = arena.actor(session, name)
        ledger.reverse(session, actor, entry_id, reason="重复申报", now=NOW)
        return "corrected"

    return act


def entries_of(session: Session, year: int) -> list[LedgerEntry]:
    first, last = date(year, 1, 1), date(year, 12, 31)
    query = sa.select(LedgerEntry).where(LedgerEntry.happened_on.between(first, last))
    return list(session.scalars(query.order_by(LedgerEntry.seq)))


def fate(finish: Finish) -> str:
    return finish.refusal.code if finish.refusal else str(finish.value)


def test_corrections_and_a_close_make_no_wrong_total(arena: Arena) -> None:
    """Taken back where the year is open, or under its name in the next; never both, never twice."""
    fates: Counter[str] = Counter()
    places: Counter[bool] = Counter()
    for number in range(RACES):
        year = FIRST_YEAR + number
        period_id, source_id = open_year(arena, year), new_id()
        (claim_id,) = arena.add_claims(
            [arena.world.members["党员甲"]], minutes=60, on=date(year, 6, 1)
        )
        (approved,) = arena.alone(arena.approve("书记一", claim_id))
        arena.alone(attend(arena, source_id, year, "absent_unexcused"))
        acts = (
            reverse(arena, "书记一", approved.entry_id),
            reverse(arena, "副书记一", approved.entry_id),
            attend(arena, source_id, year, "present"),
        )

        *finishes, sealed = arena.race(
            *acts,
            close(year, pause_seconds=arena.pause()),
            pauses=(arena.pause(), arena.pause(), arena.pause()),
        )

        fates.update(fate(finish) for finish in finishes)
        # Whom the close has turned away comes again, and finds the next year.
        if {fate(finish) for finish in finishes[:2]} == {"period.closed"}:
            arena.alone(acts[0])
        if fate(finishes[2]) == "period.closed":
            arena.alone(acts[2])
        made = arena.alone(lambda session, key=year: entries_of(session, key))
        assert sorted(entry.points for entry in made) == [-200, -100, 100, 200, 200]
        for entry in made:
            is_late = entry.period_id != period_id
            assert entry.about_period_id == (period_id if is_late else None)
            places[is_late] += entry.reverses_id is not None
        today = arena.alone(lambda session, key=period_id: totals_today(session, key))
        assert (sealed.value.entries, sealed.value.points) == today

    assert set(fates) <= {"corrected", "period.closed", "entry.already_reversed"}
    assert min(places[True], places[False]) > RACES // 25, (fates, places)
    assert arena.faults() == []
    seals = arena.alone(lambda session: session.scalars(sa.select(PeriodSeal)).all())
    assert len(seals) == RACES
    for seal in seals:
        today = arena.alone(lambda session, key=seal.period_id: totals_today(session, key))
        assert (seal.entries, seal.points) == today
    open_left = sa.select(sa.func.count()).where(Period.status == "open")
    assert arena.alone(lambda session: session.scalar(open_left)) == 1
