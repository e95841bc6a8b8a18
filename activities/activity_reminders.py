"""Reminders of organisation life: the theme day of tomorrow, and a month without one."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities.duties import Cadence, Span, span_around
from activities.expected_lists import TEMPORARY
from activities.life_models import ActivityOrganization, LeaveRequest, LeaveStatus
from activities.models import Activity, ActivityKind
from activities.record_models import DutyExcuse
from core.clock import SHANGHAI, at_local, business_day
from members.access_models import Role
from members.models import (
    Affiliation,
    AffiliationKind,
    Exemption,
    Member,
    MembershipStatus,
    Organization,
    OrganizationKind,
)
from members.office_holders import holders_on
from notifications import outbox
from notifications.stop_conditions import Carried, carried_parameter, carried_rows, occasion_of

PLANNING_ROLES = (Role.BRANCH_SECRETARY, Role.DEPUTY_SECRETARY)


def remind_of_theme_days(session: Session, *, now: datetime) -> int:
    """Remind those expected at tomorrow's theme days, once each; returns how many people.

    Who asked for leave or is exempt has said so or need not come. Two statements in all.
    """
    tomorrow = business_day(now) + timedelta(days=1)
    rows = session.execute(
        _expected(),
        {"day": tomorrow, "begin": at_local(tomorrow, 0), "end": _next_midnight(tomorrow)},
    ).all()
    messages = [
        outbox.Message(
            row.member_id,
            "theme_day_tomorrow",
            occasion_of(row.id, tomorrow),
            {
                "title": row.title,
                "starts_at": row.starts_at.astimezone(SHANGHAI).strftime("%H:%M"),
                "place": row.place or "另行通知",
            },
            event_on=tomorrow,
        )
        for row in rows
        if not row.invited or str(row.member_id) in row.invited
    ]
    outbox.enqueue(session, messages, now=now)
    return len(messages)


def remind_of_unplanned_months(session: Session, *, now: datetime) -> int:
    """Remind the leaders of branches whose next month has no theme day yet; returns how many.

    A branch that has recorded a reason for that month is left in peace. Two statements in all.
    """
    month = _month_after(business_day(now))
    holder = holders_on(business_day(now), PLANNING_ROLES)
    rows = session.execute(
        sa.select(holder.c.member_id, Organization.id, Organization.name)
        .join(holder, holder.c.organization_id == Organization.id)
        .where(_is_unplanned(month))
    ).all()
    named = f"{month.first_on.year} 年 {month.first_on.month} 月"
    messages = [
        outbox.Message(
            row.member_id,
            "month_unplanned",
            occasion_of(row.id, f"{month.first_on:%Y-%m}"),
            {"organization": row.name, "month": named},
        )
        for row in rows
    ]
    outbox.enqueue(session, messages, now=now)
    return len(messages)


def is_activity_ahead(session: Session, carried: Sequence[Carried]) -> set[UUID]:
    """Which reminders are of an activity still planned for that day, to who still is to come."""
    given = carried_rows(session)
    rows = session.execute(
        sa.select(given.c.id, given.c.rest, Activity.starts_at)
        .join(Activity, Activity.id == given.c.subject_id)
        .where(
            Activity.cancelled_at.is_(None),
            Activity.started_at.is_(None),
            ~_has_leave(given.c.member_id),
        ),
        carried_parameter(session, carried),
    )
    return {row.id for row in rows if business_day(row.starts_at).isoformat() == row.rest}


def is_month_unplanned(session: Session, carried: Sequence[Carried]) -> set[UUID]:
    """Which reminders are of a month that has no theme day yet; one statement for each month."""
    given = carried_rows(session)
    needed: set[UUID] = set()
    for named in sorted({one.occasion.partition(":")[2] for one in carried}):
        month = span_around(Cadence.MONTH, date.fromisoformat(f"{named}-01"))
        needed |= set(
            session.scalars(
                sa.select(given.c.id)
                .join(Organization, Organization.id == given.c.subject_id)
                .where(given.c.rest == named, _is_unplanned(month)),
                carried_parameter(session, carried),
            )
        )
    return needed


@cache
def _expected() -> sa.Select[Any]:
    """Who is expected at the theme days that start within some hours, with what to tell him."""
    day = sa.bindparam("day", type_=sa.Date)
    begin = sa.bindparam("begin", type_=Activity.starts_at.type)
    end = sa.bindparam("end", type_=Activity.starts_at.type)
    due = (
        sa.select(Activity)
        .where(
            Activity.starts_at >= begin,
            Activity.starts_at < end,
            Activity.published_at.is_not(None),
            Activity.started_at.is_(None),
            Activity.cancelled_at.is_(None),
            _is_theme_day(),
        )
        .cte("due")
    )
    chosen = _chosen_at(due, day)
    has_leave = sa.exists().where(
        LeaveRequest.activity_id == due.c.id,
        LeaveRequest.member_id == chosen.c.member_id,
        LeaveRequest.status.in_((LeaveStatus.REQUESTED, LeaveStatus.APPROVED)),
    )
    return (
        sa.select(
            chosen.c.member_id,
            due.c.id,
            due.c.title,
            due.c.place,
            due.c.starts_at,
            due.c.invited,
        )
        .join(due, due.c.id == chosen.c.activity_id)
        .where(~has_leave)
        .order_by(due.c.id, chosen.c.member_id)
    )


def _chosen_at(due: sa.CTE, day: sa.BindParameter[date]) -> sa.Subquery:
    """The members who belong to the organisations of these activities, once for each activity."""
    places = sa.union(
        sa.select(due.c.id.label("activity_id"), due.c.organization_id),
        sa.select(ActivityOrganization.activity_id, ActivityOrganization.organization_id).join(
            due, due.c.id == ActivityOrganization.activity_id
        ),
    ).subquery("places")
    is_expected = (Affiliation.kind == AffiliationKind.PRIMARY) | Organization.kind.in_(TEMPORARY)
    is_exempt = sa.exists().where(
        Exemption.member_id == Affiliation.member_id,
        Exemption.valid_from <= day,
        Exemption.valid_to > day,
    )
    return (
        sa.select(places.c.activity_id, Affiliation.member_id)
        .join(
            Affiliation,
            (Affiliation.organization_id == places.c.organization_id)
            | (Affiliation.party_group_id == places.c.organization_id),
        )
        .join(Organization, Organization.id == Affiliation.organization_id)
        .join(Member, Member.id == Affiliation.member_id)
        .where(
            Affiliation.valid_from <= day,
            Affiliation.valid_to.is_(None) | (Affiliation.valid_to > day),
            Member.membership_status.in_((MembershipStatus.NORMAL, MembershipStatus.RESTORED)),
            is_expected,
            ~is_exempt,
        )
        .distinct()
        .subquery("chosen")
    )


def _has_leave(member_id: sa.ColumnElement[UUID]) -> sa.ColumnElement[bool]:
    return sa.exists().where(
        LeaveRequest.activity_id == Activity.id,
        LeaveRequest.member_id == member_id,
        LeaveRequest.status.in_((LeaveStatus.REQUESTED, LeaveStatus.APPROVED)),
    )


def _is_unplanned(month: Span) -> sa.ColumnElement[bool]:
    """Filter on organisations: a branch with neither a theme day in the month nor a reason."""
    planned = sa.exists().where(
        Activity.organization_id == Organization.id,
        Activity.starts_at >= at_local(month.first_on, 0),
        Activity.starts_at < _next_midnight(month.last_on),
        Activity.cancelled_at.is_(None),
        _is_theme_day(),
    )
    excused = sa.exists().where(
        DutyExcuse.organization_id == Organization.id,
        DutyExcuse.kind == ActivityKind.THEME_DAY,
        DutyExcuse.excused_on.between(month.first_on, month.last_on),
    )
    exists = Organization.dissolved_on.is_(None) | (Organization.dissolved_on > month.first_on)
    is_branch = Organization.kind == OrganizationKind.BRANCH
    return sa.and_(is_branch, exists, ~planned, ~excused)


def _is_theme_day() -> sa.ColumnElement[bool]:
    # A meeting of another kind may have been one at the same time.
    tagged = sa.cast(Activity.tags, sa.Text).contains(f'"{ActivityKind.THEME_DAY.value}"')
    return (Activity.kind == ActivityKind.THEME_DAY) | tagged


def _month_after(day: date) -> Span:
    first_of_next = span_around(Cadence.MONTH, day).last_on + timedelta(days=1)
    return span_around(Cadence.MONTH, first_of_next)


def _next_midnight(day: date) -> datetime:
    return at_local(day + timedelta(days=1), 0)
