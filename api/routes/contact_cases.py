"""Cases of members to be contacted: lists, one whole, its forms, and who was shown what."""

import io
from typing import Any
from uuid import UUID

import flask
from marshmallow import fields

from api.auth import any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Choice, Day, Identifier, Instant, OutSchema, QueryCount
from api.paging import PageQuery, encode_page, page_of
from api.recorded_reading import recorded_reading
from core.clock import utc_now
from core.errors import NotFound
from members.contact import case_access, case_reading, forms
from members.contact.case_access import ACCESS_READERS, CASE_KEEPERS, CASE_ROLES, Showing
from members.contact.case_models import AccessKind
from members.contact.case_reading import CaseFile, CaseFilter, CaseLine
from members.contact.case_rules import BAND_NAMES, TASK_NAMES, CaseTask
from members.contact.forms import TITLES, FormKind
from members.contact.models import CaseState

blp = Blueprint("contact-cases", __name__, description="待联系党员")

_ID = "0198c0de-0000-7000-8000-000000000160"
_AT = "2026-11-10T09:00:00+08:00"
_WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_BINARY = {"type": "string", "format": "binary"}
WORKERS = any_of(*CASE_ROLES)
KEEPERS = any_of(*CASE_KEEPERS)


class ContactCaseQuery(PageQuery):
    state = Choice(CaseState, load_default="open", metadata={"example": "open"})
    stage_min = QueryCount(
        minimum=3,
        maximum=8,
        load_default=3,
        metadata={"example": 4, "description": "从第几级起；4 级起须由党委组织查找"},
    )


class ContactCaseLineOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    member_id = Identifier(metadata={"example": _ID})
    member_name = fields.String(metadata={"example": "王志强"})
    phone_masked = fields.String(allow_none=True, metadata={"example": "138****8000"})
    organization_id = Identifier(metadata={"example": _ID})
    organization_name = fields.String(metadata={"example": "梧桐里社区党支部"})
    clock = fields.String(metadata={"example": "lost_contact"})
    anchor_on = Day(metadata={"example": "2026-06-30", "description": "最后一次联系的日期"})
    stage = fields.Integer(metadata={"example": 4})
    task = fields.String(metadata={"example": "committee_search"})
    task_name = fields.String(metadata={"example": TASK_NAMES[CaseTask.COMMITTEE_SEARCH]})
    is_committee_task = fields.Boolean(metadata={"example": True})
    state = fields.String(metadata={"example": "open"})
    assigned_to = Identifier(allow_none=True, metadata={"example": _ID})
    assignee_name = fields.String(allow_none=True, metadata={"example": "李静"})
    assignee_role = fields.String(metadata={"example": "branch_secretary"})
    reason_code = fields.String(allow_none=True, metadata={"example": "work_elsewhere"})
    attempts = fields.Integer(metadata={"example": 3, "description": "已查找的次数"})
    not_before = Instant(
        allow_none=True, metadata={"example": _AT, "description": "下一次最早什么时候再试"}
    )
    opened_at = Instant(metadata={"example": _AT})
    closed_at = Instant(allow_none=True, metadata={"example": None})
    closing_note = fields.String(metadata={"example": ""})
    version = fields.Integer(metadata={"example": 2})


class ContactAttemptOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    method = fields.String(metadata={"example": "phone_call"})
    contacted = fields.String(metadata={"example": "nobody"})
    outcome = fields.String(metadata={"example": "no_answer"})
    attempted_at = Instant(metadata={"example": _AT})
    number_id = Identifier(
        allow_none=True, metadata={"example": None, "description": "为空即名册上的手机号"}
    )
    promised_on = Day(allow_none=True, metadata={"example": None})
    not_before = Instant(allow_none=True, metadata={"example": _AT})
    document_number = fields.String(metadata={"example": ""})
    note = fields.String(metadata={"example": ""})
    recorded_by = Identifier(metadata={"example": _ID})
    recorded_by_name = fields.String(metadata={"example": "李静"})
    answered_at = Instant(
        allow_none=True, metadata={"example": None, "description": "本人点开“我在”链接的时间"}
    )


