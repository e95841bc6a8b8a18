"""Reading attendance: one's own, a meeting's list, a branch's rates by the published formula."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from activities.activity_access import get_handled, get_readable
from activities.attendance_rates import AttendanceCounts, count_statuses
from activities.life_models import (
    ActivityOrganization,
    Attendance,
    AttendanceEvent,
    LeaveRequest,
    LeaveStatus,
)
from activities.models import Activity
from core.clock import at_local
from core.errors import FieldProblem, NotFound, RuleViolation
from core.paging import Page, newest_first
from members.access import READING_ROLES, Actor, get_organization, primary_affiliation_on, within
from members.models import Affiliation, Member, Organization, OrganizationKind
from members.organizations import BRANCH_KINDS

RANGE_DAYS_MAX = 366
# More than anybody is asked to in the days that are looked at.
COMING_MAX = 50
_PLACE = sa.func.coalesce(Attendance.party_group_id, Attendance.organization_id)


class RangeTooLong(RuleViolation):
    """The days asked for are reversed, or more than a year."""

    code = "attendance.range"
    title = "日期范围不对"


class NotABranch(RuleViolation):
    """Rates by member exist for a branch or a group only; bodies above see exceptions."""

    code = "attendance.not_a_branch"
    title = "只有党支部和党小组有党员出勤情况"


@dataclass(frozen=True, slots=True)
class MemberRate:
    """One member's counts; listed by group, then name, whatever the numbers."""

    member_id: UUID
    name: str
    group_name: str
    counts: AttendanceCounts


@dataclass(frozen=True, slots=True)
class BranchRates:
    """A branch's counts, and those of each member."""

    counts: AttendanceCounts
    members: Sequence[MemberRate]


def list_own(
    session: Session, actor: Actor, *, after: list[str | int] | None, limit: int
) -> Page[Any]:
    """The activities that concern the actor, newest entry first, with his status and leave."""
    query = _own(actor).where(_concerns(actor))
    return newest_first(session, query, Activity, after=after, limit=limit)


def find_coming(session: Session, actor: Actor, *, now: datetime, until: datetime) -> Sequence[Any]:
    """Announced activities not yet over that the actor is expected at, the nearest first."""
    rows = session.execute(
        _own(actor)
        .where(
            _concerns(actor),
            Activity.cancelled_at.is_(None),
            Activity.closed_at.is_(None),
            Activity.ends_at > now,
            Activity.starts_at < until,
        )
        .order_by(Activity.starts_at, Activity.id)
        .limit(COMING_MAX)
    ).all()
    return [row for row in rows if _expects(row, actor)]


def readable(actor: Actor) -> sa.Select[*tuple[Any, ...]]:
    """The activities that concern the actor, and all that are held in his reading scope."""
    held = sa.select(Organization.id).where(within(actor.paths(READING_ROLES))).correlate(None)
    joined = sa.select(ActivityOrganization.activity_id).where(
        ActivityOrganization.organization_id.in_(held)
    )
    leads = Activity.organization_id.in_(held) | Activity.id.in_(joined)
    return _own(actor).where(_concerns(actor) | leads)


def _concerns(actor: Actor) -> sa.ColumnElement[bool]:
    joined = sa.select(ActivityOrganization.activity_id).where(
        ActivityOrganization.organization_id == actor.organization_id
    )
    group = (
        sa.select(Affiliation.party_group_id)
        .select_from(Member)
        .join(Affiliation, primary_affiliation_on(actor.on))
        .where(Member.id == actor.member_id)
    )
    concerns_him = sa.or_(
        Attendance.id.is_not(None),
        Activity.organization_id == actor.organization_id,
        Activity.organization_id.in_(group),
        Activity.id.in_(joined),
    )
    # A plan that nobody has announced is the organiser's own business.
    is_announced = Activity.published_at.is_not(None) | Activity.started_at.is_not(None)
    return concerns_him & is_announced


def _expects(row: Any, actor: Actor) -> bool:
    invited = row.Activity.invited
    return row.attendance_id is not None or not invited or str(actor.member_id) in invited


def get_own(session: Session, actor: Actor, activity_id: UUID) -> Any:
    """An activity that the actor may read, with his own status and leave.

    Raises:
        NotFound: absent, or out of scope.
    """
    get_readable(session, actor, activity_id)
    return session.execute(_own(actor).where(Activity.id == activity_id)).one()


