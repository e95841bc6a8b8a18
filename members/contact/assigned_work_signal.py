"""The third signal of the self-withdrawal clock: since when assigned work has been left undone.

It is read from the works themselves, for any day: nothing derived is kept. A change of a member's
works moves `contact_standing.work_version`, which the scan asks for again under its lock.
"""

from datetime import date, datetime
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from members.access import primary_affiliation_on
from members.contact import standing
from members.contact.assigned_work_models import AssignedWork, WorkState
from members.contact.case_rules import SUSPENDED_STAGE
from members.contact.models import CaseState, ContactCase, Signal, StageEntry, Standing
from members.models import Affiliation, Member

_ON = sa.bindparam("on", type_=sa.Date)


def is_anything_undone(session: Session, *, on: date) -> bool:
    """Whether anybody at all has left assigned work undone: where not, there is no signal."""
    query = sa.select(sa.exists().where(_undone()))
    return bool(session.scalar(query, {"on": on}))


def known(newest: Any) -> sa.Select[Any]:
    """Standings of those with undone work, as `crossing` knows those of the other duties.

    Args:
        newest: no later day has reached a stage anywhere.
    """
    undone = undone_since().cte("undone")
    later = (
        sa.select(Standing.member_id)
        .join(undone, undone.c.member_id == Standing.member_id)
        .where(Standing.reached_on > _ON)
    )
    then = standing.derived(until=_ON, members=later)
    anchor = sa.func.coalesce(then.c.last_hard_on, Standing.watched_from)
    reached = sa.case((then.c.last_soft_on > anchor, then.c.last_soft_on), else_=anchor)
    is_current = Standing.reached_on <= _ON

    def as_then(name: str) -> sa.ColumnElement[Any]:
        current = getattr(Standing, name)
        return sa.case((is_current, current), else_=then.c[name]).label(name)

    return (
        sa.select(
            Standing.member_id,
            sa.case((is_current, Standing.reached_on), else_=reached).label("reached_on"),
            as_then("last_attended_on"),
            as_then("last_dues_on"),
            undone.c.since_on.label("undone_since_on"),
            Standing.work_version,
        )
        .join(undone, undone.c.member_id == Standing.member_id)
        .outerjoin(then, then.c.member_id == Standing.member_id)
        .where(undone.c.since_on <= newest)
    )


def undone_since() -> sa.Select[Any]:
    """Member -> since when, on that day, his branch's work has been undone without a break.

    Whoever does one piece of work begins anew with the others, as who comes to one meeting does.
    """
    done = aliased(AssignedWork)
    last_done = (
        sa.select(sa.func.max(done.settled_on, type_=sa.Date))
        .where(*_done(done, AssignedWork.member_id))
        .correlate(AssignedWork)
        .scalar_subquery()
    )
    first = (
        _undone_of_branch(
            AssignedWork.member_id,
            sa.func.min(AssignedWork.counts_from, type_=sa.Date).label("first_on"),
            last_done.label("done_on"),
        )
        .group_by(AssignedWork.member_id)
        .subquery("first")
    )
    since = sa.case((first.c.done_on > first.c.first_on, first.c.done_on), else_=first.c.first_on)
    return sa.select(first.c.member_id, since.label("since_on"))


def is_over(held: Any) -> sa.ColumnElement[bool]:
    """Condition: a stage or case is about assigned work that is not undone since then any more."""
    work = _undone_of_branch(AssignedWork.id).where(
        AssignedWork.member_id == held.member_id, AssignedWork.counts_from <= held.anchor_on
    )
    done = aliased(AssignedWork)
    has_done = sa.exists().where(*_done(done, held.member_id), done.settled_on > held.anchor_on)
    return sa.and_(held.signal == Signal.WORK, ~work.exists() | has_done)


def settle(session: Session, member_id: UUID, *, by: UUID, on: date, now: datetime) -> None:
    """End the stage and the case that a member's changed works answer; two statements."""
    mine = {"on": on, "member": member_id}
    session.execute(_ending_stage(), mine)
    said = {"by": by, "now": now, "note": "分配的工作已了结"}
    session.execute(_closing_case(), mine | said)


def _undone() -> sa.ColumnElement[bool]:
    is_open = AssignedWork.settled_on.is_(None) | (AssignedWork.settled_on > _ON)
    return (AssignedWork.counts_from <= _ON) & is_open


def _undone_of_branch(*columns: Any) -> sa.Select[Any]:
    """Undone work of the members' branches of that day: a transfer leaves the rest behind."""
    return (
        sa.select(*columns)
        .select_from(AssignedWork)
        .join(Member, Member.id == AssignedWork.member_id)
        .join(
            Affiliation,
            primary_affiliation_on(_ON)
            & (Affiliation.organization_id == AssignedWork.organization_id),
        )
        .where(_undone())
    )


def _done(work: Any, member_id: Any) -> tuple[sa.ColumnElement[bool], ...]:
    is_done = work.state == WorkState.DONE
    return (work.member_id == member_id, is_done, work.settled_on <= _ON)


@cache
def _ending_stage() -> sa.Delete:
    return (
        sa.delete(StageEntry)
        .where(StageEntry.member_id == sa.bindparam("member"), is_over(StageEntry))
        .execution_options(synchronize_session=False)
    )


@cache
def _closing_case() -> sa.Update:
    columns = ContactCase.__table__.c
    return (
        sa.update(ContactCase)
        .where(
            ContactCase.member_id == sa.bindparam("member"),
            ContactCase.state == CaseState.OPEN,
            ContactCase.stage < SUSPENDED_STAGE,
            is_over(ContactCase),
        )
        .values(
            state=CaseState.CLOSED,
            closed_at=sa.bindparam("now", type_=columns.closed_at.type),
            closed_by=sa.bindparam("by", type_=columns.closed_by.type),
            closing_note=sa.bindparam("note", type_=columns.closing_note.type),
            version=ContactCase.version + 1,
        )
        .execution_options(synchronize_session=False)
    )
