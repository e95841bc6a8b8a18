"""The demo's past as events in the order of their instants."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from core.clock import business_day
from notifications import inbox


@dataclass(frozen=True, slots=True)
class Event:
    """Something that people, or a job, did at an instant."""

    at: datetime
    happen: Callable[[datetime], object]


def live(session: Session, events: Iterable[Event], *, until: datetime) -> None:
    """Let everything up to an instant happen, the earliest first; inboxes fill once a day."""
    told_on = business_day(until)
    for event in sorted(events, key=lambda event: event.at):
        if event.at > until:
            return
        day = business_day(event.at)
        if day != told_on:
            told_on = day
            inbox.deliver(session, now=event.at)
        event.happen(event.at)
        # A request has a session of its own; this one would show rows as it first read them.
        session.flush()
        session.expunge_all()


def months(first_day: date, last_day: date) -> Iterator[date]:
    """The first day of every month that the two days touch."""
    month = first_day.replace(day=1)
    while month <= last_day:
        yield month
        month = next_month(month)


def next_month(month: date) -> date:
    """The first day of the month after."""
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)
