"""Transfers that nobody has answered for 30, 60 and 90 days: both branches are told, and above."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from members import transfer_reading
from members.office_holders import Holders, find_holders
from members.transfer_models import Transfer, TransferStatus
from members.transfer_rules import FLAG_DAYS, find_step, sent_by_first_step
from notifications import outbox
from notifications.outbox import Message
from notifications.stop_conditions import Carried, carried_parameter, carried_rows


def flag_overdue(session: Session, *, now: datetime, steps: Sequence[int] = FLAG_DAYS) -> int:
    """Tell the leaders of both branches and the officers above them, once for each step reached.

    A step that passed while nobody ran this is not told when a later one has been reached.

    Returns:
        How many transfers have reached a step.
    """
    today = business_day(now)
    rows = transfer_reading.find_long_under_way(
        session, sent_up_to=sent_by_first_step(today, steps)
    )
    if not rows:
        return 0
    branch_ids = {branch_id for row in rows for branch_id in _sides(row.Transfer)}
    holders = find_holders(session, branch_ids, on=today)
    messages = [
        message
        for row in rows
        for message in _messages(
            row, holders, find_step(row.Transfer.sent_on, on=today, steps=steps)
        )
    ]
    outbox.enqueue(session, messages, now=now)
    return len(rows)


def _messages(row: Any, holders: dict[UUID, Holders], step: int | None) -> list[Message]:
    people: set[UUID] = set()
    for branch_id in _sides(row.Transfer):
        people |= holders[branch_id].leaders | holders[branch_id].officers
    params = {
        "name": row.member_name,
        "sender": row.sender_name,
        "receiver": row.receiver_name,
        "days": step,
    }
    occasion = f"{row.Transfer.id}:{step}"
    return [Message(person, "transfer_waiting", occasion, params) for person in sorted(people)]


def _sides(transfer: Transfer) -> list[UUID]:
    sides = (transfer.sender_organization_id, transfer.receiver_organization_id)
    return [side for side in sides if side is not None]


def is_transfer_open(session: Session, carried: Sequence[Carried]) -> set[UUID]:
    """Stop condition: which messages are of a transfer that nobody has answered yet."""
    given = carried_rows(session)
    query = (
        sa.select(given.c.id)
        .join(Transfer, Transfer.id == given.c.subject_id)
        .where(Transfer.status == TransferStatus.SENT)
    )
    return set(session.scalars(query, carried_parameter(session, carried)))
