"""Taking a pledge from one status to the next: locked, checked against the table, noted."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities.pledge_meetings import Meeting
from activities.pledge_models import Pledge, PledgeEvent, PledgeNote, PledgeNoteKind
from activities.pledge_states import (
    PRIVATE,
    STATUS_LABELS,
    PledgeStatus,
    PledgeStep,
    allowed_steps,
    next_status,
)
from core.errors import Conflict, FieldProblem, Forbidden, NotFound, VersionConflict
from core.ids import new_id
from core.rows import dialect_of, insert_rows, row_source, rows_parameter
from members.access import (
    REVIEWING_ROLES,
    ROSTER_ROLES,
    Actor,
    hold_roles,
    place_of_affiliation,
    primary_affiliation_on,
    within,
)
from members.models import Affiliation, Member, Organization


class OwnPledge(Forbidden):
    """A decision on the actor's own pledge."""

    code = "pledge.own"
    title = "不能审核、评定本人的承诺"


class StepImpossible(Conflict):
    """The pledge is where this step does not lead on from; the problem says where it is."""

    code = "pledge.state"
    title = "承诺目前的状态不能这样办理，请看最新内容"


NO_MEETING = Meeting()


@dataclass(frozen=True, slots=True)
class Move:
    """One step of one locked pledge, and the columns that it sets."""

    pledge: Any
    step: PledgeStep
    values: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    meeting: Meeting = NO_MEETING


def hold_for_member(
    session: Session, actor: Actor, pledge_id: UUID, step: PledgeStep, version: int | None = None
) -> Pledge:
    """The actor's own pledge, or one entered for a member of his roster, locked for a step.

    Raises:
        NotFound: not his to write.
        VersionConflict, StepImpossible: it is not as he saw it, or not where the step begins.
    """
    return _hold(session, pledge_id, is_writable(actor), step, version)


def hold_for_decision(
    session: Session, actor: Actor, pledge_id: UUID, step: PledgeStep, version: int | None = None
) -> Pledge:
    """A pledge that the actor's body decides, locked for a step; the grant of the role too.

    Raises:
        NotFound: another body decides it, or it was never put forward.
        Forbidden, OwnPledge: the role was revoked meanwhile, or the pledge is his own.
        VersionConflict, StepImpossible: it is not as he saw it, or not where the step begins.
    """
    organizations = hold_roles(session, actor, REVIEWING_ROLES)
    pledge = _hold(session, pledge_id, is_decided_by(organizations))
    if pledge.member_id == actor.member_id:
        raise OwnPledge
    require_possible(pledge, step, version)
    return pledge


def hold_for_branch(
    session: Session, actor: Actor, pledge_id: UUID, step: PledgeStep, version: int
) -> Pledge:
    """A pledge of the branch that the actor speaks for, locked for a step; his grant too.

    Raises:
        NotFound: of another branch, or never put forward.
        Forbidden: the role was revoked meanwhile.
        VersionConflict, StepImpossible: it is not as he saw it, or not where the step begins.
    """
    organizations = hold_roles(session, actor, REVIEWING_ROLES)
    mine = Pledge.organization_id.in_(organizations) & Pledge.status.not_in(PRIVATE)
    return _hold(session, pledge_id, mine, step, version)


def require_possible(pledge: Any, step: PledgeStep, version: int | None = None) -> None:
    """Check that a step leads on from where the pledge is, in the version that was seen.

    Raises:
        VersionConflict, StepImpossible: with the newest state in their problem.
    """
    if version is not None and version != pledge.version:
        raise VersionConflict(problems=(_newest(pledge, VersionConflict.code),))
    if next_status(pledge.status, step) is None:
        raise StepImpossible(problems=(_newest(pledge, StepImpossible.code),))


def take(session: Session, actor: Actor, moves: Sequence[Move], *, now: datetime) -> None:
    """Move locked pledges on and note each step on its timeline; two statements for any number.

    Args:
        moves: all of them set the same columns.
    """
    if not moves:
        return
    names = tuple(moves[0].values)
    rows = [{"id": one.pledge.id, "status": _target(one), **one.values} for one in moves]
    session.execute(_moving(dialect_of(session), names), rows_parameter(session, rows))
    insert_rows(session, PledgeEvent, [_event(one, actor, now) for one in moves])


