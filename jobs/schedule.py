"""What runs when: one line a job, and the handlers of work that people request."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from core.background import Progress
from core.clock import business_day
from notifications import inbox
from points import periods

RequestedHandler = Callable[..., Iterator[Progress]]


@dataclass(frozen=True, slots=True)
class Sweep:
    """Work that is looked for every few seconds; doing it twice does no harm."""

    name: str
    every_seconds: int
    run: Callable[[Session, datetime], int]


SWEEPS = (
    Sweep("deliver-inbox", 1, lambda session, now: inbox.deliver(session, now=now)),
    # On New Year's Day a claim finds its year open without anybody having to remember it.
    Sweep(
        "open-year", 600, lambda session, now: periods.ensure_year(session, business_day(now).year)
    ),
)

# kind -> handler(session, subject_id, *, now); the runner commits at each yield.
REQUESTED: Mapping[str, RequestedHandler] = {}
