"""Imports of rosters: receiving the file, correcting its columns, ending its time."""

import hashlib
from datetime import datetime
from pathlib import PurePath
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.db import vault_of
from core.errors import NotFound, VersionConflict
from core.ids import new_id
from members.access import ROSTER_ROLES, Actor, get_organization
from members.models import Organization
from members.roster import storing
from members.roster.models import ImportStatus, RosterImport, RosterImportRow
from members.roster.reading import open_roster
from members.roster.stages import (
    UNDO_WINDOW,
    Step,
    get_import,
    lock_import,
    require_no_job,
    require_step,
)

FILE_NAME_LENGTH_MAX = 200


def upload(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    *,
    file_name: str,
    content: bytes,
    now: datetime,
) -> RosterImport:
    """Keep a roster file, sealed, and guess which column holds what.

    Args:
        organization_id: only branches at or below it can be filled.
        file_name: for people to recognise the file; its kind is told by the content.

    Raises:
        NotFound: the actor keeps no roster there.
        RosterFileRefused: the file is no table, harmful, or without a header.
    """
    organization = get_organization(session, actor, organization_id, roles=ROSTER_ROLES)
    return _store(session, organization, actor.member_id, file_name, content, now)


def upload_from_console(
    session: Session, organization_id: UUID, *, file_name: str, content: bytes, now: datetime
) -> RosterImport:
    """The same, by the operator of the machine, who is no member.

    Raises:
        NotFound: there is no such organisation.
        RosterFileRefused: the file is no table, harmful, or without a header.
    """
    organization = session.get(Organization, organization_id)
    if organization is None:
        raise NotFound
    return _store(session, organization, None, file_name, content, now)


def set_mapping(
    session: Session,
    actor: Actor,
    import_id: UUID,
    *,
    mapping: dict[str, str | None],
    version: int,
    now: datetime,
) -> RosterImport:
    """Replace the corrections of the guess; the rows have to be checked again.

    Args:
        mapping: header word -> field, or None for a column that is not to be read.

    Raises:
        NotFound: the import is out of the actor's scope.
        JobPending, WrongStage: a step is under way, or the rows are already in.
        VersionConflict: somebody else was first.
        ColumnsMissing: name or branch has no column, or a field is unknown or has two.
    """
    get_import(session, actor, import_id)
    roster_import = lock_import(session, import_id)
    require_no_job(session, import_id)
    require_step(roster_import, Step.CHECK, now)
    if roster_import.version != version:
        raise VersionConflict
    roster_import.mapping = storing.remap(vault_of(session), roster_import.mapping, mapping)
    roster_import.version = version + 1
    forget_rows(session, roster_import)
    return roster_import


def forget_rows(session: Session, roster_import: RosterImport) -> None:
    """Back to the stage before the check."""
    session.execute(
        sa.delete(RosterImportRow)
        .where(RosterImportRow.import_id == roster_import.id)
        .execution_options(synchronize_session=False)
    )
    roster_import.status = ImportStatus.UPLOADED
    roster_import.counts = {}
    session.flush()


def discard(session: Session, import_id: UUID) -> None:
    """Forget an import of which nothing is on the roster: the end of a dry run.

    Raises:
        NotFound, WrongStage: it is absent, or rows of it are in.
    """
    roster_import = lock_import(session, import_id)
    require_step(roster_import, Step.CHECK, roster_import.uploaded_at)
    forget_rows(session, roster_import)
    session.delete(roster_import)
    session.flush()


def purge_files(session: Session, *, now: datetime) -> int:
    """Delete the files and the undo data whose time is over; return how many files.

    Seven days after the commit, or after the upload if nothing was committed (domain section 7:
    personal data is kept no longer than its purpose lasts).
    """
    is_over = sa.case(
        (RosterImport.undo_until.is_(None), RosterImport.uploaded_at < now - UNDO_WINDOW),
        else_=RosterImport.undo_until < now,
    )
    import_ids = session.scalars(
        sa.update(RosterImport)
        .where(RosterImport.file_sealed.is_not(None), is_over)
        .values(file_sealed=None)
        .returning(RosterImport.id)
        .execution_options(synchronize_session=False)
    ).all()
    session.execute(
        sa.update(RosterImportRow)
        .where(RosterImportRow.import_id.in_(import_ids), RosterImportRow.undo_sealed.is_not(None))
        .values(undo_sealed=None)
        .execution_options(synchronize_session=False)
    )
    return len(import_ids)


def purge_results(session: Session, *, ended_before: datetime) -> int:
    """Delete the result rows of files uploaded before an instant; return how many."""
    over = sa.select(RosterImport.id).where(RosterImport.uploaded_at < ended_before)
    rows = session.execute(
        sa.delete(RosterImportRow)
        .where(RosterImportRow.import_id.in_(over))
        .returning(RosterImportRow.id)
        .execution_options(synchronize_session=False)
    )
    return len(rows.all())


def _store(
    session: Session,
    organization: Organization,
    uploaded_by: UUID | None,
    file_name: str,
    content: bytes,
    now: datetime,
) -> RosterImport:
    import_id = new_id()
    with storing.file_of(content) as path, open_roster(path) as opened:
        mapping = storing.describe(vault_of(session), opened)
    roster_import = RosterImport(
        id=import_id,
        organization_id=organization.id,
        uploaded_by=uploaded_by,
        uploaded_at=now,
        file_name=_plain_name(file_name),
        file_sha256=hashlib.sha256(content).hexdigest(),
        file_sealed=storing.seal_file(vault_of(session), import_id, content),
        status=ImportStatus.UPLOADED,
        mapping=mapping,
        counts={},
        version=1,
    )
    session.add(roster_import)
    session.flush()
    return roster_import


def _plain_name(file_name: str) -> str:
    """The last part of a path of either kind, without what no screen shows."""
    name = PurePath(file_name.replace("\\", "/")).name
    return "".join(filter(str.isprintable, name))[-FILE_NAME_LENGTH_MAX:]
