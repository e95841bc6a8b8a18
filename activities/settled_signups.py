"""The rows of sign-ups that an organiser settles: locked in id order, then marked."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from activities.service_models import ServiceOpportunity, ServiceSignup
from core.clock import business_day
from core.rows import dialect_of, row_source, rows_parameter
from members.models import Affiliation, AffiliationKind, Member


def lock(
    session: Session, opportunity: ServiceOpportunity, signup_ids: Sequence[UUID]
) -> dict[UUID, Row[Any]]:
    """The sign-ups of a service with their members' branch of that day, locked."""
    rows = session.execute(
        _locking(dialect_of(session)),
        {"opportunity": opportunity.id, "day": business_day(opportunity.starts_at)}
        | rows_parameter(session, [{"id": signup_id} for signup_id in signup_ids]),
    )
    return {row.id: row for row in rows}


def settle(session: Session, signup_ids: Sequence[UUID], *, now: datetime) -> None:
    """Note that the organiser has said what became of locked sign-ups; one statement."""
    if signup_ids:
        session.execute(
            _settling(dialect_of(session)),
            {"now": now} | rows_parameter(session, [{"id": signup_id} for signup_id in signup_ids]),
        )


@cache
def _locking(dialect: str) -> sa.Select[Any]:
    signup, member = ServiceSignup.__table__.c, Member.__table__.c
    home = Affiliation.__table__.c
    day = sa.bindparam("day", type_=sa.Date)
    asked = row_source(dialect, {"id": signup.id.type})
    belongs = (
        (home.member_id == signup.member_id)
        & (home.kind == AffiliationKind.PRIMARY)
        & (home.valid_from <= day)
        & (home.valid_to.is_(None) | (home.valid_to > day))
    )
    return (
        sa.select(
            signup.id,
            signup.member_id,
            signup.checked_in_at,
            signup.checked_out_at,
            signup.claimed_minutes,
            signup.is_scanned,
            signup.withdrawn_at,
            signup.settled_at,
            member.joined_on,
            home.organization_id,
        )
        .join(asked, asked.c.id == signup.id)
        .join(Member.__table__, member.id == signup.member_id)
        .outerjoin(Affiliation.__table__, belongs)
        .where(signup.opportunity_id == sa.bindparam("opportunity"))
        .order_by(signup.id)
        .with_for_update(of=ServiceSignup.__table__)
    )


@cache
def _settling(dialect: str) -> sa.Update:
    table = cast(sa.Table, ServiceSignup.__table__)
    given = row_source(dialect, {"id": table.c.id.type})
    return (
        sa.update(table)
        .where(table.c.id == given.c.id)
        .values(settled_at=sa.bindparam("now", type_=table.c.settled_at.type))
    )
