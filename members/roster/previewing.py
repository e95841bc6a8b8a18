"""The check of an import: one row of result for each row of the sheet, nothing on the roster."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.background import Progress
from core.clock import business_day
from core.ids import new_id
from members.models import Affiliation, Member, Organization
from members.roster.candidates import open_primary
from members.roster.examining import CHUNK_ROWS, ExaminedRow, Examiner, as_json, open_import
from members.roster.importing import forget_rows
from members.roster.models import ImportStatus, RosterImport, RosterImportRow, RowOutcome
from members.roster.stages import Step, lock_import, require_step


def check(session: Session, import_id: UUID, *, now: datetime) -> Iterator[Progress]:
    """Say of each row what a commit would do; the caller commits at each yield.

    It begins from the top whenever it is run, so that a crash or a change of columns between
    leaves nothing behind.

    Raises:
        NotFound, WrongStage, FileDropped: the import cannot be checked (any more).
        RosterFileRefused: the file is broken further down, or a required column is missing.
    """
    roster_import = _lock(session, import_id, now)
    forget_rows(session, roster_import)
    done = warned = 0
    with open_import(session, roster_import, today=business_day(now)) as opened:
        examiner = Examiner(session, roster_import, opened, locked=False)
        for rows in opened.chunks:
            examined = examiner.examine(rows)
            _write(session, import_id, [_result(row) for row in examined])
            done += len(rows)
            warned += sum(bool(row.warnings) for row in examined)
            yield Progress(done, None)
            roster_import = _lock(session, import_id, now)
    # A workbook of corrected rows says nothing about the people who are not in it.
    if not roster_import.is_partial:
        _list_absent(session, roster_import)
    roster_import.status = ImportStatus.CHECKED
    roster_import.counts = count_outcomes(session, import_id) | {"warned": warned}
    session.flush()
    yield Progress(done, done)


def count_outcomes(session: Session, import_id: UUID) -> dict[str, int]:
    """Rows by outcome, also those that do not occur."""
    found = session.execute(
        sa.select(RosterImportRow.outcome, sa.func.count().label("rows"))
        .where(RosterImportRow.import_id == import_id)
        .group_by(RosterImportRow.outcome)
    )
    counts = {row.outcome: row.rows for row in found}
    return {outcome.value: counts.get(outcome, 0) for outcome in RowOutcome}


def _lock(session: Session, import_id: UUID, now: datetime) -> RosterImport:
    roster_import = lock_import(session, import_id)
    require_step(roster_import, Step.CHECK, now)
    return roster_import


def _result(row: ExaminedRow) -> dict[str, Any]:
    return {
        "row_number": row.row_number,
        "name": row.name,
        "outcome": row.outcome,
        "member_id": row.member_id,
        "problems": as_json(row.problems),
        "warnings": as_json(row.warnings),
        "changes": row.changes,
    }


def _list_absent(session: Session, roster_import: RosterImport) -> None:
    """Members below the organisation whom no row of the file is about. For information only."""
    matched = sa.select(RosterImportRow.member_id).where(
        RosterImportRow.import_id == roster_import.id, RosterImportRow.member_id.is_not(None)
    )
    # A row that cannot be read does not say whose it is, but its name says it well enough.
    refused_names = sa.select(RosterImportRow.name).where(
        RosterImportRow.import_id == roster_import.id,
        RosterImportRow.outcome == RowOutcome.REFUSED,
    )
    place = session.get_one(Organization, roster_import.organization_id)
    absent = session.execute(
        sa.select(Member.id, Member.name)
        .join(Affiliation, open_primary())
        .join(Organization, Organization.id == Affiliation.organization_id)
        .where(
            Organization.path.startswith(place.path),
            Member.id.not_in(matched),
            Member.name.not_in(refused_names),
        )
        .order_by(Organization.path, Member.name, Member.id)
    ).all()
    for start in range(0, len(absent), CHUNK_ROWS):
        part = absent[start : start + CHUNK_ROWS]
        _write(
            session,
            roster_import.id,
            [_absent_result(member_id, name) for member_id, name in part],
        )


def _absent_result(member_id: UUID, name: str) -> dict[str, Any]:
    return {
        "row_number": 0,
        "name": name,
        "outcome": RowOutcome.NOT_IN_FILE,
        "member_id": member_id,
        "problems": [],
        "warnings": [],
        "changes": {},
    }


def _write(session: Session, import_id: UUID, results: Sequence[dict[str, Any]]) -> None:
    if results:
        session.execute(
            # Without this, each change between a value and a NULL begins another statement.
            sa.insert(RosterImportRow).execution_options(render_nulls=True),
            [{"id": new_id(), "import_id": import_id, **result} for result in results],
        )
