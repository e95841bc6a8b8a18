"""Dated role grants: giving, revoking, listing, and the first administrator."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from core.errors import Conflict, Forbidden, NotFound, RuleViolation
from members.access import Actor, get_managed_member, get_organization, within
from members.access_models import Role, RoleGrant
from members.models import Member, Organization, OrganizationKind
from members.role_grant_reading import not_over
from members.role_rules import (
    GRANTING_ROLES,
    PLACES,
    ROLE_NAMES,
    granters_of,
    roles_excluded_by,
)

DELEGATE_DAYS_MAX = 90


class RoleNotGrantable(Forbidden):
    """The actor may not give or take this role there."""

    code = "role.not_grantable"
    title = "您不能授予或收回这个职务"


class RoleDoesNotFit(RuleViolation):
    """This role does not exist at this kind of organisation."""

    code = "role.wrong_place"
    title = "这类组织没有这个职务"


class RoleDatesInvalid(RuleViolation):
    """The term begins in the past or ends before it begins."""

    code = "role.dates"
    title = "任期日期不对"


class DelegateTooLong(RuleViolation):
    """A delegate decides for a known time only (decision 7)."""

    code = "delegate.too_long"
    title = f"受托审核须有结束日期，最长 {DELEGATE_DAYS_MAX} 天"


class RoleSeparation(Conflict):
    """The person holds a role that excludes this one on the same days."""

    code = "role.separation"
    title = "审计与管理须由不同的人担任"
    retry = "never"


class RoleAlreadyGranted(Conflict):
    """The person holds this role there on some of these days."""

    code = "role.already_granted"
    title = "这个人已担任该职务"


class RoleAlreadyEnded(Conflict):
    """The grant was revoked, or its term is over."""

    code = "role.already_ended"
    title = "这个职务已经收回或到期"


@dataclass(frozen=True, slots=True)
class Term:
    """A role at an organisation on the days [valid_from, valid_to), and on what basis."""

    role: Role
    organization_id: UUID
    valid_from: date
    valid_to: date | None
    basis: str = ""


def grant(
    session: Session, actor: Actor, member_id: UUID, *, term: Term, now: datetime
) -> RoleGrant:
    """Give a role to a member; never to oneself.

    Raises:
        NotFound: the member or the organisation is out of the actor's scope.
        RoleNotGrantable: the actor may not give this role there, or asks for himself.
        RoleDoesNotFit, RoleDatesInvalid, DelegateTooLong: the role or its days are not possible.
        RoleSeparation, RoleAlreadyGranted: it clashes with a role that the member holds.
    """
    organization = get_organization(session, actor, term.organization_id, roles=GRANTING_ROLES)
    require_may_grant(actor, term.role, organization.path)
    if member_id == actor.member_id:
        raise RoleNotGrantable("不能给自己授予职务。")
    get_managed_member(session, actor, member_id, roles=GRANTING_ROLES)
    _require_fits(term, organization)
    _require_days(term, business_day(now))
    return _insert(session, member_id, term, granted_by=actor.member_id, now=now)


def revoke(session: Session, actor: Actor, grant_id: UUID, *, now: datetime) -> None:
    """Take a role back at once; whoever may give it there may take it.

    A decision under this grant that began earlier finishes first; a later one fails.

    Raises:
        NotFound: the grant is absent or out of scope.
        RoleNotGrantable: the actor may not take this role.
        RoleAlreadyEnded: somebody else took it first, or its term is over.
    """
    found = session.execute(
        sa.select(RoleGrant.role, Organization.path)
        .join(Organization, Organization.id == RoleGrant.organization_id)
        .where(RoleGrant.id == grant_id, within(actor.paths(GRANTING_ROLES)))
    ).one_or_none()
    if found is None:
        raise NotFound
    require_may_grant(actor, Role(found.role), found.path)
    revoked = session.scalar(
        sa.update(RoleGrant)
        .where(RoleGrant.id == grant_id, *not_over(business_day(now)))
        .values(revoked_at=now, revoked_by=actor.member_id)
        .returning(RoleGrant.id)
    )
    if revoked is None:
        raise RoleAlreadyEnded


def appoint_first(
    session: Session, member_id: UUID, organization_id: UUID, *, role: Role, now: datetime
) -> RoleGrant:
    """Appoint the first administrator of a kind; for the operator at the command line only.

    Raises:
        NotFound: the member or the organisation does not exist.
        RoleNotGrantable: it is another role.
        RoleAlreadyGranted: somebody holds the role already, so he is the one to ask.
        RoleDoesNotFit, RoleSeparation: as in `grant`.
    """
    if role not in (Role.DISTRICT_ADMIN, Role.SYSTEM_ADMIN):
        raise RoleNotGrantable("命令行只任命区级管理员和系统管理员。")
    # The locks make two operators take turns.
    organization = session.get(Organization, organization_id, with_for_update={"key_share": True})
    member = session.get(Member, member_id, with_for_update={"key_share": True})
    if organization is None or member is None:
        raise NotFound
    today = business_day(now)
    holder = sa.select(RoleGrant.id).where(RoleGrant.role == role, *not_over(today))
    if session.scalar(holder.limit(1)) is not None:
        raise RoleAlreadyGranted(f"已有{ROLE_NAMES[role]}，请由其办理。")
    term = Term(role, organization_id, today, None, "首任，由运维人员在命令行任命")
    _require_fits(term, organization)
    return _insert(session, member_id, term, granted_by=None, now=now)


def require_may_grant(actor: Actor, role: Role, path: str) -> None:
    """Raise RoleNotGrantable unless the actor gives and takes this role at this place."""
    if not actor.covers(path, granters_of(role)):
        raise RoleNotGrantable(f"您不能授予或收回{ROLE_NAMES[role]}。")


def _require_fits(term: Term, organization: Organization) -> None:
    if OrganizationKind(organization.kind) not in PLACES[term.role]:
        raise RoleDoesNotFit(f"{organization.name}不设{ROLE_NAMES[term.role]}。")


def _require_days(term: Term, today: date) -> None:
    if term.valid_from < today:
        raise RoleDatesInvalid("任期不能从过去开始。")
    if term.valid_to is not None and term.valid_to <= term.valid_from:
        raise RoleDatesInvalid("任期的结束日期应在开始日期之后。")
    if term.role is Role.DELEGATE:
        last_day = term.valid_from + timedelta(days=DELEGATE_DAYS_MAX)
        if term.valid_to is None or term.valid_to > last_day:
            raise DelegateTooLong


def _insert(
    session: Session, member_id: UUID, term: Term, *, granted_by: UUID | None, now: datetime
) -> RoleGrant:
    clashing = session.execute(
        sa.select(RoleGrant.role, RoleGrant.organization_id).where(
            RoleGrant.member_id == member_id,
            RoleGrant.revoked_at.is_(None),
            RoleGrant.valid_from < (term.valid_to or date.max),
            RoleGrant.valid_to.is_(None) | (RoleGrant.valid_to > term.valid_from),
        )
    ).all()
    _require_separate(term.role, (Role(row.role) for row in clashing))
    if (term.role, term.organization_id) in {(Role(row[0]), row[1]) for row in clashing}:
        raise RoleAlreadyGranted
    grant = RoleGrant(
        member_id=member_id,
        role=term.role,
        organization_id=term.organization_id,
        valid_from=term.valid_from,
        valid_to=term.valid_to,
        basis=term.basis,
        granted_by=granted_by,
        granted_at=now,
    )
    session.add(grant)
    session.flush()
    return grant


def _require_separate(role: Role, held: Iterable[Role]) -> None:
    for other in held:
        if other in roles_excluded_by(role):
            raise RoleSeparation(
                f"这名党员担任{ROLE_NAMES[other]}，不能同时担任{ROLE_NAMES[role]}。"
            )
