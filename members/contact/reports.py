"""Contact as people report it: the member himself, and the leaders who reached him."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from core.errors import Conflict, Forbidden, NotFound, RuleViolation
from core.ids import new_id
from members.access import (
    ROSTER_ROLES,
    Actor,
    get_member,
    hold_roles,
    primary_affiliation_on,
)
from members.access_models import Role
from members.affiliations import require_not_future
from members.contact import facts
from members.contact.facts import ContactFact
from members.contact.models import ContactKind, FactRetraction, RecordedFact
from members.models import Affiliation, Member

# Who calls and visits: the group's leader, the branch's leaders, and the bodies above.
CALLING_ROLES = ROSTER_ROLES | {Role.GROUP_LEADER}
LOGGED = (ContactKind.ANSWERED_CALL, ContactKind.REPLY, ContactKind.VISIT)
# What somebody entered by hand; attendance is corrected where it is entered.
RETRACTABLE = (*LOGGED, ContactKind.DUES_PAID)
# A contact that nobody noted for so long is no longer remembered to the day.
BACKDATED_DAYS_MAX = 90


class OwnContact(Forbidden):
    """Nobody logs that he has reached himself."""

    code = "contact.own"
    title = "本人请用“我在”确认，不能替自己登记联系"


class ContactTooOld(RuleViolation):
    """The contact is noted too late."""

    code = "contact.too_old"
    title = "联系记录只能补记最近 90 天的"


class FactRetracted(Conflict):
    """Somebody retracted it first."""

    code = "contact.retracted"
    title = "这条记录已经撤回"


@dataclass(frozen=True, slots=True)
class ContactLog:
    """How a member was reached, and when; the note holds no private data."""

    kind: ContactKind
    happened_on: date
    note: str = ""


def confirm_own(session: Session, actor: Actor, *, now: datetime) -> date:
    """“我在，联系方式没变”: the member's own report, a hard contact; once a day is enough.

    Raises:
        NotFound: he belongs to no branch today.
    """
    today = business_day(now)
    if actor.organization_id is None:
        raise NotFound
    fact = ContactFact(
        member_id=actor.member_id,
        kind=ContactKind.OWN_REPORT,
        happened_on=today,
        organization_id=actor.organization_id,
        source_id=facts.day_source(actor.member_id, ContactKind.OWN_REPORT, today),
        recorded_by=actor.member_id,
    )
    facts.record(session, [fact], now=now)
    return today


def log_contact(
    session: Session, actor: Actor, member_id: UUID, *, log: ContactLog, now: datetime
) -> RecordedFact:
    """Note that a member was reached: a soft contact, which pauses the lost-contact clock.

    Raises:
        NotFound: the member is out of scope.
        OwnContact: it is the actor himself.
        FutureDate, ContactTooOld: the day is not possible.
    """
    hold_roles(session, actor, CALLING_ROLES)
    get_member(session, actor, member_id, roles=CALLING_ROLES)
    if member_id == actor.member_id:
        raise OwnContact
    require_not_future(log.happened_on, now)
    if (business_day(now) - log.happened_on).days > BACKDATED_DAYS_MAX:
        raise ContactTooOld
    branch_id = session.scalars(
        sa.select(Affiliation.organization_id)
        .join(Member, primary_affiliation_on(actor.on))
        .where(Member.id == member_id)
    ).one()
    source_id = new_id()
    fact = ContactFact(
        member_id, log.kind, log.happened_on, branch_id, source_id, actor.member_id, log.note
    )
    facts.record(session, [fact], now=now)
    return session.scalars(sa.select(RecordedFact).where(RecordedFact.source_id == source_id)).one()


def retract_fact(
    session: Session, actor: Actor, fact_id: UUID, *, reason: str, now: datetime
) -> None:
    """Take back a logged contact or a dues date; the next scan sees the clock as it was.

    Raises:
        NotFound: no such fact, or of a member out of scope, or of a kind corrected elsewhere.
        OwnContact: it is about the actor himself.
        FactRetracted: somebody was first.
    """
    hold_roles(session, actor, ROSTER_ROLES)
    fact = session.get(RecordedFact, fact_id)
    if fact is None or fact.kind not in RETRACTABLE:
        raise NotFound
    get_member(session, actor, fact.member_id, roles=ROSTER_ROLES)
    if fact.member_id == actor.member_id:
        raise OwnContact
    if not facts.retract(
        session, [fact.source_id], actor_id=actor.member_id, reason=reason, now=now
    ):
        raise FactRetracted


def list_facts(
    session: Session, actor: Actor, member_id: UUID, *, limit: int
) -> list[tuple[RecordedFact, bool]]:
    """The newest facts of a member, each with whether it still stands; leaders of his only.

    Raises:
        NotFound: the member is out of scope.
    """
    get_member(session, actor, member_id, roles=CALLING_ROLES | {Role.AUDITOR})
    query = (
        sa.select(RecordedFact, FactRetraction.fact_id.is_(None))
        .outerjoin(FactRetraction, FactRetraction.fact_id == RecordedFact.id)
        .where(RecordedFact.member_id == member_id)
        .order_by(RecordedFact.happened_on.desc(), RecordedFact.id.desc())
        .limit(limit)
    )
    return [(fact, stands) for fact, stands in session.execute(query)]
