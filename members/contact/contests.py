"""A member's word against his own case, and the answer that a person gives."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from core.errors import Conflict, NotFound
from core.ids import new_id
from members.access import Actor, hold_roles
from members.contact import case_work, facts
from members.contact.case_access import CASE_KEEPERS, get_kept_case
from members.contact.case_models import ContactContest, ContestState
from members.contact.facts import ContactFact
from members.contact.models import CaseState, ContactCase, ContactKind


class NothingToContest(NotFound):
    """The member has no open case."""

    code = "contact.nothing_to_contest"
    title = "您没有待联系的记录"


class ContestAnswered(Conflict):
    """Somebody answered first."""

    code = "contact.contest_answered"
    title = "这项说明已经答复"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person answers: whether the member is right, and why."""

    is_upheld: bool
    text: str


def file(session: Session, actor: Actor, *, note: str, now: datetime) -> list[ContactContest]:
    """Contest one's own open cases. Writing shows that one can be reached, so it is soft contact.

    Raises:
        NothingToContest: there is no open case.
        IntegrityError: one is contested already (`uq_contact_contest_open`).
    """
    cases = session.scalars(
        sa.select(ContactCase)
        .where(ContactCase.member_id == actor.member_id, ContactCase.state == CaseState.OPEN)
        .order_by(ContactCase.id)
    ).all()
    if not cases:
        raise NothingToContest
    made = [
        ContactContest(
            id=new_id(),
            case_id=case.id,
            member_id=actor.member_id,
            note=note,
            state=ContestState.OPEN,
            filed_at=now,
            answer="",
        )
        for case in cases
    ]
    facts.record(session, [_reply(made[0], cases[0], now)], now=now)
    session.add_all(made)
    session.flush()
    return made


def list_own(session: Session, actor: Actor) -> Sequence[ContactContest]:
    """What the actor has contested, newest first; there are as many as he had cases."""
    return session.scalars(
        sa.select(ContactContest)
        .where(ContactContest.member_id == actor.member_id)
        .order_by(ContactContest.id.desc())
        .limit(100)
    ).all()


def answer(
    session: Session,
    actor: Actor,
    case_id: UUID,
    contest_id: UUID,
    *,
    reply: Answer,
    now: datetime,
) -> None:
    """Answer a contest; upheld, it ends the case.

    Raises:
        NotFound: the case is out of scope or about the actor, or the contest is none of its.
        ContestAnswered: somebody answered first.
        CaseClosed: upheld, but the case has ended meanwhile.
        CaseKept: upheld, but the member is suspended: that takes a decision, not an answer.
    """
    hold_roles(session, actor, CASE_KEEPERS)
    case = get_kept_case(session, actor, case_id)
    contest = session.get(ContactContest, contest_id)
    if contest is None or contest.case_id != case_id:
        raise NotFound
    answered = session.scalar(
        sa.update(ContactContest)
        .where(ContactContest.id == contest_id, ContactContest.state == ContestState.OPEN)
        .values(
            state=ContestState.UPHELD if reply.is_upheld else ContestState.REJECTED,
            answered_by=actor.member_id,
            answered_at=now,
            answer=reply.text,
        )
        .returning(ContactContest.id)
    )
    if answered is None:
        raise ContestAnswered
    if reply.is_upheld:
        note = "本人说明属实"
        state = CaseState.CLOSED
        case_work.end(session, case, by=actor.member_id, state=state, note=note, now=now)


def _reply(contest: ContactContest, case: ContactCase, now: datetime) -> ContactFact:
    return ContactFact(
        member_id=contest.member_id,
        kind=ContactKind.REPLY,
        happened_on=business_day(now),
        organization_id=case.organization_id,
        source_id=contest.id,
        recorded_by=contest.member_id,
        note="本人书面说明",
    )
