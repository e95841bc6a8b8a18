"""What a rollback needs to know of one applied row, sealed because it may hold a phone."""

import base64
import json
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from core.crypto import Vault

_DATES = ("joined_on", "converted_on")
_SEALED = ("phone_sealed", "id_number_sealed")


@dataclass(frozen=True, slots=True)
class UndoData:
    """How the import left the member, and what it found.

    `before` has every column that an import may write, and is empty for a new member; `after`
    has what must be unchanged for a rollback. Versions would not do: they count on when a later
    import is rolled back, though everything is as it was.
    """

    opened_affiliation_id: UUID | None
    closed_affiliation_id: UUID | None
    after: dict[str, Any] = field(repr=False)
    before: dict[str, Any] = field(default_factory=dict, repr=False)


def seal(vault: Vault, row_id: UUID, undo: UndoData) -> bytes:
    """The stored form; it opens for this row only."""
    text = json.dumps(asdict(undo), default=_plain)
    return vault.encrypt(text.encode(), context=_context(row_id))


def unseal(vault: Vault, row_id: UUID, sealed: bytes) -> UndoData:
    """Undo `seal`."""
    values = json.loads(vault.decrypt(sealed, context=_context(row_id)))
    for name in ("opened_affiliation_id", "closed_affiliation_id"):
        values[name] = UUID(values[name]) if values[name] else None
    for columns in (values["before"], values["after"]):
        for name in _DATES:
            if columns.get(name):
                columns[name] = date.fromisoformat(columns[name])
    for name in _SEALED:
        if values["before"].get(name):
            values["before"][name] = base64.b64decode(values["before"][name])
    return UndoData(**values)


def _plain(value: Any) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value.isoformat() if isinstance(value, date) else str(value)


def _context(row_id: UUID) -> str:
    return f"roster_import_row.undo:{row_id}"
