"""Instead of a fourth reminder: who is asked to phone a member."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session, aliased

from core.clock import business_day
from core.rows import dialect_of, row_source, rows_parameter
from members.access import primary_affiliation_on
from members.access_models import Role, RoleGrant, in_force
from members.models import Affiliation, Member, Organization

log = structlog.get_logger(__name__)

KIND = "phone_this_member"
# Whoever stands nearest is asked first; about a branch's leader, the body above.
_NEAREST = (
    Role.GROUP_LEADER,
    Role.BRANCH_SECRETARY,
    Role.DEPUTY_SECRETARY,
    Role.COMMITTEE_OFFICER,
)
_LEADING = (Role.BRANCH_SECRETARY, Role.DEPUTY_SECRETARY)

# The fields of a message: for whom, kind, occasion, parameters.
Task = tuple[UUID, str, str, dict[str, Any]]


def tasks_to_phone(
    session: Session, kept_back: Sequence[tuple[UUID, str]], *, now: datetime
) -> list[Task]:
    """One task for each member and topic, for whoever stands nearest to him."""
    rows = [{"member_id": member_id} for member_id in sorted({one for one, _ in kept_back})]
    found = session.execute(
        _finding(dialect_of(session)), rows_parameter(session, rows) | {"day": business_day(now)}
    ).all()
    nearest: dict[UUID, tuple[int, UUID, str]] = {}
    for member_id, name, is_leader, role, leader_id in found:
        order = _NEAREST[::-1] if is_leader else _NEAREST
        candidate = (order.index(Role(role)), leader_id, name)
        nearest[member_id] = min(candidate, nearest.get(member_id, candidate))
    alone = {member_id for member_id, _ in kept_back} - nearest.keys()
    if alone:
        log.warning("phoning.nobody_to_ask", count=len(alone))
    return [
        (leader_id, KIND, f"{member_id}:{topic}"[:120], {"name": name})
        for member_id, topic in kept_back
        if member_id in nearest
        for _, leader_id, name in [nearest[member_id]]
    ]


@cache
def _finding(dialect: str) -> sa.Select[UUID, str, bool, str, UUID]:
    day = sa.bindparam("day", type_=sa.Date)
    given = row_source(dialect, {"member_id": Member.id.type})
    leads_here = sa.or_(
        (RoleGrant.role == Role.GROUP_LEADER)
        & (RoleGrant.organization_id == Affiliation.party_group_id),
        RoleGrant.role.in_(_LEADING) & (RoleGrant.organization_id == Affiliation.organization_id),
        (RoleGrant.role == Role.COMMITTEE_OFFICER)
        & (RoleGrant.organization_id == Organization.parent_id),
    )
    own = aliased(RoleGrant)
    is_leader = sa.exists().where(
        own.member_id == Member.id,
        own.role.in_(_LEADING),
        own.organization_id == Organization.id,
        in_force(day, own),
    )
    return (
        sa.select(Member.id, Member.name, is_leader, RoleGrant.role, RoleGrant.member_id)
        .join(given, given.c.member_id == Member.id)
        .join(Affiliation, primary_affiliation_on(day))
        .join(Organization, Organization.id == Affiliation.organization_id)
        # Nobody is asked to phone himself.
        .join(
            RoleGrant,
            leads_here & in_force(day) & (RoleGrant.member_id != Member.id),
        )
    )
