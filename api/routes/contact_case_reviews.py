"""A committee's review of the file of a member to be contacted."""

from typing import Any
from uuid import UUID

from api.auth import any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Choice, Day, InSchema, Text
from api.routes.contact_case_work import show_again
from api.routes.contact_cases import ContactCaseOut
from core.clock import utc_now
from core.db import unit_of_work
from members.contact.case_review_models import ReviewFinding
from members.contact.case_reviews import REVIEW_ROLES, ReviewFacts
from notifications import case_steps

blp = Blueprint("contact-case-reviews", __name__, description="待联系党员查找材料的审阅")


class CaseReviewIn(InSchema):
    body = Text(length_max=120, required=True, metadata={"example": "街道党工委会议"})
    reviewed_on = Day(required=True, metadata={"example": "2026-11-09"})
    finding = Choice(ReviewFinding, required=True, metadata={"example": "ready_for_study"})
    document_number = Text(
        length_max=80,
        length_min=0,
        load_default="",
        metadata={"example": "杨街党纪要〔2026〕12号", "description": "没有文号的，填写说明"},
    )
    note = Text(
        length_max=500,
        length_min=0,
        load_default="",
        metadata={"example": "", "description": "退回补齐的，写明缺什么"},
    )


@blp.post("/contact-cases/<uuid:case_id>/reviews", access=any_of(*REVIEW_ROLES))
@blp.arguments(CaseReviewIn)
@blp.response(201, ContactCaseOut)
def create_contact_case_review(data: dict[str, Any], case_id: UUID) -> Any:
    """登记党委对查找材料的审阅：继续查找、退回补齐、可以提交研究；不作任何认定"""
    facts = ReviewFacts(finding=ReviewFinding(data.pop("finding")), **data)
    with unit_of_work(db.session()) as session:
        case_steps.record_review(session, current_actor(), case_id, facts=facts, now=utc_now())
    return show_again(case_id)
