"""Decisions about a membership: entered by a named person from their document, and never else.

The database lets `member.membership_status` follow the newest decision, and refuses any other
change of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from core.errors import FieldProblem, Forbidden
from core.ids import new_id
from members.access import (
    READING_ROLES,
    Actor,
    get_managed_member,
    get_member,
    hold_roles,
    primary_affiliation_on,
)
from members.access_models import Role
from members.contact.case_access import change_open
from members.contact.case_models import MembershipDecision
from members.contact.case_rules import SUSPENDED_STAGE, limit_on
from members.contact.membership_rules import (
    KIND_NAMES,
    RESULTS,
    DecisionFacts,
    DecisionGround,
    DecisionInvalid,
    DecisionKind,
    require_allowed,
)
from members.contact.models import CaseState, ContactCase, Standing
from members.models import Affiliation, Member, MembershipStatus

# Whoever approves enters: the committee or the district, after the branch has decided.
ENTERING_ROLES = frozenset({Role.COMMITTEE_OFFICER, Role.DISTRICT_ADMIN})
DECISION_READERS = frozenset(READING_ROLES - {Role.GROUP_LEADER, Role.DELEGATE})


class OwnMembership(Forbidden):
    """Nobody enters a decision about himself."""

    code = "membership.not_oneself"
    title = "不能登记关于本人的决定"


@dataclass(frozen=True, slots=True)
class DecisionLine:
    """A decision and the name of who entered it."""

    decision: MembershipDecision
    entered_by_name: str


def enter(
    session: Session, actor: Actor, member_id: UUID, *, decision: DecisionFacts, now: datetime
) -> MembershipDecision:
    """Enter what a competent body has decided; the status follows, and the case with it.

    Raises:
        NotFound: the member is out of the actor's scope.
        OwnMembership: the actor is that member.
        DecisionInvalid: the rules do not know such a step.
    """
    if member_id == actor.member_id:
        raise OwnMembership
    hold_roles(session, actor, ENTERING_ROLES)
    member = get_managed_member(session, actor, member_id, roles=ENTERING_ROLES)
    newest = _find_newest(session, member_id)
    is_suspension = newest is not None and newest.kind == DecisionKind.SUSPENSION
    require_allowed(
        decision,
        MembershipStatus(member.membership_status),
        suspended_on=newest.approved_on if newest and is_suspension else None,
        today=business_day(now),
    )
    _require_out_of_contact(session, member_id, decision)
    cases = _open_cases(session, member_id)
    made = MembershipDecision(
        id=new_id(),
        member_id=member_id,
        number=newest.number + 1 if newest else 1,
        kind=decision.kind,
        ground=decision.ground,
        from_status=member.membership_status,
        to_status=RESULTS[decision.kind],
        organization_id=_branch_of(session, actor, member_id),
        deciding_body=decision.deciding_body,
        decided_on=decision.decided_on,
        document_number=decision.document_number,
        approving_body=decision.approving_body,
        approved_on=decision.approved_on,
        note=decision.note,
        case_id=cases[0].id if cases else None,
        entered_by=actor.member_id,
        entered_at=now,
    )
    session.add(made)
    session.flush()
    # The trigger has set the status in the same statement.
    session.refresh(member)
    _carry_over(session, made, cases, now)
    return made


def list_decisions(session: Session, actor: Actor, member_id: UUID) -> Sequence[DecisionLine]:
    """The decisions about a member, oldest first; he may read his own.

    Raises:
        NotFound: he is out of the actor's scope.
    """
    get_member(session, actor, member_id, roles=DECISION_READERS)
    return find_decisions(session, member_id)


def find_decisions(session: Session, member_id: UUID) -> Sequence[DecisionLine]:
    """The same for a member whom the caller has got."""
    rows = session.execute(
        sa.select(MembershipDecision, Member.name)
        .join(Member, Member.id == MembershipDecision.entered_by)
        .where(MembershipDecision.member_id == member_id)
        .order_by(MembershipDecision.number)
    )
    return [DecisionLine(*row) for row in rows]


def find_differences(session: Session) -> list[str]:
    """Members whose status is not what their newest decision says; the database allows none."""
    newest = (
        sa.select(MembershipDecision.to_status)
        .where(MembershipDecision.member_id == Member.id)
        .order_by(MembershipDecision.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    decided = sa.func.coalesce(newest, MembershipStatus.NORMAL)
    rows = session.execute(
        sa.select(Member.id, Member.membership_status, decided.label("decided"))
        .where(Member.membership_status != decided)
        .order_by(Member.id)
    )
    return [f"党员 {row.id}：党籍状态为 {row[1]}，按决定应为 {row.decided}" for row in rows]


def _find_newest(session: Session, member_id: UUID) -> MembershipDecision | None:
    return session.scalar(
        sa.select(MembershipDecision)
        .where(MembershipDecision.member_id == member_id)
        .order_by(MembershipDecision.number.desc())
        .limit(1)
    )


def _require_out_of_contact(session: Session, member_id: UUID, decision: DecisionFacts) -> None:
    """A suspension for lost contact needs six calendar months since anybody heard of him."""
    if (decision.kind, decision.ground) != (
        DecisionKind.SUSPENSION,
        DecisionGround.LOST_CONTACT,
    ):
        return
    # Locked, so that a report of his that comes at the same moment is either seen or waits.
    standing = session.get(
        Standing, member_id, populate_existing=True, with_for_update={"read": True}
    )
    heard = [standing.last_hard_on, standing.last_soft_on] if standing else []
    last_on = max((day for day in heard if day is not None), default=None)
    if last_on is not None and decision.decided_on < limit_on(last_on):
        message = f"最后一次联系是 {last_on.isoformat()}，到决定之日未满六个月。"
        problem = FieldProblem("/decided_on", DecisionInvalid.code, message)
        raise DecisionInvalid(message, problems=(problem,))


def _open_cases(session: Session, member_id: UUID) -> Sequence[ContactCase]:
    return session.scalars(
        sa.select(ContactCase)
        .where(ContactCase.member_id == member_id, ContactCase.state == CaseState.OPEN)
        .order_by(ContactCase.id)
    ).all()


def _branch_of(session: Session, actor: Actor, member_id: UUID) -> UUID:
    return session.scalars(
        sa.select(Affiliation.organization_id)
        .join(Member, primary_affiliation_on(actor.on))
        .where(Member.id == member_id)
    ).one()


def _carry_over(
    session: Session, made: MembershipDecision, cases: Sequence[ContactCase], now: datetime
) -> None:
    """A suspension keeps the case for the renewed search; every other decision ends it."""
    name = KIND_NAMES[DecisionKind(made.kind)]
    for case in cases:
        if made.kind == DecisionKind.SUSPENSION:
            change_open(session, case.id, stage=SUSPENDED_STAGE)
            continue
        is_back = made.kind == DecisionKind.RESTORATION
        change_open(
            session,
            case.id,
            state=CaseState.RECONTACTED if is_back else CaseState.CLOSED,
            closed_at=now,
            closed_by=made.entered_by,
            closing_note=f"{name}：{made.document_number}",
        )
