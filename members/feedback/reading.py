"""Reading feedback: one's own, and what the bodies below have to answer."""

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from core import audit
from core.errors import NotFound
from core.paging import Page, newest_first, oldest_first
from members.access import Actor, get_organization, within
from members.feedback.models import Feedback, FeedbackStatus, FeedbackStep
from members.feedback.routing import READING_FEEDBACK, is_none_of
from members.models import Member, Organization

ANONYMOUS = "匿名"


class FeedbackState(enum.StrEnum):
    """Which feedback a list shows."""

    OPEN = "open"
    OVERDUE = "overdue"
    ANSWERED = "answered"


@dataclass(frozen=True, slots=True)
class FeedbackView:
    """Feedback as one reader sees it; the sender of an anonymous one is seen by himself only."""

    feedback: Feedback
    sender_id: UUID | None
    sender_name: str
    about_name: str
    about_member_name: str | None
    handling_name: str
    taken_by_name: str | None
    is_overdue: bool


@dataclass(frozen=True, slots=True)
class StepView:
    """One step with the names of who took it and of the body that answers from then on."""

    step: FeedbackStep
    actor_name: str | None
    organization_name: str


def get(session: Session, actor: Actor, feedback_id: UUID) -> FeedbackView:
    """The actor's own, or one that a body in his scope answers and that does not concern him.

    Raises:
        NotFound: absent, or out of scope.
    """
    is_readable = within(actor.paths(READING_FEEDBACK)) & is_none_of(actor)
    row = session.execute(
        _with_names().where(
            Feedback.id == feedback_id, (Feedback.member_id == actor.member_id) | is_readable
        )
    ).one_or_none()
    if row is None:
        raise NotFound
    (view,) = _views(session, actor, [row])
    return view


def view_of(session: Session, actor: Actor, feedback: Feedback) -> FeedbackView:
    """What the actor sees of feedback that he has just sent or decided about."""
    row = session.execute(_with_names().where(Feedback.id == feedback.id)).one()
    (view,) = _views(session, actor, [row])
    return view


def list_steps(session: Session, feedback_id: UUID) -> Sequence[StepView]:
    """What was done with feedback that the caller has been shown to be allowed to read."""
    rows = session.execute(
        sa.select(FeedbackStep, Member.name, Organization.name)
        .join(Organization, Organization.id == FeedbackStep.organization_id)
        .outerjoin(Member, Member.id == FeedbackStep.actor_id)
        .where(FeedbackStep.feedback_id == feedback_id)
        .order_by(FeedbackStep.at, FeedbackStep.id)
    )
    return [StepView(*row) for row in rows]


def list_own(
    session: Session, actor: Actor, *, after: list[str | int] | None, limit: int
) -> Page[FeedbackView]:
    """What the actor has sent, newest first."""
    query = _with_names().where(Feedback.member_id == actor.member_id)
    page = newest_first(session, query, Feedback, after=after, limit=limit)
    return Page(_views(session, actor, page.items), page.next_key)


def list_of_body(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    *,
    state: FeedbackState | None,
    after: list[str | int] | None,
    limit: int,
) -> Page[FeedbackView]:
    """What the organisation and those below it have to answer or have answered, oldest first.

    Raises:
        NotFound: the organisation is out of the actor's scope.
    """
    organization = get_organization(session, actor, organization_id, roles=READING_FEEDBACK)
    query = _with_names().where(within([organization.path]), is_none_of(actor))
    if state is not None:
        query = query.where(_is_in(state, actor.on))
    page = oldest_first(session, query, Feedback, after=after, limit=limit)
    return Page(_views(session, actor, page.items), page.next_key)


def _is_in(state: FeedbackState, on: date) -> sa.ColumnElement[bool]:
    is_answered = Feedback.status == FeedbackStatus.ANSWERED
    if state is FeedbackState.ANSWERED:
        return is_answered
    return ~is_answered if state is FeedbackState.OPEN else ~is_answered & (Feedback.due_on < on)


def _with_names() -> sa.Select[*tuple[Any, ...]]:
    sender, concerned, taker = aliased(Member), aliased(Member), aliased(Member)
    about = aliased(Organization)
    query: sa.Select[*tuple[Any, ...]] = (
        sa.select(
            Feedback,
            sender.name.label("sender_name"),
            about.name.label("about_name"),
            concerned.name.label("about_member_name"),
            Organization.name.label("handling_name"),
            taker.name.label("taken_by_name"),
        )
        .join(Organization, Organization.id == Feedback.handling_organization_id)
        .join(about, about.id == Feedback.about_organization_id)
        .join(sender, sender.id == Feedback.member_id)
        .outerjoin(concerned, concerned.id == Feedback.about_member_id)
        .outerjoin(taker, taker.id == Feedback.taken_by)
    )
    return query


def _views(session: Session, actor: Actor, rows: Iterable[Any]) -> list[FeedbackView]:
    """What the reader may see; that he was shown somebody's name is recorded."""
    views = [_view(row, actor) for row in rows]
    named = [one.sender_id for one in views if one.sender_id not in (None, actor.member_id)]
    if named:
        audit.note_reading(session, "feedback", [one for one in named if one is not None])
    return views


def _view(row: Any, actor: Actor) -> FeedbackView:
    feedback: Feedback = row.Feedback
    is_hidden = feedback.is_anonymous and feedback.member_id != actor.member_id
    is_waiting = feedback.status != FeedbackStatus.ANSWERED
    return FeedbackView(
        feedback,
        None if is_hidden else feedback.member_id,
        ANONYMOUS if is_hidden else row.sender_name,
        row.about_name,
        row.about_member_name,
        row.handling_name,
        row.taken_by_name,
        is_waiting and feedback.due_on < actor.on,
    )
