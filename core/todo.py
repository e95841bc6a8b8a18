"""What waits for somebody: how each package says its part, so that one statement asks for all.

A part is one SELECT of (kind, place_id, number, on_day, title): how many there are of a kind, the
earliest day that matters, and a name that is told where there is one only.
"""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session


class TodoKind(enum.StrEnum):
    """What may wait for somebody, in the order in which it is shown."""

    OWN_REPORT = "own_report"
    MEETING = "meeting"
    SERVICE = "service"
    CLAIM_RETURNED = "claim_returned"
    DEDUCTION_TOLD = "deduction_told"
    BULLETIN_OPEN = "bulletin_open"
    OBJECTION_REPLIED = "objection_replied"
    PLEDGE_RETURNED = "pledge_returned"
    PLEDGE_DUE = "pledge_due"
    ASSIGNED_WORK = "assigned_work"
    CLAIMS_CLEAN = "claims_clean"
    CLAIMS_FLAGGED = "claims_flagged"
    OBJECTIONS_OPEN = "objections_open"
    PLEDGES_SUBMITTED = "pledges_submitted"
    LEAVES_REQUESTED = "leaves_requested"
    CONTACT_CASES = "contact_cases"
    FEEDBACK = "feedback"
    TRANSFERS_IN = "transfers_in"


_ORDER = {kind: number for number, kind in enumerate(TodoKind)}


@dataclass(frozen=True, slots=True)
class Todo:
    """One thing that waits, or several of one kind, in a zh-CN line.

    Args:
        place_id: the organisation for which somebody acts, where it is not his own matter.
        subject_id: the one thing that the line is about; None where it counts several.
        state: what the reader has said about it already.
    """

    kind: TodoKind
    line: str
    count: int = 1
    place_id: UUID | None = None
    subject_id: UUID | None = None
    state: str | None = None


class Words(NamedTuple):
    """How a kind reads: with the title of the one, or the number of several; {day} is the first."""

    one: str
    several: str


Part = sa.Select[*tuple[Any, ...]]


def part(
    kind: TodoKind,
    *,
    counted: sa.SQLColumnExpression[Any],
    place: sa.SQLColumnExpression[Any] | None = None,
    on_day: sa.SQLColumnExpression[Any] | None = None,
    title: sa.SQLColumnExpression[Any] | None = None,
) -> Part:
    """The head of a part; the caller adds from where, and groups by the place if there is one."""
    # The types are said of the NULLs too, because a UNION has those of its first part.
    return sa.select(
        sa.literal(kind.value).label("kind"),
        sa.cast(sa.null(), sa.Uuid).label("place_id") if place is None else place.label("place_id"),
        sa.func.count(counted).label("number"),
        (sa.cast(sa.null(), sa.Date) if on_day is None else sa.func.min(on_day)).label("on_day"),
        (sa.cast(sa.null(), sa.Text) if title is None else sa.func.min(title)).label("title"),
    )


def find(
    session: Session,
    parts: sa.CompoundSelect[*tuple[Any, ...]],
    words: Mapping[TodoKind, Words],
    parameters: Mapping[str, Any],
) -> list[Todo]:
    """What waits of all the parts, in the order of `TodoKind`; one statement."""
    rows = [row for row in session.execute(parts, parameters) if row.number]
    found = [_todo(row, words) for row in rows]
    return in_order(found)


def in_order(found: Sequence[Todo]) -> list[Todo]:
    """Each kind at its place; of one kind, as they came."""
    return sorted(found, key=lambda one: (_ORDER[one.kind], str(one.place_id or "")))


def day_text(day: date | None) -> str:
    """A day as people say it."""
    return f"{day.month} 月 {day.day} 日" if day else ""


def _todo(row: Any, words: Mapping[TodoKind, Words]) -> Todo:
    kind = TodoKind(row.kind)
    form = words[kind].one if row.number == 1 else words[kind].several
    line = form.format(title=row.title or "", count=row.number, day=day_text(row.on_day))
    return Todo(kind, line, row.number, row.place_id)
