"""Logs of searches go three years after the case has ended (domain 7); cases and decisions stay.

Triggers of the attempts and disclosures let go of exactly these rows, by the database's own clock.
"""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.db import database_now
from core.rows import dialect_of
from members.contact.case_models import (
    AccessKind,
    CaseAccessRecord,
    ContactAttempt,
    ContactNumber,
    OwnReportLink,
)
from members.contact.models import ContactCase

# Three years at their longest: whatever day a run is told, the database lets nothing go earlier.
_THREE_YEARS = timedelta(days=3 * 365 + 1)


def purge(session: Session, *, ended_before: datetime) -> int:
    """Delete the logs of cases that ended before an instant, in four statements; how many rows.

    With the attempts go their links, the records of numbers shown in full, and the numbers that
    were collected for a search and are not needed in another.
    """
    long_over = _long_over(dialect_of(session), ended_before)
    return sum(
        _delete(session, model, condition)
        for model, condition in (
            (OwnReportLink, OwnReportLink.case_id.in_(long_over)),
            (ContactAttempt, ContactAttempt.case_id.in_(long_over)),
            (
                CaseAccessRecord,
                CaseAccessRecord.case_id.in_(long_over)
                & (CaseAccessRecord.kind == AccessKind.NUMBER),
            ),
            (ContactNumber, _is_needless(long_over, ended_before)),
        )
    )


def _long_over(dialect: str, ended_before: datetime) -> sa.Select[Any]:
    return sa.select(ContactCase.id).where(
        ContactCase.closed_at < ended_before,
        ContactCase.closed_at < database_now(dialect, -_THREE_YEARS),
    )


def _is_needless(long_over: sa.Select[Any], ended_before: datetime) -> sa.ColumnElement[bool]:
    """Whether a number was collected for searches that are all long over."""
    is_of_another = sa.exists().where(
        ContactCase.member_id == ContactNumber.member_id, ContactCase.id.not_in(long_over)
    )
    is_named = sa.or_(
        sa.exists().where(ContactAttempt.number_id == ContactNumber.id),
        sa.exists().where(CaseAccessRecord.number_id == ContactNumber.id),
    )
    return (ContactNumber.recorded_at < ended_before) & ~is_of_another & ~is_named


def _delete(session: Session, model: Any, condition: sa.ColumnElement[bool]) -> int:
    gone = session.execute(
        sa.delete(model)
        .where(condition)
        .returning(model.id)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())
