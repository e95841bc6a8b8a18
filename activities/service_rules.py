"""Pure rules of volunteer service: what is refused, and what is only flagged for the reviewer."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from core.clock import business_day
from core.errors import FieldProblem, RuleViolation

DAY_MINUTES_MAX = 8 * 60
BACKFILL_DAYS_MAX = 30


class ServiceFlag(enum.StrEnum):
    """Things that a reviewer should look at; none of them refuses the record (domain 4)."""

    OVERLAPS_RECORD = "overlaps_record"
    OVERLAPS_MEETING = "overlaps_meeting"
    OVER_EIGHT_HOURS = "over_eight_hours"
    OVER_PLAN = "over_plan"
    BACKFILL = "backfill"


FLAG_LABELS = {
    ServiceFlag.OVERLAPS_RECORD: "与本人另一条服务记录时间重叠",
    ServiceFlag.OVERLAPS_MEETING: "与支部活动时间重叠",
    ServiceFlag.OVER_EIGHT_HOURS: "当日服务合计超过 8 小时",
    ServiceFlag.OVER_PLAN: "申报时长超过计划时长",
    ServiceFlag.BACKFILL: "补录超过 30 天",
}


class ServiceRefused(RuleViolation):
    """A volunteer record that cannot be true, or cannot count."""

    code = "service.refused"
    title = "这条志愿服务不能申报"


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """What a member says about one piece of service."""

    title: str
    organiser: str
    place: str
    origin: str
    external_reference: str
    starts_at: datetime
    ends_at: datetime
    planned_minutes: int
    claimed_minutes: int
    is_office_duty: bool

    @property
    def happened_on(self) -> date:
        """The business day of the start."""
        return business_day(self.starts_at)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What else the member did around that time."""

    other_records: Sequence[tuple[datetime, datetime, int]]
    meetings: Sequence[tuple[datetime, datetime]]


def require_possible(facts: ServiceFacts, joined_on: date | None, *, now: datetime) -> None:
    """Refuse what cannot be.

    Raises:
        ServiceRefused: in the future, before joining, longer than it lasted, office duty, or an
            external record without its reference.
    """
    length_minutes = (facts.ends_at - facts.starts_at) // timedelta(minutes=1)
    if length_minutes <= 0 or length_minutes > 24 * 60:
        raise _refused("/ends_at", "结束时间应晚于开始时间，且不超过 24 小时。")
    if facts.ends_at > now:
        raise _refused("/ends_at", "服务还没有结束，结束后才能申报。")
    if joined_on is not None and facts.happened_on < joined_on:
        raise _refused("/starts_at", f"服务日期早于入党日期 {joined_on}，不能计入党员积分。")
    if facts.claimed_minutes > length_minutes:
        raise _refused(
            "/claimed_minutes", f"申报 {facts.claimed_minutes} 分钟，超过起止时间的长度。"
        )
    if facts.is_office_duty:
        raise _refused("/is_office_duty", "上班时间安排的工作不属于志愿服务。")
    if facts.origin == "external" and not facts.external_reference:
        raise _refused("/external_reference", "其他平台的记录须填写证明编号。")


def flags_of(facts: ServiceFacts, around: Surroundings, *, now: datetime) -> list[ServiceFlag]:
    """What the reviewer should look at, in a fixed order."""
    flags = []
    if any(_overlaps(facts, start, end) for start, end, _ in around.other_records):
        flags.append(ServiceFlag.OVERLAPS_RECORD)
    if any(_overlaps(facts, start, end) for start, end in around.meetings):
        flags.append(ServiceFlag.OVERLAPS_MEETING)
    same_day = sum(
        minutes
        for start, _, minutes in around.other_records
        if business_day(start) == facts.happened_on
    )
    if same_day + facts.claimed_minutes > DAY_MINUTES_MAX:
        flags.append(ServiceFlag.OVER_EIGHT_HOURS)
    if facts.claimed_minutes > facts.planned_minutes:
        flags.append(ServiceFlag.OVER_PLAN)
    if business_day(now) - facts.happened_on > timedelta(days=BACKFILL_DAYS_MAX):
        flags.append(ServiceFlag.BACKFILL)
    return flags


def is_backfill(origin: str, happened_on: date, entered_on: date) -> bool:
    """Whether a record was written down on a later day than it happened, without a scan."""
    return origin != "scanned" and entered_on > happened_on


def _overlaps(facts: ServiceFacts, start: datetime, end: datetime) -> bool:
    return facts.starts_at < end and start < facts.ends_at


def _refused(pointer: str, message: str) -> ServiceRefused:
    return ServiceRefused(message, problems=(FieldProblem(pointer, "refused", message),))
