"""Reproducing sealed statements: the same bytes again from the ledger and what each one pins."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from points import periods, schemes, statement_texts, statements
from points.definitions import Definition
from points.models import LedgerEntry
from points.statement_models import PeriodStatement
from points.statement_texts import Row

CHUNK = 500


@dataclass(frozen=True, slots=True)
class Reproduction:
    """A statement, and the text that comes out today."""

    statement: PeriodStatement
    content: str | None

    @property
    def is_same(self) -> bool:
        """Whether it is the sealed one byte for byte."""
        return self.content == self.statement.content


def reproduce(
    session: Session, code: str, *, member_id: UUID | None = None
) -> Iterator[Reproduction]:
    """Every statement of a period, or one member's, beside what the ledger says today.

    Later versions of schemes, transfers and adjustments make no difference: an entry stays in
    its period, and the statement pins the rest.

    Raises:
        NotFound: there is no such period.
    """
    period = periods.get_period(session, code)
    query = sa.select(PeriodStatement).where(PeriodStatement.period_id == period.id)
    if member_id is not None:
        query = query.where(PeriodStatement.member_id == member_id)
    last: UUID | None = None
    definitions: dict[UUID, Definition] = {}
    while True:
        behind = query if last is None else query.where(PeriodStatement.id > last)
        chunk = session.scalars(behind.order_by(PeriodStatement.id).limit(CHUNK)).all()
        if not chunk:
            return
        last = chunk[-1].id
        entries = _entries_of(session, chunk)
        for one in chunk:
            mine = entries.get((one.subject, one.member_id), [])
            yield Reproduction(one, _compose(session, one, mine, definitions))


def _compose(
    session: Session,
    statement: PeriodStatement,
    entries: list[Row],
    definitions: dict[UUID, Definition],
) -> str | None:
    said = statement_texts.read(statement.content)
    if said is None:
        return None
    definition = None
    if said.facts.scheme_version_id is not None:
        version_id = UUID(said.facts.scheme_version_id)
        if version_id not in definitions:
            definitions[version_id], _ = schemes.get_definition(session, version_id)
        definition = definitions[version_id]
    return statement_texts.compose(said.facts, definition, entries, version=said.version)


def _entries_of(
    session: Session, chunk: Sequence[PeriodStatement]
) -> dict[tuple[str, UUID], list[Row]]:
    found: dict[tuple[str, UUID], list[Row]] = {}
    member_ids = [one.member_id for one in chunk]
    for subject in {one.subject for one in chunk}:
        query = statements.entries_of(chunk[0].period_id, subject)
        for row in session.execute(query.where(LedgerEntry.member_id.in_(member_ids))):
            found.setdefault((subject, row.member_id), []).append(row)
    return found
