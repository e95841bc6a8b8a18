"""Attempts to reach a member: what somebody did, what came of it, and when to try again."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from core.ids import new_id
from core.working_days import load_calendar
from members.access import Actor, hold_roles
from members.contact import contact_numbers, facts
from members.contact.case_access import CASE_ROLES, change_open, get_case
from members.contact.case_models import ContactAttempt
from members.contact.facts import ContactFact
from members.contact.models import ContactCase, ContactKind
from members.contact.search_rules import (
    AttemptFacts,
    fact_kind,
    next_not_before,
    require_consistent,
)
from members.contact.search_words import Outcome


def record(
    session: Session,
    actor: Actor,
    case_id: UUID,
    *,
    attempt: AttemptFacts,
    number_id: UUID | None,
    now: datetime,
) -> ContactAttempt:
    """Write down an attempt; the member's own word becomes contact in the same transaction.

    A wrong number is retired, so that nobody tries it again.

    Args:
        number_id: the further number that was tried; empty for the roster's phone.

    Raises:
        NotFound: the case or the number is out of scope, or the case is about the actor.
        Forbidden: the actor's role has just been revoked.
        AttemptInconsistent: the attempt contradicts itself.
        CaseClosed: the case has ended.
    """
    hold_roles(session, actor, CASE_ROLES)
    case = get_case(session, actor, case_id)
    require_consistent(attempt, anchor_on=case.anchor_on, now=now)
    made = _new_attempt(session, actor, case, attempt, now)
    kind = fact_kind(attempt)
    if kind is not None:
        # Before the case, because a hard contact takes the standing first and the case next.
        facts.record(session, [_fact(made, case, kind)], now=now)
    change_open(session, case_id)
    if number_id is not None:
        made.number_id = contact_numbers.get_number(session, case.member_id, number_id).id
    session.add(made)
    # The retirement and a link refer to the attempt.
    session.flush()
    if attempt.outcome is Outcome.WRONG_NUMBER:
        contact_numbers.retire(session, case.member_id, number_id, by=actor.member_id, now=now)
    return made


def get_attempt(session: Session, case_id: UUID, attempt_id: UUID) -> ContactAttempt | None:
    """An attempt of a case that the caller has got."""
    return session.scalar(
        sa.select(ContactAttempt).where(
            ContactAttempt.id == attempt_id, ContactAttempt.case_id == case_id
        )
    )


def _new_attempt(
    session: Session, actor: Actor, case: ContactCase, attempt: AttemptFacts, now: datetime
) -> ContactAttempt:
    return ContactAttempt(
        id=new_id(),
        case_id=case.id,
        member_id=case.member_id,
        method=attempt.method,
        contacted=attempt.contacted,
        outcome=attempt.outcome,
        attempted_at=attempt.attempted_at,
        promised_on=attempt.promised_on,
        not_before=next_not_before(attempt, load_calendar(session)),
        document_number=attempt.document_number,
        note=attempt.note,
        recorded_by=actor.member_id,
        recorded_at=now,
    )


def _fact(made: ContactAttempt, case: ContactCase, kind: ContactKind) -> ContactFact:
    return ContactFact(
        member_id=made.member_id,
        kind=kind,
        happened_on=business_day(made.attempted_at),
        organization_id=case.organization_id,
        source_id=made.id,
        recorded_by=made.recorded_by,
        note="",
    )
