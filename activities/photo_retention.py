"""Photos go twelve months after the year of their activity was closed, unless it is disputed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities.models import Activity
from activities.record_models import ActivityPhoto, DiscardedPhoto
from core.clock import at_local
from core.rows import insert_rows
from points.models import Period, PeriodStatus
from points.publicity_models import Objection, ObjectionStatus
from points.statement_models import PeriodClosing

FILES_AT_ONCE = 200


def purge(session: Session, *, closed_before: datetime, now: datetime) -> int:
    """Forget the photos of years that were closed before an instant; returns how many.

    Their files are only noted: what is not committed must not be gone from the disk.
    """
    years = session.execute(
        sa.select(Period.starts_on, Period.ends_on)
        .join(PeriodClosing, PeriodClosing.period_id == Period.id)
        .where(Period.status == PeriodStatus.CLOSED, PeriodClosing.begun_at < closed_before)
    ).all()
    if not years:
        return 0
    spans = [
        Activity.starts_at.between(
            at_local(first, 0), at_local(last + timedelta(days=1), 0) - timedelta(microseconds=1)
        )
        for first, last in years
    ]
    is_disputed = sa.exists().where(
        Objection.organization_id == Activity.organization_id,
        Objection.status == ObjectionStatus.OPEN,
    )
    over = sa.select(Activity.id).where(sa.or_(*spans), ~is_disputed)
    gone = session.scalars(
        sa.delete(ActivityPhoto)
        .where(ActivityPhoto.activity_id.in_(over))
        .returning(ActivityPhoto.id)
        .execution_options(synchronize_session=False)
    ).all()
    insert_rows(session, DiscardedPhoto, [{"id": one, "discarded_at": now} for one in gone])
    return len(gone)


def find_discarded(session: Session) -> Sequence[UUID]:
    """Photos that are forgotten and whose files may still be there."""
    query = sa.select(DiscardedPhoto.id).order_by(DiscardedPhoto.id).limit(FILES_AT_ONCE)
    return session.scalars(query).all()


def note_removed(session: Session, photo_ids: Sequence[UUID]) -> None:
    """Note that the files of these are gone."""
    session.execute(
        sa.delete(DiscardedPhoto)
        .where(DiscardedPhoto.id.in_(photo_ids))
        .execution_options(synchronize_session=False)
    )
