"""Reading pledges: my own, and one with all its parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from activities import pledge_steps
from activities.pledge_models import (
    Pledge,
    PledgeEvaluation,
    PledgeEvent,
    PledgeKind,
    PledgeNote,
    PledgeRevision,
)
from activities.pledge_rules import hints_of
from activities.pledge_states import PRIVATE, PledgeStatus, PledgeStep
from core.errors import NotFound
from core.paging import Page, cut, id_key
from members.access import (
    READING_ROLES,
    REVIEWING_ROLES,
    Actor,
    primary_affiliation_on,
    within,
)
from members.access_models import Role
from members.models import Affiliation, Member, Organization
from points.models import LedgerEntry

# Who reads what members put forward; a group's leader has his members' published ones.
WORKING_ROLES = READING_ROLES - {Role.GROUP_LEADER}
Group = aliased(Organization)


@dataclass(frozen=True, slots=True)
class Line:
    """A pledge in a list, with the names that belong to it and what the actor may do next."""

    pledge: Pledge
    member_name: str
    party_group_name: str
    allowed_steps: list[PledgeStep]


@dataclass(frozen=True, slots=True)
class PledgeRecord:
    """One pledge with its timeline, texts, notes and evaluations, each in the order of time.

    Args:
        evaluations: each with the points of its entry, and whether that was taken back.
        hints: what is said, and nothing more than said, about the number of pledges.
    """

    line: Line
    timeline: Sequence[PledgeEvent]
    texts: Sequence[PledgeRevision]
    notes: Sequence[PledgeNote]
    evaluations: Sequence[Any]
    hints: Sequence[str]


def get_pledge(session: Session, actor: Actor, pledge_id: UUID) -> PledgeRecord:
    """A pledge that is the actor's own or that he works on.

    Raises:
        NotFound: absent, or out of scope.
    """
    may_read = (
        pledge_steps.is_writable(actor)
        | pledge_steps.is_decided_by(_bodies(actor))
        | (within(actor.paths(WORKING_ROLES)) & Pledge.status.not_in(PRIVATE))
    )
    # The session may remember it from before the step that was just taken.
    row = session.execute(
        lines(actor).where(Pledge.id == pledge_id, may_read),
        execution_options={"populate_existing": True},
    ).one_or_none()
    if row is None:
        raise NotFound
    line = line_of(actor, row)
    return PledgeRecord(
        line=line,
        timeline=_parts(session, PledgeEvent, pledge_id, PledgeEvent.at),
        texts=_parts(session, PledgeRevision, pledge_id, PledgeRevision.number),
        notes=_parts(session, PledgeNote, pledge_id, PledgeNote.at),
        evaluations=_evaluations(session, pledge_id),
        hints=_hints(session, line.pledge),
    )


def list_own(
    session: Session,
    actor: Actor,
    *,
    year: int | None,
    after: list[str | int] | None,
    limit: int,
) -> Page[Line]:
    """The actor's pledges, newest first, with what he may do next."""
    query = lines(actor).where(Pledge.member_id == actor.member_id)
    if year is not None:
        query = query.where(Pledge.year == year)
    last_id = id_key(after)
    if last_id is not None:
        query = query.where(Pledge.id < last_id)
    rows = session.execute(query.order_by(Pledge.id.desc()).limit(limit + 1)).all()
    return cut([line_of(actor, row) for row in rows], limit, key_of)


def readable(actor: Actor) -> sa.Select[Pledge, str, str, bool]:
    """The actor's own pledges, and what was put forward where he works on pledges."""
    put_forward = within(actor.paths(WORKING_ROLES)) & Pledge.status.not_in(PRIVATE)
    return lines(actor).where((Pledge.member_id == actor.member_id) | put_forward)


def lines(actor: Actor) -> sa.Select[Pledge, str, str, bool]:
    """Pledges with their members' names and groups, and whether the actor may write them."""
    # A group of another branch, after a transfer, says nothing about this pledge.
    placed = primary_affiliation_on(actor.on) & (
        Affiliation.organization_id == Pledge.organization_id
    )
    return (
        sa.select(
            Pledge,
            Member.name.label("member_name"),
            sa.func.coalesce(Group.name, "").label("party_group_name"),
            pledge_steps.is_writable(actor).label("may_write"),
        )
        .select_from(Pledge)
        .join(Member, Member.id == Pledge.member_id)
        .join(Organization, Organization.id == Pledge.organization_id)
        .outerjoin(Affiliation, placed)
        .outerjoin(Group, Group.id == Affiliation.party_group_id)
    )


def line_of(actor: Actor, row: Any) -> Line:
    """A row of `lines` as the actor sees it."""
    steps = pledge_steps.find_allowed(actor, row.Pledge, may_write=bool(row.may_write))
    return Line(row.Pledge, row.member_name, row.party_group_name, steps)


def key_of(line: Line) -> list[str | int]:
    """The sort key of a list that is ordered by the pledge, or looks its last one up."""
    return [str(line.pledge.id)]


def _bodies(actor: Actor) -> list[UUID]:
    return [held.organization_id for held in actor.held_roles if held.role in REVIEWING_ROLES]


def _parts(session: Session, model: Any, pledge_id: UUID, order: Any) -> Sequence[Any]:
    return session.scalars(
        sa.select(model).where(model.pledge_id == pledge_id).order_by(order, model.id)
    ).all()


def _evaluations(session: Session, pledge_id: UUID) -> Sequence[Any]:
    reversal = aliased(LedgerEntry)
    return session.execute(
        sa.select(
            PledgeEvaluation,
            LedgerEntry.points,
            reversal.id.is_not(None).label("is_reversed"),
        )
        .outerjoin(LedgerEntry, LedgerEntry.id == PledgeEvaluation.entry_id)
        .outerjoin(reversal, reversal.reverses_id == LedgerEntry.id)
        .where(PledgeEvaluation.pledge_id == pledge_id)
        .order_by(PledgeEvaluation.revision)
    ).all()


def _hints(session: Session, pledge: Pledge) -> list[str]:
    count = session.scalar(
        sa.select(sa.func.count(Pledge.id)).where(
            Pledge.member_id == pledge.member_id,
            Pledge.year == pledge.year,
            Pledge.kind == PledgeKind.ANNUAL,
            Pledge.status != PledgeStatus.WITHDRAWN,
        )
    )
    return hints_of(PledgeKind(pledge.kind), pledge.year, count or 0)
