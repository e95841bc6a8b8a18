"""The organiser's answer to a request: the record is corrected, or the reason why it stays."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities import opportunities
from activities.models import VolunteerRecord
from activities.service_corrections import NothingToCorrect, live_claim
from activities.service_models import CorrectionOutcome, ServiceCorrection
from core.errors import Conflict, Forbidden, NotFound, RuleViolation
from core.quantities import format_half_hours
from members.access import Actor, within
from members.models import Organization
from notifications import outbox
from points import claim_corrections, periods
from points.models import ClaimStatus
from points.periods import HeldPeriods


class CorrectionAnswered(Conflict):
    """The request was answered before."""

    code = "correction.answered"
    title = "这项更正申请已经答复"


class ReasonMissing(RuleViolation):
    """A refusal without a reason."""

    code = "correction.reason_missing"
    title = "不更正须写明理由"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the organiser found: so many minutes, or None and why it stays."""

    minutes: int | None
    reason: str


def answer(
    session: Session, actor: Actor, correction_id: UUID, *, given: Answer, now: datetime
) -> ServiceCorrection:
    """Answer a request: correct the record, or say why it stays.

    A correction goes to the branch as a claim with the new quantity; points that were posted are
    reversed, never edited, in the open year where their own is closed.
    Lock order: role grants, periods, request, claim, quota rows, ledger.

    Raises:
        NotFound: not the actor's to answer.
        Forbidden: it is about himself, or his role was revoked meanwhile.
        ReasonMissing: neither a number nor a reason.
        CorrectionAnswered: somebody answered first.
        NothingToCorrect: the record was taken back.
        PeriodClosed, NoOpenPeriod: no period takes the correction of its points now.
    """
    correction = _get_managed(session, actor, correction_id)
    if correction.member_id == actor.member_id:
        raise Forbidden("不能答复本人的更正申请。")
    if given.minutes is None and not given.reason:
        raise ReasonMissing
    opportunities.hold_organising(session, actor, correction.organization_id)
    held = periods.hold(session)
    _mark(session, actor, correction_id, given, now)
    note = given.reason
    if given.minutes is not None:
        record = session.get_one(VolunteerRecord, correction.record_id, populate_existing=True)
        has_claim = _correct(session, actor, record, given.minutes, held=held, now=now)
        points = "积分由支部重新审核" if has_claim else "只更正时长"
        note = f"更正为 {format_half_hours(given.minutes)} 小时，{points}。{given.reason}"
    told = {"note": note or "维持原记录。"}
    message = outbox.Message(correction.member_id, "correction_answered", str(correction_id), told)
    outbox.enqueue(session, [message], now=now)
    session.refresh(correction)
    return correction


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
    held: HeldPeriods,
    now: datetime,
) -> bool:
    """Let the branch decide on the found minutes, and write them beside the planned and claimed.

    Returns:
        Whether there is a claim to decide.
    """
    claim = live_claim(session, record.id)
    if record.withdrawn_at is not None or (claim and claim.status == ClaimStatus.WITHDRAWN):
        raise NothingToCorrect
    if claim is not None:
        held.find(record.happened_on)
        reason = f"志愿服务时长更正为 {minutes} 分钟"
        claim_corrections.requantify(
            session, actor, claim, quantity=minutes, reason=reason, now=now
        )
    if record.signup_id is not None:
        record.confirmed_minutes = minutes
        record.confirmed_by, record.confirmed_at = actor.member_id, now
    record.version += 1
    session.flush()
    return claim is not None
