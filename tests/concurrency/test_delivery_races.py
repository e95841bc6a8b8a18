"""Two dispatchers, killed again and again: the provider's own log shows no double (I5)."""

import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date, datetime, timedelta
from threading import Lock
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import at_local
from core.config import Settings
from core.db import vault_of
from jobs.outside import Outside, dispatch
from members import member_keys
from members.models import Member
from members.phones import seal_phone
from notifications import outbox, planning
from notifications.channels.sender import NEVER, Answer, Outgoing, Result
from notifications.delivery_models import OutboxAttempt, OutboxOutcome
from notifications.leasing import ATTEMPTS_MAX
from notifications.models import Channel, OutboxMessage, OutboxState
from notifications.preparing import Trial
from tests.concurrency.arena import Act, Arena
from tests.depth import far

DELIVERIES = 200
PLANNINGS = far(deep=100, quick=24)
TEN = at_local(date(2026, 11, 9), 10)
WINDOW = timedelta(hours=10)


class KilledError(BaseException):
    """A dispatcher ends where it is; nothing of it gets to clean up."""


class Machine:
    """The clock of both dispatchers, which ends one of them now and then between two steps."""

    def __init__(self, seed: str) -> None:
        self.now = TEN
        self.random = random.Random(seed)
        self.deaths = 0
        self._lock = Lock()

    def clock(self) -> datetime:
        with self._lock:
            # So fast that leases run out under the feet of whoever works through a full batch.
            self.now += timedelta(seconds=0.4)
            self.die(0.02)
            return self.now

    def die(self, chance: float) -> None:
        if self.random.random() < chance:
            self.deaths += 1
            raise KilledError

    def skip(self, by: timedelta) -> None:
        with self._lock:
            self.now += by


class LoggingProvider:
    """Keeps what it took, whoever was killed before or after; sometimes its answer is lost."""

    channel = Channel.SMS
    provider = "sms_aliyun"

    def __init__(self, machine: Machine, idempotent_for: timedelta) -> None:
        self.idempotent_for = idempotent_for
        self.log: list[tuple[UUID, str, datetime]] = []
        self._machine = machine
        self._lock = Lock()

    def reserve_key(self, message_id: UUID) -> str | None:
        return str(message_id)

    def send(self, outgoing: Outgoing) -> Answer:
        with self._lock:
            chance = self._machine.random.random()
            self._machine.die(0.05)
            if chance < 0.1:
                return Answer(Result.TRY_AGAIN, "http_429")
            self.log.append((outgoing.id, outgoing.key, self._machine.now))
            self._machine.die(0.1)
            if chance < 0.2:
                return Answer(Result.UNKNOWN, "no_answer")
            return Answer(Result.ACCEPTED, "OK", f"biz-{len(self.log)}")


@pytest.fixture
def arena(fresh_settings: Settings) -> Iterator[Arena]:
    with Arena.open(fresh_settings) as arena:
        yield arena


@pytest.mark.parametrize("idempotent_for", [NEVER, WINDOW], ids=["never", "window"])
def test_two_hundred_deliveries_by_two_dispatchers_that_are_killed(
    arena: Arena, idempotent_for: timedelta
) -> None:
    machine = Machine(f"{arena.engine.dialect.name} {idempotent_for}")
    provider = LoggingProvider(machine, idempotent_for)
    arena.alone(lambda session: tell(session, arena.add_members(DELIVERIES)))

    run_to_end(arena, machine, provider)

    arena.alone(lambda session: require_no_double(session, provider))
    assert machine.deaths >= 20, "nobody was killed"


def tell(session: Session, member_ids: list[UUID]) -> None:
    give_phones(session, member_ids)
    params = {"title": "某事", "points": "1", "note": ""}
    messages = [outbox.Message(one, "claim_approved", "1", params) for one in member_ids]
    outbox.enqueue(session, messages, now=TEN - timedelta(hours=1))


def give_phones(session: Session, member_ids: list[UUID]) -> None:
    for member_id, key in member_keys.ensure(session, member_ids).items():
        phone = seal_phone(vault_of(session), key, member_id, "13800000000")
        session.execute(
            sa.update(Member).where(Member.id == member_id).values(phone_sealed=phone.phone_sealed)
        )


