"""What a job is: a domain function, when it is due, and what becomes of a fire that was missed."""

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy.orm import Session

from jobs.calendar import Calendar


class Run(Protocol):
    """A domain function that does a job's work; it returns how much that was."""

    def __call__(self, session: Session, /, *, now: datetime) -> int: ...


class Preview(Protocol):
    """What a run would do, row by row, without doing it."""

    def __call__(self, session: Session, /, *, now: datetime) -> Iterable[Mapping[str, Any]]: ...


# A fire that a running ticker finds this late was not missed, only busy.
PUNCTUAL = timedelta(seconds=60)
TOO_OLD = "超过补做期限"
SUPERSEDED = "由更晚的一次补上"
MISSED = "错过即不补做"


class CatchUp(enum.StrEnum):
    """What becomes of fires that nobody was there for: each, the latest only, or none is run."""

    EVERY = "every"
    LATEST = "latest"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Job:
    """One scheduled job.

    Args:
        run: does the work and says how much it was, all in the transaction that it is given.
        grace: how late a fire may still be run; an older one is recorded as skipped.
        lease: longer than a run takes. After a crash another process waits for its end.
        preview: what a run would do, row by row; without one, a dry run is a run rolled back.
    """

    name: str
    calendar: Calendar
    grace: timedelta
    run: Run
    catch_up: CatchUp = CatchUp.LATEST
    lease: timedelta = timedelta(minutes=2)
    preview: Preview | None = None

    def time_of(self, fire_at: datetime, now: datetime) -> datetime:
        """The time that a run works with.

        Where each missed fire is run, each stands for its own time; else only today matters.
        """
        return fire_at if self.catch_up is CatchUp.EVERY else now


@dataclass(frozen=True, slots=True)
class Sweep:
    """Work that is looked for every few seconds; doing it twice does no harm."""

    name: str
    every_seconds: int
    run: Run
    lease: timedelta = timedelta(minutes=2)
    preview: Preview | None = None

    @property
    def label(self) -> str:
        """How people read when it runs."""
        return f"每 {self.every_seconds} 秒"


@dataclass(frozen=True, slots=True)
class Loop:
    """A sweep that commits between its steps, since it calls others with nothing held."""

    name: str
    every_seconds: int
    turn: Callable[[], int]

    @property
    def label(self) -> str:
        """How people read when it runs."""
        return f"每 {self.every_seconds} 秒"


def skip_reason(
    job: Job, fire_at: datetime, *, newest: datetime | None, now: datetime
) -> str | None:
    """Why a fire that is due is not run; None when it is.

    Args:
        newest: the newest fire that is due; None where more are due than were looked at.
    """
    if now - fire_at > job.grace:
        return TOO_OLD
    if job.catch_up is CatchUp.LATEST and fire_at != newest:
        return SUPERSEDED
    if job.catch_up is CatchUp.SKIP and now - fire_at > PUNCTUAL:
        return MISSED
    return None


def settled_prefix(fires: Sequence[datetime], settled: set[datetime]) -> datetime | None:
    """The last fire before which, and with which, all have ended; None when the first has not."""
    reached = None
    for fire_at in fires:
        if fire_at not in settled:
            break
        reached = fire_at
    return reached
