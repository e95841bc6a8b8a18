"""Suggestions, complaints, requests about one's own data: sending, answering, reading."""

from typing import Any
from uuid import UUID

from marshmallow import fields

from api.auth import Access, any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import (
    Choice,
    Day,
    Flag,
    Identifier,
    InSchema,
    Instant,
    OutSchema,
    Text,
    Version,
)
from api.paging import PageQuery, encode_page, page_of
from api.recorded_reading import recorded_reading
from core.clock import utc_now
from core.db import unit_of_work
from core.paging import Page
from members.feedback import addressees, reading
from members.feedback.answering import Forwarding
from members.feedback.models import Feedback, FeedbackKind, FeedbackTopic
from members.feedback.reading import FeedbackState, FeedbackView
from members.feedback.routing import HANDLING_ROLES, READING_FEEDBACK
from members.feedback.rules import ANONYMITY, TERMS, Draft
from notifications import feedback_steps

blp = Blueprint("feedback", __name__, description="意见反馈、投诉和个人信息请求")

_ID = "0198c0de-0000-7000-8000-0000000002f0"
_AT = "2026-11-10T09:00:00+08:00"
_TEXT = "主题党日要求每人交五张照片，建议不再要求。"
_REPLY = "已通知支部不得要求提交照片，签到以点名为准。"
HANDLERS = any_of(*HANDLING_ROLES)


class FeedbackIn(InSchema):
    kind = Choice(FeedbackKind, required=True, metadata={"example": "complaint"})
    topic = Choice(
        FeedbackTopic,
        required=True,
        metadata={
            "example": "formalism",
            "description": "copy、correction、deletion 只用于个人信息请求",
        },
    )
    text = Text(length_max=1000, required=True, lines=True, metadata={"example": _TEXT})
    page = Text(
        length_max=80, load_default="", metadata={"example": "活动签到", "description": "在哪一页"}
    )
    operation = Text(length_max=80, load_default="", metadata={"example": "check_in"})
    error_request_id = Text(
        length_max=40,
        load_default="",
        metadata={"example": "k7m2p9qd", "description": "出错时页面上的编号；匿名时不能填"},
    )
    about_organization_id = Identifier(
        load_default=None,
        allow_none=True,
        metadata={"example": _ID, "description": "关于哪个组织：本支部或它的上级；省略即本支部"},
    )
    about_member_id = Identifier(
        load_default=None,
        allow_none=True,
        metadata={
            "example": _ID,
            "description": "关于在该组织任职的哪个人；他不会看到，也不能答复",
        },
    )
    to_organization_id = Identifier(
        load_default=None,
        allow_none=True,
        metadata={"example": _ID, "description": "由谁答复；省略即再上一级"},
    )
    is_anonymous = Flag(load_default=False, metadata={"example": False, "description": ANONYMITY})


class FeedbackUnsettledIn(InSchema):
    reason = Text(
        length_max=500,
        required=True,
        lines=True,
        metadata={"example": "答复以后，支部仍在要求交照片。"},
    )


class FeedbackVersionIn(InSchema):
    version = Version(metadata={"example": 1})


class FeedbackForwardIn(FeedbackVersionIn):
    to_organization_id = Identifier(required=True, metadata={"example": _ID})
    reason = Text(
        length_max=500,
        required=True,
        metadata={"example": "涉及全区的要求，由区委组织部答复更合适。"},
    )


class FeedbackAnswerIn(FeedbackVersionIn):
    reply = Text(length_max=1000, required=True, lines=True, metadata={"example": _REPLY})


class FeedbackQuery(PageQuery):
    state = Choice(
        FeedbackState,
        load_default=None,
        metadata={"example": "overdue", "description": "待答复、逾期、已答复；省略即全部"},
    )


class MemberFeedbackOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    kind = fields.String(metadata={"example": "complaint"})
    topic = fields.String(metadata={"example": "formalism"})
    text = fields.String(metadata={"example": _TEXT})
    page = fields.String(metadata={"example": "活动签到"})
    operation = fields.String(metadata={"example": "check_in"})
    error_request_id = fields.String(metadata={"example": "k7m2p9qd"})
    is_anonymous = fields.Boolean(metadata={"example": False})
    sender_id = Identifier(
        allow_none=True, metadata={"example": _ID, "description": "匿名的，只有本人看得到"}
    )
    sender_name = fields.String(metadata={"example": "李静"})
    about_organization_id = Identifier(metadata={"example": _ID})
    about_organization_name = fields.String(metadata={"example": "青石桥社区党支部"})
    about_member_name = fields.String(allow_none=True, metadata={"example": None})
    handling_organization_id = Identifier(metadata={"example": _ID})
    handling_organization_name = fields.String(metadata={"example": "青石桥街道党工委"})
    status = fields.String(metadata={"example": "open", "description": "open taken answered"})
    filed_at = Instant(metadata={"example": _AT})
    due_on = Day(metadata={"example": "2026-12-01"})
    is_overdue = fields.Boolean(metadata={"example": False})
    taken_by_name = fields.String(allow_none=True, metadata={"example": None})
    answered_at = Instant(allow_none=True, metadata={"example": None})
    unsettled_reason = fields.String(
        metadata={"example": "", "description": "本人对第一次答复提出“没有解决”的原因"}
    )
    version = fields.Integer(metadata={"example": 1})


class FeedbackStepOut(OutSchema):
    kind = fields.String(
        attribute="step.kind",
        metadata={
            "example": "answered",
            "description": "filed taken forwarded answered unsettled overdue",
        },
    )
    at = Instant(attribute="step.at", metadata={"example": _AT})
    organization_name = fields.String(
        metadata={"example": "青石桥街道党工委", "description": "这一步以后由谁答复"}
    )
    actor_name = fields.String(
        allow_none=True, metadata={"example": "王芳", "description": "本人的和系统的步骤没有"}
    )
    note = fields.String(attribute="step.note", metadata={"example": _REPLY})


class FeedbackDetailOut(MemberFeedbackOut):
    steps = fields.List(fields.Nested(FeedbackStepOut))


class AddresseeOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    name = fields.String(metadata={"example": "青石桥街道党工委"})


class FeedbackTermsOut(OutSchema):
    suggestion = fields.Integer(metadata={"example": 15})
    complaint = fields.Integer(metadata={"example": 15})
    data_request = fields.Integer(metadata={"example": 15})


class FeedbackChoicesOut(OutSchema):
    organizations = fields.List(
        fields.Nested(AddresseeOut), metadata={"description": "本支部和它的各级上级，由近到远"}
    )
    working_days = fields.Nested(
        FeedbackTermsOut, metadata={"description": "各类反馈的答复期限（工作日）"}
    )
    anonymity = fields.String(
        metadata={"example": ANONYMITY, "description": "选“匿名”之前给本人看的说明"}
    )


FeedbackPage = page_of(MemberFeedbackOut)


@blp.get("/me/feedback-choices", access=Access.MEMBER)
@blp.response(200, FeedbackChoicesOut)
def get_feedback_choices() -> Any:
    """反馈可以关于谁、由谁答复、多久答复、匿名是什么意思"""
    return {
        "organizations": addressees.list_line(db.session(), current_actor()),
        "working_days": TERMS,
        "anonymity": ANONYMITY,
    }


@blp.post("/feedback", access=Access.MEMBER)
@blp.arguments(FeedbackIn)
@blp.response(201, FeedbackDetailOut)
def send_feedback(data: dict[str, Any]) -> Any:
    """提意见、投诉，或就本人信息提出请求；默认由被反映组织的上一级在期限内答复"""
    kinds = {"kind": FeedbackKind(data["kind"]), "topic": FeedbackTopic(data["topic"])}
    with unit_of_work(db.session()) as session:
        sent = feedback_steps.send(
            session, current_actor(), draft=Draft(**data | kinds), now=utc_now()
        )
        return _read(sent)


@blp.get("/me/feedback", access=Access.MEMBER)
@blp.arguments(PageQuery, location="query")
@blp.response(200, FeedbackPage)
def list_my_feedback(query: dict[str, Any]) -> Any:
    """我提出的反馈，新的在前"""
    page = reading.list_own(
        db.session(), current_actor(), after=query.get("cursor"), limit=query["limit"]
    )
    return _shown_page(page)


