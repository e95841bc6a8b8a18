"""The ladder (domain 5.7): pure functions of dates and a policy, in calendar months."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta

from dateutil.relativedelta import relativedelta

from core.errors import FieldProblem, RuleViolation
from members.contact.models import Clock

# A dues date says that the register was kept; the next one is due a month later, with days of
# grace. A branch that records organisation life is heard only until its last record.
REGISTER_DAYS = 35
# A silence longer than the branch's own longest one of the year before it is an outage.
USUAL_SILENCE = (7, 35)
TRANSFER_FLAG_DAYS = (30, 60, 90)
GRADUATE_YEARS = 2
REMOVAL_WARNINGS = (6, 1)
CASE_OPENS_AT = {Clock.LOST_CONTACT: 3, Clock.SELF_WITHDRAWAL: 6, Clock.ABROAD: 6}


class PolicyUnderFloor(RuleViolation):
    """A threshold is under what the regulations lay down, or the steps are out of order."""

    code = "contact.policy"
    title = "阈值低于规定的下限，或先后次序不对"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What a district may configure; the statutory steps are months, the early ones days."""

    care_days: int = 35
    attention_days: int = 65
    warning_days: int = 95
    search_days: int = 125
    prelimit_months: int = 5
    limit_months: int = 6
    removal_months: int = 24
    withdrawal_months: int = 6
    abroad_contact_months: int = 6
    abroad_years: int = 5
    touch_months: int = 1
    talk_months: int = 3


DEFAULT = Thresholds()
# 教育管理条例 Art. 24, 31(6), 34: no configuration goes under these.
FLOORS: Mapping[str, int] = {
    "care_days": 7,
    "limit_months": 6,
    "removal_months": 24,
    "withdrawal_months": 6,
    "abroad_contact_months": 6,
    "abroad_years": 5,
}
# 条例 Art. 34 asks for contact with those farthest away every half year: nobody waits longer.
SELDOM_MONTHS = 6


def require_lawful(thresholds: Thresholds) -> None:
    """Raise PolicyUnderFloor unless every floor is kept and each step comes after the one before.

    The same is a CHECK of the table.
    """
    problems = [
        FieldProblem(f"/{name}", "floor", f"不能少于 {floor}。", {"minimum": floor})
        for name, floor in FLOORS.items()
        if getattr(thresholds, name) < floor
    ]
    # The shortest month has 28 days, so the search always begins before the months run out.
    steps = [
        ("attention_days", thresholds.care_days < thresholds.attention_days),
        ("warning_days", thresholds.attention_days < thresholds.warning_days),
        ("search_days", thresholds.warning_days < thresholds.search_days),
        ("prelimit_months", thresholds.search_days <= thresholds.prelimit_months * 28),
        ("limit_months", thresholds.prelimit_months < thresholds.limit_months),
    ]
    problems += _cadence_problems(thresholds)
    problems += [
        FieldProblem(f"/{name}", "order", "应晚于前一步。")
        for name, is_later in steps
        if not is_later
    ]
    if problems:
        raise PolicyUnderFloor(problems=tuple(problems))


def _cadence_problems(thresholds: Thresholds) -> list[FieldProblem]:
    """How often migrants are heard from at least: the months are the longest allowed."""
    problems = []
    if thresholds.talk_months > SELDOM_MONTHS:
        text = f"至少每 {SELDOM_MONTHS} 个月谈心一次。"
        limit = {"maximum": SELDOM_MONTHS}
        problems.append(FieldProblem("/talk_months", "floor", text, limit))
    if not 1 <= thresholds.touch_months <= thresholds.talk_months:
        text = "至少一个月一次为最密，且不能比谈心的间隔长。"
        problems.append(FieldProblem("/touch_months", "order", text))
    return problems


def months_after(day: date, months: int) -> date:
    """The same day of a later month, or its last day: 31 August + 6 is 28 or 29 February."""
    return day + relativedelta(months=months)


def latest_anchor(on: date, months: int) -> date:
    """The latest day from which so many months have passed by `on`.

    It inverts `months_after`: 28 February is six months after 28, 29, 30 and 31 August.
    """
    anchor = on - relativedelta(months=months)
    while months_after(anchor + timedelta(days=1), months) <= on:
        anchor += timedelta(days=1)
    return anchor


