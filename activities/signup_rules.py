"""Pure rules of organised service: what may be offered, when people check in, what counts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from activities.attendance_codes import (
    SCAN_LABELS,
    VERDICT_LABELS,
    ScanVerdict,
    Verdict,
    judge_scan,
)
from activities.service_rules import ServiceRefused
from core.errors import FieldProblem, RuleViolation

LENGTH_MAX = timedelta(hours=24)


class CheckRefused(RuleViolation):
    """A claimed time of coming or leaving that cannot be taken."""

    code = "signup.check_refused"
    title = "这次签到（签退）不能登记"


@dataclass(frozen=True, slots=True)
class OpportunityPlan:
    """A service that an organisation offers; planned_minutes of service in [starts_at, ends_at)."""

    title: str
    place: str
    needs: str
    starts_at: datetime
    ends_at: datetime
    planned_minutes: int
    places: int
    issuer_id: UUID | None
    is_office_duty: bool


def require_offerable(plan: OpportunityPlan, *, now: datetime) -> None:
    """Refuse what is no volunteer service, or lies behind us.

    Raises:
        ServiceRefused: it is office duty, over already, of no length, or shorter than planned.
    """
    length = plan.ends_at - plan.starts_at
    if plan.is_office_duty:
        raise _refused("/is_office_duty", "上班时间安排的工作不属于志愿服务。")
    if not timedelta() < length <= LENGTH_MAX:
        raise _refused("/ends_at", "结束时间应晚于开始时间，且不超过 24 小时。")
    if plan.ends_at <= now:
        raise _refused("/ends_at", "服务已经结束，不能再发布。")
    if timedelta(minutes=plan.planned_minutes) > length:
        raise _refused("/planned_minutes", "计划时长超过起止时间的长度。")


def require_check_time(
    at: datetime, starts_at: datetime, ends_at: datetime, *, now: datetime
) -> None:
    """Refuse a claimed time that is ahead of us, too late to reach us, or outside the service.

    Raises:
        CheckRefused: with the reason; the organiser can still confirm the person by his list.
    """
    verdict = judge_scan(starts_at, ends_at, scanned_at=at, received_at=now)
    if verdict is not ScanVerdict.ACCEPTED:
        raise CheckRefused(SCAN_LABELS[verdict] + "。")


def require_accepted(verdict: Verdict) -> None:
    """Refuse a code that is not the organiser's of that moment.

    Raises:
        CheckRefused: with what is wrong with it.
    """
    if verdict is not Verdict.ACCEPTED:
        raise CheckRefused(VERDICT_LABELS[verdict] + "。")


def claimed_between(came: datetime, left: datetime) -> int:
    """Whole minutes between coming and leaving.

    Raises:
        CheckRefused: there is not one.
    """
    minutes = (left - came) // timedelta(minutes=1)
    if minutes < 1:
        raise CheckRefused("签退应晚于签到。")
    return minutes


def minutes_problem(
    minutes: int, claimed_minutes: int | None, starts_at: datetime, ends_at: datetime
) -> str:
    """Why an organiser cannot confirm so many minutes, or nothing.

    What he adds by hand ends with the length of the service (domain 4).
    """
    length = (ends_at - starts_at) // timedelta(minutes=1)
    allowed = max(length, claimed_minutes or 0)
    return f"最多可核定 {allowed} 分钟。" if minutes > allowed else ""


def _refused(pointer: str, message: str) -> ServiceRefused:
    return ServiceRefused(message, problems=(FieldProblem(pointer, "refused", message),))
