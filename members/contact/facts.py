"""Contact facts: recorded once, with what follows from them in the same transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, cast
from uuid import UUID, uuid5

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from core.ids import new_id
from core.rows import Upsert, dialect_of, row_source, rows_parameter
from members.contact import settling, standing
from members.contact.models import (
    HARD,
    ContactKind,
    FactRetraction,
    RecordedFact,
    Strength,
)

NOTE_MAX = 200


@dataclass(frozen=True, slots=True)
class ContactFact:
    """One contact with a member.

    Args:
        organization_id: the branch that recorded it; for a host's record, the host.
        source_id: what it follows from; with the member and the kind it makes the fact exist
            once until it is retracted.
        recorded_by: who says so; None where the machine's operator imported a file.
    """

    member_id: UUID
    kind: ContactKind
    happened_on: date
    organization_id: UUID
    source_id: UUID
    recorded_by: UUID | None
    note: str = ""

    @property
    def strength(self) -> Strength:
        """Whether it resets the anchor or only says that the member can be reached."""
        return Strength.HARD if self.kind in HARD else Strength.SOFT


def day_source(member_id: UUID, kind: ContactKind, day: date) -> UUID:
    """The source of what is its own day: a dues date imported again adds nothing."""
    return uuid5(member_id, f"{kind} {day}")


def record(session: Session, facts: Sequence[ContactFact], *, now: datetime) -> set[UUID]:
    """Record facts, move the standings forward, end the stages and cases that they answer.

    A constant number of statements. Lock order: standings by member id, stages, cases.

    Returns:
        The members of whom something new was recorded.
    """
    if not facts:
        return set()
    dialect = dialect_of(session)
    rows = {_key(fact): _row(fact, now) for fact in facts}
    given = rows_parameter(session, list(rows.values()))
    new = set(session.scalars(_writing(dialect), given))
    written = [row for row in rows.values() if row["id"] in new]
    if not written:
        return set()
    standing.advance(session, written)
    settling.settle(session, written, now=now)
    return {row["member_id"] for row in written}


def retract(
    session: Session,
    sources: Sequence[UUID],
    *,
    actor_id: UUID | None,
    reason: str,
    now: datetime,
) -> set[UUID]:
    """Take back what these sources told; standings are derived again, stages return by the scan.

    Returns:
        The members whose facts were taken back.
    """
    if not sources:
        return set()
    given = rows_parameter(session, [{"source_id": one} for one in sources])
    said = {"reason": reason[:NOTE_MAX] or "更正", "actor": actor_id, "now": now}
    retracted = session.scalars(_retracting(dialect_of(session)), given | said).all()
    return standing.derive(session, retracted) if retracted else set()


def live() -> sa.ColumnElement[bool]:
    """Filter: the fact has not been retracted."""
    return ~sa.exists().where(FactRetraction.fact_id == RecordedFact.id)


def _key(fact: ContactFact) -> tuple[UUID, str, UUID]:
    return fact.member_id, fact.kind, fact.source_id


def _row(fact: ContactFact, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "member_id": fact.member_id,
        "kind": fact.kind,
        "strength": fact.strength,
        "happened_on": fact.happened_on,
        "organization_id": fact.organization_id,
        "source_id": fact.source_id,
        "recorded_by": fact.recorded_by,
        "recorded_at": now,
        "note": fact.note[:NOTE_MAX],
    }


@cache
def _writing(dialect: str) -> Any:
    """Insert what is new; what was retracted may be said again, as the next revision."""
    table = cast(sa.Table, RecordedFact.__table__)
    names = [column.name for column in table.columns if column.name != "revision"]
    given = row_source(dialect, {name: table.c[name].type for name in names})
    before = sa.alias(table, "before")
    revision = sa.select(sa.func.count() + 1).where(
        before.c.member_id == given.c.member_id,
        before.c.kind == given.c.kind,
        before.c.source_id == given.c.source_id,
        sa.exists().where(FactRetraction.fact_id == before.c.id),
    )
    query = sa.select(
        *(given.c[name] for name in names), revision.correlate(given).scalar_subquery()
    ).where(sa.true())
    insert = _insert(dialect, table).from_select([*names, "revision"], query)
    keys = ["member_id", "kind", "source_id", "revision"]
    return insert.on_conflict_do_nothing(index_elements=keys).returning(table.c.id)


@cache
def _retracting(dialect: str) -> Any:
    table = cast(sa.Table, FactRetraction.__table__)
    given = row_source(dialect, {"source_id": sa.Uuid()})
    query = (
        sa.select(
            RecordedFact.id,
            sa.bindparam("reason", type_=table.c.reason.type),
            sa.bindparam("actor", type_=table.c.retracted_by.type),
            sa.bindparam("now", type_=table.c.retracted_at.type),
        )
        .join(given, given.c.source_id == RecordedFact.source_id)
        .where(live())
    )
    names = ["fact_id", "reason", "retracted_by", "retracted_at"]
    insert = _insert(dialect, table).from_select(names, query)
    return insert.on_conflict_do_nothing(index_elements=["fact_id"]).returning(table.c.fact_id)


def _insert(dialect: str, table: sa.Table) -> Upsert:
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
