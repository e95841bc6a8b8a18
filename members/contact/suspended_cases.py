"""Cases of suspended members whose term is full: people may examine them, and nothing more."""

from collections.abc import Mapping
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from members.contact import policies
from members.contact.case_models import MembershipDecision
from members.contact.case_rules import REMOVAL_STAGE, SUSPENDED_STAGE
from members.contact.membership_rules import DecisionKind
from members.contact.models import CaseState, ContactCase
from members.contact.rules import DEFAULT, Thresholds, months_after, suspended_stage
from members.models import Member, MembershipStatus, Organization


def raise_ripe(session: Session, *, now: datetime) -> int:
    """Raise to stage 8 the cases whose years since the suspension are full; three statements.

    Returns:
        How many were raised; run again the same day, none.
    """
    waiting = session.execute(
        sa.select(
            ContactCase.id,
            Organization.path,
            sa.func.max(MembershipDecision.approved_on, type_=sa.Date).label("suspended_on"),
        )
        .join(Organization, Organization.id == ContactCase.organization_id)
        .join(Member, Member.id == ContactCase.member_id)
        .join(MembershipDecision, MembershipDecision.member_id == Member.id)
        .where(
            ContactCase.state == CaseState.OPEN,
            ContactCase.stage == SUSPENDED_STAGE,
            Member.membership_status == MembershipStatus.SUSPENDED,
            MembershipDecision.kind == DecisionKind.SUSPENSION,
        )
        .group_by(ContactCase.id, Organization.path)
    ).all()
    thresholds, today = policies.find_all(session), business_day(now)
    ripe = [
        row.id
        for row in waiting
        if suspended_stage(_of(thresholds, row.path), row.suspended_on, today) == REMOVAL_STAGE
    ]
    raised = session.scalars(
        sa.update(ContactCase)
        .where(
            ContactCase.id.in_(ripe),
            ContactCase.state == CaseState.OPEN,
            ContactCase.stage == SUSPENDED_STAGE,
        )
        .values(stage=REMOVAL_STAGE, version=ContactCase.version + 1)
        .returning(ContactCase.id)
        .execution_options(synchronize_session=False)
    ).all()
    return len(raised)


def removal_on(session: Session, organization_path: str, suspended_on: date) -> date:
    """The first day on which the district lets a removal be examined."""
    thresholds = _of(policies.find_all(session), organization_path)
    return months_after(suspended_on, thresholds.removal_months)


def _of(thresholds: Mapping[str, Thresholds], path: str) -> Thresholds:
    return next((own for at, own in thresholds.items() if path.startswith(at)), DEFAULT)
