"""Steps in a case that somebody else has to hear of, each with its messages in its transaction."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from members.access import Actor
from members.contact import case_reviews, contests
from members.contact.case_models import ContactContest
from members.contact.case_review_models import CaseReview
from members.contact.case_reviews import FINDING_NAMES, ReviewFacts
from members.contact.contests import Answer
from members.contact.models import ContactCase
from members.models import Member, Organization
from members.office_holders import find_holders
from notifications import outbox
from notifications.outbox import Message
from notifications.stop_conditions import occasion_of
from notifications.wording import masked


def record_review(
    session: Session, actor: Actor, case_id: UUID, *, facts: ReviewFacts, now: datetime
) -> CaseReview:
    """Enter a committee's review and tell the branch; raises as `case_reviews.record`."""
    review = case_reviews.record(session, actor, case_id, facts=facts, now=now)
    [case] = _cases(session, [case_id])
    finding = FINDING_NAMES[facts.finding]
    params = {"branch": case.branch, "name": masked(case.name), "finding": finding}
    params["note"] = f"{facts.note}。" if facts.note else ""
    people = _workers(session, actor, case) - {actor.member_id}
    _tell(session, "contact_case_reviewed", occasion_of(review.id), people, params, now)
    return review


def file_contest(
    session: Session, actor: Actor, *, note: str, now: datetime
) -> list[ContactContest]:
    """Take a member's word against his cases and tell who answers; raises as `contests.file`."""
    made = contests.file(session, actor, note=note, now=now)
    cases = {case.id: case for case in _cases(session, [one.case_id for one in made])}
    for contest in made:
        case = cases[contest.case_id]
        params = {"branch": case.branch, "name": masked(actor.name)}
        people = _workers(session, actor, case)
        _tell(session, "contact_contest_filed", occasion_of(contest.id), people, params, now)
    return made


def answer_contest(
    session: Session,
    actor: Actor,
    case_id: UUID,
    contest_id: UUID,
    *,
    reply: Answer,
    now: datetime,
) -> None:
    """Answer a contest and tell the member; raises as `contests.answer`."""
    contests.answer(session, actor, case_id, contest_id, reply=reply, now=now)
    member_id = session.get_one(ContactContest, contest_id).member_id
    result = "属实，不再列为待联系" if reply.is_upheld else "未予采纳"
    params = {"result": result, "answer": reply.text}
    _tell(session, "contact_contest_answered", occasion_of(contest_id), [member_id], params, now)


def _cases(session: Session, case_ids: Iterable[UUID]) -> Sequence[Any]:
    return session.execute(
        sa.select(
            ContactCase.id,
            ContactCase.member_id,
            ContactCase.organization_id,
            ContactCase.assigned_to,
            Organization.name.label("branch"),
            Member.name,
        )
        .join(Organization, Organization.id == ContactCase.organization_id)
        .join(Member, Member.id == ContactCase.member_id)
        .where(ContactCase.id.in_(list(case_ids)))
    ).all()


def _workers(session: Session, actor: Actor, case: Any) -> set[UUID]:
    """The branch's leaders and whom it was given to; where there is nobody, the officers above."""
    place = case.organization_id
    holders = find_holders(session, [place], on=actor.on)[place]
    given = {case.assigned_to} if case.assigned_to else set()
    near = (holders.leaders | given) - {case.member_id}
    return near or holders.officers - {case.member_id}


def _tell(
    session: Session,
    kind: str,
    occasion: str,
    people: Iterable[UUID],
    params: dict[str, str],
    now: datetime,
) -> None:
    messages = [Message(person, kind, occasion, params) for person in sorted(people)]
    outbox.enqueue(session, messages, now=now)