@blp.get("/orgs/<uuid:organization_id>/feedback", access=any_of(*READING_FEEDBACK))
@blp.arguments(FeedbackQuery, location="query")
@blp.response(200, FeedbackPage)
def list_feedback(query: dict[str, Any], organization_id: UUID) -> Any:
    """由本组织及其下级答复的反馈，先收到的在前；与自己有关的不在其中"""
    state = query["state"]
    with recorded_reading() as session:
        page = reading.list_of_body(
            session,
            current_actor(),
            organization_id,
            state=FeedbackState(state) if state else None,
            after=query.get("cursor"),
            limit=query["limit"],
        )
    return _shown_page(page)


@blp.get("/feedback/<uuid:feedback_id>", access=Access.MEMBER)
@blp.response(200, FeedbackDetailOut)
def get_feedback(feedback_id: UUID) -> Any:
    """一件反馈及其办理经过"""
    with recorded_reading() as session:
        view = reading.get(session, current_actor(), feedback_id)
        return _shown(view) | {"steps": reading.list_steps(session, feedback_id)}


@blp.post("/feedback/<uuid:feedback_id>/unsettled", access=Access.MEMBER)
@blp.arguments(FeedbackUnsettledIn)
@blp.response(200, FeedbackDetailOut)
def call_feedback_unsettled(data: dict[str, Any], feedback_id: UUID) -> Any:
    """答复没有解决问题：由上一级再答复一次，期限重新计算"""
    with unit_of_work(db.session()) as session:
        changed = feedback_steps.call_unsettled(
            session, current_actor(), feedback_id, reason=data["reason"], now=utc_now()
        )
        return _read(changed)


@blp.post("/feedback/<uuid:feedback_id>/take", access=HANDLERS)
@blp.arguments(FeedbackVersionIn)
@blp.response(200, FeedbackDetailOut)
def take_feedback(data: dict[str, Any], feedback_id: UUID) -> Any:
    """接手办理一件反馈；期限不变"""
    with unit_of_work(db.session()) as session:
        changed = feedback_steps.take(
            session, current_actor(), feedback_id, version=data["version"], now=utc_now()
        )
        return _read(changed)


@blp.post("/feedback/<uuid:feedback_id>/forward", access=HANDLERS)
@blp.arguments(FeedbackForwardIn)
@blp.response(200, FeedbackDetailOut)
def forward_feedback(data: dict[str, Any], feedback_id: UUID) -> Any:
    """说明原因，转给同一条线上的另一个组织答复；期限不变"""
    forwarding = Forwarding(data["to_organization_id"], data["reason"])
    with unit_of_work(db.session()) as session:
        changed = feedback_steps.forward(
            session,
            current_actor(),
            feedback_id,
            forwarding=forwarding,
            version=data["version"],
            now=utc_now(),
        )
        return _read(changed)


@blp.post("/feedback/<uuid:feedback_id>/answer", access=HANDLERS)
@blp.arguments(FeedbackAnswerIn)
@blp.response(200, FeedbackDetailOut)
def answer_feedback(data: dict[str, Any], feedback_id: UUID) -> Any:
    """书面答复一件反馈"""
    with unit_of_work(db.session()) as session:
        changed = feedback_steps.answer(
            session,
            current_actor(),
            feedback_id,
            reply=data["reply"],
            version=data["version"],
            now=utc_now(),
        )
        return _read(changed)


def _read(feedback: Feedback) -> dict[str, Any]:
    """What the caller sees of what he has just changed, also where it is out of his hands now."""
    session = db.session()
    view = reading.view_of(session, current_actor(), feedback)
    return _shown(view) | {"steps": reading.list_steps(session, feedback.id)}


def _shown_page(page: Page[FeedbackView]) -> dict[str, Any]:
    return encode_page(page) | {"items": [_shown(view) for view in page.items]}


def _shown(view: FeedbackView) -> dict[str, Any]:
    names = MemberFeedbackOut().fields.keys()
    values = {name: getattr(view.feedback, name) for name in names if hasattr(Feedback, name)}
    return values | {
        "sender_id": view.sender_id,
        "sender_name": view.sender_name,
        "about_organization_name": view.about_name,
        "about_member_name": view.about_member_name,
        "handling_organization_name": view.handling_name,
        "taken_by_name": view.taken_by_name,
        "is_overdue": view.is_overdue,
    }
