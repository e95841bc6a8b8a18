"""Bulletins: a month's entries are published; closing one without objection confirms them.

A branch publishes its members' points. Cadres' points have bulletins of their own, which the
officers above publish, because branch leaders do not read them.
"""

from dataclasses import dataclass
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
from members.access import Actor
from members.models import Organization
from notifications import outbox
from points import publishable, schemes
from points.bulletin_access import get_place, hold_publishing
from points.bulletin_texts import digest_of
from points.models import LedgerEntry, Subject
from points.publicity_models import (
    Bulletin,
    BulletinConfirmation,
    BulletinEntry,
    BulletinStatus,
    Objection,
    ObjectionStatus,
)
from points.publishable import Row


class AlreadyPublished(Conflict):
    """Each month is published once; what comes late goes into the next bulletin."""

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


@dataclass(frozen=True, slots=True)
class _Issue:
    """What a bulletin is of: a month of one place, and whose points."""

    place: Organization
    month: str
    subject: str


def preview(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    month: str,
    *,
    subject: str = Subject.PARTY_MEMBERS,
    now: datetime,
) -> list[Row]:
    """What would be published now.

    Raises:
        NotFound: the actor does not publish this for the organisation.
    """
    issue = _Issue(get_place(session, actor, organization_id, subject), month, subject)
    return _find_rows(session, issue, today=business_day(now))


def publish(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    month: str,
    *,
    subject: str = Subject.PARTY_MEMBERS,
    now: datetime,
) -> Bulletin:
    """Publish a month's entries for the working days that the scheme sets; constant statements.

    Args:
        month: YYYY-MM, begun at least.
        subject: whose points; members' and cadres' are published apart.

    Raises:
        NotFound: the actor does not publish this for the organisation.
        AlreadyPublished, NothingToPublish, MonthNotBegun, NoSchemeInForce: why not.
    """
    place = get_place(session, actor, organization_id, subject)
    hold_publishing(session, actor, place, subject)
    today, issue = business_day(now), _Issue(place, month, subject)
    if month > f"{today:%Y-%m}":
        raise MonthNotBegun
    # One bulletin of a place at a time, or two months could both take one late entry.
    session.refresh(place, with_for_update={"key_share": True})
    bulletin = _begin(session, actor, issue, now=now)
    rows = _find_rows(session, issue, today=today)
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
        NotFound: absent, or the actor does not publish this for its organisation.
        BulletinWindowOpen, OpenObjections, BulletinClosed: why not.
    """
    seen = session.get(Bulletin, bulletin_id)
    if seen is None:
        raise NotFound
    place = session.get_one(Organization, seen.organization_id)
    hold_publishing(session, actor, place, seen.subject)
    bulletin = _lock(session, bulletin_id)
    if bulletin is None:
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


def _find_rows(session: Session, issue: _Issue, *, today: date) -> list[Row]:
    return publishable.find_rows(
        session,
        issue.place.id,
        issue.month,
        subject=issue.subject,
        today=today,
        calendar_=load_calendar(session),
    )


def _begin(session: Session, actor: Actor, issue: _Issue, *, now: datetime) -> Bulletin:
    same = (
        Bulletin.organization_id == issue.place.id,
        Bulletin.month == issue.month,
        Bulletin.subject == issue.subject,
    )
    if session.scalar(sa.select(Bulletin.id).where(*same)) is not None:
        raise AlreadyPublished
    today = business_day(now)
    scheme = schemes.require_in_force(session, issue.place.path, today, subject=issue.subject)
    days = scheme.definition.publicity_days
    end = add_working_days(today, days, load_calendar(session))
    return Bulletin(
        id=new_id(),
        organization_id=issue.place.id,
        subject=issue.subject,
        month=issue.month,
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
    is_cadres = bulletin.subject == Subject.CADRES
    kind = "cadre_bulletin_published" if is_cadres else "bulletin_published"
    return [outbox.Message(member_id, kind, str(bulletin.id), params) for member_id in members]


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
