"""Reading closed periods: what each was closed with, and a member's own sealed statements."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import NotFound
from members.access import Actor
from points import periods
from points.models import Period
from points.statement_models import PeriodClosing, PeriodOpening, PeriodSeal, PeriodStatement


@dataclass(frozen=True, slots=True)
class PeriodRecord:
    """A period with what is recorded of its opening and its close."""

    period: Period
    opening: PeriodOpening | None
    closing: PeriodClosing | None
    seal: PeriodSeal | None


def get_record(session: Session, code: str) -> PeriodRecord:
    """What is known of a period.

    Raises:
        NotFound: there is none.
    """
    period = periods.get_period(session, code)
    return PeriodRecord(
        period,
        session.get(PeriodOpening, period.id),
        session.get(PeriodClosing, period.id),
        session.get(PeriodSeal, period.id),
    )


def list_own(session: Session, actor: Actor) -> Sequence[sa.Row[*tuple[Any, ...]]]:
    """The actor's statements with their periods, the newest first; one a year and subject."""
    return session.execute(
        sa.select(PeriodStatement, Period)
        .join(Period, Period.id == PeriodStatement.period_id)
        .where(PeriodStatement.member_id == actor.member_id)
        .order_by(Period.starts_on.desc(), PeriodStatement.subject)
    ).all()


def get_own(session: Session, actor: Actor, code: str, *, subject: str) -> sa.Row[*tuple[Any, ...]]:
    """The actor's statement of one period, with the period.

    Raises:
        NotFound: there is none.
    """
    row = session.execute(
        sa.select(PeriodStatement, Period)
        .join(Period, Period.id == PeriodStatement.period_id)
        .where(
            PeriodStatement.member_id == actor.member_id,
            PeriodStatement.subject == subject,
            Period.code == code,
        )
    ).one_or_none()
    if row is None:
        raise NotFound
    return row
