"""Sending what leaves the house: plan, lease, attempt, call with nothing held, outcome."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import structlog
from sqlalchemy.orm import Session, sessionmaker

from core.channel_settings import ChannelSettings
from core.clock import business_day
from core.db import unit_of_work
from core.ids import new_id
from core.working_days import load_calendar
from jobs.stop_conditions import STOP_CONDITIONS
from notifications import leasing, own_report_messages, pacing, planning, provider_health
from notifications.breaker import allowance
from notifications.channels.registry import make_senders
from notifications.channels.sender import Answer, Result, Sender
from notifications.leasing import Attempt, Leased
from notifications.models import Because, Channel
from notifications.own_report_messages import OWN_REPORT
from notifications.preparing import LinkMaker, Terms, Trial, prepare
from notifications.stop_conditions import StopCondition

log = structlog.get_logger(__name__)

# What one process takes at once; the next takes what is left.
BATCH_MAX = 20
# A process that is told to stop finishes its turn; the next goes on where it stopped.
TURN = timedelta(seconds=30)
_JITTER = secrets.SystemRandom()
Clock = Callable[[], datetime]
Sessions = sessionmaker[Session]


@dataclass(frozen=True, slots=True)
class Outside:
    """How a deployment reaches members: a provider for each channel that is switched on."""

    senders: Mapping[Channel, Sender]
    trial: Trial = field(default_factory=Trial)
    stops: Mapping[str, StopCondition] = field(default_factory=dict)
    links: Mapping[str, LinkMaker] = field(default_factory=dict)


class _Claim(NamedTuple):
    message_id: UUID
    key: str
    by: UUID


def dispatch(sessions: Sessions, outside: Outside, *, clock: Clock) -> int:
    """Settle what is due, then send what may leave; returns how many calls were made.

    Any number of processes may do so at once.
    """
    while _plan(sessions, outside, clock):
        pass
    with _unit(sessions) as session:
        lost = leasing.reclaim(session, now=clock())
    if lost:
        log.warning("outbox.unknown", count=lost)
    calls = 0
    for sender in outside.senders.values():
        until = clock() + TURN
        while clock() < until and (batch := _lease(sessions, sender, clock, by := new_id())):
            calls += sum(_try(sessions, sender, outside, one, by, clock) for one in batch)
    return calls


def watch_calendar(session: Session, *, now: datetime) -> int:
    """Say clearly, and in time, that the work calendar ends: from there on it is an estimate."""
    end = pacing.find_calendar_end(load_calendar(session), today=business_day(now))
    if end is None:
        return 0
    log.warning("work_calendar.ends", first_unknown_day=str(end))
    return 1


def make_outside(settings: ChannelSettings, *, clock: Clock) -> Outside:
    """How this deployment reaches members, by its settings."""
    return Outside(
        make_senders(settings, clock=clock),
        Trial(settings.is_trial, settings.trial_addresses),
        STOP_CONDITIONS,
        {OWN_REPORT: own_report_messages.link_maker(settings.values.get("OWN_REPORT_URL", ""))},
    )


def _plan(sessions: Sessions, outside: Outside, clock: Clock) -> int:
    with _unit(sessions) as session:
        return planning.plan(session, switched_on=outside.senders.keys(), now=clock())


def _lease(sessions: Sessions, sender: Sender, clock: Clock, by: UUID) -> list[Leased]:
    with _unit(sessions) as session:
        now = clock()
        breaker = provider_health.read_breaker(session, sender.provider)
        limit = allowance(breaker, now=now, full=BATCH_MAX)
        if not limit:
            return []
        # What was put off by a provider's trouble does not ring at night for that.
        is_working = load_calendar(session).is_working(business_day(now))
        urgent_only = pacing.is_quiet(now) or not is_working
        return leasing.lease(
            session, sender.channel, by=by, limit=limit, urgent_only=urgent_only, now=now
        )


def _try(
    sessions: Sessions, sender: Sender, outside: Outside, leased: Leased, by: UUID, clock: Clock
) -> bool:
    try:
        return _deliver(sessions, sender, outside, leased, by, clock)
    except Exception as error:  # a defect in one message must not stop the others
        log.error("outbox.defect", message_id=str(leased.id), error=type(error).__name__)
        return False


def _deliver(
    sessions: Sessions, sender: Sender, outside: Outside, leased: Leased, by: UUID, clock: Clock
) -> bool:
    """One message; whether a call was made."""
    key = leased.key or sender.reserve_key(leased.id)
    if key is None:
        with _unit(sessions) as session:
            leasing.put_back(session, leased.id, by=by, jitter=_JITTER.random(), now=clock())
        _note(sessions, sender, Answer(Result.TRY_AGAIN, "no_key"), clock)
        return False
    with _unit(sessions) as session:
        attempt = _begin(session, sender, outside, _Claim(leased.id, key, by), clock())
    # A process that was asleep longer than its lease must not call: another may have.
    if attempt is None or clock() >= attempt.lease_until:
        return False
    answer = sender.send(attempt.outgoing)
    with _unit(sessions) as session:
        leasing.record(session, attempt, answer, by=by, jitter=_JITTER.random(), now=clock())
    _note(sessions, sender, answer, clock)
    log.info(
        "outbox.answered",
        message_id=str(leased.id),
        provider=sender.provider,
        result=answer.result,
        code=answer.code,
    )
    return True


def _begin(
    session: Session, sender: Sender, outside: Outside, claim: _Claim, now: datetime
) -> Attempt | None:
    terms = Terms(outside.trial, outside.stops, outside.links)
    prepared = prepare(session, claim.message_id, claim.key, terms=terms, now=now)
    if isinstance(prepared, Because):
        leasing.drop(session, claim.message_id, prepared, by=claim.by, now=now)
        return None
    return leasing.begin_attempt(session, prepared, sender, by=claim.by, now=now)


def _note(sessions: Sessions, sender: Sender, answer: Answer, clock: Clock) -> None:
    # Apart from the outcome, which must not be lost over the provider's statistics.
    with _unit(sessions) as session:
        provider_health.note_answer(session, sender.provider, answer, now=clock())


@contextmanager
def _unit(sessions: Sessions) -> Iterator[Session]:
    with sessions() as session, unit_of_work(session):
        yield session
