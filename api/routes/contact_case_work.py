"""Working on a case: attempts, numbers, assignment, reason, contests, its end."""

from typing import Any
from uuid import UUID

from marshmallow import fields

from api.auth import current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Choice, Day, Identifier, InSchema, Instant, OutSchema, Text, Version
from api.idempotency import Retry
from api.recorded_reading import recorded_reading
from api.routes.contact_cases import KEEPERS, WORKERS, ContactCaseOut, shown_case
from core.clock import utc_now
from core.db import unit_of_work
from members.contact import (
    attempts,
    case_reading,
    case_work,
    contact_numbers,
    own_report_links,
)
from members.contact.case_access import Showing
from members.contact.case_models import AccessKind, ContactRelation
from members.contact.case_work import Assignment
from members.contact.contact_numbers import NumberFacts
from members.contact.models import AssigneeRole, CaseState, ReasonCode
from members.contact.search_rules import AttemptFacts
from members.contact.search_words import ContactedPerson, Outcome, SearchMethod
from notifications import own_report_messages

blp = Blueprint("contact-case-work", __name__, description="待联系党员的查找")

_ID = "0198c0de-0000-7000-8000-000000000161"
_NUMBER_HELP = "试的是哪个号码；省略即名册上的手机号"
_ENDS = (CaseState.RECONTACTED, CaseState.CLOSED)


class ContactAttemptIn(InSchema):
    method = Choice(SearchMethod, required=True, metadata={"example": "phone_call"})
    contacted = Choice(
        ContactedPerson,
        required=True,
        metadata={"example": "nobody", "description": "只记关系，不记姓名"},
    )
    outcome = Choice(Outcome, required=True, metadata={"example": "no_answer"})
    attempted_at = Instant(required=True, metadata={"example": "2026-11-10T09:30:00+08:00"})
    number_id = Identifier(
        load_default=None,
        allow_none=True,
        metadata={"example": None, "description": _NUMBER_HELP},
    )
    promised_on = Day(load_default=None, allow_none=True, metadata={"example": None})
    document_number = Text(length_max=80, length_min=0, load_default="", metadata={"example": ""})
    note = Text(length_max=500, length_min=0, load_default="", metadata={"example": ""})


class CaseAssignmentIn(InSchema):
    assignee_id = Identifier(required=True, metadata={"example": _ID})
    role = Choice(AssigneeRole, required=True, metadata={"example": "branch_secretary"})
    version = Version(metadata={"example": 1})


class CaseReasonIn(InSchema):
    reason_code = Choice(ReasonCode, required=True, metadata={"example": "work_elsewhere"})
    version = Version(metadata={"example": 1})


class CaseEndIn(InSchema):
    state = Choice(_ENDS, required=True, metadata={"example": "recontacted"})
    note = Text(
        length_max=200, required=True, metadata={"example": "本人到支部说明，已恢复组织生活"}
    )


class ContactNumberIn(InSchema):
    relation = Choice(ContactRelation, required=True, metadata={"example": "spouse"})
    phone = Text(length_max=20, required=True, metadata={"example": "13800008001"})
    consented_on = Day(
        load_default=None,
        allow_none=True,
        metadata={"example": "2026-11-01", "description": "备用联系人同意的日期；本人号码不填"},
    )


class NumberDisclosureIn(InSchema):
    number_id = Identifier(
        load_default=None,
        allow_none=True,
        metadata={"example": None, "description": _NUMBER_HELP},
    )
    purpose = Text(length_max=200, required=True, metadata={"example": "第三次电话查找"})


class NumberDisclosureOut(OutSchema):
    phone = fields.String(metadata={"example": "13800008000"})


class OwnReportLinkOut(OutSchema):
    path = fields.String(metadata={"example": "/api/v1/own-reports/" + "A" * 54})
    expires_at = Instant(metadata={"example": "2026-11-24T09:30:00+08:00"})


class OwnReportMessageOut(OutSchema):
    expires_at = Instant(metadata={"example": "2026-11-24T09:30:00+08:00"})


@blp.post("/contact-cases/<uuid:case_id>/attempts", access=WORKERS)
@blp.arguments(ContactAttemptIn)
@blp.response(201, ContactCaseOut)
def create_contact_attempt(data: dict[str, Any], case_id: UUID) -> Any:
    """记一次查找；联系上本人的，同时记为联系；号码不对的，停用该号码"""
    number_id = data.pop("number_id")
    attempt = AttemptFacts(
        method=SearchMethod(data.pop("method")),
        contacted=ContactedPerson(data.pop("contacted")),
        outcome=Outcome(data.pop("outcome")),
        **data,
    )
    with unit_of_work(db.session()) as session:
        attempts.record(
            session, current_actor(), case_id, attempt=attempt, number_id=number_id, now=utc_now()
        )
    return show_again(case_id)


