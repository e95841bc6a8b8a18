"""What waits for a member, or for somebody in office, about pledges, meetings and service."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities import attendance_reading, leave_requests
from activities.life_models import LeaveRequest, LeaveStatus
from activities.models import Activity
from activities.pledge_models import Pledge
from activities.pledge_states import RUNNING, PledgeStatus
from activities.service_models import ServiceOpportunity, ServiceSignup
from core.clock import SHANGHAI
from core.todo import Part, Todo, TodoKind, Words, day_text, part
from members.access import REVIEWING_ROLES, Actor
from members.access_models import Role

# How far ahead a pledge or a meeting is told of, and how many meetings and services.
AHEAD = timedelta(days=7)
COMING_MAX = 3
# Bodies above may decide a leave, but the leaves of all their branches do not wait for them.
LEAVE_ROLES = frozenset({Role.GROUP_LEADER, Role.BRANCH_SECRETARY, Role.DEPUTY_SECRETARY})

WORDS: Mapping[TodoKind, Words] = {
    TodoKind.PLEDGE_RETURNED: Words(
        "承诺“{title}”被退回，请修改后再提交", "有 {count} 项承诺被退回，请修改后再提交"
    ),
    TodoKind.PLEDGE_DUE: Words(
        "承诺“{title}”{day}到期", "有 {count} 项承诺将到期，最早的{day}到期"
    ),
    TodoKind.PLEDGES_SUBMITTED: Words("有 1 项承诺待审核", "有 {count} 项承诺待审核"),
    TodoKind.LEAVES_REQUESTED: Words("有 1 人请假待审批", "有 {count} 人请假待审批"),
}
_LEAVES = {LeaveStatus.REQUESTED: "请假待审批", LeaveStatus.APPROVED: "已准假"}
SIGNED_UP = "signed_up"

_MEMBER = sa.bindparam("member", type_=sa.Uuid)


def own_parts() -> list[Part]:
    """What waits for a member himself; for the parameters member, year and soon."""
    mine = Pledge.member_id == _MEMBER
    return [
        part(TodoKind.PLEDGE_RETURNED, counted=Pledge.id, title=Pledge.title).where(
            mine,
            Pledge.status == PledgeStatus.RETURNED,
            Pledge.year == sa.bindparam("year", type_=sa.Integer),
        ),
        part(
            TodoKind.PLEDGE_DUE, counted=Pledge.id, on_day=Pledge.due_on, title=Pledge.title
        ).where(
            mine,
            Pledge.status.in_(RUNNING),
            Pledge.due_on <= sa.bindparam("soon", type_=sa.Date),
        ),
    ]


def office_parts(actor: Actor) -> Sequence[Part]:
    """What waits for the actor where he decides or organises; nothing without a role."""
    parts: list[Part] = []
    reviewing = actor.places(REVIEWING_ROLES)
    if reviewing:
        at = Pledge.reviewer_organization_id
        parts.append(
            part(TodoKind.PLEDGES_SUBMITTED, counted=Pledge.id, place=at)
            .where(
                at.in_(reviewing),
                Pledge.status == PledgeStatus.SUBMITTED,
                Pledge.year == actor.on.year,
                Pledge.member_id != actor.member_id,
            )
            .group_by(at)
        )
    organising = {
        (one.organization_id, one.path) for one in actor.held_roles if one.role in LEAVE_ROLES
    }
    for place_id, path in sorted(organising):
        place = sa.literal(place_id, sa.Uuid)
        head = part(TodoKind.LEAVES_REQUESTED, counted=LeaveRequest.id, place=place)
        parts.append(leave_requests.of_waiting(head.select_from(LeaveRequest), actor, path))
    return parts


def find_coming(session: Session, actor: Actor, *, now: datetime) -> list[Todo]:
    """Meetings of the next days that the actor is expected at, and services he signed up for.

    Each with its time, place, and what he has said; the nearest first, and few. Two statements.
    """
    meetings = attendance_reading.find_coming(session, actor, now=now, until=now + AHEAD)
    asked = {"member": actor.member_id, "now": now, "until": now + AHEAD}
    services = session.scalars(_COMING_SERVICES, asked)
    return [_meeting(row) for row in meetings[:COMING_MAX]] + [_service(one) for one in services]


def _meeting(row: Any) -> Todo:
    activity: Activity = row.Activity
    line = _line(activity, _LEAVES.get(row.leave_status, ""))
    return Todo(TodoKind.MEETING, line, subject_id=activity.id, state=row.leave_status)


def _service(offered: ServiceOpportunity) -> Todo:
    return Todo(TodoKind.SERVICE, _line(offered, "已报名"), subject_id=offered.id, state=SIGNED_UP)


def _line(what: Activity | ServiceOpportunity, said: str) -> str:
    starts_at = what.starts_at.astimezone(SHANGHAI)
    when = f"{day_text(starts_at.date())} {starts_at:%H:%M}"
    return "，".join(word for word in (f"{when} {what.title}", what.place, said) if word)


def _coming_services() -> sa.Select[ServiceOpportunity]:
    times = ServiceOpportunity.__table__.c.starts_at.type
    return (
        sa.select(ServiceOpportunity)
        .join(ServiceSignup, ServiceSignup.opportunity_id == ServiceOpportunity.id)
        .where(
            ServiceSignup.member_id == _MEMBER,
            ServiceSignup.withdrawn_at.is_(None),
            ServiceSignup.settled_at.is_(None),
            ServiceOpportunity.cancelled_at.is_(None),
            ServiceOpportunity.ends_at > sa.bindparam("now", type_=times),
            ServiceOpportunity.starts_at < sa.bindparam("until", type_=times),
        )
        .order_by(ServiceOpportunity.starts_at, ServiceOpportunity.id)
        .limit(COMING_MAX)
    )


_COMING_SERVICES = _coming_services()
