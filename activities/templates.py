"""Templates of meetings that come again: a branch's own, and those of the bodies above it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities import calendar
from activities.activity_access import ORGANISING_ROLES
from activities.calendar import ActivityPlan
from activities.models import Activity
from activities.record_models import ActivityTemplate
from core.errors import NotFound, VersionConflict
from members.access import ROSTER_ROLES, Actor, get_organization
from members.models import Organization


@dataclass(frozen=True, slots=True)
class TemplateData:
    """What every meeting of a template has in common."""

    kind: str
    title: str
    place: str
    planned_minutes: int
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FromTemplate:
    """A meeting made from a template; title and place are the template's unless told."""

    template_id: UUID
    starts_at: datetime
    title: str = ""
    place: str = ""


def create(
    session: Session, actor: Actor, organization_id: UUID, *, data: TemplateData, now: datetime
) -> ActivityTemplate:
    """Keep a template for an organisation and everything below it.

    Raises:
        NotFound: the organisation is out of scope.
    """
    get_organization(session, actor, organization_id, roles=ROSTER_ROLES)
    template = ActivityTemplate(
        organization_id=organization_id,
        created_by=actor.member_id,
        created_at=now,
        **_columns(data),
    )
    session.add(template)
    session.flush()
    return template


def change(
    session: Session, actor: Actor, template_id: UUID, *, data: TemplateData, version: int
) -> ActivityTemplate:
    """Change a template; meetings made from it before stay as they are.

    Raises:
        NotFound: absent, retired, or out of scope.
        VersionConflict: somebody else was first.
    """
    template = get_kept(session, actor, template_id)
    changed = session.execute(
        sa.update(ActivityTemplate)
        .where(ActivityTemplate.id == template_id, ActivityTemplate.version == version)
        .values(version=version + 1, **_columns(data))
        .returning(ActivityTemplate.id)
    ).first()
    if changed is None:
        raise VersionConflict
    session.refresh(template)
    return template


def retire(session: Session, actor: Actor, template_id: UUID, *, now: datetime) -> None:
    """Take a template out of use.

    Raises:
        NotFound: absent, retired before, or out of scope.
    """
    get_kept(session, actor, template_id).retired_at = now
    session.flush()


def list_usable(session: Session, actor: Actor, organization_id: UUID) -> Sequence[Any]:
    """The templates that an organisation may use: its own, and of every body above it.

    Raises:
        NotFound: the organisation is out of scope.
    """
    organization = get_organization(session, actor, organization_id, roles=ORGANISING_ROLES)
    return session.execute(
        _usable(organization.path).order_by(
            Organization.depth.desc(), ActivityTemplate.title, ActivityTemplate.id
        )
    ).all()


def schedule(
    session: Session, actor: Actor, organization_id: UUID, *, chosen: FromTemplate, now: datetime
) -> Activity:
    """Put a meeting made from a template on an organisation's calendar, in one step.

    Raises:
        NotFound: the organisation is out of scope, or may not use the template.
    """
    organization = get_organization(session, actor, organization_id, roles=ORGANISING_ROLES)
    row = session.execute(
        _usable(organization.path).where(ActivityTemplate.id == chosen.template_id)
    ).one_or_none()
    if row is None:
        raise NotFound
    template = row.ActivityTemplate
    plan = ActivityPlan(
        kind=template.kind,
        title=chosen.title or template.title,
        place=chosen.place or template.place,
        starts_at=chosen.starts_at,
        ends_at=chosen.starts_at + timedelta(minutes=template.planned_minutes),
        tags=tuple(template.tags),
    )
    return calendar.schedule(session, actor, organization_id, plan=plan, now=now)


def _usable(path: str) -> sa.Select[*tuple[Any, ...]]:
    # A body stands above when its path begins the organisation's own.
    return (
        sa.select(ActivityTemplate, Organization.name.label("organization_name"))
        .join(Organization, Organization.id == ActivityTemplate.organization_id)
        .where(
            ActivityTemplate.retired_at.is_(None),
            sa.literal(path).startswith(Organization.path),
        )
    )


def get_kept(session: Session, actor: Actor, template_id: UUID) -> ActivityTemplate:
    """A template in use that the actor may change.

    Raises:
        NotFound: absent, retired, or out of scope.
    """
    row = session.execute(
        sa.select(ActivityTemplate, Organization.path)
        .join(Organization, Organization.id == ActivityTemplate.organization_id)
        .where(ActivityTemplate.id == template_id, ActivityTemplate.retired_at.is_(None))
    ).one_or_none()
    if row is None or not actor.covers(row.path, ROSTER_ROLES):
        raise NotFound
    template: ActivityTemplate = row.ActivityTemplate
    return template


def _columns(data: TemplateData) -> dict[str, Any]:
    return {
        "kind": data.kind,
        "tags": sorted({*data.tags} - {data.kind}),
        "title": data.title,
        "place": data.place,
        "planned_minutes": data.planned_minutes,
    }
