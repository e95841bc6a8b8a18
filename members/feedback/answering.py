"""What handlers do with feedback: take it over, forward it with the reason, answer it.

Each step is one conditional UPDATE that asks for the version which the handler saw, so of an answer
and a forwarding that come together one is done and the other is told of it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import Conflict, FieldProblem, Forbidden, NotFound, VersionConflict
from members.access import Actor, hold_roles
from members.feedback.models import (
    Feedback,
    FeedbackKind,
    FeedbackStatus,
    FeedbackStep,
    FeedbackStepKind,
)
from members.feedback.routing import HANDLING_ROLES, is_none_of, load_staff, matter_of
from members.feedback.rules import FeedbackInvalid, chain_above, chain_of, find_bodies
from members.models import Organization


class FeedbackAnswered(Conflict):
    """It has its answer; only its sender can ask for another."""

    code = "feedback.answered"
    title = "这件反馈已经答复"
    retry = "never"


class OwnFeedback(Forbidden):
    """Nobody answers what he has sent himself."""

    code = "feedback.own"
    title = "不能办理本人提出的反馈"


@dataclass(frozen=True, slots=True)
class Forwarding:
    """To whom, and why there."""

    to_organization_id: UUID
    reason: str


def take(
    session: Session, actor: Actor, feedback_id: UUID, *, version: int, now: datetime
) -> Feedback:
    """Take feedback over, so that colleagues know who is on it; its deadline runs on.

    Raises:
        NotFound: another body answers it, or the actor is concerned.
        OwnFeedback, FeedbackAnswered, VersionConflict: why not.
    """
    feedback = _get_waiting(session, actor, feedback_id)
    changes = {"status": FeedbackStatus.TAKEN, "taken_by": actor.member_id}
    step = FeedbackStep(kind=FeedbackStepKind.TAKEN, actor_id=actor.member_id, at=now)
    return _change(session, feedback, version, changes, step)


def forward(
    session: Session,
    actor: Actor,
    feedback_id: UUID,
    *,
    forwarding: Forwarding,
    version: int,
    now: datetime,
) -> Feedback:
    """Hand feedback to another body of the same line that may answer it; its deadline runs on.

    Raises:
        NotFound: another body answers it, the actor is concerned, or the target is elsewhere.
        FeedbackInvalid: the target is the one complained about, or has nobody free.
        OwnFeedback, FeedbackAnswered, VersionConflict: why not.
    """
    feedback = _get_waiting(session, actor, feedback_id)
    to = forwarding.to_organization_id
    _require_target(session, actor, feedback, to)
    changes = {"status": FeedbackStatus.OPEN, "taken_by": None, "handling_organization_id": to}
    step = FeedbackStep(
        kind=FeedbackStepKind.FORWARDED, actor_id=actor.member_id, note=forwarding.reason, at=now
    )
    return _change(session, feedback, version, changes, step)


def answer(
    session: Session, actor: Actor, feedback_id: UUID, *, reply: str, version: int, now: datetime
) -> Feedback:
    """Answer feedback in writing.

    Raises:
        NotFound: another body answers it, or the actor is concerned.
        OwnFeedback, FeedbackAnswered, VersionConflict: why not.
    """
    feedback = _get_waiting(session, actor, feedback_id)
    changes = {
        "status": FeedbackStatus.ANSWERED,
        "answered_by": actor.member_id,
        "answered_at": now,
    }
    step = FeedbackStep(
        kind=FeedbackStepKind.ANSWERED, actor_id=actor.member_id, note=reply, at=now
    )
    return _change(session, feedback, version, changes, step)


def _get_waiting(session: Session, actor: Actor, feedback_id: UUID) -> Feedback:
    """What the actor's body answers, after his grant is locked."""
    held = hold_roles(session, actor, HANDLING_ROLES)
    feedback = session.scalar(
        sa.select(Feedback)
        .where(
            Feedback.id == feedback_id,
            Feedback.handling_organization_id.in_(held),
            (Feedback.member_id == actor.member_id) | is_none_of(actor),
        )
        .execution_options(populate_existing=True)
    )
    if feedback is None:
        raise NotFound
    if feedback.member_id == actor.member_id:
        raise OwnFeedback
    if feedback.status == FeedbackStatus.ANSWERED:
        raise FeedbackAnswered
    return feedback


def _require_target(session: Session, actor: Actor, feedback: Feedback, to: UUID) -> None:
    path = session.scalars(
        sa.select(Organization.path).where(Organization.id == feedback.about_organization_id)
    ).one()
    chain = chain_of(path)
    if to not in chain:
        raise NotFound
    kind = FeedbackKind(feedback.kind)
    about = feedback.about_organization_id
    staff = load_staff(session, {about, to}, on=actor.on)
    is_allowed = find_bodies(chain, about, kind, to) and staff.free(to, matter_of(feedback))
    is_back = to == feedback.handling_organization_id
    if feedback.first_answered_by is not None:
        # What the first answer did not settle goes upwards only.
        is_back = to not in chain_above(chain, feedback.handling_organization_id)
    if is_back or not is_allowed:
        message = "请转给能答复的其他组织：不能是被投诉的组织，且须有与此事无关的人办理"
        problem = FieldProblem("/to_organization_id", FeedbackInvalid.code, message)
        raise FeedbackInvalid(message, problems=(problem,))


def _change(
    session: Session, seen: Feedback, version: int, changes: dict[str, Any], step: FeedbackStep
) -> Feedback:
    """Write the change and its step, or find that somebody was first."""
    # Whether it may be changed was judged on the row as it was read, and on no later one.
    if seen.version != version:
        raise VersionConflict
    changed = session.scalar(
        sa.update(Feedback)
        .where(
            Feedback.id == seen.id,
            Feedback.version == version,
            Feedback.status != FeedbackStatus.ANSWERED,
        )
        .values(version=Feedback.version + 1, **changes)
        .returning(Feedback)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    if changed is None:
        raise VersionConflict
    step.feedback_id, step.organization_id = changed.id, changed.handling_organization_id
    session.add(step)
    session.flush()
    return changed