def list_attendance(session: Session, actor: Actor, activity_id: UUID) -> Sequence[Any]:
    """The list of an activity where the actor organises: groups, then names; one statement.

    Raises:
        NotFound: absent, or out of scope.
    """
    get_handled(session, actor, activity_id)
    group = aliased(Organization)
    return session.execute(
        sa.select(
            *Attendance.__table__.c,
            Member.name.label("name"),
            sa.func.coalesce(group.name, "").label("group_name"),
        )
        .join(Member, Member.id == Attendance.member_id)
        .join(Organization, Organization.id == _PLACE)
        .outerjoin(group, group.id == Attendance.party_group_id)
        .where(Attendance.activity_id == activity_id, within(actor.paths(READING_ROLES)))
        .order_by(Attendance.is_expected.desc(), sa.text("group_name"), Member.name, Member.id)
    ).all()


def list_events(session: Session, actor: Actor, attendance_id: UUID) -> Sequence[Any]:
    """Every revision of one attendance, the oldest first: one's own, or in reading scope.

    Raises:
        NotFound: absent, or out of scope.
    """
    seen = session.scalar(
        sa.select(Attendance.id)
        .join(Organization, Organization.id == _PLACE)
        .where(
            Attendance.id == attendance_id,
            (Attendance.member_id == actor.member_id) | within(actor.paths(READING_ROLES)),
        )
    )
    if seen is None:
        raise NotFound
    return session.execute(
        sa.select(*AttendanceEvent.__table__.c, Member.name.label("entered_by_name"))
        .join(Member, Member.id == AttendanceEvent.entered_by)
        .where(AttendanceEvent.attendance_id == attendance_id)
        .order_by(AttendanceEvent.revision)
    ).all()


def rate_branch(
    session: Session, actor: Actor, organization_id: UUID, *, first_on: date, last_on: date
) -> BranchRates:
    """The attendance of a branch or group at closed activities of these days; one statement.

    Raises:
        NotFound, NotABranch: the organisation is out of scope, or has no members of its own.
        RangeTooLong: the days are reversed, or more than a year.
    """
    organization = get_organization(session, actor, organization_id, roles=READING_ROLES)
    if organization.kind not in BRANCH_KINDS | {OrganizationKind.PARTY_GROUP}:
        raise NotABranch
    if not timedelta(0) <= last_on - first_on <= timedelta(days=RANGE_DAYS_MAX):
        message = "结束日期应不早于开始日期，最多一年。"
        raise RangeTooLong(message, problems=(FieldProblem("/to", "range", message),))
    group = aliased(Organization)
    rows: Sequence[Any] = session.execute(
        sa.select(
            Attendance.member_id,
            Member.name,
            sa.func.coalesce(group.name, ""),
            Attendance.status,
        )
        .join(Activity, Activity.id == Attendance.activity_id)
        .join(Member, Member.id == Attendance.member_id)
        .join(Organization, Organization.id == _PLACE)
        .outerjoin(group, group.id == Attendance.party_group_id)
        .where(
            within([organization.path]),
            Attendance.is_expected,
            Activity.closed_at.is_not(None),
            Activity.starts_at >= at_local(first_on, 0),
            Activity.starts_at < at_local(last_on + timedelta(days=1), 0),
        )
    ).all()
    statuses: dict[tuple[str, str, UUID], list[str]] = defaultdict(list)
    for member_id, name, group_name, status in rows:
        statuses[group_name, name, member_id].append(status)
    members = [
        MemberRate(member_id, name, group_name, count_statuses(mine))
        for (group_name, name, member_id), mine in sorted(statuses.items())
    ]
    return BranchRates(count_statuses(row[3] for row in rows), members)


def _own(actor: Actor) -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(
            Activity,
            Attendance.id.label("attendance_id"),
            Attendance.status.label("my_status"),
            LeaveRequest.status.label("leave_status"),
        )
        .outerjoin(
            Attendance,
            (Attendance.activity_id == Activity.id) & (Attendance.member_id == actor.member_id),
        )
        .outerjoin(
            LeaveRequest,
            (LeaveRequest.activity_id == Activity.id)
            & (LeaveRequest.member_id == actor.member_id)
            & LeaveRequest.status.in_((LeaveStatus.REQUESTED, LeaveStatus.APPROVED)),
        )
    )
