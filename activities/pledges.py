"""Pledges, the member's side: writing, sending in, noting progress, amending, reporting."""

from dataclasses import asdict
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities import pledge_steps
from activities.pledge_models import (
    Pledge,
    PledgeKind,
    PledgeNoteKind,
    PledgeRevision,
)
from activities.pledge_rules import (
    Amendment,
    NewPledge,
    PledgeWords,
    require_impersonal,
    require_impersonal_words,
    require_sound,
    require_year,
)
from activities.pledge_states import PledgeStatus, PledgeStep
from activities.pledge_steps import Move
from activities.volunteering import NotAffiliated
from core import audit
from core.clock import business_day
from core.ids import new_id
from members.access import ROSTER_ROLES, Actor, get_member
from members.models import Affiliation, AffiliationKind, Organization
from points import claims

_UNDECIDED: dict[str, Any] = {"decided_by": None, "decided_at": None, "decision_reason": ""}


def create(
    session: Session, actor: Actor, member_id: UUID, *, new: NewPledge, now: datetime
) -> UUID:
    """Begin a pledge as a draft: a member his own, a keeper of the roster for somebody else.

    Raises:
        NotFound: the member is out of scope.
        NotAffiliated: he belongs to no branch today.
        YearRefused, DueDateRefused, PrivateDataRefused: it cannot become a pledge.
    """
    get_member(session, actor, member_id, roles=ROSTER_ROLES)
    audit.act_for(session, member_id)
    today = business_day(now)
    require_year(new.year, today=today)
    require_sound(new.words, year=new.year, kind=new.kind, today=today)
    pledge = Pledge(
        id=new_id(),
        member_id=member_id,
        year=new.year,
        kind=new.kind,
        entered_by=actor.member_id,
        created_at=now,
        **asdict(new.words),
        **_bodies_of(session, member_id, actor.on),
    )
    session.add(pledge)
    # The timeline refers to it by foreign key.
    session.flush()
    pledge_steps.note_creation(session, actor, pledge, now=now)
    return pledge.id


def edit(
    session: Session,
    actor: Actor,
    pledge_id: UUID,
    *,
    words: PledgeWords,
    version: int,
    now: datetime,
) -> None:
    """Write a draft or a returned pledge anew.

    Raises:
        NotFound: not the actor's to write.
        VersionConflict, StepImpossible: it was changed or sent in meanwhile.
        DueDateRefused, PrivateDataRefused: it cannot become a pledge.
    """
    pledge = pledge_steps.hold_for_member(session, actor, pledge_id, PledgeStep.EDIT, version)
    _require_sound(pledge, words, now)
    pledge_steps.take(session, actor, [Move(pledge, PledgeStep.EDIT, asdict(words))], now=now)


def submit(session: Session, actor: Actor, pledge_id: UUID, *, now: datetime) -> None:
    """Put a draft or a returned pledge before the body that decides it today.

    Raises:
        NotFound: not the actor's to write.
        StepImpossible: it was sent in before.
        NotAffiliated: the member belongs to no branch today.
        DueDateRefused: its due day passed while it lay.
    """
    pledge = pledge_steps.hold_for_member(session, actor, pledge_id, PledgeStep.SUBMIT)
    words = _words_of(pledge)
    _require_sound(pledge, words, now)
    values = {
        "text_number": _put_forward(session, actor, pledge, words, "", now),
        **_UNDECIDED,
        **_bodies_of(session, pledge.member_id, actor.on),
    }
    pledge_steps.take(session, actor, [Move(pledge, PledgeStep.SUBMIT, values)], now=now)


def withdraw(session: Session, actor: Actor, pledge_id: UUID, *, now: datetime) -> None:
    """Take back what waits, or give up what is not approved.

    What was sent in is a draft again; an amendment leaves the text in force as it is.

    Raises:
        NotFound: not the actor's to write.
        StepImpossible: it was approved meanwhile.
    """
    pledge = pledge_steps.hold_for_member(session, actor, pledge_id, PledgeStep.WITHDRAW)
    values = {} if pledge.status == PledgeStatus.AMENDED else _UNDECIDED
    pledge_steps.take(session, actor, [Move(pledge, PledgeStep.WITHDRAW, values)], now=now)


