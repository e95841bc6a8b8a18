"""Erasing a member: his key, what it sealed and what names him go, the ledger stays (I16).

Two officers of the district do it, or an operator at the command line. Every restore of an older
backup brings an erased member back, so the log of erasures is applied again after it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from core.db import Base
from core.errors import Conflict, Forbidden, NotFound, RuleViolation
from core.paging import Page, oldest_first
from members.access import Actor, hold_roles, within
from members.access_models import Account, Role
from members.erased_data import DELETED, EMPTIED
from members.erasure_holds import find_holds
from members.models import Affiliation, Member, Organization
from members.privacy_models import Erasure, ShredLogEntry

ERASING_ROLES = frozenset({Role.DISTRICT_ADMIN})
READING_ERASURES = ERASING_ROLES | {Role.AUDITOR}


class ErasureHeld(RuleViolation):
    """Something still needs the data (PIPL Art. 47: then they are only kept)."""

    code = "erasure.held"
    title = "现在还不能删除这名党员的个人信息"


class OwnErasure(Forbidden):
    """Nobody decides about himself."""

    code = "erasure.oneself"
    title = "不能办理自己的信息删除"


class SecondPersonNeeded(Forbidden):
    """Whoever asked for an erasure does not answer it."""

    code = "erasure.two_persons"
    title = "须由另一名区级管理员确认"


class ErasureAnswered(Conflict):
    """Somebody has confirmed or refused it meanwhile."""

    code = "erasure.answered"
    title = "这项删除已经办结"


class AlreadyErased(Conflict):
    """He was erased before."""

    code = "erasure.done"
    title = "这名党员的个人信息已经删除"
    retry = "never"


@dataclass(frozen=True, slots=True)
class Grounds:
    """Why a member is erased, and by which document or rule."""

    reason: str
    basis: str


def request(
    session: Session, actor: Actor, member_id: UUID, *, grounds: Grounds, now: datetime
) -> Erasure:
    """Ask for an erasure; another officer confirms it.

    Raises:
        OwnErasure: the actor asks about himself.
        NotFound: the member never belonged where the actor is an officer.
        AlreadyErased, ErasureHeld: it cannot be, or not yet.
    """
    if member_id == actor.member_id:
        raise OwnErasure
    hold_roles(session, actor, ERASING_ROLES)
    _require_in_scope(session, actor, member_id)
    _require_erasable(session, member_id, now)
    erasure = Erasure(
        member_id=member_id,
        reason=grounds.reason,
        basis=grounds.basis,
        requested_by=actor.member_id,
        requested_at=now,
    )
    session.add(erasure)
    session.flush()
    return erasure


def answer(
    session: Session, actor: Actor, erasure_id: UUID, *, is_confirmed: bool, now: datetime
) -> Erasure:
    """Confirm an erasure, which does it at once and for good, or refuse it.

    Raises:
        NotFound: it is out of scope.
        OwnErasure, SecondPersonNeeded: the actor is the member, or asked for it himself.
        ErasureAnswered: somebody was first.
        ErasureHeld: a reason to keep the data has come up since.
    """
    hold_roles(session, actor, ERASING_ROLES)
    erasure = session.get(Erasure, erasure_id)
    if erasure is None:
        raise NotFound
    _require_in_scope(session, actor, erasure.member_id)
    if erasure.member_id == actor.member_id:
        raise OwnErasure
    if erasure.requested_by == actor.member_id:
        raise SecondPersonNeeded
    _settle(session, erasure, actor, is_confirmed, now)
    if is_confirmed:
        grounds = Grounds(erasure.reason, erasure.basis)
        _require_erasable(session, erasure.member_id, now)
        _log(session, erasure.member_id, grounds, (erasure.requested_by, actor.member_id), now)
        apply(session, [erasure.member_id], now=now)
    return erasure


def erase_from_console(
    session: Session, member_id: UUID, *, grounds: Grounds, now: datetime
) -> None:
    """The same at once, for the operator at the command line only.

    Raises:
        NotFound: there is no such member.
        AlreadyErased, ErasureHeld: it cannot be, or not yet.
    """
    _require_erasable(session, member_id, now)
    _log(session, member_id, grounds, (None, None), now)
    apply(session, [member_id], now=now)


def list_open(
    session: Session, actor: Actor, *, after: list[str | int] | None, limit: int
) -> Page[Erasure]:
    """Requests that wait for a second officer, oldest first."""
    query = sa.select(Erasure).where(
        Erasure.answered_by.is_(None),
        Erasure.member_id.in_(_members_ever_in(actor, READING_ERASURES)),
    )
    return oldest_first(session, query, Erasure, after=after, limit=limit)


def apply(session: Session, member_ids: Sequence[UUID], *, now: datetime) -> None:
    """Take away what `members.erased_data` names; again for the same members does no harm.

    The number of statements is that of the tables, however many the members.
    """
    tables = Base.metadata.tables
    for name in DELETED:
        columns = tables[name].c
        session.execute(sa.delete(tables[name]).where(columns.member_id.in_(member_ids)))
    for erased in EMPTIED:
        table = tables[erased.table]
        about = table.c[erased.member_column].in_(member_ids)
        session.execute(sa.update(table).where(about).values(**erased.values))
    _stop(session, member_ids, now)
    session.expire_all()


def _stop(session: Session, member_ids: Sequence[UUID], now: datetime) -> None:
    """Nobody signs in as him, and no message that waits for him leaves."""
    session.execute(
        sa.update(Account)
        .where(Account.member_id.in_(member_ids), Account.disabled_at.is_(None))
        .values(disabled_at=now)
        .execution_options(synchronize_session=False)
    )
    outbox = Base.metadata.tables["outbox_message"]
    waiting: dict[str, Any] = {"state": "cancelled", "finished_at": now, "outside_after": None}
    session.execute(
        sa.update(outbox)
        .where(outbox.c.member_id.in_(member_ids), outbox.c.state == "pending")
        .values(suppressed_because="stopped", **waiting)
    )


def _settle(
    session: Session, erasure: Erasure, actor: Actor, is_confirmed: bool, now: datetime
) -> None:
    settled = session.scalar(
        sa.update(Erasure)
        .where(Erasure.id == erasure.id, Erasure.answered_by.is_(None))
        .values(answered_by=actor.member_id, answered_at=now, is_confirmed=is_confirmed)
        .returning(Erasure.id)
    )
    if settled is None:
        raise ErasureAnswered


def _log(
    session: Session,
    member_id: UUID,
    grounds: Grounds,
    persons: tuple[UUID | None, UUID | None],
    now: datetime,
) -> None:
    session.add(
        ShredLogEntry(
            member_id=member_id,
            reason=grounds.reason,
            basis=grounds.basis,
            requested_by=persons[0],
            confirmed_by=persons[1],
            at=now,
        )
    )
    session.flush()


def _require_erasable(session: Session, member_id: UUID, now: datetime) -> None:
    # Locked, so that nothing about him begins while it is being decided.
    member = session.get(Member, member_id, with_for_update=True)
    if member is None:
        raise NotFound
    if session.get(ShredLogEntry, member_id) is not None:
        raise AlreadyErased
    holds = find_holds(session, member_id, on=business_day(now))
    if holds:
        raise ErasureHeld("".join(holds))


def _require_in_scope(session: Session, actor: Actor, member_id: UUID) -> None:
    found = _members_ever_in(actor, ERASING_ROLES).where(Affiliation.member_id == member_id)
    if session.scalar(found.limit(1)) is None:
        raise NotFound


def _members_ever_in(actor: Actor, roles: frozenset[Role]) -> sa.Select[UUID]:
    # Somebody whose membership has ended belongs nowhere today.
    return (
        sa.select(Affiliation.member_id)
        .join(Organization, Organization.id == Affiliation.organization_id)
        .where(within(actor.paths(roles)))
    )
