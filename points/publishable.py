"""Which entries of a branch are due in a bulletin, and how their rows read."""

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from core.clock import at_local
from core.working_days import WorkCalendar, add_working_days
from members.models import Affiliation, AffiliationKind, Member, Organization
from points import adjustment_posting, schemes
from points.adjustments import WINDOW_WORKING_DAYS
from points.definitions import Definition
from points.models import LedgerEntry
from points.publicity_models import (
    BulletinConfirmation,
    BulletinEntry,
    Objection,
    ObjectionStatus,
)

# A veto is nobody's business but the member's; a carry-over follows from a sealed statement.
UNPUBLISHED_SOURCES = (adjustment_posting.VETO_SOURCE, "carry_over")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a bulletin before it is frozen."""

    entry_id: UUID
    member_id: UUID
    group_name: str
    member_name: str
    item_name: str
    title: str
    happened_on: date
    points: int


def find_rows(
    session: Session,
    organization_id: UUID,
    month: str,
    *,
    subject: str,
    today: date,
    calendar_: WorkCalendar,
) -> list[Row]:
    """What a bulletin of this month would hold: by party group, then name; two statements.

    Late entries of earlier months are among them, and reversals of what was confirmed. A
    deduction that was posted at once waits until its window is over, and so does whatever an
    open objection is about.
    """
    found: Sequence[Any] = session.execute(
        _entries_of(organization_id, today).where(
            is_due(),
            LedgerEntry.subject == subject,
            LedgerEntry.happened_on <= _last_day(month),
            is_told_long_enough(today, calendar_),
            ~_is_contested(),
        )
    ).all()
    definitions = schemes.get_definitions(session, {row.scheme_version_id for row in found})
    rows = [(row, _row(row, definitions)) for row in found]
    rows.sort(key=lambda pair: (pair[1].group_name, pair[1].member_name, *_last(pair[0])))
    return [row for _, row in rows]


def is_due() -> sa.ColumnElement[bool]:
    """Filter: the entry stands, or takes back what counted, and was never published."""
    reversal = aliased(LedgerEntry)
    is_reversed = sa.exists().where(reversal.reverses_id == LedgerEntry.id)
    original = aliased(LedgerEntry)
    was_confirmed = sa.exists().where(BulletinConfirmation.entry_id == LedgerEntry.reverses_id)
    # What takes back points of a closed year changes this one, confirmed or not.
    is_late = sa.exists().where(
        original.id == LedgerEntry.reverses_id, original.period_id != LedgerEntry.period_id
    )
    published = sa.exists().where(BulletinEntry.entry_id == LedgerEntry.id)
    return sa.and_(
        sa.func.coalesce(LedgerEntry.source_kind, "").not_in(UNPUBLISHED_SOURCES),
        sa.case((LedgerEntry.reverses_id.is_(None), ~is_reversed), else_=was_confirmed | is_late),
        ~published,
    )


def is_told_long_enough(today: date, calendar_: WorkCalendar) -> sa.ColumnElement[bool]:
    """Filter: no deduction that its member heard of within the window (guardrail 10)."""
    day = today
    while add_working_days(day, WINDOW_WORKING_DAYS, calendar_).day >= today:
        day -= timedelta(days=1)
    return sa.or_(
        LedgerEntry.asked >= 0,
        LedgerEntry.reverses_id.is_not(None),
        # An adjustment has had its window before it was posted.
        LedgerEntry.source_kind == adjustment_posting.SOURCE,
        LedgerEntry.posted_at < at_local(day + timedelta(days=1), 0),
    )


def _is_contested() -> sa.ColumnElement[bool]:
    return sa.exists().where(
        Objection.entry_id == LedgerEntry.id, Objection.status == ObjectionStatus.OPEN
    )


def _entries_of(organization_id: UUID, today: date) -> sa.Select[Any]:
    group = aliased(Organization)
    belongs = sa.and_(
        Affiliation.member_id == LedgerEntry.member_id,
        Affiliation.organization_id == organization_id,
        Affiliation.kind == AffiliationKind.PRIMARY,
        Affiliation.valid_from <= today,
        Affiliation.valid_to.is_(None) | (Affiliation.valid_to > today),
    )
    query: sa.Select[*tuple[Any, ...]] = (
        sa.select(
            LedgerEntry.id,
            LedgerEntry.seq,
            LedgerEntry.member_id,
            LedgerEntry.scheme_version_id,
            LedgerEntry.item_code,
            LedgerEntry.title,
            LedgerEntry.happened_on,
            LedgerEntry.points,
            Member.name.label("member_name"),
            group.name.label("group_name"),
        )
        .join(Member, Member.id == LedgerEntry.member_id)
        .outerjoin(Affiliation, belongs)
        .outerjoin(group, group.id == Affiliation.party_group_id)
        .where(LedgerEntry.organization_id == organization_id)
    )
    return query


def _row(row: Any, definitions: Mapping[UUID, Definition]) -> Row:
    item = definitions[row.scheme_version_id].items.get(row.item_code)
    return Row(
        entry_id=row.id,
        member_id=row.member_id,
        group_name=row.group_name or "",
        member_name=row.member_name,
        item_name=item.name if item else row.item_code,
        title=row.title,
        happened_on=row.happened_on,
        points=row.points,
    )


def _last(row: Any) -> tuple[str, date, int]:
    return row.member_id.hex, row.happened_on, row.seq


def _last_day(month: str) -> date:
    year, number = int(month[:4]), int(month[5:])
    return date(year, number, calendar.monthrange(year, number)[1])
