"""Who may write schemes, and who may read which versions and drafts."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import Forbidden, NotFound
from members.access import Actor, hold_roles, within
from members.access_models import Role
from members.models import Organization
from points.models import SchemeStatus, SchemeVersion
from points.scheme_models import SchemeDelegation

DRAFTING_ROLES = frozenset({Role.DISTRICT_ADMIN, Role.COMMITTEE_OFFICER})
READING_ROLES = DRAFTING_ROLES | {Role.AUDITOR}


class NotDelegated(Forbidden):
    """The officer's committee has no delegation of the district to write schemes."""

    code = "scheme.not_delegated"
    title = "区里没有委托本级制定积分方案"


def hold_drafting(session: Session, actor: Actor) -> list[str]:
    """Lock what lets the actor write schemes; the paths below which he may.

    Raises:
        Forbidden: none of his roles is in force any more.
    """
    held = hold_roles(session, actor, DRAFTING_ROLES)
    delegated = session.scalars(
        _live(actor).order_by(SchemeDelegation.id).with_for_update(read=True)
    )
    return _paths(actor, held, set(delegated))


def require_drafting(paths: Iterable[str], organization: Organization) -> None:
    """Check that an organisation stands below one of the paths.

    Raises:
        NotDelegated: it does not.
    """
    if not organization.path.startswith(tuple(paths)):
        raise NotDelegated


def get_scheme(session: Session, actor: Actor, scheme_id: UUID) -> Any:
    """A version or draft with the name and path of its organisation.

    Raises:
        NotFound: absent, or not for the actor to read.
    """
    row = session.execute(
        select_schemes().where(SchemeVersion.id == scheme_id, readable(session, actor))
    ).one_or_none()
    if row is None:
        raise NotFound
    return row


def get_written(
    session: Session, paths: Iterable[str], scheme_id: UUID, *, is_draft: bool
) -> SchemeVersion:
    """A draft, or a version, below one of the paths where the actor writes.

    Raises:
        NotFound: absent, out of scope, or the other of the two.
    """
    is_kind = SchemeVersion.status == SchemeStatus.DRAFT
    scheme = session.scalar(
        sa.select(SchemeVersion)
        .join(Organization, Organization.id == SchemeVersion.organization_id)
        .where(SchemeVersion.id == scheme_id, within(paths), is_kind if is_draft else ~is_kind)
        .execution_options(populate_existing=True)
    )
    if scheme is None:
        raise NotFound
    return scheme


def readable(session: Session, actor: Actor) -> sa.ColumnElement[bool]:
    """Filter: drafts where the actor writes or audits; versions also above and below his place."""
    places = actor.paths(READING_ROLES)
    above = {UUID(part) for path in places for part in path.strip("/").split("/")}
    is_version = SchemeVersion.status != SchemeStatus.DRAFT
    return sa.or_(
        within(working_paths(session, actor)),
        is_version & (within(places) | Organization.id.in_(above)),
    )


def working_paths(session: Session, actor: Actor) -> list[str]:
    """Where the actor writes schemes or audits how they are written."""
    delegated = set(session.scalars(_live(actor)))
    writes = _paths(actor, {held.organization_id for held in actor.held_roles}, delegated)
    return [*writes, *actor.paths({Role.AUDITOR})]


def select_schemes() -> sa.Select[*tuple[Any, ...]]:
    """Versions and drafts, each with its organisation's name and path."""
    return sa.select(
        SchemeVersion,
        Organization.name.label("organization_name"),
        Organization.path.label("organization_path"),
    ).join(Organization, Organization.id == SchemeVersion.organization_id)


def _live(actor: Actor) -> sa.Select[UUID]:
    """The actor's committees whose delegation is in force today."""
    committees = [
        held.organization_id for held in actor.held_roles if held.role is Role.COMMITTEE_OFFICER
    ]
    return sa.select(SchemeDelegation.organization_id).where(
        SchemeDelegation.organization_id.in_(committees),
        SchemeDelegation.revoked_at.is_(None),
        SchemeDelegation.valid_from <= actor.on,
        sa.or_(SchemeDelegation.valid_to.is_(None), SchemeDelegation.valid_to > actor.on),
    )


def _paths(actor: Actor, held_at: Iterable[UUID], delegated: set[UUID]) -> list[str]:
    kept = set(held_at)
    return [
        held.path
        for held in actor.held_roles
        if held.organization_id in kept
        and (
            held.role is Role.DISTRICT_ADMIN
            or (held.role is Role.COMMITTEE_OFFICER and held.organization_id in delegated)
        )
    ]
