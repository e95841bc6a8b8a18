"""What each row of an import means for the roster as it is now: read, matched and compared."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.db import vault_of
from members.models import Organization
from members.roster.branches import find_branch_names
from members.roster.candidates import Candidates, KnownMember, Person, find_candidates, identify
from members.roster.checking import CellProblem, RefusedRow, RosterLayout, RosterRow, check_rows
from members.roster.differing import Difference, find_difference, require_complete
from members.roster.matching import Matcher, RowRefused
from members.roster.models import RosterImport, RosterImportRow, RowOutcome
from members.roster.storing import open_stored

CHUNK_ROWS = 500

CheckedRow = RosterRow | RefusedRow


@dataclass(frozen=True, slots=True)
class ExaminedRow:
    """A row and what it would do: to whom, which changes, or why nothing."""

    row_number: int
    name: str
    outcome: RowOutcome
    problems: tuple[CellProblem, ...] = ()
    warnings: tuple[CellProblem, ...] = ()
    person: Person | None = field(default=None, repr=False)
    member: KnownMember | None = field(default=None, repr=False)
    difference: Difference | None = field(default=None, repr=False)

    @property
    def member_id(self) -> UUID | None:
        return self.member.id if self.member else None

    @property
    def changes(self) -> dict[str, list[Any]]:
        return self.difference.shown if self.difference else {}


@dataclass(frozen=True, slots=True)
class OpenedImport:
    """The stored file with its rows checked one by one, in chunks."""

    layout: RosterLayout
    place: Organization
    chunks: Iterator[list[CheckedRow]] = field(repr=False)


@contextmanager
def open_import(
    session: Session, roster_import: RosterImport, *, today: date
) -> Iterator[OpenedImport]:
    """Read the stored file in chunks of `CHUNK_ROWS`; nothing is looked up for a row yet.

    Raises:
        FileDropped, RosterFileRefused: the file is gone, or cannot be read.
    """
    place = session.get_one(Organization, roster_import.organization_id)
    branches = find_branch_names(session, place)
    with open_stored(session, roster_import) as (layout, opened):
        rows = check_rows(opened.rows, layout, branches=branches, today=today)
        yield OpenedImport(layout, place, _chunks(rows))


class Examiner:
    """Examines the chunks of one file from top to bottom, with three queries a chunk."""

    def __init__(
        self, session: Session, roster_import: RosterImport, opened: OpenedImport, *, locked: bool
    ) -> None:
        self._session = session
        self._layout = opened.layout
        self._path = opened.place.path
        self._matcher = Matcher(self._path)
        self._locked = locked
        self._own_ids = _own_members(session, roster_import.id)

    def examine(self, rows: Sequence[CheckedRow]) -> list[ExaminedRow]:
        """The rows in their order, each with its outcome."""
        vault = vault_of(self._session)
        people = {
            row.row_number: identify(vault, row) for row in rows if isinstance(row, RosterRow)
        }
        found = find_candidates(
            self._session, list(people.values()), without=self._own_ids, locked=self._locked
        )
        return [
            _refused(row)
            if isinstance(row, RefusedRow)
            else self._examine(people[row.row_number], found)
            for row in rows
        ]

    def leave_out(self, member_ids: Iterable[UUID]) -> None:
        """Members whom this import has just created, and whom no row further down means."""
        self._own_ids.update(member_ids)

    def _examine(self, person: Person, found: Candidates) -> ExaminedRow:
        row = person.row
        examined = ExaminedRow(
            row.row_number, row.values.name, RowOutcome.NEW, warnings=row.warnings, person=person
        )
        try:
            known = self._matcher.match(person, found)
            if known is None:
                require_complete(person)
                return examined
            difference = find_difference(person, known)
        except RowRefused as refusal:
            problem = self._layout.problem(refusal.field, refusal.code, refusal.message)
            member = self._named_by_number(person, found)
            return replace(examined, outcome=RowOutcome.REFUSED, problems=(problem,), member=member)
        return replace(
            examined,
            outcome=RowOutcome.CHANGED if difference.shown else RowOutcome.UNCHANGED,
            warnings=(*row.warnings, *self._doubts(person, known)),
            member=known,
            difference=difference,
        )

    def _doubts(self, person: Person, known: KnownMember) -> Iterator[CellProblem]:
        numbers = (
            (person.id_number_index, known.id_number_index),
            (person.phone_index, known.phone_index),
        )
        if not any(mine and mine == theirs for mine, theirs in numbers):
            message = "按姓名和支部对应到名册里的党员，没有号码可核对，请确认。"
            yield self._layout.problem("name", "import.matched_by_name", message)

    def _named_by_number(self, person: Person, found: Candidates) -> KnownMember | None:
        """Whom a refused row is about, so that he is not listed as absent from the file."""
        known = found.by_id_number.get(person.id_number_index or "")
        is_here = known and (known.organization_path or "").startswith(self._path)
        return known if is_here else None


def as_json(problems: Iterable[CellProblem]) -> list[dict[str, str]]:
    """Problems or warnings as a row keeps them."""
    return [asdict(problem) for problem in problems]


def _refused(row: RefusedRow) -> ExaminedRow:
    return ExaminedRow(row.row_number, row.name, RowOutcome.REFUSED, row.problems)


def _own_members(session: Session, import_id: UUID) -> set[UUID]:
    """Members whom an earlier attempt of this import has created."""
    created = sa.select(RosterImportRow.member_id).where(
        RosterImportRow.import_id == import_id,
        RosterImportRow.outcome == RowOutcome.NEW,
        RosterImportRow.member_id.is_not(None),
    )
    return {member_id for member_id in session.scalars(created) if member_id}


def _chunks(rows: Iterable[CheckedRow]) -> Iterator[list[CheckedRow]]:
    chunk: list[CheckedRow] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK_ROWS:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
