"""The commit of an import: what the check has shown goes onto the roster, chunk by chunk."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.background import Progress
from core.clock import business_day
from core.db import vault_of
from members.organizations import lock_tree
from members.roster import undo_data
from members.roster.checking import RosterLayout
from members.roster.examining import ExaminedRow, Examiner, as_json, open_import
from members.roster.models import ImportStatus, RosterImport, RosterImportRow, RowOutcome
from members.roster.previewing import count_outcomes
from members.roster.stages import UNDO_WINDOW, Step, lock_import, require_step
from members.roster.writing import Enrolment, Revision, Written, enrol, revise

_APPLIED = (RowOutcome.NEW, RowOutcome.CHANGED)


def commit(session: Session, import_id: UUID, *, now: datetime) -> Iterator[Progress]:
    """Apply the new and changed rows; the caller commits at each yield.

    A row goes in only if it still means what the check has shown, else it is refused. Run again
    after a crash, it goes on behind the last chunk that was committed.

    Raises:
        NotFound, WrongStage, FileDropped: the import cannot be committed.
    """
    roster_import = _lock(session, import_id)
    if roster_import.status == ImportStatus.COMMITTED:
        return
    require_step(roster_import, Step.COMMIT, now)
    committed_at = roster_import.committed_at or now
    roster_import.status = ImportStatus.COMMITTING
    roster_import.committed_at, roster_import.undo_until = committed_at, committed_at + UNDO_WINDOW
    session.flush()
    total, done = _count_in_sheet(roster_import), 0
    with open_import(session, roster_import, today=business_day(now)) as opened:
        examiner = Examiner(session, roster_import, opened, locked=True)
        for rows in opened.chunks:
            roster_import = _lock(session, import_id)
            require_step(roster_import, Step.COMMIT, now)
            examined = examiner.examine(rows)
            plan = _plan(session, import_id, opened.layout, examined)
            examiner.leave_out(_apply(session, roster_import, plan, at=committed_at))
            done += len(rows)
            yield Progress(done, total)
    roster_import = lock_import(session, import_id)
    roster_import.status = ImportStatus.COMMITTED
    roster_import.counts = {**roster_import.counts, **count_outcomes(session, import_id)}
    session.flush()
    yield Progress(done, total)


def _lock(session: Session, import_id: UUID) -> RosterImport:
    # The tree stands still during a chunk, and two imports take turns.
    lock_tree(session)
    return lock_import(session, import_id)


def _count_in_sheet(roster_import: RosterImport) -> int:
    outcomes = (*_APPLIED, RowOutcome.UNCHANGED, RowOutcome.REFUSED)
    return sum(roster_import.counts[outcome] for outcome in outcomes)


@dataclass(slots=True)
class _Plan:
    """What one chunk writes: new members, changed ones, and rows that no longer hold."""

    enrolments: list[Enrolment] = field(default_factory=list)
    revisions: list[Revision] = field(default_factory=list)
    overtaken: list[dict[str, Any]] = field(default_factory=list)


def _plan(
    session: Session, import_id: UUID, layout: RosterLayout, rows: Sequence[ExaminedRow]
) -> _Plan:
    plan = _Plan()
    shown = _find_shown(session, import_id, rows)
    for row in rows:
        result = shown.get(row.row_number)
        if result is None:
            continue
        if not _is_as_shown(row, result):
            plan.overtaken.append(_overtaken(row, result.id, layout))
        elif row.person and row.member and row.difference:
            plan.revisions.append(Revision(result.id, row.person, row.member, row.difference))
        elif row.person:
            plan.enrolments.append(Enrolment(result.id, row.person))
    return plan


def _apply(
    session: Session, roster_import: RosterImport, plan: _Plan, *, at: datetime
) -> list[UUID]:
    """Write the plan; return the members whom it has created."""
    by = roster_import.uploaded_by
    created = enrol(session, plan.enrolments, by=by, created_at=at)
    changed = revise(session, plan.revisions, by=by, on=business_day(at))
    _record(session, [*created, *changed], plan.overtaken)
    return [written.member_id for written in created]


def _find_shown(
    session: Session, import_id: UUID, rows: Sequence[ExaminedRow]
) -> dict[int, sa.Row[*tuple[Any, ...]]]:
    """The check's results of the rows that it found good and that are not in yet."""
    found = session.execute(
        sa.select(
            RosterImportRow.id,
            RosterImportRow.row_number,
            RosterImportRow.outcome,
            RosterImportRow.member_id,
            RosterImportRow.changes,
        ).where(
            RosterImportRow.import_id == import_id,
            RosterImportRow.row_number.between(rows[0].row_number, rows[-1].row_number),
            RosterImportRow.outcome.in_(_APPLIED),
            RosterImportRow.undo_sealed.is_(None),
        )
    )
    return {result.row_number: result for result in found}


def _is_as_shown(row: ExaminedRow, result: sa.Row[*tuple[Any, ...]]) -> bool:
    now = (row.outcome, row.member_id, row.changes)
    return now == (result.outcome, result.member_id, result.changes)


def _overtaken(row: ExaminedRow, row_id: UUID, layout: RosterLayout) -> dict[str, Any]:
    """The new outcome of a row that the check had found good, but the roster has changed."""
    outcome, problems = row.outcome, row.problems
    if outcome in _APPLIED:
        outcome = RowOutcome.REFUSED
        message = "检查之后名册有变化，这一行没有导入，请重新上传。"
        problems = (layout.problem("name", "import.changed_since_check", message),)
    return {
        "id": row_id,
        "outcome": outcome,
        "member_id": row.member_id,
        "problems": as_json(problems),
        "changes": {},
    }


def _record(
    session: Session, written: Sequence[Written], overtaken: Sequence[dict[str, Any]]
) -> None:
    vault = vault_of(session)
    done = [
        {"id": row_id, "member_id": member_id, "undo_sealed": undo_data.seal(vault, row_id, undo)}
        for row_id, member_id, undo in written
    ]
    for results in (done, overtaken):
        if results:
            session.execute(sa.update(RosterImportRow), results)
