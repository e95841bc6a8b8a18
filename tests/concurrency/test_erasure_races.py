"""Two officers confirm one erasure, or one confirms while the member comes back."""

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.config import Settings
from members import erasures
from members.access_models import Role
from members.erased_data import ERASED_NAME
from members.erasures import ErasureAnswered, ErasureHeld, Grounds
from members.models import Affiliation, Member
from members.privacy_models import ShredLogEntry
from tests.concurrency.arena import Act, Arena
from tests.depth import far
from tests.world import NOW, TODAY

RACES = far(deep=60, quick=12)
OFFICERS = ("区管理员", "区管理员二", "区管理员三")


def test_one_of_two_confirmations_erases(fresh_settings: Settings) -> None:
    with Arena.open(fresh_settings) as arena:
        _appoint(arena)
        for member_id in arena.add_members(RACES):
            erasure_id = _asked(arena, member_id)
            finishes = arena.race(
                *[_confirm(arena, name, erasure_id) for name in OFFICERS[1:]],
                pauses=(arena.pause(), arena.pause()),
            )
            refusals = [type(one.refusal) for one in finishes if one.refusal]
            assert refusals == [ErasureAnswered]
        assert _count(arena, ShredLogEntry.member_id) == RACES


def test_member_who_comes_back_is_not_erased(fresh_settings: Settings) -> None:
    """His name goes exactly when the confirmation came first; else it is refused."""
    with Arena.open(fresh_settings) as arena:
        _appoint(arena)
        for member_id in arena.add_members(RACES):
            erasure_id = _asked(arena, member_id)
            confirmed, _ = arena.race(
                _confirm(arena, "区管理员二", erasure_id),
                _come_back(member_id),
                pauses=(arena.pause(), arena.pause()),
            )
            name = arena.alone(lambda session, one=member_id: session.get_one(Member, one).name)
            assert (name == ERASED_NAME) == confirmed.won
            assert confirmed.won or isinstance(confirmed.refusal, ErasureHeld)


def _appoint(arena: Arena) -> None:
    def act(session: Session) -> None:
        arena.world.session = session
        for name in OFFICERS[1:]:
            arena.world.add_member(name, "一支部")
            arena.world.grant(name, Role.DISTRICT_ADMIN, "区委")

    arena.alone(act)


def _asked(arena: Arena, member_id: UUID) -> UUID:
    def act(session: Session) -> UUID:
        session.execute(
            sa.update(Affiliation)
            .where(Affiliation.member_id == member_id)
            .values(valid_to=TODAY - timedelta(days=1))
        )
        grounds = Grounds("本人书面申请", "区委组〔2026〕31号")
        actor = arena.actor(session, OFFICERS[0])
        return erasures.request(session, actor, member_id, grounds=grounds, now=NOW).id

    erasure_id: UUID = arena.alone(act)
    return erasure_id


def _confirm(arena: Arena, name: str, erasure_id: UUID) -> Act:
    def act(session: Session) -> UUID:
        actor = arena.actor(session, name)
        return erasures.answer(session, actor, erasure_id, is_confirmed=True, now=NOW).member_id

    return act


def _come_back(member_id: UUID) -> Act:
    def act(session: Session) -> None:
        # As every change of a belonging, it locks the member first.
        session.get(Member, member_id, with_for_update={"key_share": True})
        session.execute(
            sa.update(Affiliation).where(Affiliation.member_id == member_id).values(valid_to=None)
        )

    return act


def _count(arena: Arena, column: sa.ColumnElement[UUID]) -> int:
    found: int = arena.alone(lambda session: session.scalar(sa.select(sa.func.count(column))))
    return found
