"""The uploaded file: sealed in the database, and opened again as a table for each step."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.crypto import Vault
from core.db import vault_of
from members.roster.checking import RosterLayout
from members.roster.columns import Header, apply_mapping, guess_mapping
from members.roster.models import RosterImport
from members.roster.reading import OpenedRoster, open_roster
from members.roster.stages import FileDropped

Mapping = dict[str, str | None]

# What reaches the roster. The other known columns are read to warn, and set nothing.
IMPORTED_FIELDS = frozenset(
    {
        *("name", "branch_name", "id_number", "sex", "birth_on", "education"),
        *("kind", "joined_on", "converted_on", "post", "phone"),
    }
)


def seal_file(vault: Vault, import_id: UUID, content: bytes) -> bytes:
    """The stored form of an uploaded file; it opens for this import only."""
    return vault.encrypt(content, context=_context(import_id))


@contextmanager
def file_of(content: bytes) -> Iterator[Path]:
    """The content as a private file for as long as it is read: the parser takes no stream."""
    with tempfile.TemporaryDirectory(prefix="roster-") as directory:
        path = Path(directory) / "roster"
        path.write_bytes(content)
        yield path


@contextmanager
def open_stored(
    session: Session, roster_import: RosterImport
) -> Iterator[tuple[RosterLayout, OpenedRoster]]:
    """Read the stored file again, with the columns as they are mapped now.

    Raises:
        FileDropped: the file's time is over.
        RosterFileRefused: it cannot be read, or a required column is missing.
    """
    sealed = session.scalar(
        sa.select(RosterImport.file_sealed).where(RosterImport.id == roster_import.id)
    )
    if sealed is None:
        raise FileDropped
    content = vault_of(session).decrypt(sealed, context=_context(roster_import.id))
    given: Mapping = roster_import.mapping["given"]
    with file_of(content) as path, open_roster(path, given) as opened:
        # The file may be large, and the table is read from the disk.
        del sealed, content
        columns = apply_mapping(opened.header, given)
        yield RosterLayout(opened.header, columns, opened.date_1904), opened


def describe(vault: Vault, opened: OpenedRoster) -> dict[str, Any]:
    """What is kept of a file's layout: sheets, header words, and the guessed field of each."""
    guess = guess_mapping(opened.header)
    return {
        "sheet_name": opened.sheet_name,
        "other_sheet_names": list(opened.other_sheet_names),
        "header_row": opened.header.row_number,
        "columns": _columns(vault, opened.header, guess),
        "given": {},
    }


def remap(vault: Vault, mapping: dict[str, Any], given: Mapping) -> dict[str, Any]:
    """The kept layout with the user's corrections in the place of earlier ones.

    Raises:
        ColumnsMissing: name or branch has no column, or a field is unknown or has two.
    """
    texts = tuple(column["header"] for column in mapping["columns"])
    header = Header(mapping["header_row"], mapping["header_row"], texts)
    columns = apply_mapping(header, given)
    return mapping | {"columns": _columns(vault, header, columns), "given": given}


def _columns(vault: Vault, header: Header, fields: dict[int, str]) -> list[dict[str, Any]]:
    imported = IMPORTED_FIELDS if vault.keeps_id_numbers else IMPORTED_FIELDS - {"id_number"}
    return [
        {
            "header": text,
            "field": fields.get(column),
            "is_imported": fields.get(column) in imported,
        }
        for column, text in enumerate(header.texts)
    ]


def _context(import_id: UUID) -> str:
    return f"roster_import.file:{import_id}"
