"""Signing up for a service: one's own decision, and taken back."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from activities import opportunities
from activities.models import VolunteerRecord
from activities.opportunities import OpportunityClosed
from activities.service_models import ServiceOpportunity, ServiceSignup
from core import audit
from core.errors import Conflict, NotFound, RuleViolation
from core.paging import Page, newest_first
from members.access import ROSTER_ROLES, Actor, get_member
from members.models import Affiliation, AffiliationKind, Member, Organization


class OpportunityFull(Conflict):
    """Every place is taken."""

    code = "opportunity.full"
    title = "名额已满"


class AlreadySignedUp(Conflict):
    """The member has signed up before."""

    code = "signup.exists"
    title = "已经报过名"


class SignupSettled(Conflict):
    """It was withdrawn, checked or settled by the organiser before."""

    code = "signup.settled"
    title = "这次报名的状态已经变化"


class WordMissing(RuleViolation):
    """Who signs up somebody else has to say how that person agreed."""

    code = "signup.word_missing"
    title = "代为报名须写明本人意愿"


def sign_up(
    session: Session,
    actor: Actor,
    opportunity_id: UUID,
    member_id: UUID,
    *,
    given_word: str,
    now: datetime,
) -> ServiceSignup:
    """Sign up; whoever keeps the roster may enter it for a member who gave his word.

    Args:
        given_word: how the member said that he wants to come; needed for somebody else only.

    Raises:
        NotFound: the member is out of scope, or the service is not offered to him.
        WordMissing: somebody is signed up without his own word.
        OpportunityFull, OpportunityClosed, AlreadySignedUp: why it cannot be.
    """
    get_member(session, actor, member_id, roles=ROSTER_ROLES)
    audit.act_for(session, member_id)
    if member_id != actor.member_id and not given_word:
        raise WordMissing("志愿服务出于自愿，请写明本人如何表示愿意参加。")
    _require_offered(session, actor, opportunity_id, member_id)
    _take_place(session, opportunity_id, now)
    # The place is taken under the opportunity's lock, so nobody signs the member up meanwhile.
    signed_up = sa.select(ServiceSignup.id).where(
        ServiceSignup.opportunity_id == opportunity_id,
        ServiceSignup.member_id == member_id,
        ServiceSignup.withdrawn_at.is_(None),
    )
    if session.scalar(signed_up) is not None:
        raise AlreadySignedUp
    signup = ServiceSignup(
        opportunity_id=opportunity_id,
        member_id=member_id,
        entered_by=actor.member_id,
        given_word="" if member_id == actor.member_id else given_word,
        signed_up_at=now,
    )
    session.add(signup)
    session.flush()
    return signup


def withdraw(session: Session, actor: Actor, signup_id: UUID, *, now: datetime) -> None:
    """Take a sign-up back before checking in; the place is free again.

    Raises:
        NotFound: not the actor's.
        SignupSettled: it was withdrawn, checked in or settled before.
    """
    signup, _ = get_own(session, actor, signup_id)
    # The opportunity is locked first, as in signing up.
    session.get_one(ServiceOpportunity, signup.opportunity_id, with_for_update=True)
    move(session, signup_id, ServiceSignup.checked_in_at.is_(None), withdrawn_at=now)
    session.execute(
        sa.update(ServiceOpportunity)
        .where(ServiceOpportunity.id == signup.opportunity_id)
        .values(taken=ServiceOpportunity.taken - 1)
    )


def list_own(
    session: Session, actor: Actor, *, after: list[str | int] | None, limit: int
) -> Page[Any]:
    """The actor's sign-ups with what was offered and confirmed, newest first."""
    query = (
        sa.select(ServiceSignup, ServiceOpportunity, VolunteerRecord)
        .join(ServiceOpportunity, ServiceOpportunity.id == ServiceSignup.opportunity_id)
        .outerjoin(VolunteerRecord, VolunteerRecord.signup_id == ServiceSignup.id)
        .where(ServiceSignup.member_id == actor.member_id)
    )
    return newest_first(session, query, ServiceSignup, after=after, limit=limit)


