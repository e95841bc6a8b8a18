"""Organisation life of the demo: a theme day every month, in each branch or in several together."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from activities import calendar, templates
from activities.calendar import ActivityPlan
from activities.models import ActivityKind
from activities.templates import FromTemplate, TemplateData
from api.demo import cast
from api.demo.district import Branch, District, Person
from api.demo.timeline import months, next_month
from core.clock import at_local, business_day

THEME_DAY = 10
ROOM, MINUTES = "党群活动室", 90
# In these months a committee holds the theme day for all of its branches together.
JOINT_MONTHS = frozenset({2, 4, 5, 7, 10, 11})
_TOPICS = (
    "学习党章", "走访慰问困难党员", "学习先进人物", "清明祭扫与家风教育", "劳动实践",
    "重温入党誓词", "庆七一座谈", "防汛演练", "爱国卫生", "参观红色展览", "政策宣讲",
    "民主评议准备",
)  # fmt: skip


def fill(session: Session, district: District, *, founded_at: datetime, now: datetime) -> None:
    """Plan every month behind the founding, up to the next one, as the leaders would have."""
    founded_on, today = business_day(founded_at), business_day(now)
    template_id = _keep_template(session, district, founded_at)
    for month in months(next_month(founded_on), next_month(today)):
        # Next month stands on the calendar already; it was planned before today.
        planned_at = min(at_local(month, 9), now - timedelta(days=1))
        for officer, branches in district.committees():
            if month.month in JOINT_MONTHS and len(branches) > 1 and branches[0].since <= month:
                _plan_jointly(session, officer, branches, month, planned_at)
                continue
            for branch in branches:
                if branch.since > month:
                    continue
                if branch.organization.name == cast.HOME_BRANCH and month.month % 3:
                    _plan_from(session, template_id, branch, month, planned_at)
                else:
                    _plan(session, branch, month, planned_at)


def add_meeting(session: Session, branch: Branch, *, on: date, planned_at: datetime) -> None:
    """A committee meeting of an afternoon, which a member's service will be found to overlap."""
    plan = ActivityPlan(
        ActivityKind.COMMITTEE_MEETING, "支部委员会", ROOM, at_local(on, 14), at_local(on, 16)
    )
    actor = branch.head.actor(business_day(planned_at))
    calendar.schedule(session, actor, branch.id, plan=plan, now=planned_at)


def _keep_template(session: Session, district: District, now: datetime) -> UUID:
    actor = district.admin.actor(business_day(now))
    title = "主题党日：重温入党誓词、交纳党费、政治学习"
    data = TemplateData(ActivityKind.THEME_DAY, title, ROOM, MINUTES)
    return templates.create(session, actor, district.root.id, data=data, now=now).id


def _plan_from(
    session: Session, template_id: UUID, branch: Branch, month: date, planned_at: datetime
) -> None:
    chosen = FromTemplate(template_id, _evening(month))
    actor = branch.head.actor(business_day(planned_at))
    templates.schedule(session, actor, branch.id, chosen=chosen, now=planned_at)


def _plan(session: Session, branch: Branch, month: date, planned_at: datetime) -> None:
    """One evening; at the end of a quarter it is two of 三会一课 as well, and one attendance."""
    kind, title = ActivityKind.THEME_DAY, _title(month)
    tags: tuple[str, ...] = ()
    if month.month % 3 == 0:
        kind, title = ActivityKind.GENERAL_MEETING, f"支部党员大会、党课和{title}"
        tags = (ActivityKind.PARTY_LECTURE, ActivityKind.THEME_DAY)
    starts_at = _evening(month)
    ends_at = starts_at + timedelta(minutes=MINUTES)
    plan = ActivityPlan(kind, title, ROOM, starts_at, ends_at, tags)
    actor = branch.head.actor(business_day(planned_at))
    calendar.schedule(session, actor, branch.id, plan=plan, now=planned_at)


def _plan_jointly(
    session: Session,
    officer: Person,
    branches: Sequence[Branch],
    month: date,
    planned_at: datetime,
) -> None:
    starts_at = _evening(month)
    plan = ActivityPlan(
        ActivityKind.JOINT_ACTIVITY,
        f"联合开展{_title(month)}",
        "党群服务中心",
        starts_at,
        starts_at + timedelta(minutes=MINUTES),
        (ActivityKind.THEME_DAY,),
        organization_ids=tuple(branch.id for branch in branches),
    )
    actor = officer.actor(business_day(planned_at))
    calendar.schedule(session, actor, branches[0].committee_id, plan=plan, now=planned_at)


def _title(month: date) -> str:
    return f"{month.month}月主题党日：{_TOPICS[month.month - 1]}"


def _evening(month: date) -> datetime:
    return at_local(month.replace(day=THEME_DAY), 19, 30)