def run_to_end(arena: Arena, machine: Machine, provider: LoggingProvider) -> None:
    outside = Outside({Channel.SMS: provider}, Trial(is_on=False))

    def dispatcher() -> None:
        for _ in range(8):
            with suppress(KilledError):
                dispatch(arena.sessions, outside, clock=machine.clock)

    with ThreadPoolExecutor(2) as pool:
        for _ in range(40):
            runs = [pool.submit(dispatcher) for _ in range(2)]
            for run in runs:
                run.result(timeout=60)
            if not arena.alone(count_open):
                return
            # Leases run out, pauses end.
            machine.skip(timedelta(minutes=5))


def count_open(session: Session) -> int:
    is_open = OutboxMessage.state.in_((OutboxState.PENDING, OutboxState.LEASED))
    may_come_back = (
        (OutboxMessage.state == OutboxState.UNKNOWN)
        & (OutboxMessage.attempts < ATTEMPTS_MAX)
        & (OutboxMessage.idempotent_until > TEN + timedelta(hours=8))
    )
    rows = session.scalars(
        sa.select(OutboxMessage.id).where(
            OutboxMessage.channel == Channel.SMS, sa.or_(is_open, may_come_back)
        )
    )
    return len(rows.all())


def require_no_double(session: Session, provider: LoggingProvider) -> None:
    rows = session.scalars(
        sa.select(OutboxMessage).where(OutboxMessage.channel == Channel.SMS)
    ).all()
    unknown = Counter(
        session.scalars(
            sa.select(OutboxOutcome.outbox_id).where(OutboxOutcome.state == OutboxState.UNKNOWN)
        )
    )
    attempts = Counter(session.scalars(sa.select(OutboxAttempt.outbox_id)))
    taken = Counter(message_id for message_id, _, _ in provider.log)

    assert len(rows) == DELIVERIES
    assert not [row.id for row in rows if row.state in (OutboxState.PENDING, OutboxState.LEASED)]
    # No call without its attempt committed before; none without a recorded unknown after another.
    assert not [one for one, count in taken.items() if count > attempts[one]]
    doubled = [one for one, count in taken.items() if count > 1]
    assert not [one for one in doubled if taken[one] - 1 > unknown[one]]
    assert sum(unknown.values()) >= 20
    if provider.idempotent_for == NEVER:
        assert doubled == []
        return
    assert len(doubled) >= 5, "no repetition was tried"
    for one in doubled:
        calls = [(key, at) for message_id, key, at in provider.log if message_id == one]
        assert len({key for key, _ in calls}) == 1, "the provider knows it by its key"
        assert calls[-1][1] - calls[0][1] < provider.idempotent_for


def test_two_planners_make_one_digest_a_day(arena: Arena) -> None:
    """Each sees only its own record; the key lets one of them have the day."""
    params = {"title": "某事", "points": "1", "note": ""}
    member_ids = arena.add_members(PLANNINGS)
    arena.alone(lambda session: give_phones(session, member_ids))
    for member_id in member_ids:

        def act(occasion: str, one: UUID = member_id) -> Act:
            def plan(session: Session) -> int:
                message = outbox.Message(one, "claim_approved", occasion, params)
                outbox.enqueue(session, [message], now=TEN - timedelta(hours=1))
                return planning.plan(session, switched_on={Channel.SMS}, now=TEN)

            return plan

        arena.race(act("1"), act("2"), pauses=[arena.pause(), arena.pause()])

    outside, inside = arena.alone(count_by_side)
    assert (outside, inside) == (PLANNINGS, 2 * PLANNINGS)


def count_by_side(session: Session) -> tuple[int, int]:
    rows = session.execute(
        sa.select(OutboxMessage.channel, sa.func.count().label("number")).group_by(
            OutboxMessage.channel
        )
    )
    counts = {row.channel: row.number for row in rows}
    unsettled = session.scalars(
        sa.select(OutboxMessage.id).where(
            OutboxMessage.channel == Channel.INBOX,
            OutboxMessage.carried_by.is_(None),
            OutboxMessage.outside_after.is_(None),
        )
    ).all()
    assert unsettled == [], "a record was neither carried nor kept for the next digest"
    return counts[Channel.SMS], counts[Channel.INBOX]