@blp.post(
    "/contact-cases/<uuid:case_id>/attempts/<uuid:attempt_id>/own-report-links",
    access=WORKERS,
    retry=Retry.SHOWN_ONCE,
)
@blp.response(201, OwnReportLinkOut)
def create_own_report_link(case_id: UUID, attempt_id: UUID) -> Any:
    """生成“我在”链接，由查找人发给本人：十四天内有效，只能用一次"""
    with unit_of_work(db.session()) as session:
        link = own_report_links.issue(session, current_actor(), case_id, attempt_id, now=utc_now())
    return {"path": f"/api/v1/own-reports/{link.token}", "expires_at": link.expires_at}


@blp.post(
    "/contact-cases/<uuid:case_id>/attempts/<uuid:attempt_id>/own-report-messages", access=WORKERS
)
@blp.response(201, OwnReportMessageOut)
def send_own_report_message(case_id: UUID, attempt_id: UUID) -> Any:
    """把“我在”链接用短信发给本人：按静默时段和每周次数发出，链接不在此显示"""
    with unit_of_work(db.session()) as session:
        return own_report_messages.send(
            session, current_actor(), case_id, attempt_id, now=utc_now()
        )


@blp.put("/contact-cases/<uuid:case_id>/assignment", access=KEEPERS)
@blp.arguments(CaseAssignmentIn)
@blp.response(200, ContactCaseOut)
def assign_contact_case(data: dict[str, Any], case_id: UUID) -> Any:
    """交给党小组长、支部书记或党委工作人员"""
    assignment = Assignment(data["assignee_id"], AssigneeRole(data["role"]))
    with unit_of_work(db.session()) as session:
        case_work.assign(
            session,
            current_actor(),
            case_id,
            assignment=assignment,
            version=data["version"],
            now=utc_now(),
        )
    return show_again(case_id)


@blp.put("/contact-cases/<uuid:case_id>/reason", access=KEEPERS)
@blp.arguments(CaseReasonIn)
@blp.response(200, ContactCaseOut)
def set_contact_case_reason(data: dict[str, Any], case_id: UUID) -> Any:
    """填写失去联系的原因（七类）"""
    with unit_of_work(db.session()) as session:
        case_work.set_reason(
            session,
            current_actor(),
            case_id,
            reason=ReasonCode(data["reason_code"]),
            version=data["version"],
        )
    return show_again(case_id)


@blp.post("/contact-cases/<uuid:case_id>/end", access=KEEPERS)
@blp.arguments(CaseEndIn)
@blp.response(200, ContactCaseOut)
def end_contact_case(data: dict[str, Any], case_id: UUID) -> Any:
    """结束查找：重新取得联系，或本不必查找"""
    with unit_of_work(db.session()) as session:
        case_work.close(
            session,
            current_actor(),
            case_id,
            state=CaseState(data["state"]),
            note=data["note"],
            now=utc_now(),
        )
    return show_again(case_id)


@blp.post("/contact-cases/<uuid:case_id>/numbers", access=WORKERS)
@blp.arguments(ContactNumberIn)
@blp.response(201, ContactCaseOut)
def create_contact_number(data: dict[str, Any], case_id: UUID) -> Any:
    """登记另一个号码：本人的，或经其同意的备用联系人的"""
    given = NumberFacts(ContactRelation(data["relation"]), data["phone"], data["consented_on"])
    with unit_of_work(db.session()) as session:
        contact_numbers.add(session, current_actor(), case_id, given=given, now=utc_now())
    return show_again(case_id)


@blp.post(
    "/contact-cases/<uuid:case_id>/number-disclosures",
    access=WORKERS,
    retry=Retry.SHOWN_ONCE,
    asks_confirmation=True,
)
@blp.arguments(NumberDisclosureIn)
@blp.response(201, NumberDisclosureOut)
def disclose_contact_number(data: dict[str, Any], case_id: UUID) -> Any:
    """显示一个号码的全部数字，须写明用途，并留下记录"""
    with unit_of_work(db.session()) as session:
        phone = contact_numbers.disclose(
            session,
            current_actor(),
            case_id,
            data["number_id"],
            purpose=data["purpose"],
            now=utc_now(),
        )
    return {"phone": phone}


def show_again(case_id: UUID) -> dict[str, Any]:
    """The case after the change; showing it again is on record like every showing."""
    with recorded_reading() as session:
        showing = Showing(AccessKind.CASE)
        actor = current_actor()
        return shown_case(
            case_reading.open_case(session, actor, case_id, showing=showing, now=utc_now())
        )
