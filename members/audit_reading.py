"""Reading the audit trail: what an auditor asks of it, and what a member may ask about himself."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import audit
from core.audit_models import AuditEvent, AuditMention, MentionRole, Outcome
from core.paging import Page, cut, seq_key
from members.access import Actor, within
from members.access_models import Role
from members.models import Member, Organization

AUDIT_ROLES = frozenset({Role.AUDITOR, Role.DISTRICT_ADMIN})


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are wanted; what is None does not matter.

    Args:
        object_id: of anything that was written, or that a refused request named.
        subject_id: a member whom it concerned.
        since: the first instant that counts, and `until` the first that does not.
    """

    actor_id: UUID | None = None
    object_id: UUID | None = None
    subject_id: UUID | None = None
    operation: str | None = None
    outcome: Outcome | None = None
    since: datetime | None = None
    until: datetime | None = None


def list_events(
    session: Session,
    actor: Actor,
    *,
    wanted: EventFilter,
    after: list[str | int] | None,
    limit: int,
) -> Page[Any]:
    """Who did what in the actor's part of the tree, newest first; each event with the name.

    Asking about one member is a reading of his data, and is itself on record.

    Raises:
        InvalidCursor: the cursor has another shape.
    """
    query = _matching(_events().where(_is_in_scope(actor)), wanted)
    if wanted.object_id:
        query = query.where(_mentions(wanted.object_id, MentionRole.OBJECT))
    if wanted.subject_id:
        query = query.where(_mentions(wanted.subject_id, MentionRole.SUBJECT))
        audit.note_reading(session, "audit_trail", [wanted.subject_id])
    return _page(session, query, after, limit)


def list_access(
    session: Session,
    actor: Actor,
    *,
    wanted: EventFilter,
    after: list[str | int] | None,
    limit: int,
) -> Page[Any]:
    """Who was shown personal data in the actor's part of the tree, newest first.

    Raises:
        InvalidCursor: the cursor has another shape.
    """
    query = _matching(_events().where(_is_in_scope(actor)), wanted)
    query = query.where(AuditEvent.shown.is_not(None))
    if wanted.subject_id:
        query = query.where(_mentions(wanted.subject_id, MentionRole.SHOWN))
        audit.note_reading(session, "audit_trail", [wanted.subject_id])
    return _page(session, query, after, limit)


def list_own_access(
    session: Session, actor: Actor, *, after: list[str | int] | None, limit: int
) -> Page[Any]:
    """Who was shown the actor's own data, newest first.

    Raises:
        InvalidCursor: the cursor has another shape.
    """
    query = _events().where(_mentions(actor.member_id, MentionRole.SHOWN))
    return _page(session, query, after, limit)


def _events() -> sa.Select[*tuple[Any, ...]]:
    query: sa.Select[*tuple[Any, ...]] = (
        sa.select(AuditEvent, Member.name.label("actor_name"))
        .outerjoin(Member, Member.id == AuditEvent.actor_id)
        .outerjoin(Organization, Organization.id == AuditEvent.organization_id)
    )
    return query


def _is_in_scope(actor: Actor) -> sa.ColumnElement[bool]:
    """Below the actor's organisations; what belongs to none, such as a job, is the root's."""
    paths = actor.paths(AUDIT_ROLES)
    is_below = within(paths)
    # The root's path is one step long.
    if any(path.count("/") == 2 for path in paths):
        is_below |= AuditEvent.organization_id.is_(None)
    return is_below


def _mentions(mentioned_id: UUID, role: MentionRole) -> sa.ColumnElement[bool]:
    return AuditEvent.seq.in_(
        sa.select(AuditMention.event_seq).where(
            AuditMention.mentioned_id == mentioned_id, AuditMention.role == role
        )
    )


def _matching(
    query: sa.Select[*tuple[Any, ...]], wanted: EventFilter
) -> sa.Select[*tuple[Any, ...]]:
    for column in (AuditEvent.actor_id, AuditEvent.operation, AuditEvent.outcome):
        value = getattr(wanted, column.key)
        if value is not None:
            query = query.where(column == value)
    if wanted.since is not None:
        query = query.where(AuditEvent.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(AuditEvent.at < wanted.until)
    return query


def _page(
    session: Session, query: sa.Select[*tuple[Any, ...]], after: list[str | int] | None, limit: int
) -> Page[Any]:
    if after is not None:
        query = query.where(AuditEvent.seq < seq_key(after))
    rows = session.execute(query.order_by(AuditEvent.seq.desc()).limit(limit + 1)).all()
    return cut(rows, limit, lambda row: [row.AuditEvent.seq])
