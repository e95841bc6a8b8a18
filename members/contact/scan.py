"""The scan: who has crossed which stage, in a constant number of statements; it decides nothing.

It writes stages and opens cases. It never touches a member's status, points or visibility.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from core.clock import business_day
from core.ids import new_id
from core.rows import Upsert, dialect_of, row_source, rows_parameter
from members.access import primary_affiliation_on
from members.contact import (
    assigned_work_signal,
    crossing,
    facts,
    hearing,
    outages,
    policies,
    settling,
)
from members.contact.crossing import ON
from members.contact.hearing import Ladder
from members.contact.models import (
    AssigneeRole,
    CaseState,
    Clock,
    ContactCase,
    RecordedFact,
    Signal,
    StageEntry,
    Standing,
    Strength,
)
from members.contact.rules import CASE_OPENS_AT
from members.models import Affiliation, Member

# From this stage on, the body above the branch works on a case.
COMMITTEE_STAGE = 5


@dataclass(frozen=True, slots=True)
class Crossing:
    """A member who has reached a stage in this scan."""

    member_id: UUID
    clock: Clock
    signal: str | None
    stage: int
    anchor_on: date


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What a scan has written; nothing at all when it is run again for the same day."""

    crossings: Sequence[Crossing]
    cases_opened: int
    cases_raised: int


def scan(session: Session, *, now: datetime) -> ScanResult:
    """Bring stages and cases up to the business day of `now`; facts of later days do not count.

    Lock order: standings (only those that nobody is changing), stages, cases.
    """
    on = business_day(now)
    outages.refresh(session)
    session.execute(_leaving(), {"on": on})
    thresholds = policies.find_all(session)
    grounds = _signalled(
        session, on, hearing.find_parameters(session, on=on, thresholds=thresholds)
    )
    crossings = [one for ladder in grounds for one in _climb(session, ladder, grounds[ladder])]
    opened, raised = _open_cases(session, crossings, on, now)
    session.execute(_closing_answered(), {"on": on, "now": now})
    return ScanResult(crossings, opened, raised)


def _signalled(
    session: Session, on: date, grounds: Mapping[Ladder, dict[str, Any]]
) -> dict[Ladder, dict[str, Any]]:
    """The ladders; that of assigned work only where some has been left undone at all."""
    has_work = assigned_work_signal.is_anything_undone(session, on=on)
    return {one: told for one, told in grounds.items() if has_work or one.signal != Signal.WORK}


def _climb(session: Session, ladder: Ladder, parameters: Mapping[str, Any]) -> list[Crossing]:
    rows = session.execute(_entering(dialect_of(session), ladder), parameters).all()
    return [Crossing(member_id, ladder.clock, ladder.signal, *row) for member_id, *row in rows]


def _open_cases(
    session: Session, crossings: Sequence[Crossing], on: date, now: datetime
) -> tuple[int, int]:
    """Open the cases of these crossings, or raise those that are open; how many of each."""
    # Of the two duties of one member, the one left for longer comes last and wins.
    latest = {
        (one.member_id, one.clock): _case_row(one)
        for one in sorted(crossings, key=lambda one: one.stage)
        if one.stage >= CASE_OPENS_AT[one.clock]
    }
    if not latest:
        return 0, 0
    given = rows_parameter(session, list(latest.values())) | {"on": on, "now": now}
    versions = session.scalars(_opening(dialect_of(session)), given).all()
    return versions.count(1), len(versions) - versions.count(1)


def _case_row(one: Crossing) -> dict[str, Any]:
    is_above = one.stage >= COMMITTEE_STAGE
    return {
        "id": new_id(),
        "member_id": one.member_id,
        "clock": one.clock,
        "signal": one.signal,
        "since_on": one.anchor_on,
        "stage": one.stage,
        "assignee_role": AssigneeRole.COMMITTEE if is_above else AssigneeRole.BRANCH_SECRETARY,
    }


