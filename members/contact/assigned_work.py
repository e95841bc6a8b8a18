"""Work that the party assigned to a member: assigned, answered for, settled; no points, no status.

Lock order: grants, member, standing, work, stage, case.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from core.errors import Conflict, FieldProblem, Forbidden, NotFound, RuleViolation, VersionConflict
from core.ids import new_id
from core.paging import Page, newest_first
from members.access import (
    ROSTER_ROLES,
    Actor,
    get_managed_member,
    get_member,
    get_organization,
    hold_roles,
    primary_affiliation_on,
)
from members.access_models import Role
from members.contact import assigned_work_signal, standing
from members.contact.assigned_work_models import UNDONE, AssignedWork, WorkState
from members.models import Affiliation, Member, Organization

WORK_READERS = ROSTER_ROLES | {Role.AUDITOR}
ANSWERS = tuple(state for state in WorkState if state is not WorkState.OPEN)


class OwnWork(Forbidden):
    """Nobody assigns work to himself or says what became of it."""

    code = "assigned_work.not_oneself"
    title = "不能给自己分配工作，也不能登记自己的完成情况"


class WorkAnswered(Conflict):
    """What became of it has been recorded already."""

    code = "assigned_work.answered"
    title = "这项工作已经登记过结果"


class WorkInvalid(RuleViolation):
    """The days or the reason do not fit."""

    code = "assigned_work.invalid"
    title = "分配的工作填写有误"


@dataclass(frozen=True, slots=True)
class WorkFacts:
    """What was assigned, from when and until when, and on what basis."""

    title: str
    assigned_on: date
    due_on: date
    basis: str = ""
    document_number: str = ""


@dataclass(frozen=True, slots=True)
class WorkAnswer:
    """What became of it, on which day, and why."""

    state: WorkState
    on: date
    note: str = ""


@dataclass(frozen=True, slots=True)
class WorkLine:
    """A piece of work and whose it is."""

    work: AssignedWork
    member_name: str


def assign(
    session: Session, actor: Actor, member_id: UUID, *, facts: WorkFacts, now: datetime
) -> AssignedWork:
    """Record that the party assigned work to a member.

    Time counts from the day when it is due, and never from before it was written down: until
    then the member could neither read nor contest it.

    Raises:
        NotFound: the member is out of the actor's scope.
        OwnWork: he is the actor himself.
        WorkInvalid: it is due before it was assigned, or assigned in the future.
    """
    _hold_other(session, actor, member_id)
    today = business_day(now)
    _require_days(facts, today)
    work = AssignedWork(
        id=new_id(),
        member_id=member_id,
        organization_id=_branch_of(session, actor, member_id),
        title=facts.title,
        basis=facts.basis,
        document_number=facts.document_number,
        assigned_on=facts.assigned_on,
        due_on=facts.due_on,
        counts_from=max(facts.due_on, today),
        recorded_by=actor.member_id,
        recorded_at=now,
        state=WorkState.OPEN,
        note="",
        own_word="",
        version=1,
    )
    standing.note_work(session, member_id)
    session.add(work)
    session.flush()
    return work


def answer(
    session: Session,
    actor: Actor,
    work_id: UUID,
    *,
    answer: WorkAnswer,
    version: int,
    now: datetime,
) -> AssignedWork:
    """Record what became of assigned work: done, refused, excused or withdrawn.

    Refused work stays undone, and counts, until it is done, excused or withdrawn.

    Args:
        version: the version that the caller saw.

    Raises:
        NotFound: it is absent, or its member is out of the actor's scope.
        OwnWork: it is the actor's own.
        WorkInvalid: the day is before the assignment or in the future, or the reason is missing.
        WorkAnswered, VersionConflict: somebody was first.
    """
    work = _get(session, work_id)
    _hold_other(session, actor, work.member_id)
    today = business_day(now)
    _require_answer(work, answer, today)
    standing.note_work(session, work.member_id)
    is_refused = answer.state is WorkState.REFUSED
    told: dict[str, Any] = {"state": answer.state, "note": answer.note}
    if is_refused:
        recorded_on = business_day(work.recorded_at)
        told["counts_from"] = min(work.counts_from, max(answer.on, recorded_on))
    else:
        told["settled_on"] = answer.on
    told |= {"answered_by": actor.member_id, "answered_at": now}
    _change(session, work_id, version, [WorkState.OPEN] if is_refused else UNDONE, told)
    assigned_work_signal.settle(session, work.member_id, by=actor.member_id, on=today, now=now)
    session.refresh(work)
    return work


def say(session: Session, actor: Actor, work_id: UUID, *, note: str, now: datetime) -> AssignedWork:
    """Take the member's word on his own work; a leader decides what became of it.

    Raises:
        NotFound: it is not his.
        WorkAnswered: what became of it has been recorded already.
    """
    work = _get(session, work_id)
    if work.member_id != actor.member_id:
        raise NotFound
    _change(session, work_id, None, UNDONE, {"own_word": note, "own_word_at": now})
    session.refresh(work)
    return work


def get_work(session: Session, actor: Actor, work_id: UUID) -> AssignedWork:
    """One piece of work, to its member and to those who read his.

    Raises:
        NotFound: it is absent, or its member is out of the actor's scope.
    """
    work = _get(session, work_id)
    get_member(session, actor, work.member_id, roles=WORK_READERS)
    return work


def list_own(
    session: Session, actor: Actor, *, after: list[str | int] | None, limit: int
) -> Page[WorkLine]:
    """What was assigned to the actor, newest first.

    Raises:
        InvalidCursor: the cursor has another shape.
    """
    return _page(session, AssignedWork.member_id == actor.member_id, after, limit)


def list_of_member(
    session: Session,
    actor: Actor,
    member_id: UUID,
    *,
    after: list[str | int] | None,
    limit: int,
) -> Page[WorkLine]:
    """What was assigned to a member, newest first.

    Raises:
        NotFound: he is out of the actor's scope.
        InvalidCursor: the cursor has another shape.
    """
    get_member(session, actor, member_id, roles=WORK_READERS)
    return _page(session, AssignedWork.member_id == member_id, after, limit)


def list_of_organization(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    *,
    states: tuple[WorkState, ...],
    after: list[str | int] | None,
    limit: int,
) -> Page[WorkLine]:
    """What an organisation and those below it assigned, newest first.

    Raises:
        NotFound: the organisation is out of the actor's scope.
        InvalidCursor: the cursor has another shape.
    """
    top = get_organization(session, actor, organization_id, roles=WORK_READERS)
    is_wanted = sa.exists().where(
        Organization.id == AssignedWork.organization_id, Organization.path.startswith(top.path)
    )
    return _page(session, is_wanted & AssignedWork.state.in_(states), after, limit)


def _page(
    session: Session,
    is_wanted: sa.ColumnElement[bool],
    after: list[str | int] | None,
    limit: int,
) -> Page[WorkLine]:
    query = (
        sa.select(AssignedWork, Member.name)
        .join(Member, Member.id == AssignedWork.member_id)
        .where(is_wanted)
    )
    page = newest_first(session, query, AssignedWork, after=after, limit=limit)
    return Page([WorkLine(*row) for row in page.items], page.next_key)


def _get(session: Session, work_id: UUID) -> AssignedWork:
    work = session.get(AssignedWork, work_id, populate_existing=True)
    if work is None:
        raise NotFound
    return work


def _hold_other(session: Session, actor: Actor, member_id: UUID) -> None:
    if member_id == actor.member_id:
        raise OwnWork
    hold_roles(session, actor, ROSTER_ROLES)
    get_managed_member(session, actor, member_id, roles=ROSTER_ROLES)


def _branch_of(session: Session, actor: Actor, member_id: UUID) -> UUID:
    return session.scalars(
        sa.select(Affiliation.organization_id)
        .join(Member, primary_affiliation_on(actor.on))
        .where(Member.id == member_id)
    ).one()


def _change(
    session: Session,
    work_id: UUID,
    version: int | None,
    from_states: tuple[WorkState, ...] | list[WorkState],
    values: dict[str, Any],
) -> None:
    is_undone = (AssignedWork.id == work_id) & AssignedWork.state.in_(from_states)
    query = sa.update(AssignedWork).where(is_undone)
    if version is not None:
        query = query.where(AssignedWork.version == version)
    changed = session.scalar(
        query.values(version=AssignedWork.version + 1, **values)
        .returning(AssignedWork.id)
        .execution_options(synchronize_session=False)
    )
    if changed is None:
        still = session.scalar(sa.select(AssignedWork.id).where(is_undone))
        raise VersionConflict if still else WorkAnswered


def _require_days(facts: WorkFacts, today: date) -> None:
    if facts.assigned_on > today:
        _refuse("assigned_on", "分配的日期不能晚于今天。")
    if facts.due_on < facts.assigned_on:
        _refuse("due_on", "完成期限不能早于分配的日期。")


def _require_answer(work: AssignedWork, answer: WorkAnswer, today: date) -> None:
    if not work.assigned_on <= answer.on <= today:
        _refuse("on", "日期应在分配之后，且不晚于今天。")
    if answer.state is not WorkState.DONE and not answer.note:
        _refuse("note", "请写明理由。")


def _refuse(field: str, message: str) -> None:
    problem = FieldProblem(f"/{field}", WorkInvalid.code, message)
    raise WorkInvalid(message, problems=(problem,))
