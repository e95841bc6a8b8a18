"""Volunteer service: recorded once, claimed at once, corrected after a return, withdrawn."""

from dataclasses import asdict
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities.models import VolunteerRecord
from activities.service_rules import ServiceFacts, Surroundings, flags_of, require_possible
from activities.service_surroundings import load_surroundings
from core import audit
from core.errors import NotFound, RuleViolation, VersionConflict
from core.ids import new_id
from core.paging import Page, newest_first
from members.access import (
    READING_ROLES,
    ROSTER_ROLES,
    Actor,
    get_member,
    place_of_affiliation,
    primary_affiliation_on,
    within,
)
from members.access_models import Role
from members.models import Affiliation, AffiliationKind, Member, Organization
from points import claims
from points.claims import NewClaim
from points.definitions import Event
from points.models import Claim, ClaimStatus

SOURCE_KIND = "volunteer_record"


class OrganisedService(RuleViolation):
    """What an organiser confirmed is not changed by the member alone."""

    code = "service.organised"
    title = "组织者核定的时长须由组织者更正"


class NotAffiliated(RuleViolation):
    """The member belonged to no branch on the day."""

    code = "member.not_affiliated"
    title = "当日没有组织关系，不能申报"


def record(
    session: Session, actor: Actor, member_id: UUID, *, facts: ServiceFacts, now: datetime
) -> VolunteerRecord:
    """Record a piece of service and claim points for it in one step (enter each fact once).

    A member records his own; whoever keeps the roster may enter it for a member without a
    phone, and `entered_by` says so.

    Raises:
        NotFound: the member is out of scope.
        ServiceRefused, NotAffiliated: it cannot be.
        ClaimTooLate, PeriodClosed, NoSchemeInForce: it cannot count.
    """
    member = get_member(session, actor, member_id, roles=ROSTER_ROLES)
    audit.act_for(session, member_id)
    require_possible(facts, member.joined_on, now=now)
    organization_id = _organization_on(session, member_id, facts.happened_on).id
    around = _surroundings(session, member_id, organization_id, facts)
    flags = flags_of(facts, around, now=now)
    record_id = new_id()
    new = NewClaim(
        member_id=member_id,
        organization_id=organization_id,
        event=Event.VOLUNTEER_SERVICE,
        source_kind=SOURCE_KIND,
        source_id=record_id,
        title=facts.title,
        happened_on=facts.happened_on,
        quantity=facts.claimed_minutes,
        flags=flags,
    )
    claim = claims.submit(session, actor, new=new, now=now)
    kept = VolunteerRecord(
        id=record_id,
        member_id=member_id,
        organization_id=organization_id,
        claim_id=claim.id,
        happened_on=facts.happened_on,
        flags=list(flags),
        entered_by=actor.member_id,
        created_at=now,
        **_columns(facts),
    )
    session.add(kept)
    session.flush()
    return kept


def correct(
    session: Session,
    actor: Actor,
    record_id: UUID,
    *,
    facts: ServiceFacts,
    version: int,
    now: datetime,
) -> VolunteerRecord:
    """Correct a returned record and send its claim in again.

    Raises:
        NotFound: not the actor's to change.
        VersionConflict: it was changed meanwhile.
        OrganisedService: an organiser confirmed it.
        ClaimAlreadyDecided: the claim is not in the returned state.
    """
    kept = get_writable(session, actor, record_id)
    if kept.version != version:
        raise VersionConflict
    if kept.signup_id is not None:
        raise OrganisedService("请提出更正申请，由组织者核实后更正。")
    member = get_member(session, actor, kept.member_id, roles=ROSTER_ROLES)
    require_possible(facts, member.joined_on, now=now)
    if _organization_on(session, kept.member_id, facts.happened_on).id != kept.organization_id:
        raise NotAffiliated("更正后的日期不在原支部期间，请撤回后重新申报。")
    path = session.get_one(Organization, kept.organization_id).path
    event, day = Event.VOLUNTEER_SERVICE, facts.happened_on
    claims.require_claimable(session, kept.member_id, path, event, day, now=now)
    around = _surroundings(session, kept.member_id, kept.organization_id, facts, but=kept.id)
    flags = flags_of(facts, around, now=now)
    changes: dict[str, Any] = {
        "title": facts.title,
        "happened_on": facts.happened_on,
        "quantity": facts.claimed_minutes,
        "flags": list(flags),
        "is_flagged": bool(flags),
    }
    claims.resubmit(
        session, actor, claims.get_live_id(session, SOURCE_KIND, kept.id), changes=changes, now=now
    )
    for name, value in _columns(facts).items():
        setattr(kept, name, value)
    kept.happened_on, kept.flags, kept.version = facts.happened_on, list(flags), version + 1
    session.flush()
    return kept


