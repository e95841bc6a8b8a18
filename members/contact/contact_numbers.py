"""The numbers by which a member may be reached: several, sealed, masked until disclosed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from core.db import vault_of
from core.errors import Forbidden, NotFound, RuleViolation
from core.ids import new_id
from members import member_keys
from members.access import Actor, hold_roles
from members.contact.case_access import (
    CALLING_ROLES,
    CASE_ROLES,
    CaseClosed,
    Showing,
    change_open,
    get_case,
    note_access,
)
from members.contact.case_models import AccessKind, ContactNumber, ContactRelation
from members.contact.models import CaseState
from members.models import Member, Organization
from members.phones import index_phone, mask_phone, normalise_phone, open_phone


class ConsentNeeded(RuleViolation):
    """Another person's number is kept only with his word."""

    code = "contact.consent_needed"
    title = "备用联系人的号码须经其本人同意"


class NotCaller(Forbidden):
    """The actor looks on, and nobody has given him the case to call."""

    code = "contact.not_caller"
    title = "只有负责联系的人可以看完整号码"


class NumberMissing(RuleViolation):
    """The roster has no phone of this member."""

    code = "contact.number_missing"
    title = "名册里没有这名党员的手机号"


@dataclass(frozen=True, slots=True)
class NumberFacts:
    """A number that somebody enters; the day of consent where it is not the member's own."""

    relation: ContactRelation
    phone: str
    consented_on: date | None


@dataclass(frozen=True, slots=True)
class NumberLine:
    """A number as lists show it; without id, it is the roster's phone."""

    id: UUID | None
    relation: ContactRelation
    phone_masked: str
    consented_on: date | None
    is_retired: bool


def add(
    session: Session,
    actor: Actor,
    case_id: UUID,
    *,
    given: NumberFacts,
    now: datetime,
) -> ContactNumber:
    """Keep a further number of the member, or one of his alternate contact.

    Raises:
        NotFound: the case is out of scope.
        PhoneInvalid: it is no mobile number.
        ConsentNeeded: it is another person's, who has not agreed, or agrees in the future.
        CaseClosed: the case has ended.
    """
    hold_roles(session, actor, CASE_ROLES)
    case = get_case(session, actor, case_id)
    is_others = given.relation is not ContactRelation.MEMBER
    consented_on = given.consented_on if is_others else None
    if is_others and (consented_on is None or consented_on > business_day(now)):
        raise ConsentNeeded
    change_open(session, case_id)
    number = _sealed(session, case.member_id, given.relation, normalise_phone(given.phone))
    number.consented_on = consented_on
    number.recorded_by, number.recorded_at = actor.member_id, now
    session.add(number)
    session.flush()
    return number


def list_numbers(session: Session, member: Member) -> list[NumberLine]:
    """The roster's phone first, then the further numbers, those in use before the retired."""
    further = session.scalars(
        sa.select(ContactNumber)
        .where(ContactNumber.member_id == member.id)
        .order_by(ContactNumber.retired_at.is_not(None), ContactNumber.id)
    ).all()
    of_roster = _roster_line(member, further)
    # What only says that the roster's phone is wrong is told by the roster's own line.
    return [
        *([of_roster] if of_roster else []),
        *(
            _line(number)
            for number in further
            if not (of_roster and number.phone_index == member.phone_index)
        ),
    ]


def get_number(session: Session, member_id: UUID, number_id: UUID) -> ContactNumber:
    """A further number of a member whose case the caller has got.

    Raises:
        NotFound: it is not his.
    """
    number = session.get(ContactNumber, number_id)
    if number is None or number.member_id != member_id:
        raise NotFound
    return number


def disclose(
    session: Session,
    actor: Actor,
    case_id: UUID,
    number_id: UUID | None,
    *,
    purpose: str,
    now: datetime,
) -> str:
    """Show one number in full to who works on the case, for a stated purpose, on record.

    Args:
        number_id: empty for the roster's phone.

    Raises:
        NotFound: the case or the number is out of scope.
        NotCaller: the actor is a committee's officer whom the case was not given to.
        NumberMissing: the roster has none.
        CaseClosed: the case has ended, so there is nobody to call for it.
    """
    hold_roles(session, actor, CASE_ROLES)
    case = get_case(session, actor, case_id)
    branch = session.get_one(Organization, case.organization_id)
    if case.assigned_to != actor.member_id and not actor.covers(branch.path, CALLING_ROLES):
        raise NotCaller
    if case.state != CaseState.OPEN:
        raise CaseClosed
    showing = Showing(AccessKind.NUMBER, purpose, number_id)
    note_access(session, actor, [case], showing=showing, now=now)
    if number_id is None:
        return _roster_phone(session, session.get_one(Member, case.member_id))
    number = get_number(session, case.member_id, number_id)
    sealed, context = number.phone_sealed, number_context(number.id)
    return member_keys.open_value(session, case.member_id, sealed, context=context)


def retire(
    session: Session, member_id: UUID, number_id: UUID | None, *, by: UUID, now: datetime
) -> None:
    """Take a wrong number out of use; the roster's phone stays there, marked as wrong.

    Raises:
        NumberMissing: the roster has no phone to be wrong.
    """
    session.execute(
        sa.update(ContactNumber)
        .where(
            ContactNumber.member_id == member_id,
            ContactNumber.retired_at.is_(None),
            ContactNumber.id == number_id
            if number_id
            else ContactNumber.phone_index.in_(
                sa.select(Member.phone_index).where(Member.id == member_id)
            ),
        )
        .values(retired_at=now, retired_by=by)
    )
    if number_id is None:
        _mark_roster_phone(session, session.get_one(Member, member_id), by, now)


def _mark_roster_phone(session: Session, member: Member, by: UUID, now: datetime) -> None:
    phone = _roster_phone(session, member)
    number = _sealed(session, member.id, ContactRelation.MEMBER, phone)
    number.recorded_by, number.recorded_at = by, now
    number.retired_by, number.retired_at = by, now
    session.add(number)
    session.flush()


def _roster_phone(session: Session, member: Member) -> str:
    if member.phone_sealed is None:
        raise NumberMissing
    return open_phone(session, member.id, member.phone_sealed)


def _sealed(
    session: Session, member_id: UUID, relation: ContactRelation, phone: str
) -> ContactNumber:
    own_id, key = new_id(), member_keys.ensure(session, [member_id])[member_id]
    return ContactNumber(
        id=own_id,
        member_id=member_id,
        relation=relation,
        phone_sealed=key.seal(phone.encode(), context=number_context(own_id)),
        phone_index=index_phone(vault_of(session), phone),
        phone_masked=mask_phone(phone),
    )


def number_context(number_id: UUID) -> str:
    """The place that a further number is bound to."""
    return f"contact_number.phone:{number_id}"


def _roster_line(member: Member, further: Sequence[ContactNumber]) -> NumberLine | None:
    if member.phone_masked is None:
        return None
    same = [number for number in further if number.phone_index == member.phone_index]
    is_retired = bool(same) and all(number.retired_at is not None for number in same)
    return NumberLine(None, ContactRelation.MEMBER, member.phone_masked, None, is_retired)


def _line(number: ContactNumber) -> NumberLine:
    return NumberLine(
        number.id,
        ContactRelation(number.relation),
        number.phone_masked,
        number.consented_on,
        number.retired_at is not None,
    )
