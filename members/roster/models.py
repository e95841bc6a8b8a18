"""Tables of roster imports: the uploaded file, what each row became, how to undo it."""

import enum
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Json, UtcDateTime, one_of
from core.ids import new_id
from members.roster.columns import REQUIRED


class ImportStatus(enum.StrEnum):
    """In this order; `committing` and `rolling_back` outlive a crash and are gone on with."""

    UPLOADED = "uploaded"
    CHECKED = "checked"
    COMMITTING = "committing"
    COMMITTED = "committed"
    ROLLING_BACK = "rolling_back"
    ROLLED_BACK = "rolled_back"


class RowOutcome(enum.StrEnum):
    """What one sheet row means for the roster."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    NOT_IN_FILE = "not_in_file"


class UndoResult(enum.StrEnum):
    """What a rollback did to one applied row; a kept row says why in its warnings."""

    UNDONE = "undone"
    KEPT = "kept"


class RosterImport(Base):
    """One uploaded roster and its life. The file is sealed, and dropped with the undo window."""

    __tablename__ = "roster_import"
    __table_args__ = (one_of("status", ImportStatus),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    organization_id: Mapped[UUID] = mapped_column(sa.ForeignKey("organization.id"))
    uploaded_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("member.id"))
    uploaded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    file_name: Mapped[str] = mapped_column(sa.String(200))
    file_sha256: Mapped[str] = mapped_column(sa.String(64))
    file_sealed: Mapped[bytes | None] = mapped_column(deferred=True)
    status: Mapped[str] = mapped_column(sa.String(16), default=ImportStatus.UPLOADED)
    # The sheet that is read, its header words, the field of each: `members.roster.storing`.
    mapping: Mapped[dict[str, Any]] = mapped_column(Json)
    counts: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    committed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    undo_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)

    @property
    def missing_columns(self) -> list[str]:
        """Titles of the required fields that no column holds yet."""
        return [title for field, title in REQUIRED.items() if field not in self._fields]

    @property
    def is_partial(self) -> bool:
        """Whether the file is a corrected workbook of refused rows, not the whole roster."""
        return "original_row_number" in self._fields

    @property
    def _fields(self) -> set[str | None]:
        return {column["field"] for column in self.mapping["columns"]}


class RosterImportRow(Base):
    """One sheet row (or, for `not_in_file`, one member): its outcome, problems and undo data."""

    __tablename__ = "roster_import_row"
    __table_args__ = (
        one_of("outcome", RowOutcome),
        one_of("undo_result", UndoResult),
        sa.Index("ix_roster_import_row_import", "import_id", "row_number", "id"),
        sa.Index("ix_roster_import_row_outcome", "import_id", "outcome", "row_number", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    import_id: Mapped[UUID] = mapped_column(sa.ForeignKey("roster_import.id"))
    row_number: Mapped[int] = mapped_column()
    outcome: Mapped[str] = mapped_column(sa.String(16))
    member_id: Mapped[UUID | None] = mapped_column()
    name: Mapped[str] = mapped_column(sa.String(60), default="")
    problems: Mapped[list[Any]] = mapped_column(Json, default=list)
    warnings: Mapped[list[Any]] = mapped_column(Json, default=list)
    # Field -> [before, after] with phones masked: what the diff shows.
    changes: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    # What a rollback restores, sealed because it may hold a phone. A row that has it is applied
    # and not undone: an interrupted commit or rollback goes on with the others.
    undo_sealed: Mapped[bytes | None] = mapped_column(deferred=True)
    undo_result: Mapped[str | None] = mapped_column(sa.String(8))
