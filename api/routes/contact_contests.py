"""A member's word against his case, and the answer of a person."""

from typing import Any
from uuid import UUID

from api.auth import Access, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Flag, InSchema, Text
from api.routes.contact_case_work import show_again
from api.routes.contact_cases import KEEPERS, ContactCaseOut, ContactContestOut
from core.clock import utc_now
from core.db import unit_of_work
from members.contact import contests
from members.contact.contests import Answer
from notifications import case_steps

blp = Blueprint("contact-contests", __name__, description="待联系记录的书面说明")


class ContactContestIn(InSchema):
    note = Text(
        length_max=500, required=True, metadata={"example": "三月起我一直在流入地参加组织生活。"}
    )


class ContestAnswerIn(InSchema):
    is_upheld = Flag(required=True, metadata={"example": True})
    answer = Text(
        length_max=500, required=True, metadata={"example": "已向流入地党组织核实，说明属实。"}
    )


@blp.post("/me/contact-contests", access=Access.MEMBER)
@blp.arguments(ContactContestIn)
@blp.response(201, ContactContestOut(many=True))
def create_contact_contest(data: dict[str, Any]) -> Any:
    """对自己的待联系记录作书面说明，由支部或上级的人答复"""
    with unit_of_work(db.session()) as session:
        return case_steps.file_contest(session, current_actor(), note=data["note"], now=utc_now())


@blp.get("/me/contact-contests", access=Access.MEMBER)
@blp.response(200, ContactContestOut(many=True))
def list_contact_contests() -> Any:
    """我作过的书面说明和答复，新的在前"""
    return contests.list_own(db.session(), current_actor())


@blp.post("/contact-cases/<uuid:case_id>/contests/<uuid:contest_id>/answer", access=KEEPERS)
@blp.arguments(ContestAnswerIn)
@blp.response(200, ContactCaseOut)
def answer_contact_contest(data: dict[str, Any], case_id: UUID, contest_id: UUID) -> Any:
    """答复本人的书面说明；属实的，查找随之结束"""
    with unit_of_work(db.session()) as session:
        case_steps.answer_contest(
            session,
            current_actor(),
            case_id,
            contest_id,
            reply=Answer(data["is_upheld"], data["answer"]),
            now=utc_now(),
        )
    return show_again(case_id)
