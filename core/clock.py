"""Instants in UTC and business dates in Asia/Shanghai."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def utc_now() -> datetime:
    """The present instant; only the edges (api, jobs, CLI) call this and pass it on as `now`."""
    return datetime.now(UTC)


def business_day(at: datetime) -> date:
    """The Asia/Shanghai calendar date of an aware instant."""
    if at.tzinfo is None:
        raise ValueError("a naive datetime has no business day")
    return at.astimezone(SHANGHAI).date()


def at_local(day: date, hour: int, minute: int = 0) -> datetime:
    """The UTC instant of a wall-clock time in Shanghai."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=SHANGHAI).astimezone(UTC)
