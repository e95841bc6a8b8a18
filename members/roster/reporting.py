"""Reading imports: the list, the rows of one, the workbook of refused rows, the template."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.paging import InvalidCursor, Page, cut, newest_first
from members.access import ROSTER_ROLES, Actor, within
from members.branch_names import Branch
from members.models import Organization
from members.roster import marking
from members.roster.branches import find_branches
from members.roster.checking import CellProblem, RefusedRow, RosterLayout
from members.roster.columns import Cell
from members.roster.models import (
    ImportStatus,
    RosterImport,
    RosterImportRow,
    RowOutcome,
    UndoResult,
)
from members.roster.reading import SheetRow
from members.roster.stages import WrongStage, get_import
from members.roster.storing import open_stored
from members.roster.values import CellError, parse_row_number


def list_imports(
    session: Session, actor: Actor, *, after: list[str | int] | None, limit: int
) -> Page[RosterImport]:
    """Imports into organisations whose rosters the actor keeps, newest first.

    Raises:
        InvalidCursor: the cursor has another shape.
    """
    query = (
        sa.select(RosterImport)
        .join(Organization, Organization.id == RosterImport.organization_id)
        .where(within(actor.paths(ROSTER_ROLES)))
    )
    return newest_first(session, query, RosterImport, after=after, limit=limit)


def list_rows(
    session: Session,
    actor: Actor,
    import_id: UUID,
    *,
    outcome: RowOutcome | None,
    after: list[str | int] | None,
    limit: int,
) -> Page[RosterImportRow]:
    """What the check, the commit or the rollback made of each row, in the order of the sheet.

    Raises:
        NotFound: the import is out of the actor's scope.
        InvalidCursor: the cursor has another shape.
    """
    get_import(session, actor, import_id)
    key = (RosterImportRow.row_number, RosterImportRow.id)
    query = (
        sa.select(RosterImportRow)
        .where(RosterImportRow.import_id == import_id)
        .order_by(*key)
        .limit(limit + 1)
    )
    if outcome is not None:
        query = query.where(RosterImportRow.outcome == outcome)
    if after is not None:
        query = query.where(sa.tuple_(*key) > _row_key(after))
    rows = session.scalars(query).all()
    return cut(rows, limit, lambda row: [row.row_number, str(row.id)])


def find_refused(session: Session, import_id: UUID, *, limit: int) -> Sequence[RosterImportRow]:
    """The first refused rows, for the operator's screen."""
    condition = RosterImportRow.outcome == RowOutcome.REFUSED
    return _find_first(session, import_id, condition, limit)


def find_kept(session: Session, import_id: UUID, *, limit: int) -> Sequence[RosterImportRow]:
    """The first rows that a rollback has left as they are, for the operator's screen."""
    condition = RosterImportRow.undo_result == UndoResult.KEPT
    return _find_first(session, import_id, condition, limit)


def _find_first(
    session: Session, import_id: UUID, condition: sa.ColumnElement[bool], limit: int
) -> Sequence[RosterImportRow]:
    return session.scalars(
        sa.select(RosterImportRow)
        .where(RosterImportRow.import_id == import_id, condition)
        .order_by(RosterImportRow.row_number)
        .limit(limit)
        .execution_options(populate_existing=True)
    ).all()


def write_marked(session: Session, actor: Actor, import_id: UUID, path: Path) -> int:
    """Write the refused rows with their reasons as a workbook, and return how many there are.

    Raises:
        NotFound: the import is out of the actor's scope.
        WrongStage: it has not been checked.
        FileDropped: the file that the cells would come from is gone.
    """
    return write_marked_import(session, get_import(session, actor, import_id), path)


def write_marked_import(session: Session, roster_import: RosterImport, path: Path) -> int:
    """The same for an import that the caller may see."""
    if roster_import.status == ImportStatus.UPLOADED:
        raise WrongStage("还没有检查，检查之后才有需修改的行。")
    refused = session.execute(
        sa.select(RosterImportRow.row_number, RosterImportRow.name, RosterImportRow.problems)
        .where(
            RosterImportRow.import_id == roster_import.id,
            RosterImportRow.outcome == RowOutcome.REFUSED,
        )
        .order_by(RosterImportRow.row_number)
    )
    with open_stored(session, roster_import) as (layout, opened):
        return marking.write_marked_workbook(path, layout, _join(refused, opened.rows, layout))


def write_template(session: Session, actor: Actor, path: Path) -> None:
    """Write the empty workbook with the branches that the actor may fill to choose from."""
    places = session.scalars(
        sa.select(Organization)
        .where(Organization.path.in_(actor.paths(ROSTER_ROLES)))
        .order_by(Organization.path)
    )
    branches: dict[UUID, Branch] = {
        branch.organization_id: branch
        for place in places
        for branch in find_branches(session, place)
    }
    marking.write_template(path, _names(branches.values()))


def _names(branches: Iterable[Branch]) -> list[str]:
    """Names by which the branches can be told apart: with the upper body where two share one."""
    branches = list(branches)
    counts = Counter(branch.name for branch in branches)
    return [
        branch.name
        if counts[branch.name] == 1
        else "".join((*branch.ancestor_names[-1:], branch.name))
        for branch in branches
    ]


def _row_key(after: list[str | int]) -> sa.Tuple:
    try:
        number, row_id = after
        position = (int(number), UUID(str(row_id)))
    except ValueError as error:
        raise InvalidCursor from error
    return sa.tuple_(*(sa.literal(part) for part in position))


def _join(
    refused: Iterable[sa.Row[*tuple[Any, ...]]],
    rows: Iterator[SheetRow],
    layout: RosterLayout,
) -> Iterator[RefusedRow]:
    """Give each refused row its cells; both sides come in the order of the sheet."""
    for row_number, name, problems in refused:
        cells = next((row.cells for row in rows if row.row_number == row_number), ())
        found = tuple(CellProblem(**problem) for problem in problems)
        yield RefusedRow(row_number, _original(cells, layout) or row_number, name, found, cells)


def _original(cells: tuple[Cell, ...], layout: RosterLayout) -> int | None:
    """The row of the first upload, if this file is a workbook of corrected rows."""
    for column, field in layout.columns.items():
        if field == "original_row_number" and column < len(cells):
            try:
                return parse_row_number(cells[column]).value
            except CellError:
                return None
    return None
