"""Answering objections: upheld means a reversal in the same transaction, rejected a reply."""

import enum
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import Forbidden, NotFound
from core.paging import Page, newest_first
from members.access import Actor, hold_roles, within
from members.access_models import Role
from members.models import Member, Organization
from notifications import outbox
from points import adjustment_decisions, periods, reversing
from points.models import LedgerEntry
from points.objection_escalation import matter_of
from points.objection_routing import DECIDING_ROLES, deciding_roles, has_stepped_back
from points.objections import ObjectionDecided
from points.publicity_models import (
    Adjustment,
    AdjustmentStatus,
    Objection,
    ObjectionEvent,
    ObjectionEventKind,
    ObjectionStatus,
)

_OVERSEEING_ROLES = frozenset({Role.COMMITTEE_OFFICER, Role.DISTRICT_ADMIN, Role.AUDITOR})


class DeciderConcerned(Forbidden):
    """Whoever is concerned, has objected, approved or decided before does not decide."""

    code = "objection.decider_concerned"
    title = "本人、异议人、原审核人和原答复人不能答复这项异议"


class DeciderRecused(Forbidden):
    """Whoever has stepped back from a member or a claim does not answer about it either."""

    code = "objection.decider_recused"
    title = "您已申请回避，不能答复这项异议"


class Verdict(enum.StrEnum):
    """What may come of an objection."""

    UPHELD = "upheld"
    REJECTED = "rejected"


_WORDS = {Verdict.UPHELD: "成立，已更正", Verdict.REJECTED: "不成立"}


def decide(
    session: Session,
    actor: Actor,
    objection_id: UUID,
    *,
    verdict: Verdict,
    reply: str,
    now: datetime,
) -> Objection:
    """Answer an objection in writing; when it is upheld, the points are taken back with it.

    Lock order: role grants, periods, objection, adjustment, quota rows by key, ledger.

    Raises:
        NotFound: absent, or another body decides it.
        DeciderConcerned, DeciderRecused, ObjectionDecided: why not.
        PeriodClosed, NoOpenPeriod: no period takes the reversal now.
    """
    seen = session.get(Objection, objection_id)
    if seen is None or seen.deciding_organization_id not in _bodies(actor):
        raise NotFound
    held = hold_roles(session, actor, DECIDING_ROLES)
    periods.hold_all_open(session)
    objection = session.get_one(
        Objection, objection_id, with_for_update=True, populate_existing=True
    )
    _require_decider(session, actor, objection, held)
    if objection.status != ObjectionStatus.OPEN:
        raise ObjectionDecided
    if verdict is Verdict.UPHELD:
        objection.reversal_id = _put_right(session, actor, objection, reply=reply, now=now)
    objection.status, objection.reply = verdict.value, reply
    objection.decided_by, objection.decided_at = actor.member_id, now
    session.add(
        ObjectionEvent(
            objection_id=objection.id,
            kind=ObjectionEventKind(verdict),
            actor_id=actor.member_id,
            note=reply,
            at=now,
        )
    )
    outbox.enqueue(session, _messages(objection, verdict), now=now)
    session.flush()
    return objection


def _require_decider(
    session: Session, actor: Actor, objection: Objection, held: Collection[UUID]
) -> None:
    """Ask once the objection is locked: it may have gone up, or the actor have stepped back."""
    matter = matter_of(session, objection)
    bodies = {
        one.organization_id
        for one in actor.held_roles
        if one.role in deciding_roles(matter.subject) and one.organization_id in held
    }
    if objection.deciding_organization_id not in bodies:
        raise NotFound
    if actor.member_id in matter.barred:
        raise DeciderConcerned
    if has_stepped_back(session, actor.member_id, (matter.member_id, matter.claim_id)):
        raise DeciderRecused


def get(session: Session, actor: Actor, objection_id: UUID) -> Any:
    """An objection with the member's name: the actor's own, one he decides, or oversees.

    Raises:
        NotFound: absent, or out of scope.
    """
    row = session.execute(
        _with_names().where(
            Objection.id == objection_id,
            (Objection.objector_id == actor.member_id)
            | Objection.deciding_organization_id.in_(_bodies(actor))
            | within(actor.paths(_OVERSEEING_ROLES)),
        )
    ).one_or_none()
    if row is None:
        raise NotFound
    return row


def list_timeline(session: Session, objection_id: UUID) -> Sequence[ObjectionEvent]:
    """The steps of an objection that the caller has been shown to be allowed to see."""
    return session.scalars(
        sa.select(ObjectionEvent)
        .where(ObjectionEvent.objection_id == objection_id)
        .order_by(ObjectionEvent.at, ObjectionEvent.id)
    ).all()


def list_own(
    session: Session, actor: Actor, *, after: list[str | int] | None, limit: int
) -> Page[Any]:
    """The actor's objections, newest first."""
    return _list(session, Objection.objector_id == actor.member_id, after, limit)


def list_of_body(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    *,
    after: list[str | int] | None,
    limit: int,
) -> Page[Any]:
    """The objections that a body answers or has answered, newest first.

    Raises:
        NotFound: the actor does not decide there.
    """
    if organization_id not in _bodies(actor):
        raise NotFound
    return _list(session, Objection.deciding_organization_id == organization_id, after, limit)


def _bodies(actor: Actor) -> list[UUID]:
    return [one.organization_id for one in actor.held_roles if one.role in DECIDING_ROLES]


def _with_names() -> sa.Select[Objection, str]:
    return (
        sa.select(Objection, Member.name.label("member_name"))
        .join(Member, Member.id == Objection.member_id)
        .join(Organization, Organization.id == Objection.organization_id)
    )


def _list(
    session: Session,
    where: sa.ColumnElement[bool],
    after: list[str | int] | None,
    limit: int,
) -> Page[Any]:
    query = _with_names().where(where)
    return newest_first(session, query, Objection, after=after, limit=limit)


def _put_right(
    session: Session, actor: Actor, objection: Objection, *, reply: str, now: datetime
) -> UUID | None:
    """Dismiss a deduction that still waits, or reverse the entry; its reversal, if one is new."""
    entry_id = objection.entry_id
    if objection.adjustment_id is not None:
        adjustment = session.get_one(
            Adjustment, objection.adjustment_id, with_for_update=True, populate_existing=True
        )
        if adjustment.status == AdjustmentStatus.PENDING:
            status = AdjustmentStatus.DISMISSED
            adjustment_decisions.close(session, adjustment.id, status, reason=reply)
        entry_id = adjustment.entry_id
    if entry_id is None:
        return None
    entry = session.scalars(sa.select(LedgerEntry).where(LedgerEntry.id == entry_id)).one()
    reason = f"异议成立：{reply}"[:200]
    made = reversing.reverse_all(session, actor, [entry], reason=reason, now=now)
    return made.get(entry_id)


def _messages(objection: Objection, verdict: Verdict) -> list[outbox.Message]:
    params = {"title": objection.title, "outcome": _WORDS[verdict], "reply": objection.reply}
    told = {objection.objector_id, objection.member_id}
    return [
        outbox.Message(one, "objection_decided", str(objection.id), params) for one in sorted(told)
    ]
