"""Requests to verify and correct a record: the organiser owes an answer by a working day."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities.models import VolunteerRecord
from activities.service_models import (
    ServiceCorrection,
    ServiceOpportunity,
    ServiceSignup,
)
from activities.volunteering import get_writable, is_live_claim
from core.clock import business_day
from core.errors import Conflict, RuleViolation
from core.paging import Page, oldest_first
from core.working_days import add_working_days, load_calendar
from members.access import READING_ROLES, Actor, get_organization, within
from members.access_models import Role
from members.models import Member, Organization
from points.models import Claim, ClaimStatus

ANSWER_WORKING_DAYS = 10
# A request that nobody answers is seen by whoever reads above, except group leaders.
_WATCHING_ROLES = READING_ROLES - {Role.GROUP_LEADER}


class CorrectionOpen(Conflict):
    """An earlier request about the record still waits for its answer."""

    code = "correction.open"
    title = "这条记录已有一项更正申请在办理"


class NothingToCorrect(RuleViolation):
    """The record was taken back, or says already what is asked."""

    code = "correction.nothing"
    title = "没有需要更正的内容"


def ask(
    session: Session, actor: Actor, record_id: UUID, *, minutes: int, grounds: str, now: datetime
) -> ServiceCorrection:
    """Ask whoever confirmed a record to verify it; without an organiser that is the branch.

    Raises:
        NotFound: not the actor's record.
        NothingToCorrect: it was taken back, or says so already.
        CorrectionOpen: a request is waiting.
    """
    record = get_writable(session, actor, record_id)
    claim = live_claim(session, record_id)
    before = claim.quantity if claim is not None else record.confirmed_minutes
    # What the branch returned needs the organiser's word again, also when it stays the same.
    is_returned = claim is not None and claim.status == ClaimStatus.RETURNED
    if record.withdrawn_at is not None or (before == minutes and not is_returned):
        raise NothingToCorrect
    waiting = sa.select(ServiceCorrection.id).where(
        ServiceCorrection.record_id == record_id, ServiceCorrection.outcome.is_(None)
    )
    if session.scalar(waiting) is not None:
        raise CorrectionOpen
    today = business_day(now)
    due = add_working_days(today, ANSWER_WORKING_DAYS, load_calendar(session))
    correction = ServiceCorrection(
        record_id=record_id,
        member_id=record.member_id,
        organization_id=_organiser_of(session, record),
        asked_minutes=minutes,
        minutes_before=before,
        grounds=grounds,
        asked_by=actor.member_id,
        asked_at=now,
        due_on=due.day,
    )
    session.add(correction)
    session.flush()
    return correction


def list_waiting(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    *,
    is_overdue: bool | None,
    after: list[str | int] | None,
    limit: int,
) -> Page[Any]:
    """Unanswered requests to an organisation and those below it, the oldest first.

    Args:
        is_overdue: only those past their day, only the others, or None for both.

    Raises:
        NotFound: the organisation is out of scope.
    """
    place = get_organization(session, actor, organization_id, roles=_WATCHING_ROLES)
    query = _with_names().where(within([place.path]), ServiceCorrection.outcome.is_(None))
    if is_overdue is not None:
        past = ServiceCorrection.due_on < actor.on
        query = query.where(past if is_overdue else ~past)
    return oldest_first(session, query, ServiceCorrection, after=after, limit=limit)


def list_own(session: Session, actor: Actor, record_id: UUID) -> list[ServiceCorrection]:
    """Every request about one of the actor's records, newest first.

    Raises:
        NotFound: not the actor's record.
    """
    get_writable(session, actor, record_id)
    return list(
        session.scalars(
            sa.select(ServiceCorrection)
            .where(ServiceCorrection.record_id == record_id)
            .order_by(ServiceCorrection.id.desc())
        )
    )


def is_overdue(correction: ServiceCorrection, today: date) -> bool:
    """Whether the answer is owed and its day has passed."""
    return correction.outcome is None and correction.due_on < today


def _organiser_of(session: Session, record: VolunteerRecord) -> UUID:
    organiser_id = session.scalar(
        sa.select(ServiceOpportunity.organization_id)
        .join(ServiceSignup, ServiceSignup.opportunity_id == ServiceOpportunity.id)
        .where(ServiceSignup.id == record.signup_id)
    )
    return organiser_id or record.organization_id


def live_claim(session: Session, record_id: UUID) -> Claim | None:
    """The claim that stands for a record, as it is now; None when there never was one."""
    return session.scalar(
        sa.select(Claim)
        .join(VolunteerRecord, is_live_claim())
        .where(VolunteerRecord.id == record_id)
        .execution_options(populate_existing=True)
    )


def _with_names() -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(
            ServiceCorrection, VolunteerRecord.title, VolunteerRecord.happened_on, Member.name
        )
        .join(VolunteerRecord, VolunteerRecord.id == ServiceCorrection.record_id)
        .join(Member, Member.id == ServiceCorrection.member_id)
        .join(Organization, Organization.id == ServiceCorrection.organization_id)
    )