def list_coming(session: Session, actor: Actor, opportunity_id: UUID) -> list[Any]:
    """Everyone who signed up for an organised service, by group, then name.

    Of a guest the organiser sees his name and this service only; the group is known for
    members of the organising branch.

    Raises:
        NotFound: the service is another organisation's.
    """
    opportunity = opportunities.get_managed(session, actor, opportunity_id)
    group = aliased(Organization)
    rows = session.execute(
        sa.select(
            ServiceOpportunity,
            ServiceSignup,
            Member.name,
            group.name.label("group_name"),
            VolunteerRecord,
        )
        .join(ServiceSignup, ServiceSignup.opportunity_id == ServiceOpportunity.id)
        .join(Member, Member.id == ServiceSignup.member_id)
        .outerjoin(
            Affiliation,
            (Affiliation.member_id == Member.id)
            & (Affiliation.organization_id == opportunity.organization_id)
            & (Affiliation.kind == AffiliationKind.PRIMARY)
            & (Affiliation.valid_from <= actor.on)
            & (Affiliation.valid_to.is_(None) | (Affiliation.valid_to > actor.on)),
        )
        .outerjoin(group, group.id == Affiliation.party_group_id)
        .outerjoin(VolunteerRecord, VolunteerRecord.signup_id == ServiceSignup.id)
        .where(ServiceSignup.opportunity_id == opportunity_id, ServiceSignup.withdrawn_at.is_(None))
        .order_by(sa.func.coalesce(group.name, ""), Member.name, ServiceSignup.id)
    )
    return list(rows)


def _require_offered(session: Session, actor: Actor, opportunity_id: UUID, member_id: UUID) -> None:
    offered = session.scalar(
        sa.select(ServiceOpportunity.id)
        .join(Organization, Organization.id == ServiceOpportunity.organization_id)
        .where(
            ServiceOpportunity.id == opportunity_id,
            opportunities.is_offered_to(member_id, actor.on),
        )
    )
    if offered is None:
        raise NotFound


def _take_place(session: Session, opportunity_id: UUID, now: datetime) -> None:
    is_open = (
        (ServiceOpportunity.id == opportunity_id)
        & ServiceOpportunity.cancelled_at.is_(None)
        & (ServiceOpportunity.ends_at > now)
    )
    taken = session.scalar(
        sa.update(ServiceOpportunity)
        .where(is_open, ServiceOpportunity.taken < ServiceOpportunity.places)
        .values(taken=ServiceOpportunity.taken + 1)
        .returning(ServiceOpportunity.id)
    )
    if taken is not None:
        return
    if session.scalar(sa.select(ServiceOpportunity.id).where(is_open)) is None:
        raise OpportunityClosed
    raise OpportunityFull


def get_own(
    session: Session, actor: Actor, signup_id: UUID
) -> tuple[ServiceSignup, ServiceOpportunity]:
    """A sign-up of the actor's own, or one that he entered for a member of his roster.

    Raises:
        NotFound: absent, or not the actor's.
    """
    row = session.execute(
        sa.select(ServiceSignup, ServiceOpportunity)
        .join(ServiceOpportunity, ServiceOpportunity.id == ServiceSignup.opportunity_id)
        .where(
            ServiceSignup.id == signup_id,
            (ServiceSignup.member_id == actor.member_id)
            | (ServiceSignup.entered_by == actor.member_id),
        )
    ).one_or_none()
    if row is None:
        raise NotFound
    get_member(session, actor, row[0].member_id, roles=ROSTER_ROLES)
    return row[0], row[1]


def move(session: Session, signup_id: UUID, as_seen: sa.ColumnElement[bool], **values: Any) -> None:
    """Change a sign-up that is still as the caller saw it.

    Raises:
        SignupSettled: it is not.
    """
    moved = session.scalar(
        sa.update(ServiceSignup)
        .where(
            ServiceSignup.id == signup_id,
            ServiceSignup.withdrawn_at.is_(None),
            ServiceSignup.settled_at.is_(None),
            as_seen,
        )
        .values(**values)
        .returning(ServiceSignup.id)
    )
    if moved is None:
        raise SignupSettled
