"""When a message may leave the house: quiet hours, working days, a weekly budget, one digest.

Pure (decision 10): what is not urgent leaves once a day at most, twice a week at most, at ten
o'clock on a working day, all of it together. An event that is today waits for nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from core.clock import SHANGHAI, at_local, business_day
from core.working_days import Source, WorkCalendar
from notifications.message_kind import MessageKind
from notifications.models import Because, Channel

QUIET_FROM_HOUR = 21
QUIET_TO_HOUR = 8
DIGEST_HOUR = 10
WEEKLY_MAX = 2
WEEK = timedelta(days=7)
# Longer than the longest holiday and a week's budget together; then it is no news any more.
KEPT = timedelta(days=20)
_ONE_DAY = timedelta(days=1)
# The first that the member can be reached by is used; a text message costs money and comes last.
PREFERRED = tuple(channel for channel in Channel if channel is not Channel.INBOX)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A record whose way out of the house is still open."""

    id: UUID
    kind: MessageKind
    created_at: datetime
    event_on: date | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """What is known of the one who is to be reached.

    Args:
        channels: where he can be reached by what the deployment has switched on.
        has_address: whether any address of his is known at all.
        choices: kind -> the channel that he chose, or None for a kind that he switched off.
        reached_on: the days within the last week on which something not urgent left for him.
    """

    channels: frozenset[Channel]
    has_address: bool
    choices: Mapping[str, Channel | None]
    reached_on: Sequence[date]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a waiting record: it leaves by a channel, waits until, or stays."""

    id: UUID
    channel: Channel | None = None
    is_urgent: bool = False
    until: datetime | None = None
    because: Because | None = None


def decide(
    waiting: Sequence[Waiting], reader: Reader, *, now: datetime, calendar: WorkCalendar
) -> list[Verdict]:
    """A verdict for each waiting record of one member; what leaves unhurried leaves as one."""
    hold = _hold(reader, now, calendar)
    verdicts: list[Verdict] = []
    digest: Channel | None = None
    for one in waiting:
        verdict = _refuse(one, reader, now) or _hurry(one, reader, now)
        if verdict is None:
            verdict = _pace(one, reader, hold, now, calendar)
            if digest and verdict.channel not in (None, digest):
                # A day has one digest, and a digest has one channel.
                verdict = _wait(one, next_digest(now, calendar), Because.DIGEST)
            digest = digest or verdict.channel
        verdicts.append(verdict)
    return verdicts


def choose_channel(kind: MessageKind, reader: Reader) -> Channel | Because:
    """The channel that the member chose, else the first that reaches him; or why there is none."""
    if kind.code in reader.choices:
        chosen = reader.choices[kind.code]
        if chosen is None and not kind.is_duty:
            return Because.SWITCHED_OFF
        if chosen in reader.channels & kind.channels:
            return chosen
    usable = [one for one in PREFERRED if one in reader.channels & kind.channels]
    if usable:
        return usable[0]
    return Because.NO_CHANNEL if reader.has_address else Because.NO_ADDRESS


def is_quiet(at: datetime) -> bool:
    """Whether it is night in Shanghai: from nine in the evening to eight in the morning."""
    return not QUIET_TO_HOUR <= at.astimezone(SHANGHAI).hour < QUIET_FROM_HOUR


def digest_at(at: datetime, calendar: WorkCalendar) -> datetime:
    """The first ten o'clock of a working day that is not before an instant."""
    day = business_day(at)
    while not calendar.is_working(day) or at_local(day, DIGEST_HOUR) < at:
        day += _ONE_DAY
    return at_local(day, DIGEST_HOUR)


def next_digest(at: datetime, calendar: WorkCalendar) -> datetime:
    """The digest of the next working day."""
    return digest_at(at_local(business_day(at) + _ONE_DAY, 0), calendar)


def find_calendar_end(calendar: WorkCalendar, *, today: date, days: int = 60) -> date | None:
    """The first day ahead of which nobody has said whether it is worked; None if there is none."""
    ahead = (today + timedelta(days=number) for number in range(days))
    return next((day for day in ahead if calendar.source_of(day) is Source.ESTIMATED), None)


def _refuse(one: Waiting, reader: Reader, now: datetime) -> Verdict | None:
    is_over = one.event_on is not None and one.event_on < business_day(now)
    if is_over or now - one.created_at > KEPT:
        return Verdict(one.id, because=Because.PAST)
    chosen = choose_channel(one.kind, reader)
    return Verdict(one.id, because=chosen) if isinstance(chosen, Because) else None


def _hurry(one: Waiting, reader: Reader, now: datetime) -> Verdict | None:
    if not one.kind.is_urgent_on_day or one.event_on != business_day(now):
        return None
    return Verdict(one.id, channel=_chosen(one, reader), is_urgent=True)


def _pace(
    one: Waiting,
    reader: Reader,
    hold: tuple[datetime, Because] | None,
    now: datetime,
    calendar: WorkCalendar,
) -> Verdict:
    due = digest_at(one.created_at, calendar)
    if now < due:
        return _wait(one, due, _why_later(one.created_at, calendar))
    if hold is not None:
        return _wait(one, *hold)
    return Verdict(one.id, channel=_chosen(one, reader))


def _hold(reader: Reader, now: datetime, calendar: WorkCalendar) -> tuple[datetime, Because] | None:
    """Until when nothing unhurried leaves for this member, and why."""
    today = business_day(now)
    if not calendar.is_working(today):
        return digest_at(now, calendar), Because.NON_WORKING_DAY
    if is_quiet(now):
        return digest_at(now, calendar), Because.QUIET_HOURS
    recent = sorted(day for day in reader.reached_on if day > today - WEEK)
    if len(recent) >= WEEKLY_MAX:
        free_on = recent[-WEEKLY_MAX] + WEEK
        return digest_at(at_local(free_on, 0), calendar), Because.WEEKLY_BUDGET
    if today in recent:
        return next_digest(now, calendar), Because.DIGEST
    return None


def _why_later(at: datetime, calendar: WorkCalendar) -> Because:
    if not calendar.is_working(business_day(at)):
        return Because.NON_WORKING_DAY
    return Because.QUIET_HOURS if is_quiet(at) else Because.DIGEST


def _wait(one: Waiting, until: datetime, because: Because) -> Verdict:
    # On the morning of its event it hurries, however long the digest would have taken.
    if one.kind.is_urgent_on_day and one.event_on is not None:
        until = min(until, at_local(one.event_on, QUIET_TO_HOUR))
    return Verdict(one.id, until=until, because=because)


def _chosen(one: Waiting, reader: Reader) -> Channel:
    chosen = choose_channel(one.kind, reader)
    if isinstance(chosen, Because):
        raise ValueError("a channel is chosen before the pace")
    return chosen