def cutoffs(clock: Clock, thresholds: Thresholds, on: date) -> dict[int, date]:
    """Stage -> the latest anchor that has reached it by `on`."""
    if clock == Clock.SELF_WITHDRAWAL:
        limit = thresholds.withdrawal_months
        return {6 - left: latest_anchor(on, limit - left) for left in (3, 2, 1, 0)}
    if clock == Clock.ABROAD:
        limit = thresholds.abroad_contact_months
        return {6 - left: latest_anchor(on, limit - left) for left in (1, 0)}
    days = (
        thresholds.care_days,
        thresholds.attention_days,
        thresholds.warning_days,
        thresholds.search_days,
    )
    early = {stage: on - timedelta(days=passed) for stage, passed in enumerate(days, start=1)}
    return early | {
        5: latest_anchor(on, thresholds.prelimit_months),
        6: latest_anchor(on, thresholds.limit_months),
    }


def stage_of(clock: Clock, thresholds: Thresholds, anchor: date, on: date) -> int:
    """The stage that a clock has reached by `on`; 0 below the first.

    Args:
        anchor: the effective anchor: the last contact, moved on by the days that do not count.
    """
    reached = [
        stage for stage, latest in cutoffs(clock, thresholds, on).items() if anchor <= latest
    ]
    return max(reached, default=0)


def suspended_stage(thresholds: Thresholds, suspended_on: date, on: date) -> int:
    """7 from the recorded 停止党籍 on, 8 when removal may be studied; people decide both."""
    return 8 if months_after(suspended_on, thresholds.removal_months) <= on else 7


def removal_warning(thresholds: Thresholds, suspended_on: date, on: date) -> int | None:
    """How many months before the end the newest warning was due: 6, 1, or None before both."""
    due = [
        left
        for left in REMOVAL_WARNINGS
        if months_after(suspended_on, thresholds.removal_months - left) <= on
    ]
    return min(due, default=None)


def abroad_review(thresholds: Thresholds, left_on: date, on: date) -> int:
    """0, then 1 half a year before the years abroad are full, 2 when they are (C2)."""
    months = thresholds.abroad_years * 12
    return sum(months_after(left_on, months - early) <= on for early in (6, 0))


def abroad_since(stays: Sequence[tuple[date, date]]) -> date:
    """The day on which the newest unbroken time abroad began: a stay renewed on its end goes on.

    Args:
        stays: recorded [from, to), by their first day; at least one.
    """
    (since, until), *later = stays
    for first, end in later:
        since = first if first > until else since
        until = max(until, end)
    return since


def is_graduate_overdue(graduated_on: date, on: date) -> bool:
    """Whether a relation has stayed at the university for longer than the two years allowed."""
    return months_after(graduated_on, GRADUATE_YEARS * 12) <= on


def transfer_flag(sent_on: date, on: date) -> int:
    """The newest of the 30, 60 and 90 days that a transfer in flight has passed; 0 before."""
    passed = (on - sent_on).days
    return max((days for days in TRANSFER_FLAG_DAYS if days <= passed), default=0)


def heard_until(recorded_on: date, on: date, *, records_life: bool) -> date:
    """Until which day a branch's silence about a member means anything.

    Absence is seen on a day on which something was recorded. A register of dues dates says
    nothing between its dates, but is known to be kept until the next one is due.
    """
    if records_life:
        return min(recorded_on, on)
    return min(recorded_on + timedelta(days=REGISTER_DAYS), on)


def usual_silence(gaps: Sequence[int]) -> int:
    """How many days a branch may be silent before it is an outage: half as long again as usual.

    A month is now 28 days and now 31: the exact longest would make outages of long months.

    Args:
        gaps: days between its neighbouring records of the year before.
    """
    least, most = USUAL_SILENCE
    return min(max(max(gaps) * 3 // 2, least), most) if gaps else most


def defaults_of(organization_thresholds: object | None) -> Thresholds:
    """The thresholds of a stored policy, or the published ones where a district has set none."""
    if organization_thresholds is None:
        return DEFAULT
    return Thresholds(
        **{item.name: getattr(organization_thresholds, item.name) for item in fields(Thresholds)}
    )
