"""The message that carries a code: by text message only, at once or not at all.

It is no record: nothing about it stands in the inbox, no digest takes it up, nobody switches it
off. Its row names the code by id; the sender works the digits out when they are about to leave.
"""

from datetime import datetime
from functools import cache
from typing import cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.ids import new_id
from core.rows import dialect_of, row_source, rows_parameter
from members.sms_codes import IssuedCode
from notifications.models import Channel, OutboxMessage, OutboxState

CODE_KIND = "sms_code"


def enqueue(session: Session, code: IssuedCode, *, now: datetime) -> None:
    """Send a code on its way; for a phone that nobody has, the same statement writes no row."""
    row = {
        "id": new_id(),
        "dedupe_key": f"{CODE_KIND}:{code.id}",
        "member_id": code.member_id,
        "kind": CODE_KIND,
        "template_version": 1,
        "channel": Channel.SMS,
        "params": {},
        "occasion": str(code.id),
        "is_urgent": True,
        "attempts": 0,
        "state": OutboxState.PENDING,
        "not_before": now,
        "created_at": now,
    }
    statement = _writing(dialect_of(session), tuple(row))
    session.execute(statement, rows_parameter(session, [row]))


@cache
def _writing(dialect: str, names: tuple[str, ...]) -> sa.Insert:
    table = cast(sa.Table, OutboxMessage.__table__)
    given = row_source(dialect, {name: table.c[name].type for name in names})
    known = sa.select(*(given.c[name] for name in names)).where(given.c.member_id.is_not(None))
    return sa.insert(table).from_select(list(names), known)
