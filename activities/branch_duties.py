"""The calendar of duties of a branch, and the exceptions below a body; never a league table."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities import duties
from activities.duties import (
    ActivityState,
    BranchShape,
    DutyActivity,
    DutyStanding,
    DutyState,
    Excuse,
    Span,
)
from activities.models import Activity
from activities.record_models import DutyExcuse
from core.clock import at_local, business_day
from core.errors import NotFound
from members.access import READING_ROLES, ROSTER_ROLES, Actor, get_organization, within
from members.access_models import Role
from members.models import Affiliation, AffiliationKind, Member, MemberKind, Organization
from members.models import OrganizationKind as Kind

# A group's leader sees his group's meetings; the branch's duties are its leaders' business.
DUTY_ROLES = READING_ROLES - {Role.GROUP_LEADER}


@dataclass(frozen=True, slots=True)
class BranchDuty:
    """One duty of one branch, with the names that people read."""

    organization_id: UUID
    organization_name: str
    group_name: str
    standing: DutyStanding


@dataclass(frozen=True, slots=True)
class ExcuseData:
    """Which duty, the day whose span it is about, the group if only one, and why."""

    kind: str
    excused_on: date
    reason: str
    group_id: UUID | None = None


def judge_branch(
    session: Session, actor: Actor, organization_id: UUID, *, month: date, now: datetime
) -> Sequence[BranchDuty]:
    """The duties of a branch in the spans that touch a month, met or not or excused.

    Raises:
        NotFound: out of scope, or not a branch.
    """
    branch = get_organization(session, actor, organization_id, roles=DUTY_ROLES)
    if branch.kind != Kind.BRANCH:
        raise NotFound
    return _judge(session, [branch], month, now)


def list_exceptions(
    session: Session, actor: Actor, organization_id: UUID, *, month: date, now: datetime
) -> Sequence[BranchDuty]:
    """What branches at and below an organisation have not met, by their names; five statements.

    Raises:
        NotFound: out of scope.
    """
    above = get_organization(session, actor, organization_id, roles=DUTY_ROLES)
    branches = session.scalars(
        sa.select(Organization)
        .where(
            within([above.path]), Organization.kind == Kind.BRANCH, _exists_on(business_day(now))
        )
        .order_by(Organization.name, Organization.id)
    ).all()
    found = _judge(session, branches, month, now)
    return [one for one in found if one.standing.state is DutyState.NOT_MET]


def excuse(
    session: Session, actor: Actor, organization_id: UUID, *, data: ExcuseData, now: datetime
) -> DutyExcuse:
    """Record why a duty could not be met; it stays visible as excused.

    Raises:
        NotFound: the branch is out of scope, or the group is not one of its own.
    """
    branch = get_organization(session, actor, organization_id, roles=ROSTER_ROLES)
    group = session.get(Organization, data.group_id) if data.group_id else None
    if branch.kind != Kind.BRANCH or (
        data.group_id and (not group or group.parent_id != branch.id)
    ):
        raise NotFound
    kept = DutyExcuse(
        organization_id=organization_id,
        group_id=data.group_id,
        kind=data.kind,
        excused_on=data.excused_on,
        reason=data.reason,
        recorded_by=actor.member_id,
        recorded_at=now,
    )
    session.add(kept)
    session.flush()
    return kept


def _judge(
    session: Session, branches: Sequence[Organization], month: date, now: datetime
) -> list[BranchDuty]:
    today = business_day(now)
    within_month = duties.span_around(duties.Cadence.MONTH, month)
    years = duties.covering(within_month)
    ids = [branch.id for branch in branches]
    groups = session.scalars(
        sa.select(Organization)
        .where(
            Organization.parent_id.in_(ids),
            Organization.kind == Kind.PARTY_GROUP,
            _exists_on(today),
        )
        .order_by(Organization.name, Organization.id)
    ).all()
    branch_of = {group.id: group.parent_id for group in groups}
    names = {group.id: group.name for group in groups}
    full_members = _count_full_members(session, ids, today)
    held = _load_activities(session, [*ids, *branch_of], years)
    excuses = _load_excuses(session, ids, years)
    found = []
    for branch in branches:
        mine = tuple(group.id for group in groups if group.parent_id == branch.id)
        shape = BranchShape(full_members.get(branch.id, 0), mine)
        activities = [
            _activity(row, row.organization_id if row.organization_id in branch_of else None)
            for place in (branch.id, *mine)
            for row in held[place]
        ]
        found += [
            BranchDuty(branch.id, branch.name, names.get(one.group_id or branch.id, ""), one)
            for one in duties.judge_duties(
                shape, activities, excuses[branch.id], within=within_month, today=today
            )
        ]
    return found


def _count_full_members(session: Session, ids: Sequence[UUID], on: date) -> dict[UUID, int]:
    rows = session.execute(
        sa.select(Affiliation.organization_id, sa.func.count())
        .join(Member, Member.id == Affiliation.member_id)
        .where(
            Affiliation.organization_id.in_(ids),
            Affiliation.kind == AffiliationKind.PRIMARY,
            Affiliation.valid_from <= on,
            Affiliation.valid_to.is_(None) | (Affiliation.valid_to > on),
            Member.kind == MemberKind.FULL_MEMBER,
        )
        .group_by(Affiliation.organization_id)
    )
    return {row[0]: row[1] for row in rows}


def _load_activities(
    session: Session, places: Sequence[UUID], years: Span
) -> dict[UUID, list[Any]]:
    rows = session.execute(
        sa.select(
            Activity.id,
            Activity.organization_id,
            Activity.kind,
            Activity.tags,
            Activity.starts_at,
            Activity.closed_at,
            Activity.cancelled_at,
        ).where(
            Activity.organization_id.in_(places),
            Activity.starts_at >= at_local(years.first_on, 0),
            Activity.starts_at
            < at_local(years.last_on.replace(year=years.last_on.year + 1, month=1, day=1), 0),
        )
    ).all()
    by_place: dict[UUID, list[Any]] = defaultdict(list)
    for row in rows:
        by_place[row.organization_id].append(row)
    return by_place


def _load_excuses(session: Session, ids: Sequence[UUID], years: Span) -> dict[UUID, list[Excuse]]:
    rows = session.scalars(
        sa.select(DutyExcuse)
        .where(
            DutyExcuse.organization_id.in_(ids),
            DutyExcuse.excused_on.between(years.first_on, years.last_on),
        )
        .order_by(DutyExcuse.id)
    ).all()
    by_branch: dict[UUID, list[Excuse]] = defaultdict(list)
    for row in rows:
        excused = Excuse(row.kind, row.excused_on, row.reason, row.group_id)
        by_branch[row.organization_id].append(excused)
    return by_branch


def _activity(row: Any, group_id: UUID | None) -> DutyActivity:
    state = ActivityState.CLOSED if row.closed_at else ActivityState.OPEN
    return DutyActivity(
        row.id,
        row.kind,
        business_day(row.starts_at),
        ActivityState.CANCELLED if row.cancelled_at else state,
        frozenset(row.tags),
        group_id,
    )


def _exists_on(day: date) -> sa.ColumnElement[bool]:
    return Organization.dissolved_on.is_(None) | (Organization.dissolved_on > day)
