"""What a new contact ends: stages, and the cases that a hard contact answers."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.rows import dialect_of, row_source, rows_parameter
from members.contact.models import (
    CaseState,
    Clock,
    ContactCase,
    ContactKind,
    RecordedFact,
    Signal,
    StageEntry,
    Strength,
)

RECONTACTED_NOTE = "已取得联系"
_READ = ("id", "member_id", "kind", "strength", "happened_on")


def settle(session: Session, facts: Sequence[Mapping[str, Any]], *, now: datetime) -> None:
    """End the stages and cases whose anchor these new facts are later than; two statements.

    A soft contact ends stages only: whether a case is settled by it, people decide.
    """
    rows = [{name: fact[name] for name in _READ} for fact in facts]
    given = rows_parameter(session, rows)
    session.execute(_ending_stages(dialect_of(session)), given)
    if any(fact["strength"] == Strength.HARD for fact in facts):
        session.execute(_closing_cases(dialect_of(session)), given | {"now": now})


def answers(fact: Any, held: Any) -> sa.ColumnElement[bool]:
    """Condition: a fact is contact in the sense of the clock of a stage or case."""
    kinds = {Signal.LIFE: ContactKind.ATTENDANCE, Signal.DUES: ContactKind.DUES_PAID}
    return sa.and_(
        fact.member_id == held.member_id,
        fact.happened_on > held.anchor_on,
        sa.or_(
            held.clock.in_((Clock.LOST_CONTACT, Clock.ABROAD)),
            *((held.signal == signal) & (fact.kind == kind) for signal, kind in kinds.items()),
        ),
    )


@cache
def _ending_stages(dialect: str) -> sa.Delete:
    given = _given(dialect)
    return sa.delete(StageEntry).where(
        sa.exists().where(answers(given.c, StageEntry)).correlate(StageEntry)
    )


@cache
def _closing_cases(dialect: str) -> sa.Update:
    given = _given(dialect)
    table = cast(sa.Table, ContactCase.__table__)
    answering = answers(given.c, table.c) & (given.c.strength == Strength.HARD)
    newest = (
        sa.select(given.c.id)
        .where(answering)
        .order_by(given.c.happened_on.desc(), given.c.id)
        .limit(1)
    )
    return (
        sa.update(table)
        .where(table.c.state == CaseState.OPEN, sa.exists().where(answering).correlate(table))
        .values(
            state=CaseState.RECONTACTED,
            closed_at=sa.bindparam("now", type_=table.c.closed_at.type),
            closed_fact_id=newest.correlate(table).scalar_subquery(),
            closing_note=RECONTACTED_NOTE,
            version=table.c.version + 1,
        )
    )


def _given(dialect: str) -> sa.Subquery:
    columns = RecordedFact.__table__.c
    return row_source(dialect, {name: columns[name].type for name in _READ})
