"""The committee's look at a case file from stage 5 on (domain 5.7): what it found, and when.

It is shown and it is a line of the checklist. No rule makes a decision wait for it, so none does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.clock import business_day
from core.errors import FieldProblem, NotFound, RuleViolation
from core.ids import new_id
from members.access import Actor, hold_roles
from members.access_models import Role
from members.contact.case_access import change_open, get_kept_case
from members.contact.case_review_models import CaseReview, ReviewFinding
from members.contact.models import ContactCase
from members.contact.search_rules import Check
from members.models import Member, Organization

REVIEW_STAGE = 5
REVIEW_ROLES = frozenset({Role.COMMITTEE_OFFICER, Role.DISTRICT_ADMIN})
FINDING_NAMES: dict[ReviewFinding, str] = {
    ReviewFinding.CONTINUE: "继续查找",
    ReviewFinding.RETURNED: "退回补齐",
    ReviewFinding.READY: "可以提交研究",
}


class ReviewInvalid(RuleViolation):
    """The review came too early, or lacks what tells it from no review."""

    code = "contact.review_invalid"
    title = "审阅记录填写有误"


@dataclass(frozen=True, slots=True)
class ReviewFacts:
    """Which body looked at the file, on which day, under which number, and what it found."""

    body: str
    reviewed_on: date
    finding: ReviewFinding
    document_number: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class ReviewLine:
    """A review and the name of who entered it."""

    review: CaseReview
    recorded_by_name: str


def record(
    session: Session, actor: Actor, case_id: UUID, *, facts: ReviewFacts, now: datetime
) -> CaseReview:
    """Enter what a committee found in the file of an open case.

    Raises:
        NotFound: the case is absent, about the actor, or of no branch below his committee.
        CaseClosed: it has ended.
        ReviewInvalid: before stage 5, in the future, or without a document or a reason.
    """
    hold_roles(session, actor, REVIEW_ROLES)
    case = get_kept_case(session, actor, case_id)
    if not actor.covers(session.get_one(Organization, case.organization_id).path, REVIEW_ROLES):
        raise NotFound
    change_open(session, case_id)
    _require(case, facts, business_day(now))
    review = CaseReview(
        id=new_id(),
        case_id=case_id,
        member_id=case.member_id,
        body=facts.body,
        reviewed_on=facts.reviewed_on,
        finding=facts.finding,
        document_number=facts.document_number,
        note=facts.note,
        recorded_by=actor.member_id,
        recorded_at=now,
    )
    session.add(review)
    session.flush()
    return review


def find_reviews(session: Session, case_id: UUID) -> Sequence[ReviewLine]:
    """The reviews of a case that the caller has got, oldest first."""
    rows = session.execute(
        sa.select(CaseReview, Member.name)
        .join(Member, Member.id == CaseReview.recorded_by)
        .where(CaseReview.case_id == case_id)
        .order_by(CaseReview.id)
    )
    return [ReviewLine(*row) for row in rows]


def review_checks(stage: int, reviews: Sequence[ReviewLine]) -> tuple[Check, ...]:
    """The line of the checklist: from stage 5 on a committee should have found the file ready."""
    if stage < REVIEW_STAGE:
        return ()
    if not reviews:
        return (Check("review", "党委审阅查找材料，没有", False),)
    newest = reviews[-1].review
    finding = ReviewFinding(newest.finding)
    sentence = f"党委审阅查找材料，{newest.reviewed_on} 已审阅：{FINDING_NAMES[finding]}"
    return (Check("review", sentence, finding is ReviewFinding.READY),)


def _require(case: ContactCase, facts: ReviewFacts, today: date) -> None:
    if case.stage < REVIEW_STAGE:
        message = f"到第 {REVIEW_STAGE} 级（期限将到）才由党委审阅，现在是第 {case.stage} 级。"
        raise ReviewInvalid(message)
    if not case.anchor_on <= facts.reviewed_on <= today:
        _refuse("reviewed_on", "审阅日期应在最后一次联系之后，且不晚于今天。")
    if facts.finding is ReviewFinding.RETURNED and not facts.note:
        _refuse("note", "退回的，请写明缺什么。")
    if not (facts.document_number or facts.note):
        _refuse("document_number", "请填写文号，没有文号的写明情况。")


def _refuse(field: str, message: str) -> None:
    problem = FieldProblem(f"/{field}", ReviewInvalid.code, message)
    raise ReviewInvalid(message, problems=(problem,))
