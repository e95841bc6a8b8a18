"""Bulletins: a branch publishes a month's entries; closing one without objection confirms them."""

from datetime import date, datetime
from typing import cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, aliased

from core.clock import business_day
from core.errors import Conflict, NotFound, RuleViolation
from core.ids import new_id
from core.rows import dialect_of, insert_rows
from core.working_days import add_working_days, load_calendar
from members.access import Actor, hold_roles
from members.access_models import Role
from members.models import Organization
from notifications import outbox
from points import publishable, schemes
from points.bulletin_texts import digest_of
from points.models import LedgerEntry
from points.publicity_models import (
    Bulletin,
    BulletinConfirmation,
    BulletinEntry,
    BulletinStatus,
    Objection,
    ObjectionStatus,
)
from points.publishable import Row

PUBLISHING_ROLES = frozenset({Role.BRANCH_SECRETARY, Role.DEPUTY_SECRETARY, Role.DELEGATE})


class AlreadyPublished(Conflict):
    """A branch publishes each month once; what comes late goes into the next bulletin."""

    code = "bulletin.already_published"
    title = "该月已经公示"
    retry = "never"


class NothingToPublish(RuleViolation):
    """No entry is due."""

    code = "bulletin.empty"
    title = "没有需要公示的积分"


class MonthNotBegun(RuleViolation):
    """A bulletin is about what has happened."""

    code = "bulletin.month_not_begun"
    title = "该月还没有开始"


class BulletinWindowOpen(RuleViolation):
    """The days of publicity are not over."""

    code = "bulletin.window_open"
    title = "公示期还没有结束"


class BulletinClosed(Conflict):
    """It was closed before."""

    code = "bulletin.already_closed"
    title = "公示已经结束"
    retry = "never"


class OpenObjections(Conflict):
    """An objection to one of its entries has no answer yet."""

    code = "bulletin.open_objections"
    title = "还有异议没有答复，公示不能结束"


def preview(
    session: Session, actor: Actor, organization_id: UUID, month: str, *, now: datetime
) -> list[Row]:
    """What would be published now.

    Raises:
        NotFound: the actor does not publish for this branch.
    """
    if organization_id not in _branches(actor):
        raise NotFound
    return publishable.find_rows(
        session,
        organization_id,
        month,
        today=business_day(now),
        calendar_=load_calendar(session),
    )


def publish(
    session: Session, actor: Actor, organization_id: UUID, month: str, *, now: datetime
) -> Bulletin:
    """Publish a month's entries for the working days that the scheme sets; constant statements.

    Args:
        month: YYYY-MM, begun at least.

    Raises:
        NotFound: the actor does not publish for this branch.
        AlreadyPublished, NothingToPublish, MonthNotBegun, NoSchemeInForce: why not.
    """
    if organization_id not in _branches(actor):
        raise NotFound
    if organization_id not in hold_roles(session, actor, PUBLISHING_ROLES):
        raise NotFound
    today = business_day(now)
    if month > f"{today:%Y-%m}":
        raise MonthNotBegun
    # One bulletin of a branch at a time, or two months could both take one late entry.
    branch = session.get_one(
        Organization, organization_id, with_for_update={"key_share": True}, populate_existing=True
    )
    bulletin = _begin(session, actor, branch, month, now=now)
    rows = publishable.find_rows(
        session, organization_id, month, today=today, calendar_=load_calendar(session)
    )
    if not rows:
        raise NothingToPublish
    bulletin.entries, bulletin.sha256 = len(rows), digest_of(bulletin, rows)
    session.add(bulletin)
    session.flush()
    insert_rows(
        session,
        BulletinEntry,
        [_frozen(bulletin.id, position, row) for position, row in enumerate(rows)],
    )
    outbox.enqueue(session, _messages(bulletin, rows), now=now)
    return bulletin


def close(session: Session, actor: Actor, bulletin_id: UUID, *, now: datetime) -> Bulletin:
    """End a bulletin after its window and confirm what stands; constant statements.

    Raises:
        NotFound: absent, or the actor does not publish for its branch.
        BulletinWindowOpen, OpenObjections, BulletinClosed: why not.
    """
    held = hold_roles(session, actor, PUBLISHING_ROLES)
    bulletin = _lock(session, bulletin_id)
    if bulletin is None or bulletin.organization_id not in held:
        raise NotFound
    if bulletin.status == BulletinStatus.CLOSED:
        raise BulletinClosed
    if business_day(now) <= bulletin.ends_on:
        raise BulletinWindowOpen(f"公示到 {bulletin.ends_on} 为止。")
    _end(session, bulletin, closed_by=actor.member_id, now=now)
    return bulletin


