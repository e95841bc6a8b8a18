"""Whether anything refers to members whom an import has created."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.db import Base
from members.models import Affiliation, Member
from members.roster.models import RosterImportRow


def find_in_use(
    session: Session, row_ids: Sequence[UUID], *, besides: Sequence[UUID | None]
) -> set[UUID]:
    """The members of these result rows to whom any row of any table refers, in one statement.

    Every foreign key to a member counts, also those of packages that this one does not know.

    Args:
        besides: affiliations that do not count, because the import itself has opened them.
    """
    created = (
        sa.select(RosterImportRow.member_id).where(RosterImportRow.id.in_(row_ids)).cte("created")
    )
    references = []
    for column in _columns_with_members():
        query = sa.select(column).where(column.in_(sa.select(created.c.member_id)))
        if column.table is Affiliation.__table__:
            query = query.where(Affiliation.id.not_in([found for found in besides if found]))
        references.append(query)
    return set(session.scalars(sa.union(*references)))


def _columns_with_members() -> list[sa.Column[Any]]:
    member_id = Member.__table__.c.id
    return [
        key.parent
        for table in Base.metadata.sorted_tables
        for key in table.foreign_keys
        # What is only derived from a member goes with him.
        if key.column is member_id and key.ondelete != "CASCADE"
    ]
