"""The message that carries a code: by text message only, at once or not at all.

It is no record: nothing about it stands in the inbox, no digest takes it up, nobody switches it
off. Its row names the code by id; the sender works the digits out when they are about to leave.
A job writes it, so that asking for a code takes as long for a phone that nobody has.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from core.ids import new_id
from core.rows import insert_rows
from members import sms_codes
from notifications.models import Channel, OutboxMessage, OutboxState

CODE_KIND = "sms_code"


def enqueue(session: Session, *, now: datetime) -> int:
    """Write the messages of the codes that were asked for since; two statements for all."""
    taken = sms_codes.take_unqueued(session, now=now)
    common = {
        "kind": CODE_KIND,
        "template_version": 1,
        "channel": Channel.SMS,
        "params": {},
        "is_urgent": True,
        "attempts": 0,
        "state": OutboxState.PENDING,
        "not_before": now,
        "created_at": now,
    }
    rows = [
        {"id": new_id(), "dedupe_key": f"{CODE_KIND}:{code_id}", "occasion": str(code_id)}
        | {"member_id": member_id}
        | common
        for code_id, member_id in taken
        if member_id is not None
    ]
    insert_rows(session, OutboxMessage, rows)
    return len(rows)