def close_ripe(session: Session, *, now: datetime) -> int:
    """Close the next bulletin whose window is over and that nobody contests; run by a job.

    Returns:
        1 if one was closed; the job comes back for the next.
    """
    contested = sa.exists().where(
        BulletinEntry.bulletin_id == Bulletin.id,
        Objection.entry_id == BulletinEntry.entry_id,
        Objection.status == ObjectionStatus.OPEN,
    )
    bulletin_id = session.scalar(
        sa.select(Bulletin.id)
        .where(
            Bulletin.status == BulletinStatus.OPEN,
            Bulletin.ends_on < business_day(now),
            ~contested,
        )
        .order_by(Bulletin.ends_on, Bulletin.id)
        .limit(1)
    )
    bulletin = _lock(session, bulletin_id) if bulletin_id else None
    if bulletin is None or bulletin.status == BulletinStatus.CLOSED:
        return 0
    try:
        _end(session, bulletin, closed_by=None, now=now)
    except OpenObjections:
        return 0
    return 1


def _branches(actor: Actor) -> set[UUID]:
    return {one.organization_id for one in actor.held_roles if one.role in PUBLISHING_ROLES}


def _begin(
    session: Session, actor: Actor, branch: Organization, month: str, *, now: datetime
) -> Bulletin:
    same = (Bulletin.organization_id == branch.id, Bulletin.month == month)
    if session.scalar(sa.select(Bulletin.id).where(*same)) is not None:
        raise AlreadyPublished
    today = business_day(now)
    days = schemes.require_in_force(session, branch.path, today).definition.publicity_days
    end = add_working_days(today, days, load_calendar(session))
    return Bulletin(
        id=new_id(),
        organization_id=branch.id,
        month=month,
        working_days=days,
        published_by=actor.member_id,
        published_at=now,
        published_on=today,
        ends_on=end.day,
        is_estimated=end.is_estimated,
    )


def _frozen(bulletin_id: UUID, position: int, row: Row) -> dict[str, object]:
    return {
        "bulletin_id": bulletin_id,
        "position": position,
        "entry_id": row.entry_id,
        "group_name": row.group_name,
        "member_name": row.member_name,
        "item_name": row.item_name,
        "title": row.title,
        "happened_on": row.happened_on,
        "points": row.points,
    }


def _messages(bulletin: Bulletin, rows: list[Row]) -> list[outbox.Message]:
    params = {"month": bulletin.month, "until": bulletin.ends_on.isoformat()}
    members = sorted({row.member_id for row in rows})
    return [
        outbox.Message(member_id, "bulletin_published", str(bulletin.id), params)
        for member_id in members
    ]


def _lock(session: Session, bulletin_id: UUID) -> Bulletin | None:
    return session.get(Bulletin, bulletin_id, with_for_update=True, populate_existing=True)


def _end(session: Session, bulletin: Bulletin, *, closed_by: UUID | None, now: datetime) -> None:
    """Close a locked bulletin. Whoever files an objection locks it too, so none slips in."""
    contested = session.scalar(
        sa.select(sa.func.count())
        .select_from(BulletinEntry)
        .join(Objection, Objection.entry_id == BulletinEntry.entry_id)
        .where(BulletinEntry.bulletin_id == bulletin.id, Objection.status == ObjectionStatus.OPEN)
    )
    if contested:
        raise OpenObjections(f"还有 {contested} 项异议没有答复。")
    today: date = business_day(now)
    bulletin.status, bulletin.closed_by, bulletin.closed_on = (
        BulletinStatus.CLOSED,
        closed_by,
        today,
    )
    session.flush()
    session.execute(_confirming(dialect_of(session), bulletin.id, now))


def _confirming(dialect: str, bulletin_id: UUID, now: datetime) -> sa.Insert:
    table = cast(sa.Table, BulletinConfirmation.__table__)
    reversal = aliased(LedgerEntry)
    standing = sa.select(
        BulletinEntry.entry_id,
        BulletinEntry.bulletin_id,
        sa.bindparam("confirmed_at", now, type_=table.c.confirmed_at.type),
    ).where(
        BulletinEntry.bulletin_id == bulletin_id,
        ~sa.exists().where(reversal.reverses_id == BulletinEntry.entry_id),
    )
    insert = sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
    return insert.from_select(["entry_id", "bulletin_id", "confirmed_at"], standing)