@cache
def _entering(dialect: str, ladder: Ladder) -> Any:
    """One INSERT..SELECT over those who crossed; a repeated scan finds nobody."""
    table = cast(sa.Table, StageEntry.__table__)
    found = crossing.crossed(dialect, ladder).subquery("crossed")
    values = {
        "member_id": found.c.member_id,
        "clock": sa.literal(str(ladder.clock)),
        "signal": sa.literal(ladder.signal, sa.String),
        "anchor_on": found.c.since_on,
        "uncounted_days": found.c.uncounted_days,
        "stage": found.c.stage,
        "entered_on": ON,
    }
    query = sa.select(*values.values()).where(sa.true())
    insert = _insert(dialect, table).from_select(list(values), query)
    changed = {name: insert.excluded[name] for name in values if name not in ("member_id", "clock")}
    return insert.on_conflict_do_update(
        index_elements=["member_id", "clock"], set_=changed
    ).returning(table.c.member_id, table.c.stage, table.c.anchor_on)


@cache
def _opening(dialect: str) -> Any:
    table = cast(sa.Table, ContactCase.__table__)
    names = ("id", "member_id", "clock", "signal", "stage", "assignee_role")
    given = row_source(
        dialect, {name: table.c[name].type for name in names} | {"since_on": sa.Date()}
    )
    # The official count begins at the hard anchor, also where a soft contact came after it.
    anchor = sa.case(
        (
            (given.c.clock != Clock.SELF_WITHDRAWAL) & (Standing.anchor_on < given.c.since_on),
            Standing.anchor_on,
        ),
        else_=given.c.since_on,
    )
    values = {name: given.c[name] for name in names} | {
        "organization_id": Affiliation.organization_id,
        "anchor_on": anchor,
        "state": sa.literal(str(CaseState.OPEN)),
        "opened_at": sa.bindparam("now", type_=table.c.opened_at.type),
        "closing_note": sa.literal(""),
        "version": sa.literal(1),
    }
    query = (
        sa.select(*values.values())
        .select_from(given)
        .join(Member, Member.id == given.c.member_id)
        .join(Standing, Standing.member_id == Member.id)
        .join(Affiliation, primary_affiliation_on(ON))
        .where(sa.true())
    )
    insert = _insert(dialect, table).from_select(list(values), query)
    return insert.on_conflict_do_update(
        index_elements=["member_id", "clock"],
        index_where=sa.text("state = 'open'"),
        set_={
            "stage": insert.excluded.stage,
            "assignee_role": insert.excluded.assignee_role,
            "version": table.c.version + 1,
        },
        where=table.c.stage < insert.excluded.stage,
    ).returning(table.c.version)


@cache
def _leaving() -> sa.Delete:
    """Take away the entries of who is paused, belongs to another ladder, or was heard from.

    A contact takes its entry away itself; a day that is looked at again may have put it back.
    """
    entry = StageEntry
    is_watched = sa.exists().where(
        Member.id == entry.member_id, Member.membership_status.in_(crossing.WATCHED)
    )
    is_abroad = crossing.is_abroad(entry.member_id)
    return sa.delete(entry).where(
        sa.or_(
            ~is_watched,
            crossing.is_paused(entry.member_id),
            entry.clock.in_((Clock.ABROAD, Clock.ABROAD_REVIEW)) != is_abroad,
            assigned_work_signal.is_over(entry),
            sa.exists().where(
                settling.answers(RecordedFact, entry), RecordedFact.happened_on <= ON, facts.live()
            ),
        )
    )


@cache
def _closing_answered() -> sa.Update:
    """Close the cases that a hard contact answers, where the contact was recorded before them."""
    table = cast(sa.Table, ContactCase.__table__)
    answer = (
        sa.select(RecordedFact.id)
        .where(
            settling.answers(RecordedFact, table.c),
            RecordedFact.strength == Strength.HARD,
            RecordedFact.happened_on <= ON,
            facts.live(),
        )
        .order_by(RecordedFact.happened_on.desc(), RecordedFact.id)
        .limit(1)
        .correlate(table)
        .scalar_subquery()
    )
    return (
        sa.update(table)
        .where(table.c.state == CaseState.OPEN, answer.is_not(None))
        .values(
            state=CaseState.RECONTACTED,
            closed_at=sa.bindparam("now", type_=table.c.closed_at.type),
            closed_fact_id=answer,
            closing_note=settling.RECONTACTED_NOTE,
            version=table.c.version + 1,
        )
    )


def _insert(dialect: str, table: sa.Table) -> Upsert:
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
