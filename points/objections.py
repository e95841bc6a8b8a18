"""Objections: a member contests an entry or a deduction that waits, and may appeal once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from core.clock import business_day
from core.errors import Conflict, NotFound, RuleViolation
from core.ids import new_id
from core.working_days import add_working_days, load_calendar
from members.access import Actor
from members.models import Organization
from notifications import outbox
from points.models import Claim, LedgerEntry, Subject
from points.objection_escalation import REPLY_WORKING_DAYS, matter_of
from points.objection_routing import Matter, barred_by, bodies_from, load_staff
from points.publicity_models import (
    Adjustment,
    AdjustmentStatus,
    Bulletin,
    BulletinEntry,
    BulletinStatus,
    Objection,
    ObjectionEvent,
    ObjectionEventKind,
    ObjectionStatus,
)

APPEAL_WORKING_DAYS = 10


class ObjectionTooLate(RuleViolation):
    """The bulletin is closed, the window of the deduction or the time to appeal is over."""

    code = "objection.too_late"
    title = "已过可以提出异议的时间"


class NotObjectable(RuleViolation):
    """A reversal, or what has been reversed, changes nothing any more."""

    code = "objection.not_objectable"
    title = "这笔记录不能提出异议"


class ObjectionDecided(Conflict):
    """The objection was decided or withdrawn meanwhile."""

    code = "objection.already_decided"
    title = "这项异议已经办结"


class AppealNotPossible(RuleViolation):
    """Only a rejected objection is appealed, once, to a body above."""

    code = "objection.no_appeal"
    title = "不能申诉：只有被驳回的异议可以向上一级申诉一次"


@dataclass(frozen=True, slots=True)
class Target:
    """What an objection is about, and who may therefore not decide it.

    Args:
        path: of the organisation whose decision it was.
    """

    title: str
    organization_id: UUID
    path: str
    member_id: UUID
    approved_by: UUID
    subject: str
    claim_id: UUID | None = None
    entry_id: UUID | None = None
    adjustment_id: UUID | None = None
    confirmed_by: UUID | None = None
    appeal_of_id: UUID | None = None
    first_decided_by: UUID | None = None


def file_on_entry(
    session: Session, actor: Actor, entry_id: UUID, *, reason: str, now: datetime
) -> Objection:
    """Contest an entry: one's own until it is confirmed, anybody's in the branch's open bulletin.

    Raises:
        NotFound: neither the actor's own nor published in his branch.
        ObjectionTooLate, NotObjectable: why not.
    """
    row = _find_entry(session, actor, entry_id)
    if row.LedgerEntry.reverses_id is not None or row.is_reversed:
        raise NotObjectable
    if row.bulletin_id is not None:
        _hold_open_bulletin(session, row.bulletin_id)
    entry: LedgerEntry = row.LedgerEntry
    target = Target(
        title=entry.title,
        organization_id=entry.organization_id,
        path=row.path,
        member_id=entry.member_id,
        approved_by=entry.actor_id,
        subject=entry.subject,
        claim_id=entry.claim_id,
        entry_id=entry.id,
        confirmed_by=row.confirmed_by,
    )
    return _file(session, actor, target, reason=reason, now=now)


def file_on_adjustment(
    session: Session, actor: Actor, adjustment_id: UUID, *, reason: str, now: datetime
) -> Objection:
    """Contest a deduction that waits, by the member whom it concerns.

    Raises:
        NotFound: it is none of the actor's.
        ObjectionTooLate: its window is over, or it waits no more.
    """
    row = session.execute(
        sa.select(Adjustment, Organization.path)
        .join(Organization, Organization.id == Adjustment.entered_at_organization_id)
        .where(Adjustment.id == adjustment_id, Adjustment.member_id == actor.member_id)
        .with_for_update(of=Adjustment)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NotFound
    waiting: Adjustment = row[0]
    until = waiting.objection_until
    if waiting.status != AdjustmentStatus.PENDING or until is None or business_day(now) > until:
        raise ObjectionTooLate
    target = Target(
        title=waiting.title,
        organization_id=waiting.organization_id,
        path=row[1],
        member_id=waiting.member_id,
        approved_by=waiting.entered_by,
        subject=waiting.subject,
        adjustment_id=waiting.id,
        confirmed_by=waiting.confirmed_by,
    )
    return _file(session, actor, target, reason=reason, now=now)


def appeal(
    session: Session, actor: Actor, objection_id: UUID, *, reason: str, now: datetime
) -> Objection:
    """Bring a rejected objection before the body above, once.

    Raises:
        NotFound: it is none of the actor's.
        AppealNotPossible, ObjectionTooLate: why not.
    """
    row = session.execute(
        sa.select(Objection, Organization.path)
        .join(Organization, Organization.id == Objection.deciding_organization_id)
        .where(Objection.id == objection_id, Objection.objector_id == actor.member_id)
        .with_for_update(of=Objection)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NotFound
    first, path = row
    above = bodies_from(path)[1:]
    is_final = first.status != ObjectionStatus.REJECTED or first.appeal_of_id is not None
    if is_final or first.decided_at is None or not above:
        raise AppealNotPossible
    decided_on = business_day(first.decided_at)
    last = add_working_days(decided_on, APPEAL_WORKING_DAYS, load_calendar(session)).day
    if business_day(now) > last:
        raise ObjectionTooLate(f"申诉最晚到 {last}。")
    if first.entry_id is not None and _is_reversed_now(session, first.entry_id):
        raise NotObjectable
    target = _target_again(first, path, matter_of(session, first))
    _note(session, actor, first.id, ObjectionEventKind.APPEALED, reason, now=now)
    return _file(session, actor, target, reason=reason, now=now, bodies=above)


def withdraw(session: Session, actor: Actor, objection_id: UUID, *, now: datetime) -> Objection:
    """Take back one's objection before it is decided.

    Raises:
        NotFound: it is none of the actor's.
        ObjectionDecided: it was decided meanwhile.
    """
    mine = session.scalar(
        sa.select(Objection.id).where(
            Objection.id == objection_id, Objection.objector_id == actor.member_id
        )
    )
    if mine is None:
        raise NotFound
    withdrawn = session.execute(
        sa.update(Objection)
        .where(Objection.id == objection_id, Objection.status == ObjectionStatus.OPEN)
        .values(status=ObjectionStatus.WITHDRAWN)
        .returning(Objection.id)
    ).first()
    if withdrawn is None:
        raise ObjectionDecided
    _note(session, actor, objection_id, ObjectionEventKind.WITHDRAWN, "", now=now)
    return session.get_one(Objection, objection_id, populate_existing=True)


def _find_entry(session: Session, actor: Actor, entry_id: UUID) -> Any:
    reversal = aliased(LedgerEntry)
    decided_at = aliased(Organization)
    row = session.execute(
        sa.select(
            LedgerEntry,
            decided_at.path,
            BulletinEntry.bulletin_id,
            Adjustment.confirmed_by,
            reversal.id.is_not(None).label("is_reversed"),
        )
        .outerjoin(Claim, Claim.id == LedgerEntry.claim_id)
        .outerjoin(Adjustment, Adjustment.entry_id == LedgerEntry.id)
        .join(
            decided_at,
            decided_at.id
            == sa.func.coalesce(
                Claim.reviewer_organization_id,
                Adjustment.entered_at_organization_id,
                LedgerEntry.organization_id,
            ),
        )
        .outerjoin(BulletinEntry, BulletinEntry.entry_id == LedgerEntry.id)
        .outerjoin(Bulletin, Bulletin.id == BulletinEntry.bulletin_id)
        .outerjoin(reversal, reversal.reverses_id == LedgerEntry.id)
        .where(
            LedgerEntry.id == entry_id,
            (LedgerEntry.member_id == actor.member_id)
            | (
                (Bulletin.organization_id == actor.organization_id)
                # Others' points as cadres are not read in the branch, so not contested there.
                & (Bulletin.subject == Subject.PARTY_MEMBERS)
            ),
        )
    ).one_or_none()
    if row is None:
        raise NotFound
    return row


def _hold_open_bulletin(session: Session, bulletin_id: UUID) -> None:
    """Whoever closes the bulletin waits for this objection, or has been first."""
    status = session.scalar(
        sa.select(Bulletin.status).where(Bulletin.id == bulletin_id).with_for_update(read=True)
    )
    if status != BulletinStatus.OPEN:
        raise ObjectionTooLate


def _is_reversed_now(session: Session, entry_id: UUID) -> bool:
    query = sa.select(LedgerEntry.id).where(LedgerEntry.reverses_id == entry_id)
    return session.scalar(query) is not None


def _target_again(first: Objection, path: str, matter: Matter) -> Target:
    return Target(
        title=first.title,
        organization_id=first.organization_id,
        path=path,
        member_id=first.member_id,
        approved_by=first.approved_by,
        subject=matter.subject,
        claim_id=matter.claim_id,
        entry_id=first.entry_id,
        adjustment_id=first.adjustment_id,
        confirmed_by=first.confirmed_by,
        appeal_of_id=first.id,
        first_decided_by=first.decided_by,
    )


def _file(
    session: Session,
    actor: Actor,
    target: Target,
    *,
    reason: str,
    now: datetime,
    bodies: Sequence[UUID] = (),
) -> Objection:
    today = business_day(now)
    people = (target.member_id, target.approved_by, target.confirmed_by, target.first_decided_by)
    barred = barred_by(actor.member_id, *people)
    matter = Matter(target.subject, target.member_id, target.claim_id, barred)
    around = bodies or bodies_from(target.path)
    objection = Objection(
        id=new_id(),
        deciding_organization_id=load_staff(session, around, on=today).nearest(around, matter),
        objector_id=actor.member_id,
        reason=reason,
        filed_at=now,
        reply_due_on=add_working_days(today, REPLY_WORKING_DAYS, load_calendar(session)).day,
        **_columns(target),
    )
    session.add(objection)
    session.flush()
    _note(session, actor, objection.id, ObjectionEventKind.FILED, reason, now=now)
    params = {"title": target.title, "due": objection.reply_due_on.isoformat()}
    told = {actor.member_id, target.member_id}
    outbox.enqueue(
        session,
        [outbox.Message(one, "objection_filed", str(objection.id), params) for one in sorted(told)],
        now=now,
    )
    return objection


def _columns(target: Target) -> dict[str, Any]:
    names = (
        "title", "organization_id", "member_id", "approved_by", "entry_id", "adjustment_id",
        "confirmed_by", "appeal_of_id", "first_decided_by",
    )  # fmt: skip
    return {name: getattr(target, name) for name in names}


def _note(
    session: Session,
    actor: Actor,
    objection_id: UUID,
    kind: ObjectionEventKind,
    note: str,
    *,
    now: datetime,
) -> None:
    session.add(
        ObjectionEvent(
            objection_id=objection_id, kind=kind, actor_id=actor.member_id, note=note, at=now
        )
    )
