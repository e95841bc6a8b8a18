"""Two changes of the tree, or of one person's place, at the same moment, on both engines."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from core.config import Settings
from members.affiliations import Belonging, transfer
from members.models import Affiliation, Organization, OrganizationKind
from members.organization_moves import Relocation, move
from tests.concurrency.arena import RACES, Act, Arena
from tests.world import NOW, TODAY


@pytest.fixture
def arena(fresh_settings: Settings) -> Iterator[Arena]:
    with Arena.open(fresh_settings) as arena:
        yield arena


def versions(arena: Arena) -> dict[UUID, int]:
    query = sa.select(Organization.id, Organization.version)
    return {row[0]: row[1] for row in arena.alone(lambda session: session.execute(query).all())}


def relocate(arena: Arena, moved: UUID, under: UUID, version: int) -> Act:
    data = Relocation(under, "调整", version)
    return lambda session: move(
        session, arena.actor(session, "区管理员"), moved, data=data, now=NOW
    )


def misplaced(arena: Arena) -> list[str]:
    """Nodes whose path and depth are not their parent's and one more; all of a cycle is."""
    query = sa.select(Organization.id, Organization.parent_id, Organization.path)
    rows = arena.alone(lambda session: session.execute(query).all())
    path_of: dict[UUID | None, str] = {row.id: row.path for row in rows} | {None: "/"}
    return [
        row.path
        for row in rows
        if row.path.replace("-", "") != f"{path_of[row.parent_id].replace('-', '')}{row.id.hex}/"
    ]


def test_two_crossing_moves_make_no_cycle(arena: Arena) -> None:
    def found_two(session: Any) -> tuple[UUID, UUID, UUID]:
        arena.world.session = session
        add = arena.world.add_organization
        names = ("甲党委", "乙党委")
        one, two = (add(name, OrganizationKind.COMMITTEE, "区委") for name in names)
        add("甲之支部", OrganizationKind.BRANCH, "甲党委")
        return arena.world.organizations["区委"], one, two

    top, one, two = arena.alone(found_two)

    for _ in range(RACES):
        version = versions(arena)
        finishes = arena.race(
            relocate(arena, one, two, version[one]),
            relocate(arena, two, one, version[two]),
            pauses=(arena.pause(), arena.pause()),
        )

        refusals = [finish.refusal.code for finish in finishes if finish.refusal]
        assert refusals == ["org.cycle"]
        assert misplaced(arena) == []
        lower = one if finishes[0].won else two
        arena.alone(relocate(arena, lower, top, versions(arena)[lower]))


def primaries(arena: Arena, member_id: UUID) -> Sequence[Any]:
    query = (
        sa.select(Affiliation.organization_id, Affiliation.valid_from, Affiliation.valid_to)
        .where(Affiliation.member_id == member_id)
        .order_by(Affiliation.valid_to.is_(None), Affiliation.valid_to, Affiliation.valid_from)
    )
    rows: Sequence[Any] = arena.alone(lambda session: session.execute(query).all())
    return rows


def test_two_transfers_of_one_member_leave_one_unbroken_history(arena: Arena) -> None:
    def to(branch: str, member_id: UUID) -> Act:
        place = Belonging(arena.world.organizations[branch], None, TODAY, "转接")
        return lambda session: transfer(
            session, arena.actor(session, "区管理员"), member_id, to=place, now=NOW
        )

    for member_id in arena.add_members(RACES):
        finishes = arena.race(
            to("二支部", member_id),
            to("三支部", member_id),
            pauses=(arena.pause(), arena.pause()),
        )

        history = primaries(arena, member_id)
        assert len(history) == 1 + sum(finish.won for finish in finishes)
        assert [row.valid_to for row in history[:-1]] == [row.valid_from for row in history[1:]]
        assert history[-1].valid_to is None


def test_eight_transfers_to_one_branch_make_one(arena: Arena) -> None:
    def act(member_id: UUID) -> Act:
        place = Belonging(arena.world.organizations["二支部"], None, TODAY, "转接")
        return lambda session: transfer(
            session, arena.actor(session, "区管理员"), member_id, to=place, now=NOW
        )

    for member_id in arena.add_members(25):
        finishes = arena.race(*[act(member_id)] * 8)

        refusals = [finish.refusal.code for finish in finishes if finish.refusal]
        assert refusals == ["member.wrong_place"] * 7
        assert len(primaries(arena, member_id)) == 2
