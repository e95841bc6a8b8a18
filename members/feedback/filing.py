"""What the sender does: send feedback, and say once that the answer settles nothing."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import audit
from core.clock import business_day
from core.errors import FieldProblem, NotFound, RuleViolation
from core.working_days import load_calendar
from members import attempt_limits
from members.access import Actor
from members.access_models import RoleGrant, in_force
from members.attempt_limits import Limit, Try
from members.feedback.models import (
    Feedback,
    FeedbackKind,
    FeedbackStatus,
    FeedbackStep,
    FeedbackStepKind,
)
from members.feedback.routing import Matter, load_staff, matter_of
from members.feedback.rules import (
    TERMS,
    AnswerTerms,
    Draft,
    FeedbackInvalid,
    chain_of,
    find_bodies,
    require_consistent,
)
from members.models import Organization

DAILY = Limit("feedback", 20, timedelta(days=1))


class NoBody(RuleViolation):
    """Whoever belongs to no branch has nobody above him here."""

    code = "feedback.no_body"
    title = "您目前没有所在支部，请直接向上级党组织反映"


class UnsettledNotPossible(RuleViolation):
    """Only an answer can be found unsatisfying, only once, and only with somebody above."""

    code = "feedback.not_unsettled"
    title = "只有答复以后、且还有上一级时，可以提一次“没有解决”"


def send(
    session: Session, actor: Actor, *, draft: Draft, now: datetime, terms: AnswerTerms = TERMS
) -> Feedback:
    """Take in what a member sends; where he belongs and holds no office there, somebody answers.

    An anonymous one leaves no name in the audit trail either: the row alone says whose it is.

    Raises:
        FeedbackInvalid: it contradicts itself, or whom it is about would answer.
        NoBody: the actor belongs nowhere.
        NotFound: it names an organisation that is not above him, or nobody who has an office there.
        TooManyTries: he has sent as many today as one may.
    """
    if draft.is_anonymous:
        audit.withhold_actor(session)
    require_consistent(draft)
    about, bodies = _find_line(session, actor, draft)
    attempt_limits.count(session, [Try(DAILY, str(actor.member_id))], now=now)
    today = business_day(now)
    concerned = frozenset({actor.member_id, draft.about_member_id or actor.member_id})
    staff = load_staff(session, {about, *bodies}, on=today)
    feedback = Feedback(
        member_id=actor.member_id,
        is_anonymous=draft.is_anonymous,
        kind=draft.kind,
        topic=draft.topic,
        text=draft.text,
        page=draft.page,
        operation=draft.operation,
        error_request_id=draft.error_request_id,
        about_organization_id=about,
        about_member_id=draft.about_member_id,
        handling_organization_id=staff.nearest(bodies, Matter(about, concerned)),
        filed_at=now,
        due_on=terms.due_on(draft.kind, today, load_calendar(session)),
    )
    session.add(feedback)
    session.flush()
    session.add(_own_step(feedback, FeedbackStepKind.FILED, now))
    session.flush()
    return feedback


def call_unsettled(
    session: Session,
    actor: Actor,
    feedback_id: UUID,
    *,
    reason: str,
    now: datetime,
    terms: AnswerTerms = TERMS,
) -> Feedback:
    """Say that the answer settles nothing: the next body above owes another, with a new deadline.

    Raises:
        NotFound: it is none of the actor's.
        UnsettledNotPossible: it waits for its answer, has had two, or nobody is above.
    """
    row = session.execute(
        sa.select(Feedback, Organization.path)
        .join(Organization, Organization.id == Feedback.handling_organization_id)
        .where(Feedback.id == feedback_id, Feedback.member_id == actor.member_id)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NotFound
    seen, above = row[0], chain_of(row[1])[1:]
    if seen.is_anonymous:
        audit.withhold_actor(session)
    if seen.status != FeedbackStatus.ANSWERED or not above:
        raise UnsettledNotPossible
    today = business_day(now)
    matter = matter_of(seen).without(seen.answered_by)
    staff = load_staff(session, {seen.about_organization_id, *above}, on=today)
    changed = session.scalar(
        _reopening(feedback_id)
        .values(
            handling_organization_id=staff.nearest(above, matter),
            unsettled_reason=reason,
            due_on=terms.due_on(FeedbackKind(seen.kind), today, load_calendar(session)),
        )
        .returning(Feedback)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    if changed is None:
        raise UnsettledNotPossible
    session.add(_own_step(changed, FeedbackStepKind.UNSETTLED, now))
    session.flush()
    return changed


def _reopening(feedback_id: UUID) -> sa.Update:
    """Open what has its first answer, once; whoever answered stays known."""
    return (
        sa.update(Feedback)
        .where(
            Feedback.id == feedback_id,
            Feedback.status == FeedbackStatus.ANSWERED,
            Feedback.first_answered_by.is_(None),
        )
        .values(
            status=FeedbackStatus.OPEN,
            first_answered_by=Feedback.answered_by,
            answered_by=None,
            answered_at=None,
            taken_by=None,
            overdue_told_on=None,
            version=Feedback.version + 1,
        )
    )


def _find_line(session: Session, actor: Actor, draft: Draft) -> tuple[UUID, Sequence[UUID]]:
    """What it is about, and the bodies that may answer, the first choice first."""
    chain = chain_of(actor.organization_path)
    if not chain:
        raise NoBody
    about = draft.about_organization_id or chain[0]
    if not {about, draft.to_organization_id or about} <= set(chain):
        raise NotFound
    _require_office_holder(session, actor, about, draft.about_member_id)
    bodies = find_bodies(chain, about, draft.kind, draft.to_organization_id)
    if not bodies:
        message = "投诉不能由被投诉的组织或它的下级答复"
        problem = FieldProblem("/to_organization_id", FeedbackInvalid.code, message)
        raise FeedbackInvalid(message, problems=(problem,))
    return about, bodies


def _own_step(feedback: Feedback, kind: FeedbackStepKind, now: datetime) -> FeedbackStep:
    return FeedbackStep(
        feedback_id=feedback.id,
        kind=kind,
        organization_id=feedback.handling_organization_id,
        at=now,
    )


def _require_office_holder(
    session: Session, actor: Actor, organization_id: UUID, member_id: UUID | None
) -> None:
    """Whoever is complained about by name holds an office in the organisation it is about."""
    if member_id is None:
        return
    if member_id == actor.member_id:
        raise NotFound
    holds = sa.select(RoleGrant.id).where(
        RoleGrant.member_id == member_id,
        RoleGrant.organization_id == organization_id,
        in_force(actor.on),
    )
    if session.scalar(holds.limit(1)) is None:
        raise NotFound