def amend(
    session: Session,
    actor: Actor,
    pledge_id: UUID,
    *,
    amendment: Amendment,
    version: int,
    now: datetime,
) -> None:
    """Propose other words for a published pledge; those in force stay until they are approved.

    The due day is not among them: the body that decides the pledge extends it.

    Raises:
        NotFound: not the actor's to write.
        VersionConflict, StepImpossible: it was changed meanwhile, or cannot be amended now.
        PrivateDataRefused: the text holds somebody's number.
    """
    pledge = pledge_steps.hold_for_member(session, actor, pledge_id, PledgeStep.AMEND, version)
    words, reason = amendment.words(pledge.due_on), amendment.reason
    require_impersonal_words(words)
    require_impersonal(reason=reason)
    values = {
        "text_number": _put_forward(session, actor, pledge, words, reason, now),
        "reviewer_organization_id": _reviewer_of(session, pledge, actor.on),
    }
    pledge_steps.take(session, actor, [Move(pledge, PledgeStep.AMEND, values, reason)], now=now)


def note_progress(
    session: Session, actor: Actor, pledge_id: UUID, *, note: str, now: datetime
) -> None:
    """Note what was done; it stands apart from what the branch finds.

    Raises:
        NotFound: not the actor's to write.
        StepImpossible: it is not running.
        PrivateDataRefused: the note holds somebody's number.
    """
    require_impersonal(note=note)
    pledge = pledge_steps.hold_for_member(session, actor, pledge_id, PledgeStep.NOTE_PROGRESS)
    pledge_steps.add_note(session, actor, pledge, PledgeNoteKind.PROGRESS, note, now=now)
    pledge_steps.take(session, actor, [Move(pledge, PledgeStep.NOTE_PROGRESS)], now=now)


def report_fulfilment(
    session: Session, actor: Actor, pledge_id: UUID, *, note: str, now: datetime
) -> None:
    """Report that a pledge is kept; points follow only when a meeting has evaluated it.

    Raises:
        NotFound: not the actor's to write.
        StepImpossible: it is not running.
        PrivateDataRefused: the note holds somebody's number.
    """
    require_impersonal(note=note)
    step = PledgeStep.REPORT_FULFILMENT
    pledge = pledge_steps.hold_for_member(session, actor, pledge_id, step)
    pledge_steps.add_note(session, actor, pledge, PledgeNoteKind.PROGRESS, note, now=now)
    values = {"reviewer_organization_id": _reviewer_of(session, pledge, actor.on)}
    pledge_steps.take(session, actor, [Move(pledge, step, values)], now=now)


def _require_sound(pledge: Pledge, words: PledgeWords, now: datetime) -> None:
    kind = PledgeKind(pledge.kind)
    require_sound(words, year=pledge.year, kind=kind, today=business_day(now))


def _words_of(pledge: Pledge) -> PledgeWords:
    return PledgeWords(**{name: getattr(pledge, name) for name in PledgeWords.__slots__})


def _put_forward(
    session: Session, actor: Actor, pledge: Pledge, words: PledgeWords, reason: str, now: datetime
) -> int:
    """Keep a text as it is put before the deciding body; its number."""
    number = pledge.text_number + 1
    session.add(
        PledgeRevision(
            pledge_id=pledge.id,
            number=number,
            reason=reason,
            proposed_by=actor.member_id,
            proposed_at=now,
            **asdict(words),
        )
    )
    session.flush()
    return number


def _bodies_of(session: Session, member_id: UUID, on: date) -> dict[str, UUID]:
    """The member's branch of the day, and who decides his pledges there (decision 7)."""
    branch = session.scalar(
        sa.select(Organization)
        .join(Affiliation, Affiliation.organization_id == Organization.id)
        .where(
            Affiliation.member_id == member_id,
            Affiliation.kind == AffiliationKind.PRIMARY,
            Affiliation.valid_from <= on,
            Affiliation.valid_to.is_(None) | (Affiliation.valid_to > on),
        )
    )
    if branch is None:
        raise NotAffiliated("今日没有登记组织关系，请联系支部书记。")
    reviewer_id = claims.find_reviewer(session, member_id, branch, on)
    return {"organization_id": branch.id, "reviewer_organization_id": reviewer_id}


def _reviewer_of(session: Session, pledge: Pledge, on: date) -> UUID:
    """Who decides it today: the branch that it was made in stays the same after a transfer."""
    branch = session.get_one(Organization, pledge.organization_id)
    return claims.find_reviewer(session, pledge.member_id, branch, on)
