"""What happens to an adjustment that waits: confirmed by a second person, posted, withdrawn."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from core.errors import Conflict, Forbidden, NotFound, RuleViolation
from core.paging import Page, newest_first
from members.access import Actor, get_organization, hold_roles, within
from members.access_models import Role
from members.models import Member, Organization
from points import adjustment_posting, periods
from points.adjustments import ENTERING_ROLES, UPPER_ROLES
from points.definitions import Event
from points.models import Subject
from points.publicity_models import Adjustment, AdjustmentStatus

_BRANCH_READERS = frozenset({Role.BRANCH_SECRETARY, Role.DEPUTY_SECRETARY})
_UPPER_READERS = UPPER_ROLES | {Role.AUDITOR}
READING = _BRANCH_READERS | _UPPER_READERS


class AdjustmentNotPending(Conflict):
    """It was posted, withdrawn or dismissed meanwhile."""

    code = "adjustment.not_pending"
    title = "这项记分已经处理过"


class WindowNotOver(RuleViolation):
    """The member may still object, or an objection has no answer yet."""

    code = "adjustment.window_open"
    title = "告知期未满或异议未答复，不能计入"


class SecondPersonRequired(Forbidden):
    """A veto is confirmed by an officer above, who neither entered it nor is concerned."""

    code = "adjustment.second_person"
    title = "一票否决须由上级党组织另一人确认"


def confirm(session: Session, actor: Actor, adjustment_id: UUID, *, now: datetime) -> Adjustment:
    """Post a deduction whose window is over, by who entered it; or confirm a veto, from above.

    A veto confirmed within its window is posted when that is over.

    Raises:
        NotFound: absent, or out of scope.
        AdjustmentNotPending, WindowNotOver, SecondPersonRequired: why not.
        PeriodClosed, NoOpenPeriod: no period takes it.
    """
    seen, path = _get(session, actor, adjustment_id)
    hold_roles(session, actor, ENTERING_ROLES)
    periods.hold_posting_period(session, seen.happened_on)
    if seen.event == Event.VETO and seen.confirmed_by is None:
        _confirm_veto(session, actor, seen, path, now=now)
    elif seen.entered_by != actor.member_id and seen.confirmed_by != actor.member_id:
        raise Forbidden("只有经办人可以计入。")
    is_ripe = adjustment_posting.is_ripe(session, adjustment_id, today=business_day(now))
    if not is_ripe and seen.event == Event.VETO:
        return _fresh(session, adjustment_id)
    if not is_ripe:
        raise AdjustmentNotPending if _is_over(session, adjustment_id) else WindowNotOver
    adjustment_posting.post(session, actor, [adjustment_id], now=now)
    return _fresh(session, adjustment_id)


def withdraw(session: Session, actor: Actor, adjustment_id: UUID, *, reason: str) -> Adjustment:
    """Take back an adjustment that waits, by who entered it.

    Raises:
        NotFound: absent, or out of scope.
        AdjustmentNotPending: it was posted meanwhile.
    """
    seen, _ = _get(session, actor, adjustment_id)
    if seen.entered_by != actor.member_id:
        raise Forbidden("只有经办人可以撤回。")
    hold_roles(session, actor, ENTERING_ROLES)
    close(session, adjustment_id, AdjustmentStatus.WITHDRAWN, reason=reason)
    return _fresh(session, adjustment_id)


def close(session: Session, adjustment_id: UUID, status: AdjustmentStatus, *, reason: str) -> None:
    """End an adjustment that waits without an entry.

    Raises:
        AdjustmentNotPending: it waits no more.
    """
    closed = session.execute(
        sa.update(Adjustment)
        .where(Adjustment.id == adjustment_id, Adjustment.status == AdjustmentStatus.PENDING)
        .values(status=status, closing_reason=reason[:200])
        .returning(Adjustment.id)
    ).first()
    if closed is None:
        raise AdjustmentNotPending


def get(session: Session, actor: Actor, adjustment_id: UUID) -> Any:
    """An adjustment with its member's name: the actor's own, one of his hand, or in his scope.

    Raises:
        NotFound: absent, or out of scope.
    """
    row = session.execute(_visible(actor).where(Adjustment.id == adjustment_id)).one_or_none()
    if row is None:
        raise NotFound
    return row


def list_own(
    session: Session, actor: Actor, *, after: list[str | int] | None, limit: int
) -> Page[Any]:
    """What was entered for the actor, newest first."""
    return _list(session, _all().where(Adjustment.member_id == actor.member_id), after, limit)


def list_of_organization(
    session: Session,
    actor: Actor,
    organization_id: UUID,
    *,
    after: list[str | int] | None,
    limit: int,
) -> Page[Any]:
    """What was entered for members of an organisation and below, newest first.

    Raises:
        NotFound: the organisation is absent, or out of scope.
    """
    organization = get_organization(session, actor, organization_id, roles=READING)
    query = _visible(actor).where(
        within([organization.path]), Adjustment.member_id != actor.member_id
    )
    return _list(session, query, after, limit)


def _list(
    session: Session,
    query: sa.Select[Adjustment, str, str],
    after: list[str | int] | None,
    limit: int,
) -> Page[Any]:
    return newest_first(session, query, Adjustment, after=after, limit=limit)


def _all() -> sa.Select[Adjustment, str, str]:
    return (
        sa.select(Adjustment, Member.name.label("member_name"), Organization.path)
        .join(Member, Member.id == Adjustment.member_id)
        .join(Organization, Organization.id == Adjustment.organization_id)
    )


def _visible(actor: Actor) -> sa.Select[Adjustment, str, str]:
    """Cadres' are for the bodies above only; a group leader sees what he entered himself."""
    of_branch = within(actor.paths(_BRANCH_READERS)) & (Adjustment.subject == Subject.PARTY_MEMBERS)
    return _all().where(
        (Adjustment.member_id == actor.member_id)
        | (Adjustment.entered_by == actor.member_id)
        | within(actor.paths(_UPPER_READERS))
        | of_branch
    )


def _get(session: Session, actor: Actor, adjustment_id: UUID) -> tuple[Adjustment, str]:
    row = get(session, actor, adjustment_id)
    if row.Adjustment.member_id == actor.member_id:
        raise Forbidden("不能办理本人的记分。")
    return row.Adjustment, row.path


def _confirm_veto(
    session: Session, actor: Actor, seen: Adjustment, path: str, *, now: datetime
) -> None:
    above = [held for held in actor.paths(UPPER_ROLES) if path.startswith(held) and held != path]
    if not above or seen.entered_by == actor.member_id:
        raise SecondPersonRequired
    confirmed = session.execute(
        sa.update(Adjustment)
        .where(
            Adjustment.id == seen.id,
            Adjustment.status == AdjustmentStatus.PENDING,
            Adjustment.confirmed_by.is_(None),
        )
        .values(confirmed_by=actor.member_id, confirmed_at=now)
        .returning(Adjustment.id)
    ).first()
    if confirmed is None:
        raise AdjustmentNotPending


def _is_over(session: Session, adjustment_id: UUID) -> bool:
    return _fresh(session, adjustment_id).status != AdjustmentStatus.PENDING


def _fresh(session: Session, adjustment_id: UUID) -> Adjustment:
    return session.get_one(Adjustment, adjustment_id, populate_existing=True)