class SearchCheckOut(OutSchema):
    code = fields.String(metadata={"example": "attempts"})
    sentence = fields.String(metadata={"example": "查找 5 次，已有 3 次"})
    is_met = fields.Boolean(metadata={"example": False})


class ContactNumberOut(OutSchema):
    id = Identifier(
        allow_none=True, metadata={"example": None, "description": "为空即名册上的手机号"}
    )
    relation = fields.String(metadata={"example": "member"})
    phone_masked = fields.String(metadata={"example": "138****8000"})
    consented_on = Day(allow_none=True, metadata={"example": None})
    is_retired = fields.Boolean(metadata={"example": False, "description": "号码不对，已停用"})


class ContactContestOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    case_id = Identifier(metadata={"example": _ID})
    note = fields.String(metadata={"example": "三月起我一直在流入地参加组织生活。"})
    state = fields.String(metadata={"example": "open"})
    filed_at = Instant(metadata={"example": _AT})
    answered_at = Instant(allow_none=True, metadata={"example": None})
    answer = fields.String(metadata={"example": ""})


class CaseExaminationOut(OutSchema):
    is_open = fields.Boolean(metadata={"example": False, "description": "是否符合研究条件"})
    sentence = fields.String(metadata={"example": "未到期限，请继续查找和联系。"})


class CaseReviewOut(OutSchema):
    id = Identifier(attribute="review.id", metadata={"example": _ID})
    body = fields.String(attribute="review.body", metadata={"example": "街道党工委会议"})
    reviewed_on = Day(attribute="review.reviewed_on", metadata={"example": "2026-11-09"})
    finding = fields.String(
        attribute="review.finding",
        metadata={
            "example": "ready_for_study",
            "description": "continue_searching return_with_gaps ready_for_study",
        },
    )
    document_number = fields.String(
        attribute="review.document_number", metadata={"example": "杨街党纪要〔2026〕12号"}
    )
    note = fields.String(attribute="review.note", metadata={"example": ""})
    recorded_by_name = fields.String(metadata={"example": "赵敏"})
    recorded_at = Instant(attribute="review.recorded_at", metadata={"example": _AT})


class ContactCaseOut(ContactCaseLineOut):
    attempts_made = fields.List(fields.Nested(ContactAttemptOut))
    reviews = fields.List(
        fields.Nested(CaseReviewOut), metadata={"description": "党委审阅查找材料的记录"}
    )
    checklist = fields.List(fields.Nested(SearchCheckOut))
    gaps = fields.List(fields.String(metadata={"example": "还缺：发书面通知一次，没有。"}))
    numbers = fields.List(fields.Nested(ContactNumberOut))
    contests = fields.List(fields.Nested(ContactContestOut))
    band = fields.String(metadata={"example": "under_6_months"})
    band_name = fields.String(metadata={"example": "不满 6 个月"})
    examination = fields.Nested(CaseExaminationOut)


class CaseAccessOut(OutSchema):
    id = Identifier(attribute="record.id", metadata={"example": _ID})
    case_id = Identifier(attribute="record.case_id", metadata={"example": _ID})
    actor_id = Identifier(attribute="record.actor_id", metadata={"example": _ID})
    actor_name = fields.String(metadata={"example": "李静"})
    kind = fields.String(attribute="record.kind", metadata={"example": "case"})
    purpose = fields.String(attribute="record.purpose", metadata={"example": ""})
    at = Instant(attribute="record.at", metadata={"example": _AT})
    request_id = fields.String(attribute="record.request_id", metadata={"example": "k3v9q2xw"})


CasePage, AccessPage = page_of(ContactCaseLineOut), page_of(CaseAccessOut)