def note_creation(session: Session, actor: Actor, pledge: Pledge, *, now: datetime) -> None:
    """Begin the timeline of a new pledge."""
    row = _event(Move(pledge, PledgeStep.CREATE), actor, now) | {"status": pledge.status}
    insert_rows(session, PledgeEvent, [row])


def add_note(
    session: Session,
    actor: Actor,
    pledge: Pledge,
    kind: PledgeNoteKind,
    note: str,
    *,
    now: datetime,
) -> None:
    """Write a note on a pledge that is locked for it."""
    row = {"id": new_id(), "pledge_id": pledge.id, "kind": kind, "note": note}
    insert_rows(session, PledgeNote, [row | {"author_id": actor.member_id, "at": now}])


def find_allowed(actor: Actor, pledge: Any, *, may_write: bool) -> list[PledgeStep]:
    """The steps that the actor may take now, in the order of `PledgeStep`."""
    is_decider = actor.reviews(pledge.reviewer_organization_id)
    return allowed_steps(
        pledge.status,
        may_write=may_write,
        may_publish=actor.reviews(pledge.organization_id),
        may_decide=is_decider and pledge.member_id != actor.member_id,
    )


def is_writable(actor: Actor) -> sa.ColumnElement[bool]:
    """Filter: the actor's own, or entered for a member whose roster he keeps today."""
    kept = (
        sa.select(Member.id)
        .join(Affiliation, primary_affiliation_on(actor.on))
        .join(Organization, place_of_affiliation())
        .where(within(actor.paths(ROSTER_ROLES)))
        .correlate(None)
    )
    entered = (Pledge.entered_by != Pledge.member_id) & Pledge.member_id.in_(kept)
    return (Pledge.member_id == actor.member_id) | entered


def is_decided_by(organizations: Collection[UUID]) -> sa.ColumnElement[bool]:
    """Filter: put forward, and one of these bodies decides it."""
    return Pledge.reviewer_organization_id.in_(organizations) & Pledge.status.not_in(PRIVATE)


def _hold(
    session: Session,
    pledge_id: UUID,
    condition: sa.ColumnElement[bool],
    step: PledgeStep | None = None,
    version: int | None = None,
) -> Pledge:
    pledge = session.scalar(
        sa.select(Pledge)
        .where(Pledge.id == pledge_id, condition)
        .with_for_update(of=Pledge)
        .execution_options(populate_existing=True)
    )
    if pledge is None:
        raise NotFound
    if step is not None:
        require_possible(pledge, step, version)
    return pledge


def _newest(pledge: Any, code: str) -> FieldProblem:
    label = STATUS_LABELS[PledgeStatus(pledge.status)]
    current = {"version": pledge.version, "status": pledge.status}
    return FieldProblem("/version", code, f"最新为第 {pledge.version} 版，{label}。", current)


def _target(move: Move) -> PledgeStatus:
    status = next_status(move.pledge.status, move.step)
    if status is None:
        raise ValueError(f"{move.step} does not lead on from {move.pledge.status}")
    return status


def _event(move: Move, actor: Actor, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "pledge_id": move.pledge.id,
        "member_id": move.pledge.member_id,
        "kind": move.step,
        "status": next_status(move.pledge.status, move.step),
        "actor_id": actor.member_id,
        "reason": move.reason,
        "body": move.meeting.body,
        "meeting_on": move.meeting.held_on,
        "reference": move.meeting.reference,
        "due_on": move.values.get("due_on", move.pledge.due_on),
        "at": now,
    }


@cache
def _moving(dialect: str, names: tuple[str, ...]) -> sa.Update:
    table = cast(sa.Table, Pledge.__table__)
    columns = ("status", *names)
    kinds = {name: table.c[name].type for name in ("id", *columns)}
    given = row_source(dialect, kinds)
    new = {name: given.c[name] for name in columns}
    return (
        sa.update(table).where(table.c.id == given.c.id).values(**new, version=table.c.version + 1)
    )
