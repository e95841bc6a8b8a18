"""What runs when: one line a job, and the handlers of work that people request."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from core.background import Progress
from core.clock import business_day
from jobs import outside
from members.roster import applying, importing, previewing, undoing
from members.roster.stages import Step
from notifications import inbox
from points import (
    adjustment_posting,
    bulletins,
    closing,
    opening,
    periods,
    scheme_simulation,
    sealing,
)

RequestedHandler = Callable[..., Iterator[Progress]]


@dataclass(frozen=True, slots=True)
class Sweep:
    """Work that is looked for every few seconds; doing it twice does no harm."""

    name: str
    every_seconds: int
    run: Callable[[Session, datetime], int]


SWEEPS = (
    Sweep("deliver-inbox", 1, lambda session, now: inbox.deliver(session, now=now)),
    # What a roster import keeps of the uploaded file goes when it cannot be undone any more.
    Sweep("purge-imports", 3600, lambda session, now: importing.purge_files(session, now=now)),
    # On New Year's Day a claim finds its year open without anybody having to remember it.
    Sweep(
        "open-year", 600, lambda session, now: periods.ensure_year(session, business_day(now).year)
    ),
    # A deduction whose window is over needs nobody to remember it.
    Sweep(
        "post-deductions", 300, lambda session, now: adjustment_posting.post_ripe(session, now=now)
    ),
    # Without an open objection nobody has to do anything for what was published to be final.
    Sweep("close-bulletins", 60, lambda session, now: bulletins.close_ripe(session, now=now)),
    # Behind the postings, so that a slow approval never makes anybody wait.
    Sweep("seal-ledger", 30, lambda session, now: sealing.seal(session, now=now)),
    # The notice for a year comes in November; without it quiet days are guessed.
    Sweep(
        "watch-work-calendar", 86400, lambda session, now: outside.watch_calendar(session, now=now)
    ),
)

# kind -> handler(session, subject_id, *, now); the runner commits at each yield.
REQUESTED: Mapping[str, RequestedHandler] = {
    Step.CHECK: previewing.check,
    Step.COMMIT: applying.commit,
    Step.ROLLBACK: undoing.rollback,
    closing.JOB: closing.close,
    opening.JOB: opening.carry,
    scheme_simulation.JOB: scheme_simulation.run,
}
