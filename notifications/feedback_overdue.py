"""Feedback whose answer is late: told once to who owes it, to the body above and to the sender.

Nothing is closed or moved by it: only people answer.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from core.ids import new_id
from core.rows import insert_rows
from members.feedback.models import Feedback, FeedbackStatus, FeedbackStep, FeedbackStepKind
from members.feedback.routing import Staff, load_staff, matter_of
from members.feedback.rules import chain_of
from members.models import Organization
from notifications import outbox
from notifications.feedback_steps import kind_name
from notifications.outbox import Message

_AT_ONCE = 200


def tell_overdue(session: Session, *, now: datetime) -> int:
    """Tell of feedback that is overdue and of which nobody was told; six statements. Run by a job.

    Returns:
        How many; the job comes back for the rest.
    """
    rows = _lock(session, now)
    if not rows:
        return 0
    today = business_day(now)
    session.execute(
        sa.update(Feedback)
        .where(Feedback.id.in_([row.Feedback.id for row in rows]))
        .values(overdue_told_on=today)
        .execution_options(synchronize_session=False)
    )
    steps = [
        {
            "id": new_id(),
            "feedback_id": row.Feedback.id,
            "kind": FeedbackStepKind.OVERDUE,
            "organization_id": row.Feedback.handling_organization_id,
            "note": "",
            "at": now,
        }
        for row in rows
    ]
    insert_rows(session, FeedbackStep, steps)
    bodies = {body for row in rows for body in chain_of(row.path)}
    bodies |= {row.Feedback.about_organization_id for row in rows}
    staff = load_staff(session, bodies, on=today)
    outbox.enqueue(session, [one for row in rows for one in _messages(row, staff)], now=now)
    return len(rows)


def _lock(session: Session, now: datetime) -> Sequence[Any]:
    return session.execute(
        sa.select(Feedback, Organization.path, Organization.name.label("body_name"))
        .join(Organization, Organization.id == Feedback.handling_organization_id)
        .where(
            Feedback.status != FeedbackStatus.ANSWERED,
            Feedback.due_on < business_day(now),
            Feedback.overdue_told_on.is_(None),
        )
        .order_by(Feedback.id)
        .limit(_AT_ONCE)
        .with_for_update(of=Feedback)
        .execution_options(populate_existing=True)
    ).all()


def _messages(row: Any, staff: Staff) -> list[Message]:
    feedback: Feedback = row.Feedback
    occasion = f"{feedback.id}:{feedback.due_on}"
    params = {
        "kind": kind_name(feedback),
        "body": row.body_name,
        "due": feedback.due_on.isoformat(),
    }
    # Who owes it, and the next body above.
    people = {
        person
        for body in chain_of(row.path)[:2]
        for person in staff.free(body, matter_of(feedback))
    }
    told = [Message(person, "feedback_overdue", occasion, params) for person in sorted(people)]
    return [*told, Message(feedback.member_id, "feedback_late", occasion, params)]
