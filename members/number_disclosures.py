"""Showing a member's number in full: for a stated purpose, a few times a day, on record."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core import audit
from core.clock import business_day
from core.db import vault_of
from core.errors import Conflict, Forbidden, NotFound, RuleViolation
from core.paging import Page, cut, id_key
from members import member_keys
from members.access import Actor, get_member, hold_roles, within
from members.access_models import Role
from members.consent_models import ConsentPurpose
from members.consents import has_consent
from members.id_numbers import id_number_context
from members.models import Affiliation, AffiliationKind, Member, Organization
from members.phones import open_phone
from members.privacy_models import NumberKind, PersonalDataAccess

# A branch calls its members, the district answers for the data; those between look on (8.4).
DISCLOSING_ROLES = frozenset({Role.BRANCH_SECRETARY, Role.DEPUTY_SECRETARY, Role.DISTRICT_ADMIN})
PER_DAY_MAX = 20


class OwnNumber(Forbidden):
    """A record about oneself would say nothing."""

    code = "disclosure.own_number"
    title = "本人的号码不需要申请查看"


class DisclosuresSpent(Conflict):
    """Whoever needs more numbers than that in a day is copying the roster."""

    code = "disclosure.spent"
    title = f"今天查看完整号码的次数已用完（每人每天 {PER_DAY_MAX} 次）"
    retry = "never"


class NumberAbsent(RuleViolation):
    """The roster has no such number of this member."""

    code = "disclosure.no_number"
    title = "名册里没有这名党员的这个号码"


class IdNumbersOff(RuleViolation):
    """The deployment keeps no ID numbers."""

    code = "disclosure.id_numbers_off"
    title = "本系统没有启用身份证号"


def disclose(
    session: Session,
    actor: Actor,
    member_id: UUID,
    kind: NumberKind,
    *,
    purpose: str,
    now: datetime,
) -> str:
    """One number of a member in full, with the record of it in the same transaction.

    Raises:
        OwnNumber: the actor asks for his own.
        NotFound: the member is out of scope.
        IdNumbersOff, NumberAbsent: there is nothing to show.
        DisclosuresSpent: the actor has seen enough for today.
    """
    if member_id == actor.member_id:
        raise OwnNumber
    hold_roles(session, actor, DISCLOSING_ROLES)
    member = _get_member(session, actor, member_id, kind, now)
    number = _open(session, member, kind)
    session.add(
        PersonalDataAccess(
            member_id=member_id,
            actor_id=actor.member_id,
            kind=kind,
            purpose=purpose,
            on_day=business_day(now),
            ordinal=_next_ordinal(session, actor, now),
            request_id=actor.request_id,
            at=now,
        )
    )
    session.flush()
    audit.note_reading(session, kind, [member_id])
    return number


@dataclass(frozen=True, slots=True)
class DisclosureLine:
    """One showing, with the name of whom the number was shown to."""

    record: PersonalDataAccess
    actor_name: str


def list_own(
    session: Session, actor: Actor, *, after: list[str | int] | None, limit: int
) -> Page[DisclosureLine]:
    """Who saw the actor's own numbers and why, newest first (PIPL Art. 44)."""
    query = (
        sa.select(PersonalDataAccess, Member.name)
        .join(Member, Member.id == PersonalDataAccess.actor_id)
        .where(PersonalDataAccess.member_id == actor.member_id)
        .order_by(PersonalDataAccess.id.desc())
        .limit(limit + 1)
    )
    last_id = id_key(after)
    if last_id is not None:
        query = query.where(PersonalDataAccess.id < last_id)
    lines = [DisclosureLine(*row) for row in session.execute(query)]
    return cut(lines, limit, lambda line: [str(line.record.id)])


def _get_member(
    session: Session, actor: Actor, member_id: UUID, kind: NumberKind, now: datetime
) -> Member:
    """A member of the actor's, or a migrant whom he hosts and who lets his host call him."""
    try:
        return get_member(session, actor, member_id, roles=DISCLOSING_ROLES)
    except NotFound:
        consent = ConsentPurpose.HOST_CONTACT
        if kind is not NumberKind.PHONE or not _is_hosted(session, actor, member_id):
            raise
        if not has_consent(session, [member_id], consent, business_day(now)):
            raise
    return session.get_one(Member, member_id)


def _is_hosted(session: Session, actor: Actor, member_id: UUID) -> bool:
    hosted = (
        sa.select(Affiliation.id)
        .join(Organization, Organization.id == Affiliation.organization_id)
        .where(
            Affiliation.member_id == member_id,
            Affiliation.kind == AffiliationKind.MIGRANT_HOST,
            Affiliation.valid_from <= actor.on,
            Affiliation.valid_to.is_(None) | (Affiliation.valid_to > actor.on),
            within(actor.paths(DISCLOSING_ROLES)),
        )
    )
    return session.scalar(hosted.limit(1)) is not None


def _next_ordinal(session: Session, actor: Actor, now: datetime) -> int:
    # One person's showings take turns, so that two at once do not pass for one.
    session.execute(
        sa.select(Member.id).where(Member.id == actor.member_id).with_for_update(key_share=True)
    )
    shown = session.scalar(
        sa.select(sa.func.count()).where(
            PersonalDataAccess.actor_id == actor.member_id,
            PersonalDataAccess.on_day == business_day(now),
        )
    )
    if shown is not None and shown >= PER_DAY_MAX:
        raise DisclosuresSpent
    return (shown or 0) + 1


def _open(session: Session, member: Member, kind: NumberKind) -> str:
    if kind is NumberKind.ID_NUMBER and not vault_of(session).keeps_id_numbers:
        raise IdNumbersOff
    is_phone = kind is NumberKind.PHONE
    sealed = member.phone_sealed if is_phone else member.id_number_sealed
    if sealed is None:
        raise NumberAbsent
    try:
        if is_phone:
            return open_phone(session, member.id, sealed)
        context = id_number_context(member.id)
        return member_keys.open_value(session, member.id, sealed, context=context)
    except NotFound as error:
        # A backup was restored, and the erasures have not been applied to it again.
        raise NumberAbsent from error
