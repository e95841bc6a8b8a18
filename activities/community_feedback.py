"""What communities tell an employer's branch each quarter about its members (双报到)."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from activities.models import VolunteerRecord
from activities.service_models import ServiceOpportunity, ServiceSignup
from members.access import READING_ROLES, Actor, get_organization
from members.access_models import Role
from members.models import Affiliation, AffiliationKind, Member, Organization

READING = READING_ROLES - {Role.GROUP_LEADER}


def list_registered(
    session: Session, actor: Actor, organization_id: UUID, *, year: int, quarter: int
) -> list[Any]:
    """The branch's registered members with what their communities organised and confirmed.

    One row for each member and community, those without service too; by group, then name.

    Args:
        quarter: 1 to 4.

    Raises:
        NotFound: the branch is out of the actor's scope.
    """
    get_organization(session, actor, organization_id, roles=READING)
    first_on, after_on = quarter_days(year, quarter)
    home, group, community = aliased(Affiliation), aliased(Organization), aliased(Organization)
    last_on = min(after_on - timedelta(days=1), actor.on)
    registered = _registered(first_on, after_on)
    organised = _organised(first_on, after_on)
    rows = session.execute(
        sa.select(
            Member.id.label("member_id"),
            Member.name.label("member_name"),
            sa.func.coalesce(group.name, "").label("group_name"),
            community.id.label("community_id"),
            community.name.label("community_name"),
            sa.func.count(organised.c.record_id).label("services"),
            sa.func.coalesce(sa.func.sum(organised.c.minutes), 0).label("confirmed_minutes"),
        )
        .join(registered, registered.c.member_id == Member.id)
        .join(
            home,
            (home.member_id == Member.id)
            & (home.kind == AffiliationKind.PRIMARY)
            & (home.organization_id == organization_id)
            & (home.valid_from <= last_on)
            & (home.valid_to.is_(None) | (home.valid_to > last_on)),
        )
        .outerjoin(group, group.id == home.party_group_id)
        .join(community, community.id == registered.c.organization_id)
        .outerjoin(
            organised,
            (organised.c.member_id == Member.id) & (organised.c.organization_id == community.id),
        )
        .group_by(Member.id, Member.name, group.name, community.id, community.name)
        .order_by(sa.func.coalesce(group.name, ""), Member.name, Member.id, community.name)
    )
    return list(rows)


def quarter_days(year: int, quarter: int) -> tuple[date, date]:
    """The first day of a quarter, and the first day after it."""
    first_on = date(year, 3 * quarter - 2, 1)
    return first_on, date(year + quarter // 4, 3 * quarter % 12 + 1, 1)


def _registered(first_on: date, after_on: date) -> sa.Subquery:
    """Who was registered at which community on some day of the quarter, each pair once."""
    return (
        sa.select(Affiliation.member_id, Affiliation.organization_id)
        .where(
            Affiliation.kind == AffiliationKind.COMMUNITY_REGISTRATION,
            Affiliation.valid_from < after_on,
            Affiliation.valid_to.is_(None) | (Affiliation.valid_to > first_on),
        )
        .distinct()
        .subquery("registered")
    )


def _organised(first_on: date, after_on: date) -> sa.Subquery:
    """Confirmed services of the quarter with whoever organised them."""
    return (
        sa.select(
            VolunteerRecord.id.label("record_id"),
            VolunteerRecord.member_id,
            ServiceOpportunity.organization_id,
            VolunteerRecord.confirmed_minutes.label("minutes"),
        )
        .join(ServiceSignup, ServiceSignup.id == VolunteerRecord.signup_id)
        .join(ServiceOpportunity, ServiceOpportunity.id == ServiceSignup.opportunity_id)
        .where(
            VolunteerRecord.withdrawn_at.is_(None),
            VolunteerRecord.happened_on >= first_on,
            VolunteerRecord.happened_on < after_on,
        )
        .subquery("organised")
    )
