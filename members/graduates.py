"""Graduates whose relation stays at the school for now: for two years at most (条例 Art. 34)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from core.errors import Forbidden, NotFound
from members.access import (
    READING_ROLES,
    ROSTER_ROLES,
    Actor,
    get_managed_member,
    get_organization,
    hold_roles,
    place_of_affiliation,
    primary_affiliation_on,
)
from members.affiliations import require_not_future
from members.belonging import find_branch
from members.models import Affiliation, Member, Organization
from members.transfer_models import Graduate
from members.transfer_rules import graduate_limit

Branch = aliased(Organization)


@dataclass(frozen=True, slots=True)
class GraduateLine:
    """A graduate who still belongs to the branch that recorded it, and his last day there."""

    member_id: UUID
    member_name: str
    organization_id: UUID
    organization_name: str
    graduated_on: date
    limit_on: date
    is_over: bool


def record(
    session: Session, actor: Actor, member_id: UUID, *, graduated_on: date, now: datetime
) -> None:
    """Record when a member graduated, or correct it.

    Raises:
        NotFound, Forbidden: he is out of the actor's scope, or is the actor himself.
        FutureDate: the day lies ahead.
    """
    hold_roles(session, actor, ROSTER_ROLES)
    # Locks the member: two records of one person take turns.
    get_managed_member(session, actor, member_id, roles=ROSTER_ROLES)
    if member_id == actor.member_id:
        raise Forbidden("不能登记本人的毕业日期，请由支部其他负责人办理。")
    require_not_future(graduated_on, now)
    branch_id = find_branch(session, member_id, on=actor.on)
    if branch_id is None:
        raise NotFound
    graduate = session.get(Graduate, member_id, populate_existing=True)
    if graduate is None:
        graduate = Graduate(member_id=member_id)
        session.add(graduate)
    graduate.organization_id = branch_id
    graduate.graduated_on = graduated_on
    graduate.recorded_by, graduate.recorded_at = actor.member_id, now
    session.flush()


def forget(session: Session, actor: Actor, member_id: UUID) -> None:
    """Take back what was recorded by mistake.

    Raises:
        NotFound, Forbidden: as in `record`, or nothing is recorded.
    """
    hold_roles(session, actor, ROSTER_ROLES)
    get_managed_member(session, actor, member_id, roles=ROSTER_ROLES)
    removed = session.scalar(
        sa.delete(Graduate).where(Graduate.member_id == member_id).returning(Graduate.member_id)
    )
    if removed is None:
        raise NotFound


def list_graduates(session: Session, actor: Actor, organization_id: UUID) -> Sequence[GraduateLine]:
    """Graduates still in the branch of an organisation's subtree: by branch, then name.

    Whoever has been transferred since is not among them.

    Raises:
        NotFound: the organisation is absent or out of scope.
    """
    top = get_organization(session, actor, organization_id, roles=READING_ROLES)
    rows = session.execute(
        sa.select(Graduate, Member.name, Branch.name)
        .join(Member, Member.id == Graduate.member_id)
        .join(Affiliation, primary_affiliation_on(actor.on))
        .join(Organization, place_of_affiliation())
        .join(Branch, Branch.id == Affiliation.organization_id)
        .where(
            Organization.path.startswith(top.path),
            Affiliation.organization_id == Graduate.organization_id,
        )
        .order_by(Branch.name, Branch.id, Member.name, Member.id)
    )
    return [_line(graduate, name, place, actor.on) for graduate, name, place in rows]


def _line(graduate: Graduate, name: str, place: str, on: date) -> GraduateLine:
    limit_on = graduate_limit(graduate.graduated_on)
    return GraduateLine(
        graduate.member_id,
        name,
        graduate.organization_id,
        place,
        graduate.graduated_on,
        limit_on,
        is_over=limit_on < on,
    )
