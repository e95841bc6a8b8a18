"""Checking in and out of a service: the member's own times, heard at once or days later."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from activities import attendance_codes, opportunities
from activities.attendance_codes import Code, code_key
from activities.opportunities import OpportunityClosed
from activities.service_models import ServiceOpportunity, ServiceSignup
from activities.signup_rules import claimed_between, require_accepted, require_check_time
from activities.signups import SignupSettled, get_own, move
from core.db import vault_of
from members.access import Actor


@dataclass(frozen=True, slots=True)
class Check:
    """When somebody says that he came or left, and the code that he scanned then, if any."""

    at: datetime
    token: str = ""


def check_in(
    session: Session, actor: Actor, signup_id: UUID, *, check: Check, now: datetime
) -> ServiceSignup:
    """Note when the member says that he came, and when we heard of it.

    Sent again by a phone that lost the answer, it is the same check-in.

    Raises:
        NotFound: not the actor's.
        CheckRefused: the time or the code cannot be taken.
        SignupSettled, OpportunityClosed: why it cannot be.
    """
    signup, opportunity = get_own(session, actor, signup_id)
    if signup.checked_in_at == check.at:
        return signup
    if opportunity.cancelled_at is not None:
        raise OpportunityClosed
    is_scanned = _require_taken(session, opportunity, check, now)
    move(
        session,
        signup_id,
        ServiceSignup.checked_in_at.is_(None),
        checked_in_at=check.at,
        checked_in_received_at=now,
        is_scanned=is_scanned,
    )
    return signup


def check_out(
    session: Session, actor: Actor, signup_id: UUID, *, check: Check, now: datetime
) -> ServiceSignup:
    """Note when the member says that he left; the minutes between are what he claims.

    Raises:
        NotFound: not the actor's.
        CheckRefused: the time or the code cannot be taken.
        SignupSettled: he did not check in, or it has been settled.
    """
    signup, opportunity = get_own(session, actor, signup_id)
    if signup.checked_out_at == check.at:
        return signup
    if signup.checked_in_at is None:
        raise SignupSettled("还没有签到，请由组织者按名单核定时长。")
    is_scanned = _require_taken(session, opportunity, check, now)
    move(
        session,
        signup_id,
        (ServiceSignup.checked_in_at == signup.checked_in_at)
        & ServiceSignup.checked_out_at.is_(None),
        checked_out_at=check.at,
        checked_out_received_at=now,
        claimed_minutes=claimed_between(signup.checked_in_at, check.at),
        is_scanned=signup.is_scanned and is_scanned,
    )
    return signup


def issue_code(session: Session, actor: Actor, opportunity_id: UUID, *, now: datetime) -> Code:
    """The code for the organiser's screen at this moment.

    Raises:
        NotFound: the service is another organisation's.
    """
    opportunity = opportunities.get_managed(session, actor, opportunity_id)
    return attendance_codes.issue(code_key(vault_of(session)), opportunity.id, at=now)


def _require_taken(
    session: Session, opportunity: ServiceOpportunity, check: Check, now: datetime
) -> bool:
    """Refuse a time or a code that cannot be taken; whether a code came with it."""
    require_check_time(check.at, opportunity.starts_at, opportunity.ends_at, now=now)
    if not check.token:
        return False
    key = code_key(vault_of(session))
    require_accepted(
        attendance_codes.check_token(key, opportunity.id, check.token, scanned_at=check.at)
    )
    return True
