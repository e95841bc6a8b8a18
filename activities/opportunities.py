"""Service opportunities: offered, cancelled with notice, found by those who may come."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from activities import service_issuers
from activities.service_models import ServiceOpportunity, ServiceSignup
from activities.signup_rules import OpportunityPlan, require_offerable
from core.clock import business_day
from core.errors import Conflict, Forbidden, NotFound
from core.paging import Page, newest_first
from members.access import ROSTER_ROLES, Actor, get_organization, hold_roles, within
from members.models import Affiliation, AffiliationKind, Organization
from notifications import outbox

# Who offers services in an organisation's name, and confirms who came.
ORGANISING_ROLES = ROSTER_ROLES


class OpportunityClosed(Conflict):
    """It was cancelled, or is over."""

    code = "opportunity.closed"
    title = "这次服务已取消或已结束"


class OpportunityStarted(Conflict):
    """What has begun is not cancelled: those who came get their hours."""

    code = "opportunity.started"
    title = "服务已经开始，不能取消"


def publish(
    session: Session, actor: Actor, organization_id: UUID, *, plan: OpportunityPlan, now: datetime
) -> ServiceOpportunity:
    """Offer a service in the organisation's name, or in that of an issuer that it acts for.

    Raises:
        NotFound: the organisation is out of scope, or acts for no such issuer today.
        ServiceRefused: it cannot be offered.
    """
    get_organization(session, actor, organization_id, roles=ORGANISING_ROLES)
    require_offerable(plan, now=now)
    if plan.issuer_id is not None:
        issuer = service_issuers.find_issuer(session, plan.issuer_id, on=actor.on)
        if issuer is None or issuer.organization_id != organization_id:
            raise NotFound
    opportunity = ServiceOpportunity(
        organization_id=organization_id,
        issuer_id=plan.issuer_id,
        title=plan.title,
        place=plan.place,
        needs=plan.needs,
        starts_at=plan.starts_at,
        ends_at=plan.ends_at,
        planned_minutes=plan.planned_minutes,
        places=plan.places,
        created_by=actor.member_id,
        created_at=now,
    )
    session.add(opportunity)
    session.flush()
    return opportunity


def cancel(
    session: Session, actor: Actor, opportunity_id: UUID, *, reason: str, now: datetime
) -> ServiceOpportunity:
    """Cancel a service before it begins, and tell everyone who signed up.

    Raises:
        NotFound: absent, or not the actor's to organise.
        OpportunityClosed, OpportunityStarted: why it cannot be cancelled.
    """
    opportunity = get_managed(session, actor, opportunity_id)
    if opportunity.starts_at <= now:
        raise OpportunityStarted
    cancelled = session.scalar(
        sa.update(ServiceOpportunity)
        .where(ServiceOpportunity.id == opportunity_id, ServiceOpportunity.cancelled_at.is_(None))
        .values(cancelled_at=now, cancel_reason=reason)
        .returning(ServiceOpportunity.id)
    )
    if cancelled is None:
        raise OpportunityClosed
    coming = session.scalars(
        sa.select(ServiceSignup.member_id).where(
            ServiceSignup.opportunity_id == opportunity_id, ServiceSignup.withdrawn_at.is_(None)
        )
    )
    told = {"title": opportunity.title, "reason": reason}
    messages = [
        outbox.Message(
            member_id,
            "service_cancelled",
            str(opportunity_id),
            told,
            event_on=business_day(opportunity.starts_at),
        )
        for member_id in coming
    ]
    outbox.enqueue(session, messages, now=now)
    return opportunity


def get_managed(session: Session, actor: Actor, opportunity_id: UUID) -> ServiceOpportunity:
    """An opportunity that the actor organises.

    Raises:
        NotFound: absent, or another organisation's.
    """
    opportunity = session.scalar(
        sa.select(ServiceOpportunity)
        .join(Organization, Organization.id == ServiceOpportunity.organization_id)
        .where(ServiceOpportunity.id == opportunity_id, within(actor.paths(ORGANISING_ROLES)))
    )
    if opportunity is None:
        raise NotFound
    return opportunity


def hold_organising(session: Session, actor: Actor, organization_id: UUID) -> None:
    """Lock the grants by which the actor organises for this organisation until the end.

    Raises:
        Forbidden: they were revoked meanwhile.
    """
    kept = hold_roles(session, actor, ORGANISING_ROLES)
    path = session.get_one(Organization, organization_id).path
    held = [one for one in actor.held_roles if one.role in ORGANISING_ROLES]
    if not any(one.organization_id in kept and path.startswith(one.path) for one in held):
        raise Forbidden


def list_offered(
    session: Session,
    actor: Actor,
    *,
    now: datetime,
    after: list[str | int] | None,
    limit: int,
) -> Page[Any]:
    """What the actor may still sign up for, with his live sign-up if any, newest offer first."""
    query = (
        sa.select(ServiceOpportunity, ServiceSignup.id.label("signup_id"))
        .join(Organization, Organization.id == ServiceOpportunity.organization_id)
        .outerjoin(
            ServiceSignup,
            (ServiceSignup.opportunity_id == ServiceOpportunity.id)
            & (ServiceSignup.member_id == actor.member_id)
            & ServiceSignup.withdrawn_at.is_(None),
        )
        .where(
            is_offered_to(actor.member_id, actor.on),
            ServiceOpportunity.cancelled_at.is_(None),
            ServiceOpportunity.ends_at > now,
        )
    )
    return _page(session, query, after, limit)


def list_organised(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    *,
    after: list[str | int] | None,
    limit: int,
) -> Page[Any]:
    """Everything that an organisation has offered, newest first.

    Raises:
        NotFound: the organisation is out of scope.
    """
    get_organization(session, actor, organization_id, roles=ORGANISING_ROLES)
    query = sa.select(ServiceOpportunity, sa.null().label("signup_id")).where(
        ServiceOpportunity.organization_id == organization_id
    )
    return _page(session, query, after, limit)


def is_offered_to(member_id: UUID, on: date) -> sa.ColumnElement[bool]:
    """Filter beside a joined Organization: the member's own branch offers it, a body above that
    branch, or a place that he is affiliated with as a guest."""
    branch = aliased(Organization)
    is_below = (Affiliation.kind == AffiliationKind.PRIMARY) & branch.path.startswith(
        Organization.path
    )
    return (
        sa.exists()
        .where(
            Affiliation.member_id == member_id,
            Affiliation.valid_from <= on,
            Affiliation.valid_to.is_(None) | (Affiliation.valid_to > on),
            branch.id == Affiliation.organization_id,
            is_below | (Affiliation.organization_id == ServiceOpportunity.organization_id),
        )
        .correlate(Organization, ServiceOpportunity)
    )


def _page(
    session: Session, query: sa.Select[*tuple[Any, ...]], after: list[str | int] | None, limit: int
) -> Page[Any]:
    return newest_first(session, query, ServiceOpportunity, after=after, limit=limit)
