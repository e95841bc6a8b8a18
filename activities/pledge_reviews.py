"""Pledges, the deciding side: approving, publishing, supervising, extending, ending."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from activities import pledge_steps
from activities.pledge_meetings import Meeting, settle_meeting
from activities.pledge_models import Pledge, PledgeNoteKind, PledgeRevision
from activities.pledge_rules import Amendment, require_extension, require_impersonal
from activities.pledge_states import PledgeStatus, PledgeStep
from activities.pledge_steps import Move
from core.clock import business_day
from core.errors import NotFound
from members.access import REVIEWING_ROLES, Actor, hold_roles
from notifications import outbox

# Enough for the largest branch; what is left over is published by the next call.
PUBLISHED_AT_ONCE_MAX = 500


@dataclass(frozen=True, slots=True)
class Ruling:
    """A decision made on the version that was seen, and its reason."""

    version: int
    reason: str = ""


def approve(
    session: Session,
    actor: Actor,
    pledge_id: UUID,
    *,
    meeting: Meeting,
    version: int,
    now: datetime,
) -> None:
    """Approve what was sent in, or put an amendment in place of the text in force.

    Raises:
        NotFound, Forbidden, OwnPledge: not the actor's to decide.
        VersionConflict, StepImpossible: it was changed or decided meanwhile.
        MeetingRefused: the meeting that is named cannot have decided.
    """
    pledge = pledge_steps.hold_for_decision(session, actor, pledge_id, PledgeStep.APPROVE, version)
    settled = settle_meeting(meeting, is_branch=_is_branch(pledge), today=business_day(now))
    values = {
        "text_in_force": pledge.text_number,
        "decided_by": actor.member_id,
        "decided_at": now,
        "decision_reason": "",
        "approval_body": settled.body,
        "approval_meeting_on": settled.held_on,
        "approval_reference": settled.reference,
        **_approved_words(session, pledge),
    }
    move = Move(pledge, PledgeStep.APPROVE, values, meeting=settled)
    pledge_steps.take(session, actor, [move], now=now)
    _tell(session, pledge, "pledge_approved", {"title": str(values["title"])}, now=now)


def return_for_rewriting(
    session: Session, actor: Actor, pledge_id: UUID, *, ruling: Ruling, now: datetime
) -> None:
    """Send a pledge back; a refused amendment leaves the text in force as it is.

    Raises:
        NotFound, Forbidden, OwnPledge: not the actor's to decide.
        VersionConflict, StepImpossible: it was changed or decided meanwhile.
        PrivateDataRefused: the reason holds somebody's number.
    """
    reason, step = ruling.reason, PledgeStep.RETURN
    require_impersonal(reason=reason)
    pledge = pledge_steps.hold_for_decision(session, actor, pledge_id, step, ruling.version)
    values: dict[str, Any] = {}
    if pledge.status == PledgeStatus.SUBMITTED:
        values = {"decided_by": actor.member_id, "decided_at": now, "decision_reason": reason}
    move = Move(pledge, step, values, reason)
    pledge_steps.take(session, actor, [move], now=now)
    _tell(session, pledge, "pledge_returned", {"title": pledge.title, "reason": reason}, now=now)


def publish(
    session: Session, actor: Actor, pledge_id: UUID, *, version: int, now: datetime
) -> None:
    """Make one approved pledge known to the branch.

    Raises:
        NotFound, Forbidden: the actor does not speak for its branch.
        VersionConflict, StepImpossible: it was changed or published meanwhile.
    """
    pledge = pledge_steps.hold_for_branch(session, actor, pledge_id, PledgeStep.PUBLISH, version)
    _publish(session, actor, [pledge], now=now)


def publish_approved(
    session: Session, actor: Actor, organization_id: UUID, *, year: int, now: datetime
) -> list[UUID]:
    """Make all approved pledges of a branch and year known at once, in constant statements.

    Raises:
        NotFound: the actor does not speak for this organisation.
        Forbidden: his role was revoked meanwhile.
    """
    if not actor.reviews(organization_id):
        raise NotFound
    if organization_id not in hold_roles(session, actor, REVIEWING_ROLES):
        raise NotFound
    pledges = session.scalars(
        sa.select(Pledge)
        .where(
            Pledge.organization_id == organization_id,
            Pledge.year == year,
            Pledge.status == PledgeStatus.APPROVED,
        )
        .order_by(Pledge.id)
        .limit(PUBLISHED_AT_ONCE_MAX)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    _publish(session, actor, pledges, now=now)
    return [pledge.id for pledge in pledges]


def supervise(session: Session, actor: Actor, pledge_id: UUID, *, note: str, now: datetime) -> None:
    """Note what the branch finds on the way; it stands apart from what the member reports.

    Raises:
        NotFound, Forbidden, OwnPledge: not the actor's to decide.
        StepImpossible: it is not approved yet, or already evaluated.
        PrivateDataRefused: the note holds somebody's number.
    """
    require_impersonal(note=note)
    pledge = pledge_steps.hold_for_decision(session, actor, pledge_id, PledgeStep.SUPERVISE)
    pledge_steps.add_note(session, actor, pledge, PledgeNoteKind.SUPERVISION, note, now=now)
    pledge_steps.take(session, actor, [Move(pledge, PledgeStep.SUPERVISE)], now=now)


def extend(
    session: Session,
    actor: Actor,
    pledge_id: UUID,
    *,
    due_on: date,
    ruling: Ruling,
    now: datetime,
) -> None:
    """Give a pledge a later due day.

    Raises:
        NotFound, Forbidden, OwnPledge: not the actor's to decide.
        VersionConflict, StepImpossible: it was changed meanwhile, or is not running.
        DueDateRefused: the day is no later, or too far off.
    """
    require_impersonal(reason=ruling.reason)
    step = PledgeStep.EXTEND
    pledge = pledge_steps.hold_for_decision(session, actor, pledge_id, step, ruling.version)
    require_extension(pledge.due_on, due_on, year=pledge.year, today=business_day(now))
    move = Move(pledge, step, {"due_on": due_on}, ruling.reason)
    pledge_steps.take(session, actor, [move], now=now)


def decide(
    session: Session,
    actor: Actor,
    pledge_id: UUID,
    *,
    step: PledgeStep,
    ruling: Ruling,
    now: datetime,
) -> None:
    """Suspend, resume, excuse or close a pledge, with a reason that stays on its timeline.

    Why a pledge could not be kept is told to the branch, so it names nobody's numbers.

    Raises:
        NotFound, Forbidden, OwnPledge: not the actor's to decide.
        VersionConflict, StepImpossible: it was changed meanwhile, or the step does not lead on.
        PrivateDataRefused: the reason holds somebody's number.
    """
    require_impersonal(reason=ruling.reason)
    pledge = pledge_steps.hold_for_decision(session, actor, pledge_id, step, ruling.version)
    values = {"excuse_reason": ruling.reason} if step is PledgeStep.EXCUSE else {}
    pledge_steps.take(session, actor, [Move(pledge, step, values, ruling.reason)], now=now)


def _approved_words(session: Session, pledge: Pledge) -> Mapping[str, str]:
    """The words that are approved; on an amendment those that were proposed last."""
    text = session.execute(
        sa.select(PledgeRevision).where(
            PledgeRevision.pledge_id == pledge.id, PledgeRevision.number == pledge.text_number
        )
    ).scalar_one()
    names = [name for name in Amendment.__slots__ if name != "reason"]
    return {name: getattr(text, name) for name in names}


def _publish(session: Session, actor: Actor, pledges: Any, *, now: datetime) -> None:
    moves = [Move(one, PledgeStep.PUBLISH, {"published_at": now}) for one in pledges]
    pledge_steps.take(session, actor, moves, now=now)
    messages = [
        outbox.Message(one.member_id, "pledge_published", str(one.id), {"title": one.title})
        for one in pledges
    ]
    outbox.enqueue(session, messages, now=now)


def _is_branch(pledge: Pledge) -> bool:
    return pledge.reviewer_organization_id == pledge.organization_id


def _tell(
    session: Session, pledge: Pledge, kind: str, params: dict[str, Any], *, now: datetime
) -> None:
    # A pledge may be returned or amended more than once; each time is told.
    message = outbox.Message(pledge.member_id, kind, f"{pledge.id}:{pledge.version}", params)
    outbox.enqueue(session, [message], now=now)
