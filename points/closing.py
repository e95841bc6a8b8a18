"""Closing a period: no more postings, then a sealed statement for everybody, then the totals.

Each step can be killed and run again: the first is one transaction, the second writes what is
missing, the third adds up what is there.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import background
from core.background import BackgroundJob, Progress
from core.clock import business_day
from core.errors import Conflict, FieldProblem, Forbidden, NotFound, RuleViolation
from members import people
from members.access import Actor, hold_roles
from members.access_models import Role, RoleGrant, in_force
from points import periods, statements
from points.models import LedgerEntry, Period, PeriodStatus
from points.statement_models import PeriodClosing, PeriodSeal, PeriodStatement
from points.waiting import Waiting, find_waiting

JOB = "period.close"
CLOSING_ROLES = frozenset({Role.DISTRICT_ADMIN})


class PeriodNotOver(Conflict):
    """A period is closed after its last day."""

    code = "period.not_over"
    title = "年度还没有结束，不能结账"
    retry = "never"


class AlreadyClosed(Conflict):
    """A closed period stays closed."""

    code = "period.already_closed"
    title = "该年度已经结账"
    retry = "never"


class BusinessWaiting(Conflict):
    """Something of the period still waits for a decision; the problems list it."""

    code = "period.business_waiting"
    title = "还有事项没有办完，不能结账"


class LateReasonRequired(RuleViolation):
    """Closing over what waits needs a reason, which stays on record."""

    code = "period.late_reason_required"
    title = "仍有未办事项时结账须写明原因"


@dataclass(frozen=True, slots=True)
class CloseTerms:
    """Whether to close over what still waits, and why."""

    force_late: bool = False
    reason: str = ""


def request(
    session: Session, actor: Actor, code: str, *, terms: CloseTerms, now: datetime
) -> BackgroundJob:
    """Stop postings into a period, and have the jobs process seal and close it.

    A close that a fault has ended halfway is asked for again in the same way.

    Raises:
        Forbidden: the actor's role was revoked meanwhile.
        NotFound: there is no such period.
        PeriodNotOver, AlreadyClosed, BusinessWaiting, LateReasonRequired: why it cannot begin.
    """
    hold_roles(session, actor, CLOSING_ROLES)
    period = begin(session, code, begun_by=actor.member_id, terms=terms, now=now)
    return background.enqueue(
        session, kind=JOB, subject_id=period.id, requested_by=actor.member_id, now=now
    )


def begin(
    session: Session, code: str, *, begun_by: UUID | None, terms: CloseTerms, now: datetime
) -> Period:
    """The first step: from this commit on the period takes no entries.

    Raises:
        NotFound: there is no such period.
        PeriodNotOver, AlreadyClosed, BusinessWaiting, LateReasonRequired: why it cannot begin.
    """
    period = periods.lock_period(session, periods.get_period(session, code).id)
    if period.status == PeriodStatus.CLOSED:
        raise AlreadyClosed
    if period.status == PeriodStatus.CLOSING:
        return period
    today = business_day(now)
    if today <= period.ends_on:
        raise PeriodNotOver(f"{code} 年度到 {period.ends_on} 才结束。")
    waiting = find_waiting(session, period, today=today)
    _require_settled(waiting, terms)
    session.add(
        PeriodClosing(
            period_id=period.id,
            begun_by=begun_by,
            begun_at=now,
            late_reason=terms.reason if waiting else "",
            waiting={one.code: one.count for one in waiting},
        )
    )
    period.status = PeriodStatus.CLOSING
    session.flush()
    return period


def close(session: Session, period_id: UUID, *, now: datetime) -> Iterator[Progress]:
    """The second and third step; the caller commits at each yield.

    Run again after a crash, it goes on behind the last chunk that was committed.

    Raises:
        NotFound: there is no such period.
        PeriodClosed: the first step was not done.
    """
    period = periods.lock_period(session, period_id)
    if period.status == PeriodStatus.CLOSED:
        return
    if period.status != PeriodStatus.CLOSING:
        raise periods.PeriodClosed("这个年度还没有开始结账。")
    total = statements.count_due(session, period)
    done = total - statements.count_missing(session, period)
    while sealed := statements.seal_some(session, period, now=now):
        done += sealed
        yield Progress(done, total)
        # The row is locked anew in each transaction, so that two workers take turns.
        period = periods.lock_period(session, period_id)
    if period.status == PeriodStatus.CLOSED:
        return
    session.add(add_up(session, period, now=now))
    period.status = PeriodStatus.CLOSED
    session.flush()
    yield Progress(done, total)


def get_officer_from_console(session: Session, *, phone: str, name: str | None, on: date) -> UUID:
    """Who closes or opens a period at the command line, so that it is on record.

    Raises:
        PhoneInvalid: it is no mobile number.
        NotFound: nobody, or more than one, on the roster answers to it.
        Forbidden: he holds no role that closes periods that day.
    """
    found = people.find_from_console(session, phone=phone, name=name)
    if len(found) != 1:
        raise NotFound(f"名册里符合的党员有 {len(found)} 名，须恰好一名，请核对手机号和姓名。")
    held = sa.select(RoleGrant.id).where(
        RoleGrant.member_id == found[0].id,
        RoleGrant.role.in_(CLOSING_ROLES),
        in_force(on),
    )
    if session.scalar(held.limit(1)) is None:
        raise Forbidden("办理人须为现任区级管理员。")
    return found[0].id


def add_up(session: Session, period: Period, *, now: datetime) -> PeriodSeal:
    """The totals of a period as its statements and the ledger stand today; not stored."""
    count, points = session.execute(
        sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(LedgerEntry.points), 0)).where(
            LedgerEntry.period_id == period.id
        )
    ).one()
    digests = session.scalars(
        sa.select(PeriodStatement.sha256)
        .where(PeriodStatement.period_id == period.id)
        .order_by(PeriodStatement.subject, PeriodStatement.member_id),
        execution_options={"yield_per": 10_000},
    )
    number, digest = _digest_of(digests)
    return PeriodSeal(
        period_id=period.id,
        statements=number,
        entries=count,
        points=int(points),
        sha256=digest,
        sealed_at=now,
    )


def _digest_of(digests: Iterable[str]) -> tuple[int, str]:
    number, whole = 0, hashlib.sha256()
    for digest in digests:
        number += 1
        whole.update(f"{digest}\n".encode())
    return number, whole.hexdigest()


def _require_settled(waiting: list[Waiting], terms: CloseTerms) -> None:
    if not waiting:
        return
    if not terms.force_late:
        raise BusinessWaiting(
            "".join(one.message for one in waiting)
            + "办完后再结账；确须现在结账的，注明原因后强制办理，之后作为补记处理。",
            problems=tuple(_problem(one) for one in waiting),
        )
    if not terms.reason:
        raise LateReasonRequired


def _problem(one: Waiting) -> FieldProblem:
    parameters: dict[str, Any] = {"count": one.count}
    return FieldProblem("", f"period.{one.code}", one.message, parameters)
