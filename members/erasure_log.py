"""The log of erasures outside the database, and its use after a restore."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from core.rows import dialect_of
from members import erasures
from members.models import Member
from members.privacy_models import ShredLogEntry


@dataclass(frozen=True, slots=True)
class LoggedErasure:
    """One erasure without any personal data, as it is kept beside the backups."""

    member_id: UUID
    reason: str
    basis: str
    at: datetime


def list_logged(session: Session) -> list[LoggedErasure]:
    """All erasures, oldest first."""
    entries = session.scalars(
        sa.select(ShredLogEntry).order_by(ShredLogEntry.at, ShredLogEntry.member_id)
    )
    return [LoggedErasure(one.member_id, one.reason, one.basis, one.at) for one in entries]


def reapply(session: Session, given: Sequence[LoggedErasure], *, now: datetime) -> int:
    """Erase again whom the log names, this database's own log and the given one; how many.

    Who had decided it is not in the given log, and may not be in the restored database.
    """
    known = set(
        session.scalars(sa.select(Member.id).where(Member.id.in_([one.member_id for one in given])))
    )
    rows = [
        {"member_id": one.member_id, "reason": one.reason, "basis": one.basis, "at": one.at}
        for one in given
        if one.member_id in known
    ]
    insert = sqlite.insert if dialect_of(session) == "sqlite" else postgresql.insert
    if rows:
        session.execute(insert(ShredLogEntry).on_conflict_do_nothing(), rows)
    member_ids = [one.member_id for one in list_logged(session)]
    erasures.apply(session, member_ids, now=now)
    return len(member_ids)
