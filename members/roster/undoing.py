"""The rollback of an import: members it created go, members it changed become as they were."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, undefer

from core.background import Progress
from core.db import vault_of
from members.models import Affiliation, Member
from members.organizations import lock_tree
from members.roster import undo_data
from members.roster.candidates import open_primary
from members.roster.examining import CHUNK_ROWS
from members.roster.models import (
    ImportStatus,
    RosterImport,
    RosterImportRow,
    RowOutcome,
    UndoResult,
)
from members.roster.stages import Step, lock_import, require_step
from members.roster.undo_data import UndoData
from members.roster.usage import find_in_use
from members.roster.writing import WATCHED_COLUMNS

_IN_USE = "此人已有账号、申报、转接或其他记录，没有撤销。"
_TOUCHED = "导入之后有人改过此人的信息，没有撤销。"
_MOVED = "导入之后此人又转过支部，没有撤销。"

Applied = tuple[RosterImportRow, UndoData]
AnyRow = sa.Row[*tuple[Any, ...]]


def rollback(session: Session, import_id: UUID, *, now: datetime) -> Iterator[Progress]:
    """Undo the applied rows that nothing else depends on yet; the caller commits at each yield.

    Whom somebody has changed or used since stays as he is and is reported. Run again after a
    crash, it goes on behind the last chunk that was committed.

    Raises:
        NotFound, WrongStage: the import is absent or not committed.
        AlreadyRolledBack, UndoExpired: it is too late.
    """
    roster_import = _lock(session, import_id, now)
    roster_import.status = ImportStatus.ROLLING_BACK
    session.flush()
    done, left = _count_done(session, import_id)
    total = done + left
    while rows := _next_rows(session, import_id):
        _undo(session, rows)
        done += len(rows)
        yield Progress(done, total)
        roster_import = _lock(session, import_id, now)
    roster_import.status = ImportStatus.ROLLED_BACK
    roster_import.counts = {**roster_import.counts, **_count_results(session, import_id)}
    session.flush()
    yield Progress(done, total)


def _lock(session: Session, import_id: UUID, now: datetime) -> RosterImport:
    lock_tree(session)
    roster_import = lock_import(session, import_id)
    require_step(roster_import, Step.ROLLBACK, now)
    return roster_import


def _count_done(session: Session, import_id: UUID) -> tuple[int, int]:
    """Rows that have been looked at, and rows that wait: those that still have undo data."""
    is_waiting = RosterImportRow.undo_sealed.is_not(None)
    done, left = session.execute(
        sa.select(
            sa.func.count(RosterImportRow.undo_result),
            sa.func.count(sa.case((is_waiting, 1))),
        ).where(RosterImportRow.import_id == import_id)
    ).one()
    return done, left


def _count_results(session: Session, import_id: UUID) -> dict[str, int]:
    found = session.execute(
        sa.select(RosterImportRow.undo_result, sa.func.count())
        .where(RosterImportRow.import_id == import_id)
        .group_by(RosterImportRow.undo_result)
    )
    counts = {result: count for result, count in found if result}
    return {result.value: counts.get(result, 0) for result in UndoResult}


def _next_rows(session: Session, import_id: UUID) -> Sequence[RosterImportRow]:
    return session.scalars(
        sa.select(RosterImportRow)
        .where(RosterImportRow.import_id == import_id, RosterImportRow.undo_sealed.is_not(None))
        .order_by(RosterImportRow.row_number)
        .limit(CHUNK_ROWS)
        .options(undefer(RosterImportRow.undo_sealed))
        .execution_options(populate_existing=True)
    ).all()


def _undo(session: Session, rows: Sequence[RosterImportRow]) -> None:
    vault = vault_of(session)
    applied = [
        (row, undo_data.unseal(vault, row.id, row.undo_sealed)) for row in rows if row.undo_sealed
    ]
    is_new = RowOutcome.NEW
    kept = _remove(session, [item for item in applied if item[0].outcome == is_new])
    kept |= _restore(session, [item for item in applied if item[0].outcome != is_new])
    results = [
        {
            "id": row.id,
            "undo_result": UndoResult.KEPT if row.id in kept else UndoResult.UNDONE,
            "warnings": [*row.warnings, *_notes(kept.get(row.id))],
            "undo_sealed": None,
        }
        for row in rows
    ]
    session.execute(sa.update(RosterImportRow), results)


def _notes(reason: str | None) -> list[dict[str, str]]:
    if reason is None:
        return []
    return [{"column": "", "field": "", "code": "import.not_undone", "message": reason}]


def _remove(session: Session, created: Sequence[Applied]) -> dict[UUID, str]:
    """Delete new members whom nothing refers to; return why the others stay, by result row."""
    if not created:
        return {}
    present = _find_present(session, created)
    in_use = find_in_use(
        session,
        [row.id for row, _ in created],
        besides=[undo.opened_affiliation_id for _, undo in created],
    )
    kept: dict[UUID, str] = {}
    gone: list[Applied] = []
    for row, undo in created:
        if row.member_id in in_use:
            kept[row.id] = _IN_USE
        elif _is_touched(present.get(row.member_id), undo):
            kept[row.id] = _TOUCHED
        else:
            gone.append((row, undo))
    _delete(session, Affiliation, [undo.opened_affiliation_id for _, undo in gone])
    _delete(session, Member, [row.member_id for row, _ in gone])
    return kept


def _restore(session: Session, changed: Sequence[Applied]) -> dict[UUID, str]:
    """Write back what the import found; return why the others stay, by result row."""
    if not changed:
        return {}
    found = _find_present(session, changed)
    kept: dict[UUID, str] = {}
    back: list[Applied] = []
    for row, undo in changed:
        present = found.get(row.member_id)
        if present is None or _is_touched(present, undo):
            kept[row.id] = _TOUCHED
        elif undo.opened_affiliation_id not in (None, present.affiliation_id):
            kept[row.id] = _MOVED
        else:
            back.append((row, undo))
    if back:
        session.execute(
            sa.update(Member),
            [
                {"id": row.member_id, "version": found[row.member_id].version + 1, **undo.before}
                for row, undo in back
            ],
        )
    # The wrong place goes before the right one is opened again: never two at a time.
    _delete(session, Affiliation, [undo.opened_affiliation_id for _, undo in back])
    _reopen(session, [undo.closed_affiliation_id for _, undo in back])
    return kept


def _is_touched(present: AnyRow | None, undo: UndoData) -> bool:
    return present is not None and any(
        getattr(present, name) != value for name, value in undo.after.items()
    )


def _find_present(session: Session, applied: Sequence[Applied]) -> dict[Any, AnyRow]:
    """The members of the rows as they are now, locked against changes and new references."""
    found = session.execute(
        sa.select(
            Member.id,
            Member.version,
            *(getattr(Member, name) for name in WATCHED_COLUMNS),
            Affiliation.id.label("affiliation_id"),
        )
        .outerjoin(Affiliation, open_primary())
        .where(Member.id.in_([row.member_id for row, _ in applied]))
        .order_by(Member.id)
        .with_for_update(of=Member)
    )
    return {row.id: row for row in found.all()}


def _delete(
    session: Session, table: type[Member] | type[Affiliation], ids: Sequence[UUID | None]
) -> None:
    session.execute(
        sa.delete(table)
        .where(table.id.in_([found for found in ids if found]))
        .execution_options(synchronize_session=False)
    )


def _reopen(session: Session, affiliation_ids: Sequence[UUID | None]) -> None:
    session.execute(
        sa.update(Affiliation)
        .where(Affiliation.id.in_([found for found in affiliation_ids if found]))
        .values(valid_to=None)
        .execution_options(synchronize_session=False)
    )
