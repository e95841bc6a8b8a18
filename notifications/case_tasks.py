"""Tells who works on a case what is to be done, once a week for each case and stage."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from core.clock import business_day
from members.access_models import Role, RoleGrant, in_force
from members.contact.case_models import ContactAttempt, MembershipDecision
from members.contact.case_review_models import CaseReview, ReviewFinding
from members.contact.case_reviews import REVIEW_STAGE
from members.contact.case_rules import (
    SUSPENDED_STAGE,
    TASK_NAMES,
    CaseTask,
    suspended_task,
    task_of,
)
from members.contact.membership_rules import DecisionKind
from members.contact.models import CaseState, ContactCase
from members.models import Member, MembershipStatus, Organization
from notifications import outbox
from notifications.outbox import Message
from notifications.stop_conditions import Carried, carried_parameter, carried_rows
from notifications.wording import masked

KIND = "contact_case_task"
_COMMITTEE_STAGE = 4
_LEADERS = (Role.BRANCH_SECRETARY, Role.DEPUTY_SECRETARY)


def enqueue_case_tasks(session: Session, *, now: datetime) -> int:
    """Tell the tasks of this week; whoever was told this week is not told again.

    Any attempt is an answer. After three weeks in vain somebody is asked to phone instead.

    A case goes to whom it was given, or to the branch's leaders; from stage 4 on to the committee
    as well. Three statements, whatever the number of cases.

    Returns:
        How many tasks stand, told now or before.
    """
    messages = list(_messages(session, business_day(now)))
    outbox.enqueue(session, messages, now=now)
    return len(messages)


def _messages(session: Session, today: date) -> Iterator[Message]:
    year, week, _ = today.isocalendar()
    for row in session.execute(_due(today)):
        case, task = row.ContactCase, _task(row, today)
        if task is not None:
            yield Message(
                row.recipient_id,
                KIND,
                f"{case.id}:{case.stage}:{year}-W{week:02}",
                {"branch": row.branch, "name": masked(row.name), "task": TASK_NAMES[task]},
                topic=f"case:{case.id}:{case.stage}:{_day(row.searched_at)}",
            )


def _day(at: datetime | None) -> str:
    return str(business_day(at)) if at else ""


def _task(row: Any, today: date) -> CaseTask | None:
    stage = row.ContactCase.stage
    if stage == REVIEW_STAGE and row.is_reviewed:
        return CaseTask.SEARCH
    if stage != SUSPENDED_STAGE or row.suspended_on is None:
        return task_of(stage)
    searched_at = row.searched_at
    searched_on = business_day(searched_at) if searched_at else row.suspended_on
    return suspended_task(row.suspended_on, max(searched_on, row.suspended_on), today)


def _due(today: date) -> sa.Select[Any]:
    recipients = _recipients(today).subquery("recipients")
    suspended_on = (
        sa.select(sa.func.max(MembershipDecision.approved_on, type_=sa.Date))
        .where(
            MembershipDecision.member_id == ContactCase.member_id,
            MembershipDecision.kind == DecisionKind.SUSPENSION,
            Member.membership_status == MembershipStatus.SUSPENDED,
        )
        .correlate(ContactCase, Member)
        .scalar_subquery()
    )
    searched_at = (
        sa.select(sa.func.max(ContactAttempt.attempted_at, type_=ContactAttempt.attempted_at.type))
        .where(ContactAttempt.case_id == ContactCase.id)
        .correlate(ContactCase)
        .scalar_subquery()
    )
    # A file that was sent back is to be looked at again.
    is_reviewed = sa.exists().where(
        CaseReview.case_id == ContactCase.id, CaseReview.finding != ReviewFinding.RETURNED
    )
    return (
        sa.select(
            ContactCase,
            recipients.c.recipient_id,
            Organization.name.label("branch"),
            Member.name,
            suspended_on.label("suspended_on"),
            searched_at.label("searched_at"),
            is_reviewed.label("is_reviewed"),
        )
        .join(recipients, recipients.c.case_id == ContactCase.id)
        .join(Organization, Organization.id == ContactCase.organization_id)
        .join(Member, Member.id == ContactCase.member_id)
        .order_by(ContactCase.id, recipients.c.recipient_id)
        .execution_options(populate_existing=True)
    )


def _recipients(today: date) -> sa.CompoundSelect[Any]:
    """Case and person: whom it was given to, and those whose office it is."""
    at, branch = aliased(Organization), aliased(Organization)
    is_open = ContactCase.state == CaseState.OPEN
    given = sa.select(
        ContactCase.id.label("case_id"), ContactCase.assigned_to.label("recipient_id")
    ).where(is_open, ContactCase.assigned_to.is_not(None))
    leads = (
        RoleGrant.role.in_(_LEADERS)
        & (RoleGrant.organization_id == ContactCase.organization_id)
        & ContactCase.assigned_to.is_(None)
    )
    stands_above = (
        (RoleGrant.role == Role.COMMITTEE_OFFICER)
        & branch.path.startswith(at.path)
        & (ContactCase.stage >= _COMMITTEE_STAGE)
    )
    in_office = (
        sa.select(ContactCase.id, RoleGrant.member_id)
        .join(branch, branch.id == ContactCase.organization_id)
        .join(RoleGrant, RoleGrant.member_id != ContactCase.member_id)
        .join(at, at.id == RoleGrant.organization_id)
        .where(
            is_open,
            RoleGrant.role.in_((*_LEADERS, Role.COMMITTEE_OFFICER)),
            in_force(today),
            leads | stands_above,
        )
    )
    return sa.union(given, in_office)


def is_case_open(session: Session, carried: Sequence[Carried]) -> set[UUID]:
    """Stop condition: which tasks are of a case that is still open."""
    given = carried_rows(session)
    query = (
        sa.select(given.c.id)
        .join(ContactCase, ContactCase.id == given.c.subject_id)
        .where(ContactCase.state == CaseState.OPEN)
    )
    return set(session.scalars(query, carried_parameter(session, carried)))
