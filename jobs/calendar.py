"""When a job is due: fire times in Asia/Shanghai, reckoned by APScheduler and by nothing else."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

from apscheduler.triggers.cron import CronTrigger

from core.clock import SHANGHAI

_DAYS = {"mon": "一", "tue": "二", "wed": "三", "thu": "四", "fri": "五", "sat": "六", "sun": "日"}


class Calendar:
    """Fire times on whole seconds, without end.

    Args:
        label: how people read it.
        fields: CronTrigger's fields. Never a crontab line: there, 0 is Monday.
    """

    def __init__(self, label: str, **fields: str | int) -> None:
        self.label = label
        self._trigger = CronTrigger(timezone=SHANGHAI, **fields)

    def next_after(self, moment: datetime) -> datetime:
        """The first fire later than a moment, in UTC."""
        later = moment + timedelta(microseconds=1)
        fire: datetime = self._trigger.get_next_fire_time(None, later.astimezone(SHANGHAI))
        return fire.astimezone(UTC)

    def fires(self, after: datetime, until: datetime, *, limit: int) -> list[datetime]:
        """The first so many fires in (after, until]."""
        return list(islice(self._fires(after, until), limit))

    def _fires(self, after: datetime, until: datetime) -> Iterator[datetime]:
        fire = self.next_after(after)
        while fire <= until:
            yield fire
            fire = self.next_after(fire)


def daily(hour: int, minute: int = 0) -> Calendar:
    """Every day at a time in Shanghai."""
    return Calendar(f"每天 {hour:02}:{minute:02}", hour=hour, minute=minute)


def weekly(day: str, hour: int, minute: int = 0) -> Calendar:
    """Once a week.

    Args:
        day: mon, tue, wed, thu, fri, sat or sun.
    """
    label = f"每周{_DAYS[day]} {hour:02}:{minute:02}"
    return Calendar(label, day_of_week=day, hour=hour, minute=minute)


def monthly(day: int, hour: int, minute: int = 0) -> Calendar:
    """Once a month, on a day that every month has."""
    label = f"每月 {day} 日 {hour:02}:{minute:02}"
    return Calendar(label, day=day, hour=hour, minute=minute)
