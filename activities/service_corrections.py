"""Requests to verify and correct a record: the organiser owes an answer by a working day."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities import opportunities
from activities.models import VolunteerRecord
from activities.service_models import (
    CorrectionOutcome,
    ServiceCorrection,
    ServiceOpportunity,
    ServiceSignup,
)
from activities.volunteering import get_writable, is_live_claim
from core.clock import business_day
from core.errors import Conflict, Forbidden, NotFound, RuleViolation
from core.paging import Page, cut, id_key
from core.quantities import format_half_hours
from core.working_days import add_working_days, load_calendar
from members.access import READING_ROLES, Actor, get_organization, within
from members.access_models import Role
from members.models import Member, Organization
from notifications import outbox
from points import claim_corrections, periods
from points.models import Claim, ClaimStatus
from points.periods import PeriodClosed

ANSWER_WORKING_DAYS = 10
# A request that nobody answers is seen by whoever reads above, except group leaders.
_WATCHING_ROLES = READING_ROLES - {Role.GROUP_LEADER}


class CorrectionOpen(Conflict):
    """An earlier request about the record still waits for its answer."""

    code = "correction.open"
    title = "这条记录已有一项更正申请在办理"


class CorrectionAnswered(Conflict):
    """The request was answered before."""

    code = "correction.answered"
    title = "这项更正申请已经答复"


class NothingToCorrect(RuleViolation):
    """The record was taken back, or says already what is asked."""

    code = "correction.nothing"
    title = "没有需要更正的内容"


class ReasonMissing(RuleViolation):
    """A refusal without a reason."""

    code = "correction.reason_missing"
    title = "不更正须写明理由"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the organiser found: so many minutes, or None and why it stays."""

    minutes: int | None
    reason: str


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
    claim = _live_claim(session, record_id)
    before = claim.quantity if claim is not None else record.confirmed_minutes
    if record.withdrawn_at is not None or before == minutes:
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


def answer(
    session: Session, actor: Actor, correction_id: UUID, *, given: Answer, now: datetime
) -> ServiceCorrection:
    """Answer a request: correct the record, or say why it stays.

    A correction goes to the branch as a claim with the new quantity; points that were posted are
    reversed, never edited. Into a closed period only the hours are corrected.
    Lock order: role grants, periods, request, claim, quota rows, ledger.

    Raises:
        NotFound: not the actor's to answer.
        Forbidden: it is about himself, or his role was revoked meanwhile.
        ReasonMissing: neither a number nor a reason.
        CorrectionAnswered: somebody answered first.
        NothingToCorrect, PeriodClosed: the record was taken back, or is closed with its year.
    """
    correction = _get_managed(session, actor, correction_id)
    if correction.member_id == actor.member_id:
        raise Forbidden("不能答复本人的更正申请。")
    if given.minutes is None and not given.reason:
        raise ReasonMissing
    opportunities.hold_organising(session, actor, correction.organization_id)
    open_periods = periods.hold_all_open(session)
    _mark(session, actor, correction_id, given, now)
    note = given.reason
    if given.minutes is not None:
        record = session.get_one(VolunteerRecord, correction.record_id, populate_existing=True)
        is_open = periods.find_period(open_periods, record.happened_on) is not None
        _correct(session, actor, record, given.minutes, is_open=is_open, now=now)
        points = "积分由支部重新审核" if is_open else "该年度已结账，只更正时长"
        note = f"更正为 {format_half_hours(given.minutes)} 小时，{points}。{given.reason}"
    told = {"note": note or "维持原记录。"}
    message = outbox.Message(correction.member_id, "correction_answered", str(correction_id), told)
    outbox.enqueue(session, [message], now=now)
    session.refresh(correction)
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
    last_id = id_key(after)
    if last_id is not None:
        query = query.where(ServiceCorrection.id > last_id)
    rows = session.execute(query.order_by(ServiceCorrection.id).limit(limit + 1)).all()
    return cut(rows, limit, lambda row: [str(row.ServiceCorrection.id)])


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


def _get_managed(session: Session, actor: Actor, correction_id: UUID) -> ServiceCorrection:
    correction = session.scalar(
        sa.select(ServiceCorrection)
        .join(Organization, Organization.id == ServiceCorrection.organization_id)
        .where(
            ServiceCorrection.id == correction_id,
            within(actor.paths(opportunities.ORGANISING_ROLES)),
        )
    )
    if correction is None:
        raise NotFound
    return correction


def _mark(
    session: Session, actor: Actor, correction_id: UUID, given: Answer, now: datetime
) -> None:
    is_refused = given.minutes is None
    marked = session.scalar(
        sa.update(ServiceCorrection)
        .where(ServiceCorrection.id == correction_id, ServiceCorrection.outcome.is_(None))
        .values(
            outcome=CorrectionOutcome.REFUSED if is_refused else CorrectionOutcome.CORRECTED,
            corrected_minutes=given.minutes,
            answer=given.reason,
            answered_by=actor.member_id,
            answered_at=now,
        )
        .returning(ServiceCorrection.id)
    )
    if marked is None:
        raise CorrectionAnswered


def _correct(
    session: Session,
    actor: Actor,
    record: VolunteerRecord,
    minutes: int,
    *,
    is_open: bool,
    now: datetime,
) -> None:
    """Let the branch decide on the found minutes, and write them beside the planned and claimed."""
    claim = _live_claim(session, record.id)
    if record.withdrawn_at is not None or (claim and claim.status == ClaimStatus.WITHDRAWN):
        raise NothingToCorrect
    if claim is not None and is_open:
        reason = f"志愿服务时长更正为 {minutes} 分钟"
        claim_corrections.requantify(
            session, actor, claim, quantity=minutes, reason=reason, now=now
        )
    if record.signup_id is not None:
        record.confirmed_minutes = minutes
        record.confirmed_by, record.confirmed_at = actor.member_id, now
    elif not is_open:
        # Without an organiser the hours are those of the claim, which is closed with its year.
        raise PeriodClosed("该年度已结账，不能再更正。")
    record.version += 1
    session.flush()


def _live_claim(session: Session, record_id: UUID) -> Claim | None:
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
