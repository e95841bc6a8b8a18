"""Lists of pledges: what a branch makes known, what it works on, what is due."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities.pledge_models import Pledge
from activities.pledge_reading import WORKING_ROLES, Group, Line, key_of, line_of, lines
from activities.pledge_states import PRIVATE, PUBLIC, RUNNING, PledgeStatus
from core.paging import InvalidCursor, Page, cut, id_key
from members.access import READING_ROLES, Actor, get_organization
from members.models import Member, Organization

DUE_DAYS_MAX = 366
# By branch and group, then by name: lists of people are never sorted by points (decision 1).
SORT_KEY: tuple[Any, ...] = (
    Organization.name,
    Organization.id,
    sa.func.coalesce(Group.name, ""),
    Member.name,
    Pledge.id,
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which pledges are asked for."""

    year: int
    status: PledgeStatus | None = None


def list_public(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    *,
    year: int,
    after: list[str | int] | None,
    limit: int,
) -> Page[Line]:
    """What a branch has made known of a year's pledges, for its members; by group, then name.

    Raises:
        NotFound: the actor neither belongs to the branch today nor reads it by his role.
        InvalidCursor: the cursor names nothing of this list.
    """
    if organization_id != actor.organization_id:
        get_organization(session, actor, organization_id, roles=READING_ROLES)
    scope = Pledge.organization_id == organization_id
    known = (Pledge.year == year) & Pledge.status.in_(PUBLIC)
    return _page(session, actor, scope, known, after, limit)


def list_working(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    *,
    wanted: Wanted,
    after: list[str | int] | None,
    limit: int,
) -> Page[Line]:
    """What was put forward in a year at an organisation and below it; by group, then name.

    Raises:
        NotFound: the organisation is out of scope.
        InvalidCursor: the cursor names nothing of this list.
    """
    top = get_organization(session, actor, organization_id, roles=WORKING_ROLES)
    put_forward = (Pledge.year == wanted.year) & Pledge.status.not_in(PRIVATE)
    if wanted.status is not None:
        put_forward &= Pledge.status == wanted.status
    return _page(session, actor, _below(top), put_forward, after, limit)


def list_due(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    *,
    within_days: int,
    after: list[str | int] | None,
    limit: int,
) -> Page[Line]:
    """Running pledges that are due by then or overdue, at an organisation and below it.

    Raises:
        NotFound: the organisation is out of scope.
        InvalidCursor: the cursor names nothing of this list.
    """
    top = get_organization(session, actor, organization_id, roles=WORKING_ROLES)
    until: date = actor.on + timedelta(days=within_days)
    running = Pledge.status.in_(RUNNING) & (Pledge.due_on <= until)
    return _page(session, actor, _below(top), running, after, limit)


def _below(top: Organization) -> sa.ColumnElement[bool]:
    return Organization.path.startswith(top.path)


def _page(
    session: Session,
    actor: Actor,
    scope: sa.ColumnElement[bool],
    wanted: sa.ColumnElement[bool],
    after: list[str | int] | None,
    limit: int,
) -> Page[Line]:
    query = lines(actor).where(scope)
    behind: sa.ColumnElement[bool] = sa.true()
    last_id = id_key(after)
    if last_id is not None:
        behind = _comes_after(session, query, last_id)
    rows = session.execute(query.where(wanted, behind).order_by(*SORT_KEY).limit(limit + 1)).all()
    return cut([line_of(actor, row) for row in rows], limit, key_of)


def _comes_after(
    session: Session, query: sa.Select[*tuple[Any, ...]], last_id: UUID
) -> sa.ColumnElement[bool]:
    """Filter: rows behind this pledge. The cursor is its id, because a sort key has no bound.

    It may have moved on meanwhile, so only the scope of the list is asked of it.
    """
    last = session.execute(
        query.with_only_columns(*SORT_KEY).where(Pledge.id == last_id)
    ).one_or_none()
    if last is None:
        raise InvalidCursor
    values = [sa.literal(part, column.type) for part, column in zip(last, SORT_KEY, strict=True)]
    return sa.tuple_(*SORT_KEY) > sa.tuple_(*values)
