"""Signing in under concurrency: one token, one code, one ticket and one limit for all."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.config import Settings
from core.db import vault_of
from members import accounts, attempt_limits, refreshing, sign_in_tickets, sms_codes
from members.access_models import Account
from members.attempt_limits import Limit, TooManyTries, Try
from members.device_sessions import Device, Proven, SignInRefused, open_session
from members.session_models import (
    CODE_TRIES_MAX,
    CodePurpose,
    DeviceSession,
    RefreshToken,
    SessionEnd,
    SignInMeans,
    SmsCode,
)
from members.sign_in_tickets import TicketInvalid
from members.sms_codes import Asked
from tests.concurrency.arena import THREADS, Act, Arena, Finish
from tests.depth import far
from tests.devices import LIFE, sign_in
from tests.world import NOW

ROUNDS = far(deep=200, quick=24)
FEW = far(deep=100, quick=12)
LATER = NOW + refreshing.GRACE + timedelta(seconds=1)


@pytest.fixture
def arena(fresh_settings: Settings) -> Iterator[Arena]:
    with Arena.open(fresh_settings) as arena:
        yield arena


def opened(arena: Arena, name: str = "党员甲") -> str:
    member_id = arena.world.members[name]
    token: str = arena.alone(lambda s: sign_in(s, member_id, now=NOW).refresh_token)
    return token


def refresh(token: str, *, now: Any = NOW) -> Act:
    return lambda session: refreshing.refresh(session, token, life=LIFE, now=now)


def refusals(finishes: list[Finish]) -> list[type]:
    return [type(finish.refusal) for finish in finishes if not finish.won]


def test_two_refreshes_of_one_token_get_one_successor(arena: Arena) -> None:
    for _ in range(ROUNDS):
        token = opened(arena)

        first, second = arena.race(refresh(token), refresh(token))

        assert first.won, first.refusal
        assert first.value == second.value
        assert first.value.refresh_token != token
        alive = sa.select(sa.func.count()).where(
            RefreshToken.session_id == first.value.session_id, RefreshToken.replaced_at.is_(None)
        )
        assert arena.alone(lambda s, q=alive: s.scalar(q)) == 1


def test_reuse_that_races_with_the_holder_leaves_no_session_that_works(arena: Arena) -> None:
    for _ in range(FEW):
        stolen = opened(arena)
        current = arena.alone(refresh(stolen)).refresh_token

        arena.race(refresh(stolen, now=LATER), refresh(current, now=LATER))

        session_of = sa.select(DeviceSession.revoked_because).order_by(DeviceSession.id.desc())
        assert arena.alone(lambda s, q=session_of: s.scalars(q.limit(1)).one()) == (
            SessionEnd.TOKEN_REUSED
        )


def test_session_and_password_change_take_turns(arena: Arena) -> None:
    """Whoever signs in with the old password is out, whichever commits first."""
    member_id = arena.world.members["党员乙"]

    def change(session: Session) -> None:
        # What `change_password` does after its slow checks.
        session.execute(
            sa.update(Account).where(Account.member_id == member_id).values(password_hash="new")
        )
        accounts.device_sessions.end_all(
            session, member_id, because=SessionEnd.PASSWORD_CHANGED, now=NOW
        )

    def open_with(password_hash: str) -> Act:
        proven = Proven(member_id, SignInMeans.PASSWORD, password_hash=password_hash)
        return lambda session: open_session(session, proven, device=Device(), life=LIFE, now=NOW)

    for _ in range(ROUNDS):
        arena.alone(
            lambda s: s.execute(
                sa.update(Account).where(Account.member_id == member_id).values(password_hash="old")
            )
        )

        signed_in, changed = arena.race(open_with("old"), change)

        assert changed.won
        assert refusals([signed_in]) in ([], [SignInRefused])
        alive = sa.select(sa.func.count()).where(
            DeviceSession.member_id == member_id, DeviceSession.revoked_at.is_(None)
        )
        assert arena.alone(lambda s, q=alive: s.scalar(q)) == 0


def test_code_is_taken_once_and_guessed_at_five_times(arena: Arena) -> None:
    member_id, phone = arena.world.members["党员甲"], arena.world.phones["党员甲"]

    def check(code: str) -> Act:
        return lambda session: sms_codes.check(
            session, phone, code, purpose=CodePurpose.SIGN_IN, now=NOW
        )

    for number in range(FEW):
        asked = Asked(phone, CodePurpose.SIGN_IN, f"10.0.{number}.1", 10_000)

        def issue(session: Session, asked: Asked = asked, number: int = number) -> str:
            session.execute(sa.delete(SmsCode))
            session.execute(sa.delete(attempt_limits.AttemptLimit))
            code_id = sms_codes.issue(session, asked, now=NOW)
            return sms_codes.digits_of(vault_of(session), code_id)

        right = arena.alone(issue)
        taken = arena.race(*[check(right)] * 3)
        assert [one.value.member_id for one in taken if one.value.member_id] == [member_id]

        right = arena.alone(issue)
        wrong = f"{(int(right) + 1) % 1_000_000:06d}"
        arena.race(*[check(wrong)] * THREADS)
        assert arena.alone(lambda s: s.scalar(sa.select(SmsCode.tries))) == CODE_TRIES_MAX
        assert arena.alone(check(right)).member_id is None


def test_ticket_signs_one_phone_in(arena: Arena) -> None:
    member_id = arena.world.members["党员甲"]

    def issue(session: Session) -> str:
        leader = arena.actor(session, "书记一")
        return sign_in_tickets.issue(session, leader, member_id, now=NOW).token

    for _ in range(FEW):
        token = arena.alone(issue)

        finishes = arena.race(
            *[lambda session, t=token: sign_in_tickets.redeem(session, t, now=NOW)] * 3
        )

        assert refusals(finishes) == [TicketInvalid] * 2


def test_limit_admits_as_many_as_it_says_whoever_comes_together(arena: Arena) -> None:
    limit = Limit("race", 5, timedelta(minutes=1))

    for number in range(FEW):
        tries = [Try(limit, str(number)), Try(Limit("race_all", 10_000, limit.window), "all")]

        finishes = arena.race(
            *[lambda session, t=tries: attempt_limits.count(session, t, now=NOW)] * THREADS
        )

        assert refusals(finishes) == [TooManyTries] * (THREADS - 5)
    # A try that was refused has counted nowhere.
    counts = sa.select(attempt_limits.AttemptLimit.count).filter_by(name="race_all")
    assert arena.alone(lambda s: s.scalar(counts)) == 5 * FEW