def withdraw(session: Session, actor: Actor, record_id: UUID, *, now: datetime) -> None:
    """Take back a record whose claim has not been approved.

    Raises:
        NotFound: not the actor's to change.
        ClaimAlreadyDecided: it was approved meanwhile.
    """
    kept = get_writable(session, actor, record_id)
    if kept.claim_id is not None:
        claims.withdraw(session, actor, claims.get_live_id(session, SOURCE_KIND, kept.id), now=now)
    kept.withdrawn_at = now
    session.flush()


def get_record(session: Session, actor: Actor, record_id: UUID) -> Any:
    """A record with its claim: the actor's own, or in his reading scope.

    Raises:
        NotFound: absent, or out of scope.
    """
    row = session.execute(
        _with_claims()
        .join(Organization, Organization.id == VolunteerRecord.organization_id)
        .where(
            VolunteerRecord.id == record_id,
            _is_writable(actor) | within(actor.paths(READING_ROLES - {Role.GROUP_LEADER})),
        )
    ).one_or_none()
    if row is None:
        raise NotFound
    return row


def list_own(
    session: Session, actor: Actor, *, after: list[str | int] | None, limit: int
) -> Page[Any]:
    """The actor's records with their claims, newest first."""
    query = _with_claims().where(VolunteerRecord.member_id == actor.member_id)
    return newest_first(session, query, VolunteerRecord, after=after, limit=limit)


def readable(actor: Actor) -> sa.Select[VolunteerRecord, Claim]:
    """Records with their claims: the actor's own, and those in his reading scope."""
    return (
        _with_claims()
        .join(Organization, Organization.id == VolunteerRecord.organization_id)
        .where(
            (VolunteerRecord.member_id == actor.member_id)
            | within(actor.paths(READING_ROLES - {Role.GROUP_LEADER}))
        )
    )


def confirmed_minutes(record: VolunteerRecord, claim: Claim | None) -> int | None:
    """What the organiser confirmed; without one, what the branch approved; None while it waits."""
    if record.confirmed_minutes is not None:
        return record.confirmed_minutes
    return claim.quantity if claim and claim.status == ClaimStatus.APPROVED else None


def _with_claims() -> sa.Select[VolunteerRecord, Claim]:
    return sa.select(VolunteerRecord, Claim).outerjoin(Claim, is_live_claim())


def is_live_claim() -> sa.ColumnElement[bool]:
    """Join condition: the one claim that stands for a record; an undone one gave way to it."""
    return claims.is_live_of(SOURCE_KIND, sa.type_coerce(VolunteerRecord.id, sa.Uuid))


def _columns(facts: ServiceFacts) -> dict[str, Any]:
    return {name: value for name, value in asdict(facts).items() if name != "is_office_duty"}


def get_writable(session: Session, actor: Actor, record_id: UUID) -> VolunteerRecord:
    kept = session.scalar(
        sa.select(VolunteerRecord).where(VolunteerRecord.id == record_id, _is_writable(actor))
    )
    if kept is None:
        raise NotFound
    return kept


def _is_writable(actor: Actor) -> sa.ColumnElement[bool]:
    """Filter: the actor's own, or entered by him for a member whose roster he keeps today."""
    kept = (
        sa.select(Member.id)
        .join(Affiliation, primary_affiliation_on(actor.on))
        .join(Organization, place_of_affiliation())
        .where(within(actor.paths(ROSTER_ROLES)))
        .correlate(None)
    )
    entered = (VolunteerRecord.entered_by == actor.member_id) & VolunteerRecord.member_id.in_(kept)
    return (VolunteerRecord.member_id == actor.member_id) | entered


def _organization_on(session: Session, member_id: UUID, day: date) -> Organization:
    """The member's branch of a day, read whole: the claim needs the rest of it."""
    organization = session.scalar(
        sa.select(Organization)
        .join(Affiliation, Affiliation.organization_id == Organization.id)
        .where(
            Affiliation.member_id == member_id,
            Affiliation.kind == AffiliationKind.PRIMARY,
            Affiliation.valid_from <= day,
            Affiliation.valid_to.is_(None) | (Affiliation.valid_to > day),
        )
    )
    if organization is None:
        raise NotAffiliated(f"{day} 没有登记组织关系，请联系支部书记。")
    return organization


def _surroundings(
    session: Session,
    member_id: UUID,
    organization_id: UUID,
    facts: ServiceFacts,
    but: UUID | None = None,
) -> Surroundings:
    homes = {member_id: organization_id}
    return load_surroundings(session, facts.starts_at, facts.ends_at, homes, but=but)[member_id]