@blp.get("/orgs/<uuid:organization_id>/contact-cases", access=WORKERS)
@blp.arguments(ContactCaseQuery, location="query")
@blp.response(200, CasePage)
def list_contact_cases(query: dict[str, Any], organization_id: UUID) -> Any:
    """本组织及下级的待联系党员，按支部、姓名排列；每次查看都会留下记录"""
    wanted = CaseFilter(organization_id, CaseState(query["state"]), query["stage_min"])
    with recorded_reading() as session:
        page = case_reading.list_cases(
            session,
            current_actor(),
            wanted=wanted,
            after=query.get("cursor"),
            limit=query["limit"],
            now=utc_now(),
        )
    return encode_page(page) | {"items": [_shown_line(line) for line in page.items]}


@blp.get("/contact-cases/<uuid:case_id>", access=WORKERS)
@blp.response(200, ContactCaseOut)
def get_contact_case(case_id: UUID) -> Any:
    """一名待联系党员的查找记录、缺项和期限；每次查看都会留下记录"""
    with recorded_reading() as session:
        return shown_case(
            case_reading.open_case(
                session,
                current_actor(),
                case_id,
                showing=Showing(AccessKind.CASE),
                now=utc_now(),
            )
        )


@blp.get(
    "/contact-cases/<uuid:case_id>/forms/<string(maxlength=40):kind>",
    access=KEEPERS,
    asks_confirmation=True,
)
@blp.response(200, _BINARY, content_type=_WORKBOOK)
def get_contact_case_form(case_id: UUID, kind: str) -> Any:
    """登记表：not_found 失去联系党员情况登记表，found_again 重新取得联系党员情况"""
    if kind not in list(FormKind):
        raise NotFound
    with recorded_reading() as session:
        content = forms.write(session, current_actor(), case_id, kind=FormKind(kind), now=utc_now())
    name = f"{TITLES[FormKind(kind)]}.xlsx"
    return flask.send_file(io.BytesIO(content), _WORKBOOK, as_attachment=True, download_name=name)


@blp.get("/orgs/<uuid:organization_id>/contact-case-access-records", access=any_of(*ACCESS_READERS))
@blp.arguments(PageQuery, location="query")
@blp.response(200, AccessPage)
def list_contact_case_access(query: dict[str, Any], organization_id: UUID) -> Any:
    """谁在什么时候看过哪件待联系工作，新的在前"""
    page = case_access.list_access(
        db.session(),
        current_actor(),
        organization_id,
        after=query.get("cursor"),
        limit=query["limit"],
    )
    return encode_page(page)


def _shown_line(line: CaseLine) -> dict[str, Any]:
    return {
        **{name: getattr(line.case, name) for name in _CASE_FIELDS},
        "member_name": line.member.name,
        "phone_masked": line.member.phone_masked,
        "organization_name": line.organization_name,
        "assignee_name": line.assignee_name,
        "attempts": line.attempts,
        "not_before": line.not_before,
        "task": line.task,
        "task_name": TASK_NAMES[line.task],
        "is_committee_task": line.is_committee_task,
    }


def shown_case(case_file: CaseFile) -> dict[str, Any]:
    """A case as `ContactCaseOut` dumps it."""
    return _shown_line(case_file.line) | {
        "attempts_made": [
            {
                **{name: getattr(one.attempt, name) for name in _ATTEMPT_FIELDS},
                "recorded_by_name": one.recorded_by_name,
                "answered_at": one.answered_at,
            }
            for one in case_file.attempts
        ],
        "reviews": case_file.reviews,
        "checklist": case_file.checks,
        "gaps": case_file.gaps,
        "numbers": case_file.numbers,
        "contests": case_file.contests,
        "band": case_file.band,
        "band_name": BAND_NAMES[case_file.band],
        "examination": case_file.examination,
    }


_CASE_FIELDS = ContactCaseLineOut().fields.keys() - {
    "member_name",
    "phone_masked",
    "organization_name",
    "assignee_name",
    "attempts",
    "not_before",
    "task",
    "task_name",
    "is_committee_task",
}
_ATTEMPT_FIELDS = ContactAttemptOut().fields.keys() - {"recorded_by_name", "answered_at"}
