"""Organisation life of the demo: theme days every month, meetings every quarter."""

from dataclasses import replace
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from activities import calendar
from activities.calendar import ActivityPlan
from activities.models import ActivityKind
from api.demo import cast
from api.demo.district import Branch, District
from api.demo.timeline import next_month
from core.clock import at_local, business_day

THEME_DAY = 10
MEETING_DAY = 20
_TOPICS = (
    "学习党章", "走访慰问困难党员", "学习先进人物", "清明祭扫与家风教育", "劳动实践",
    "重温入党誓词", "庆七一座谈", "防汛演练", "爱国卫生", "参观红色展览", "政策宣讲",
    "民主评议准备",
)  # fmt: skip


def fill(session: Session, district: District, *, founded_at: datetime, now: datetime) -> None:
    """Plan every month from the founding to the next one, as the branches' heads would have."""
    month = business_day(founded_at).replace(day=1)
    last_month = next_month(business_day(now).replace(day=1))
    while month <= last_month:
        # Next month stands on the calendar already; it was planned before today.
        planned_at = min(max(at_local(month, 9), founded_at), now - timedelta(days=1))
        for branch in district.branches.values():
            _plan_month(session, branch, month, planned_at)
        month = next_month(month)


def add_meeting(session: Session, branch: Branch, *, on: date, planned_at: datetime) -> None:
    """A committee meeting of an afternoon, which a member's service will be found to overlap."""
    plan = ActivityPlan(
        ActivityKind.COMMITTEE_MEETING,
        "支部委员会",
        "党群活动室",
        at_local(on, 14),
        at_local(on, 16),
    )
    actor = branch.head.actor(business_day(planned_at))
    calendar.schedule(session, actor, branch.id, plan=plan, now=planned_at)


def _plan_month(session: Session, branch: Branch, month: date, planned_at: datetime) -> None:
    actor = branch.head.actor(business_day(planned_at))
    title = f"{month.month}月主题党日：{_TOPICS[month.month - 1]}"
    plan = _evening(ActivityKind.THEME_DAY, title, month.replace(day=THEME_DAY))
    activity = calendar.schedule(session, actor, branch.id, plan=plan, now=planned_at)
    if month.month == 8 and branch.organization.name == cast.HOME_BRANCH:
        # A storm: the month in which the theme day did not take place.
        calendar.cancel(session, actor, branch.id, activity.id, reason="防汛值守", now=planned_at)
    if month.month % 3 == 0:
        # One evening, two of 三会一课; it stays one attendance.
        meeting = _evening(
            ActivityKind.GENERAL_MEETING, "支部党员大会并上党课", month.replace(day=MEETING_DAY)
        )
        meeting = replace(meeting, tags=(ActivityKind.PARTY_LECTURE,))
        calendar.schedule(session, actor, branch.id, plan=meeting, now=planned_at)


def _evening(kind: ActivityKind, title: str, on: date) -> ActivityPlan:
    return ActivityPlan(kind, title, "党群活动室", at_local(on, 19, 30), at_local(on, 21))
