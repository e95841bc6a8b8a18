"""The steps of feedback, each with its messages in the same transaction.

What tells the sender of an anonymous one stays in his inbox: a message that leaves the house may
fail to arrive, and those lists name whom it was for.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from members.access import Actor
from members.feedback import answering, filing
from members.feedback.answering import Forwarding
from members.feedback.models import Feedback, FeedbackKind
from members.feedback.routing import load_staff, matter_of
from members.feedback.rules import Draft
from members.models import Organization
from notifications import outbox
from notifications.outbox import Message

KIND_NAMES = {
    FeedbackKind.SUGGESTION: "建议",
    FeedbackKind.COMPLAINT: "投诉",
    FeedbackKind.DATA_REQUEST: "个人信息请求",
}


def send(session: Session, actor: Actor, *, draft: Draft, now: datetime) -> Feedback:
    """Take in feedback and tell whoever answers it; raises as `filing.send`."""
    feedback = filing.send(session, actor, draft=draft, now=now)
    _tell_handlers(session, feedback, now)
    return feedback


def call_unsettled(
    session: Session, actor: Actor, feedback_id: UUID, *, reason: str, now: datetime
) -> Feedback:
    """Ask the body above for another answer; raises as `filing.call_unsettled`."""
    feedback = filing.call_unsettled(session, actor, feedback_id, reason=reason, now=now)
    _tell_handlers(session, feedback, now)
    return feedback


def take(
    session: Session, actor: Actor, feedback_id: UUID, *, version: int, now: datetime
) -> Feedback:
    """Take feedback over; nobody needs a message. Raises as `answering.take`."""
    return answering.take(session, actor, feedback_id, version=version, now=now)


def forward(
    session: Session,
    actor: Actor,
    feedback_id: UUID,
    *,
    forwarding: Forwarding,
    version: int,
    now: datetime,
) -> Feedback:
    """Forward feedback, tell the sender and who answers now; raises as `answering.forward`."""
    feedback = answering.forward(
        session, actor, feedback_id, forwarding=forwarding, version=version, now=now
    )
    _tell_handlers(session, feedback, now)
    params = {
        "kind": kind_name(feedback),
        "body": _name_of(session, feedback.handling_organization_id),
        "reason": forwarding.reason,
        "due": feedback.due_on.isoformat(),
    }
    _enqueue(session, feedback, "feedback_forwarded", [feedback.member_id], params, now)
    return feedback


def answer(
    session: Session, actor: Actor, feedback_id: UUID, *, reply: str, version: int, now: datetime
) -> Feedback:
    """Answer feedback and tell its sender; raises as `answering.answer`."""
    feedback = answering.answer(session, actor, feedback_id, reply=reply, version=version, now=now)
    kind = "feedback_answered_quietly" if feedback.is_anonymous else "feedback_answered"
    params = {"kind": kind_name(feedback)}
    _enqueue(session, feedback, kind, [feedback.member_id], params, now)
    return feedback


def kind_name(feedback: Feedback) -> str:
    """What its kind is called."""
    return KIND_NAMES[FeedbackKind(feedback.kind)]


def _tell_handlers(session: Session, feedback: Feedback, now: datetime) -> None:
    body = feedback.handling_organization_id
    staff = load_staff(session, {body, feedback.about_organization_id}, on=business_day(now))
    params = {"kind": kind_name(feedback), "due": feedback.due_on.isoformat()}
    people = staff.free(body, matter_of(feedback))
    _enqueue(session, feedback, "feedback_received", people, params, now)


def _enqueue(
    session: Session,
    feedback: Feedback,
    kind: str,
    people: Iterable[UUID],
    params: dict[str, Any],
    now: datetime,
) -> None:
    # Each step has a version of its own, so what comes back to a body is told there again.
    occasion = f"{feedback.id}:{feedback.version}"
    messages = [Message(person, kind, occasion, params) for person in sorted(people)]
    outbox.enqueue(session, messages, now=now)


def _name_of(session: Session, organization_id: UUID) -> str:
    query = sa.select(Organization.name).where(Organization.id == organization_id)
    return session.scalars(query).one()
