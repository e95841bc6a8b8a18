"""The demo's past as events in the order of their instants."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from notifications import inbox


@dataclass(frozen=True, slots=True)
class Event:
    """Something that people, or a job, did at an instant."""

    at: datetime
    happen: Callable[[datetime], object]


def live(session: Session, events: Iterable[Event], *, until: datetime) -> None:
    """Let everything up to an instant happen, the earliest first."""
    hour = until
    for event in sorted(events, key=lambda event: event.at):
        if event.at > until:
            return
        if event.at.replace(minute=0) != hour:
            # A request has a session of its own; this one would show rows as it first read them.
            hour = event.at.replace(minute=0)
            session.expire_all()
            inbox.deliver(session, now=event.at)
        event.happen(event.at)


def months(first_day: date, last_day: date) -> Iterator[date]:
    """The first day of every month that the two days touch."""
    month = first_day.replace(day=1)
    while month <= last_day:
        yield month
        month = next_month(month)


def next_month(month: date) -> date:
    """The first day of the month after."""
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)
