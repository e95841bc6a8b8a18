"""Two publishers at once, and a publication against postings; real commits, both engines."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.config import Settings
from points import scheme_drafts, scheme_publishing
from points.models import LedgerEntry, SchemeStatus, SchemeVersion
from points.scheme_texts import SchemeText
from points.scheme_timeline import Entering
from tests.concurrency.arena import RACES, Act, Arena, later
from tests.world import NOW, SCHEME

FIRST = date(2030, 1, 1)


@pytest.fixture
def arena(fresh_settings: Settings) -> Iterator[Arena]:
    with Arena.open(fresh_settings) as arena:
        yield arena


def add_draft(arena: Arena) -> UUID:
    def act(session: Session) -> UUID:
        place = arena.world.organizations["区委"]
        return scheme_drafts.create(
            session, arena.actor(session, "区管理员"), place, text=SchemeText(SCHEME), now=NOW
        ).id

    made: UUID = arena.alone(act)
    return made


def publish(arena: Arena, scheme_id: UUID, on: date) -> Act:
    terms = Entering(1, on, "区组通〔2026〕12号")
    return lambda session: scheme_publishing.publish(
        session, arena.actor(session, "区管理员"), scheme_id, terms=terms, now=NOW
    )


def timeline(session: Session) -> list[Any]:
    return list(
        session.execute(
            sa.select(
                SchemeVersion.version, SchemeVersion.effective_from, SchemeVersion.effective_to
            )
            .where(SchemeVersion.status != SchemeStatus.DRAFT)
            .order_by(SchemeVersion.effective_from)
        )
    )


def test_two_publications_for_one_day_make_one(arena: Arena) -> None:
    """Of two drafts, or of one draft twice, in turn."""
    fates: Counter[str] = Counter()
    for number in range(RACES):
        first = add_draft(arena)
        second = first if number % 2 else add_draft(arena)
        day = FIRST + timedelta(days=number)

        finishes = arena.race(
            publish(arena, first, day),
            publish(arena, second, day),
            pauses=(arena.pause(), arena.pause()),
        )

        assert sum(finish.won for finish in finishes) == 1
        fates.update(one.refusal.code for one in finishes if one.refusal)

    versions = arena.alone(timeline)
    assert len(versions) == RACES + 1
    assert sorted(one.version for one in versions) == list(range(1, RACES + 2))
    for one, following in pairwise(versions):
        assert one.effective_to == following.effective_from
    assert fates.keys() <= {"scheme.day_taken", "conflict.version", "not_found"}


def test_publications_for_different_days_both_stand_without_a_gap(arena: Arena) -> None:
    for number in range(RACES // 4):
        drafts = [add_draft(arena), add_draft(arena)]
        days = [FIRST + timedelta(days=2 * number + step) for step in (number % 2, 1 - number % 2)]

        finishes = arena.race(
            *(publish(arena, one, on) for one, on in zip(drafts, days, strict=True)),
            pauses=(arena.pause(), arena.pause()),
        )

        assert all(finish.won for finish in finishes)
    versions = arena.alone(timeline)
    for one, following in pairwise(versions):
        assert one.effective_to == following.effective_from


def test_no_entry_is_posted_under_a_version_that_has_ended(arena: Arena) -> None:
    """Each race: an approval of a day against a publication from that very day."""
    fates: Counter[str] = Counter()
    member = arena.world.members["党员甲"]
    for number in range(RACES):
        day = date(2026, 1, 2) + timedelta(days=number)
        (claim_id,) = arena.add_claims([member], minutes=30, on=day)
        published, approved = arena.race(
            publish(arena, add_draft(arena), day),
            later(arena.approve("书记一", claim_id), number % 5 * 0.02),
            pauses=(arena.pause(), arena.pause()),
        )
        assert approved.value[0].entry_id is not None
        fates["published" if published.won else published.refusal.code] += 1  # type: ignore[union-attr]

    astray = sa.select(sa.func.count()).select_from(LedgerEntry).join(
        SchemeVersion, SchemeVersion.id == LedgerEntry.scheme_version_id
    ).where(
        (LedgerEntry.happened_on < SchemeVersion.effective_from)
        | (LedgerEntry.happened_on >= SchemeVersion.effective_to)
    )  # fmt: skip
    assert arena.alone(lambda session: session.scalar(astray)) == 0
    assert fates.keys() == {"published", "scheme.entries_posted"}
    assert arena.faults() == []
