"""Instead of a fourth reminder: who is asked to phone a member."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from core.clock import business_day
from core.rows import dialect_of, row_source, rows_parameter
from members.access import primary_affiliation_on
from members.access_models import Role, RoleGrant
from members.models import Affiliation, Member

log = structlog.get_logger(__name__)

KIND = "phone_this_member"
# Whoever stands nearest is asked first.
_NEAREST = (Role.GROUP_LEADER, Role.BRANCH_SECRETARY, Role.DEPUTY_SECRETARY)

# The fields of a message: for whom, kind, occasion, parameters.
Task = tuple[UUID, str, str, dict[str, Any]]


def tasks_to_phone(
    session: Session, kept_back: Sequence[tuple[UUID, str]], *, now: datetime
) -> list[Task]:
    """One task for each member and topic, for his group leader or else his branch's leaders."""
    rows = [{"member_id": member_id} for member_id in sorted({one for one, _ in kept_back})]
    found = session.execute(
        _finding(dialect_of(session)), rows_parameter(session, rows) | {"day": business_day(now)}
    ).all()
    nearest: dict[UUID, tuple[int, UUID, str]] = {}
    for member_id, name, role, leader_id in found:
        candidate = (_NEAREST.index(Role(role)), leader_id, name)
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
def _finding(dialect: str) -> sa.Select[UUID, str, str, UUID]:
    day = sa.bindparam("day", type_=sa.Date)
    given = row_source(dialect, {"member_id": Member.id.type})
    leads_here = sa.or_(
        (RoleGrant.role == Role.GROUP_LEADER)
        & (RoleGrant.organization_id == Affiliation.party_group_id),
        RoleGrant.role.in_((Role.BRANCH_SECRETARY, Role.DEPUTY_SECRETARY))
        & (RoleGrant.organization_id == Affiliation.organization_id),
    )
    in_force = (
        RoleGrant.revoked_at.is_(None)
        & (RoleGrant.valid_from <= day)
        & (RoleGrant.valid_to.is_(None) | (RoleGrant.valid_to > day))
    )
    return (
        sa.select(Member.id, Member.name, RoleGrant.role, RoleGrant.member_id)
        .join(given, given.c.member_id == Member.id)
        .join(Affiliation, primary_affiliation_on(day))
        # Nobody is asked to phone himself.
        .join(RoleGrant, leads_here & in_force & (RoleGrant.member_id != Member.id))
    )
