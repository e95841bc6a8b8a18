"""The breaker of a provider, pure: after failures in a row it is left alone for a while."""

from dataclasses import dataclass
from datetime import datetime, timedelta

# So many failures in a row are no accident any more.
FAILURES_MAX = 5
PAUSE_MIN = timedelta(minutes=1)
PAUSE_MAX = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Breaker:
    """How a provider has been answering lately."""

    failures: int = 0
    open_until: datetime | None = None


def allowance(breaker: Breaker, *, now: datetime, full: int) -> int:
    """How many messages the provider may be given now: all, one as a trial, or none."""
    if breaker.open_until is not None and now < breaker.open_until:
        return 0
    return 1 if breaker.failures >= FAILURES_MAX else full


def after(breaker: Breaker, *, is_failure: bool, now: datetime) -> Breaker:
    """The breaker after an answer; each failure beyond the limit doubles the pause."""
    if not is_failure:
        return Breaker()
    failures = breaker.failures + 1
    if failures < FAILURES_MAX:
        return Breaker(failures)
    doublings = min(failures - FAILURES_MAX, 10)
    return Breaker(failures, now + min(PAUSE_MIN * 2**doublings, PAUSE_MAX))
