"""Opening a period: what the closed one before it hands over, by the rollover of its schemes."""

import enum
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import background
from core.background import BackgroundJob, Progress
from core.errors import Conflict, NotFound
from core.ids import new_id
from core.quantities import Points
from core.rows import insert_rows
from members.access import Actor, hold_roles
from points import periods
from points.closing import CLOSING_ROLES
from points.models import LedgerEntry, Period, PeriodStatus, SchemeVersion
from points.statement_models import PeriodOpening, PeriodStatement

JOB = "period.open"
SOURCE = "carry_over"
CHUNK = 500

# Scheme version -> the scheme in its data form.
Definitions = Mapping[UUID, Mapping[str, Any]]


class Rollover(enum.StrEnum):
    """What becomes of a year's total in the next one."""

    RESET = "reset"
    CARRY_OVER = "carry_over"
    CARRY_SHARE = "carry_share"


class PreviousNotClosed(Conflict):
    """What is handed over is known when the year before is closed."""

    code = "period.previous_not_closed"
    title = "上一年度还没有结账"


class AlreadyOpened(Conflict):
    """A period takes over once."""

    code = "period.already_opened"
    title = "该年度已经承接上一年度"
    retry = "never"


def request(session: Session, actor: Actor, code: str, *, now: datetime) -> BackgroundJob:
    """Make a year ready for entries, and have the jobs process carry over what is due.

    Raises:
        Forbidden: the actor's role was revoked meanwhile.
        NotFound: the code is no year.
        PreviousNotClosed, AlreadyOpened: why it cannot take over.
    """
    hold_roles(session, actor, CLOSING_ROLES)
    period = begin(session, code, opened_by=actor.member_id, now=now)
    return background.enqueue(
        session, kind=JOB, subject_id=period.id, requested_by=actor.member_id, now=now
    )


def begin(session: Session, code: str, *, opened_by: UUID, now: datetime) -> Period:
    """Open a year unless it is open, and record that it takes over from the one before.

    The very first year has nothing to take over. Where a fault has ended the carrying halfway,
    it is asked for again in the same way.

    Raises:
        NotFound: the code is no year.
        PreviousNotClosed, AlreadyOpened: why it cannot take over.
    """
    if not (code.isascii() and code.isdigit() and len(code) == 4 and code[0] in "12"):
        raise NotFound
    periods.ensure_year(session, int(code))
    period = periods.lock_period(session, periods.get_period(session, code).id)
    previous = session.scalar(
        sa.select(Period).where(Period.ends_on == period.starts_on - timedelta(days=1))
    )
    if previous is None:
        return period
    if previous.status != PeriodStatus.CLOSED:
        raise PreviousNotClosed(f"{previous.code} 年度结账之后，{code} 年度才能承接。")
    if session.get(PeriodOpening, period.id) is None:
        _record(session, period, previous, opened_by, now)
    elif not _count_missing(session, previous.id, _find_schemes(session, previous.id)):
        raise AlreadyOpened
    return period


def carry(session: Session, period_id: UUID, *, now: datetime) -> Iterator[Progress]:
    """Post one entry per statement that hands something over; the caller commits at each yield.

    Run again after a crash, it goes on behind the last chunk. The ledger takes one entry per
    statement only, whoever posts it.

    Raises:
        PeriodClosed: the period does not take entries any more.
    """
    opening = session.get(PeriodOpening, period_id)
    if opening is None:
        return
    schemes = _find_schemes(session, opening.from_period_id)
    total, done = _count_missing(session, opening.from_period_id, schemes), 0
    while True:
        periods.hold_open(session, period_id)
        missing = _missing(opening.from_period_id, schemes).limit(CHUNK)
        statements = session.scalars(missing.order_by(PeriodStatement.id)).all()
        if not statements:
            return
        entries = [_entry(one, schemes, opening, now) for one in statements]
        day = session.get_one(Period, period_id).starts_on
        insert_rows(session, LedgerEntry, [entry | {"happened_on": day} for entry in entries])
        done += len(entries)
        yield Progress(done, total)


