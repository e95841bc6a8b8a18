"""The district lets a committee write schemes for its own subtree, and takes that back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import Conflict, NotFound, RuleViolation
from members.access import Actor, get_organization, hold_roles, within
from members.access_models import Role
from members.models import Organization
from members.role_rules import PLACES
from points.scheme_models import SchemeDelegation

DELEGATING_ROLES = frozenset({Role.DISTRICT_ADMIN})
DELEGATION_READING_ROLES = DELEGATING_ROLES | {Role.COMMITTEE_OFFICER, Role.AUDITOR}


class NotACommittee(RuleViolation):
    """Schemes are delegated to a body that has officers."""

    code = "scheme_delegation.wrong_body"
    title = "只能委托党委、党工委或党总支"


class DelegationDates(RuleViolation):
    """The delegation begins in the past or ends before it begins."""

    code = "scheme_delegation.dates"
    title = "委托的日期不对"


class AlreadyDelegated(Conflict):
    """The committee has a delegation on some of these days."""

    code = "scheme_delegation.already"
    title = "这段时间已经委托过"


class DelegationOver(Conflict):
    """The delegation was revoked before."""

    code = "scheme_delegation.over"
    title = "这项委托已经收回"
    retry = "never"


@dataclass(frozen=True, slots=True)
class Delegation:
    """The days [valid_from, valid_to) of a delegation, and its document."""

    valid_from: date
    valid_to: date | None
    basis: str


def delegate(
    session: Session, actor: Actor, organization_id: UUID, *, terms: Delegation, now: datetime
) -> SchemeDelegation:
    """Let the officers of a committee write schemes for it and everything below it.

    Raises:
        NotFound, Forbidden: the committee is out of scope, or the role was revoked meanwhile.
        NotACommittee, DelegationDates, AlreadyDelegated: why it is not possible.
    """
    hold_roles(session, actor, DELEGATING_ROLES)
    body = get_organization(session, actor, organization_id, roles=DELEGATING_ROLES)
    if body.kind not in PLACES[Role.COMMITTEE_OFFICER]:
        raise NotACommittee
    if terms.valid_from < actor.on or (
        terms.valid_to is not None and terms.valid_to <= terms.valid_from
    ):
        raise DelegationDates
    # Two delegations of one committee take turns.
    session.execute(
        sa.select(Organization.id)
        .where(Organization.id == organization_id)
        .with_for_update(key_share=True)
    )
    overlapping = sa.select(SchemeDelegation.id).where(
        SchemeDelegation.organization_id == organization_id,
        SchemeDelegation.revoked_at.is_(None),
        SchemeDelegation.valid_to.is_(None) | (SchemeDelegation.valid_to > terms.valid_from),
        sa.true() if terms.valid_to is None else SchemeDelegation.valid_from < terms.valid_to,
    )
    if session.scalar(overlapping.limit(1)) is not None:
        raise AlreadyDelegated
    delegation = SchemeDelegation(
        organization_id=organization_id,
        valid_from=terms.valid_from,
        valid_to=terms.valid_to,
        basis=terms.basis,
        granted_by=actor.member_id,
        granted_at=now,
    )
    session.add(delegation)
    session.flush()
    return delegation


def revoke(session: Session, actor: Actor, delegation_id: UUID, *, now: datetime) -> None:
    """Take a delegation back at once; what was published under it stands.

    A publication that began earlier finishes first; a later one fails.

    Raises:
        NotFound, Forbidden: absent, out of scope, or the role was revoked meanwhile.
        DelegationOver: somebody else took it first.
    """
    hold_roles(session, actor, DELEGATING_ROLES)
    found = session.get(SchemeDelegation, delegation_id)
    if found is None:
        raise NotFound
    get_organization(session, actor, found.organization_id, roles=DELEGATING_ROLES)
    revoked = session.scalar(
        sa.update(SchemeDelegation)
        .where(SchemeDelegation.id == delegation_id, SchemeDelegation.revoked_at.is_(None))
        .values(revoked_at=now, revoked_by=actor.member_id)
        .returning(SchemeDelegation.id)
        .execution_options(synchronize_session="fetch")
    )
    if revoked is None:
        raise DelegationOver


def list_delegations(session: Session, actor: Actor) -> Sequence[Any]:
    """Delegations of the committees in the actor's scope, the newest first; a few rows."""
    return session.execute(
        sa.select(SchemeDelegation, Organization.name.label("organization_name"))
        .join(Organization, Organization.id == SchemeDelegation.organization_id)
        .where(within(actor.paths(DELEGATION_READING_ROLES)))
        .order_by(SchemeDelegation.id.desc())
    ).all()
