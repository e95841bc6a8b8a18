"""Stop conditions: is what a message says still so, asked again before it leaves the house.

A condition is a function of (session, messages) that returns the ids of those still needed. It
lives beside the tables that it reads, one statement for all; the jobs edge has the mapping from
the `stop` of a kind to it.
"""

from collections.abc import Collection, Sequence
from typing import Protocol
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.rows import dialect_of, row_source, rows_parameter


class Carried(Protocol):
    """What a condition is asked about: whom a message tells, and of which occasion."""

    @property
    def id(self) -> UUID: ...
    @property
    def member_id(self) -> UUID: ...
    @property
    def occasion(self) -> str: ...


class StopCondition(Protocol):
    """Which of these messages are still needed."""

    def __call__(self, session: Session, carried: Sequence[Carried], /) -> Collection[UUID]: ...


def occasion_of(*parts: object) -> str:
    """The occasion of a reminder: the id of what it is about first, then what tells it apart."""
    return ":".join(str(part) for part in parts)


def carried_rows(session: Session) -> sa.Subquery:
    """The messages as rows to join with: id, member_id, subject_id and the rest of the occasion."""
    ids = dict.fromkeys(("id", "member_id", "subject_id"), sa.Uuid())
    return row_source(dialect_of(session), {**ids, "rest": sa.Text()})


def carried_parameter(session: Session, carried: Sequence[Carried]) -> dict[str, str]:
    """The execution parameter of `carried_rows`."""
    rows = []
    for one in carried:
        subject, _, rest = one.occasion.partition(":")
        rows.append(
            {"id": one.id, "member_id": one.member_id, "subject_id": UUID(subject), "rest": rest}
        )
    return rows_parameter(session, rows)