def rollover_of(definition: Mapping[str, Any]) -> Rollover:
    """How a scheme, given in its data form, hands a total over."""
    if definition.get("base_model") == Rollover.CARRY_SHARE:
        return Rollover.CARRY_SHARE
    return Rollover(definition.get("rollover", Rollover.RESET))


def carried_points(definition: Mapping[str, Any], total: int) -> Points:
    """What a total hands over: all of it, or the scheme's share, rounded down to 1/100.

    Args:
        total: hundredths.
    """
    rollover = rollover_of(definition)
    if rollover is Rollover.CARRY_OVER:
        return Points(total)
    if rollover is Rollover.RESET:
        return Points(0)
    share = total * Decimal(definition["carry_share"])
    return Points(int(share.to_integral_value(ROUND_FLOOR)))


def _record(
    session: Session, period: Period, previous: Period, opened_by: UUID, now: datetime
) -> None:
    counts = session.execute(
        sa.select(PeriodStatement.scheme_version_id, sa.func.count())
        .where(PeriodStatement.period_id == previous.id, PeriodStatement.total.is_not(None))
        .group_by(PeriodStatement.scheme_version_id)
    )
    schemes = _find_schemes(session, previous.id)
    rollovers: Counter[str] = Counter()
    for version_id, count in counts:
        if version_id is not None:
            rollovers[rollover_of(schemes[version_id])] += count
    session.add(
        PeriodOpening(
            period_id=period.id,
            from_period_id=previous.id,
            rollovers=dict(rollovers),
            opened_by=opened_by,
            opened_at=now,
        )
    )
    session.flush()


def _find_schemes(session: Session, period_id: UUID) -> Definitions:
    """The data of every scheme that scored somebody in a period."""
    used = sa.select(PeriodStatement.scheme_version_id).where(
        PeriodStatement.period_id == period_id
    )
    rows = session.execute(
        sa.select(SchemeVersion.id, SchemeVersion.definition).where(SchemeVersion.id.in_(used))
    )
    return {row[0]: row[1] for row in rows}


def _missing(period_id: UUID, schemes: Definitions) -> sa.Select[PeriodStatement]:
    """The statements that hand something over and have not yet."""
    carrying = [key for key, data in schemes.items() if rollover_of(data) is not Rollover.RESET]
    carried = sa.exists().where(
        LedgerEntry.source_kind == SOURCE, LedgerEntry.source_id == PeriodStatement.id
    )
    return sa.select(PeriodStatement).where(
        PeriodStatement.period_id == period_id,
        PeriodStatement.scheme_version_id.in_(carrying),
        PeriodStatement.total.is_not(None),
        ~carried,
    )


def _count_missing(session: Session, period_id: UUID, schemes: Definitions) -> int:
    query = _missing(period_id, schemes).with_only_columns(PeriodStatement.id)
    return session.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0


def _entry(
    statement: PeriodStatement, schemes: Definitions, opening: PeriodOpening, now: datetime
) -> dict[str, Any]:
    version_id, total = statement.scheme_version_id, statement.total
    assert version_id is not None  # noqa: S101 - `_missing` asks for both.
    assert total is not None  # noqa: S101
    points = carried_points(schemes[version_id], total)
    return {
        "id": new_id(),
        "source_kind": SOURCE,
        "source_id": statement.id,
        "source_revision": 1,
        "subject": statement.subject,
        "member_id": statement.member_id,
        "organization_id": statement.organization_id,
        "period_id": opening.period_id,
        "scheme_version_id": version_id,
        "item_code": SOURCE,
        "component_code": SOURCE,
        "title": "上年度结转",
        "asked": points,
        "points": points,
        "binding_cap": None,
        "inputs": {"total": total, "rollover": rollover_of(schemes[version_id]), "caps": []},
        "reason": "",
        "actor_id": opening.opened_by,
        "request_id": SOURCE,
        "posted_at": now,
    }
