"""The nightly self-audit: the whole ledger is added up again, and what is wrong is said aloud."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import alerts
from core.db import snapshot
from points import verification
from points.models import LedgerEntry, Quota
from points.verification import Chunk, Verification

ALERT = "ledger_faults"
MEMBERS_AT_ONCE = 500


def audit(session: Session, *, now: datetime) -> int:
    """Verify the ledger and raise or resolve the operator's alert; returns how many faults.

    Reading comes first and goes by views of its own: the caller's transaction begins only with
    the alert, and holds nothing while the ledger is read.
    """
    report = verify_in_chunks(lambda: snapshot(session))
    if report.faults:
        first = report.findings[0].subject
        message = f"账本核对发现 {report.faults} 处不符，最先的是{first}，请勿改动数据并立即上报。"
        alerts.raise_alert(session, ALERT, message, now=now)
    else:
        alerts.resolve(session, ALERT, now=now)
    return report.faults


def verify_in_chunks(views: Callable[[], AbstractContextManager[Session]]) -> Verification:
    """All checks of `verification.verify`, each chunk with a view that is soon closed again.

    What a chunk compares lies within it, a member's rows or one of the other checks, so what is
    posted between two chunks is no fault.

    Args:
        views: opens a session with one consistent view.
    """
    report = Verification()
    with views() as session:
        verification.verify_definitions(session, report)
        verification.verify_claims(session, report)
    after: UUID | None = None
    while True:
        with views() as session:
            chunk = _find_chunk(session, after)
            if chunk is None:
                break
            # One may have been published since; the faults of the others are known.
            definitions = verification.verify_definitions(session, Verification())
            verification.verify_members(session, definitions, report, chunk)
        after = chunk[1]
    for verify_part in verification.PARTS:
        with views() as session:
            verify_part(session, report)
    return report


def _find_chunk(session: Session, after: UUID | None) -> Chunk | None:
    """The next members who have entries or quotas."""
    ids: set[UUID] = set()
    # Each by its index, which stops after so many; a union would read all that is left each time.
    for table in (LedgerEntry.__table__, Quota.__table__):
        column = table.c.member_id
        query = sa.select(column).distinct().order_by(column).limit(MEMBERS_AT_ONCE)
        ids.update(session.scalars(query if after is None else query.where(column > after)))
    first = sorted(ids)[:MEMBERS_AT_ONCE]
    return (first[0], first[-1]) if first else None
