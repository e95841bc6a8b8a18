"""The reminder of a pledge a week before it is due."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities.pledge_models import Pledge
from activities.pledge_states import PledgeStatus
from core.clock import business_day
from notifications import outbox
from notifications.stop_conditions import Carried, carried_parameter, carried_rows, occasion_of

AHEAD = timedelta(days=7)
# Promised in public and not yet reported; a suspended pledge waits for the branch.
_OPEN = (PledgeStatus.PUBLISHED, PledgeStatus.IN_PROGRESS, PledgeStatus.AMENDED)


def remind_of_due(session: Session, *, now: datetime) -> int:
    """Remind of pledges due within a week, once for each due day; returns how many pledges."""
    today = business_day(now)
    rows = session.execute(
        sa.select(Pledge.id, Pledge.member_id, Pledge.title, Pledge.due_on)
        .where(Pledge.status.in_(_OPEN), Pledge.due_on.between(today, today + AHEAD))
        .order_by(Pledge.id)
    ).all()
    messages = [
        outbox.Message(
            row.member_id,
            "pledge_due",
            occasion_of(row.id, row.due_on),
            {"title": row.title, "due": row.due_on.isoformat()},
        )
        for row in rows
    ]
    outbox.enqueue(session, messages, now=now)
    return len(messages)


def is_pledge_open(session: Session, carried: Sequence[Carried]) -> set[UUID]:
    """Which reminders are of a pledge that is still due on that day and not yet reported."""
    given = carried_rows(session)
    rows = session.execute(
        sa.select(given.c.id, given.c.rest, Pledge.due_on)
        .join(Pledge, Pledge.id == given.c.subject_id)
        .where(Pledge.status.in_(_OPEN)),
        carried_parameter(session, carried),
    )
    return {row.id for row in rows if row.due_on.isoformat() == row.rest}
