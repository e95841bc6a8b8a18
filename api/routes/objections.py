"""Objections: filing, answering, appealing, withdrawing, reading."""

from typing import Any
from uuid import UUID

from marshmallow import fields

from api.auth import Access, any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Choice, Day, Identifier, InSchema, Instant, OutSchema, Text
from api.paging import PageQuery, encode_page, page_of
from core.clock import utc_now
from core.db import unit_of_work
from points import objection_decisions, objections
from points.objection_decisions import Verdict
from points.objection_routing import DECIDING_ROLES

blp = Blueprint("objections", __name__, description="异议与申诉")

_ID = "0198c0de-0000-7000-8000-0000000000a0"
_AT = "2026-12-02T09:00:00+08:00"
_REASON = "这次活动我也在场，时长应为一小时"
DECIDERS = any_of(*DECIDING_ROLES)


class ObjectionIn(InSchema):
    reason = Text(length_max=500, required=True, lines=True, metadata={"example": _REASON})


class VerdictIn(InSchema):
    verdict = Choice(Verdict, required=True, metadata={"example": "rejected"})
    reply = Text(
        length_max=500,
        required=True,
        lines=True,
        metadata={"example": "签到表显示两小时，维持原记录。"},
    )


class ObjectionOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    entry_id = Identifier(allow_none=True, metadata={"example": _ID})
    adjustment_id = Identifier(allow_none=True, metadata={"example": None})
    appeal_of_id = Identifier(allow_none=True, metadata={"example": None})
    title = fields.String(metadata={"example": "清扫社区花坛"})
    member_id = Identifier(metadata={"example": _ID})
    organization_id = Identifier(metadata={"example": _ID})
    deciding_organization_id = Identifier(metadata={"example": _ID})
    reason = fields.String(metadata={"example": _REASON})
    filed_at = Instant(metadata={"example": _AT})
    reply_due_on = Day(metadata={"example": "2026-12-16"})
    status = fields.String(
        metadata={"example": "open", "description": "open upheld rejected withdrawn"}
    )
    reply = fields.String(metadata={"example": ""})
    decided_at = Instant(allow_none=True, metadata={"example": None})
    reversal_id = Identifier(allow_none=True, metadata={"example": None})


class ObjectionLineOut(ObjectionOut):
    member_name = fields.String(metadata={"example": "李静"})


class ObjectionEventOut(OutSchema):
    kind = fields.String(
        metadata={
            "example": "filed",
            "description": "filed appealed upheld rejected withdrawn escalated",
        }
    )
    note = fields.String(metadata={"example": _REASON})
    at = Instant(metadata={"example": _AT})


class ObjectionDetailOut(ObjectionLineOut):
    timeline = fields.List(fields.Nested(ObjectionEventOut))


ObjectionLinePage = page_of(ObjectionLineOut)


@blp.post("/points/entries/<uuid:entry_id>/objections", access=Access.MEMBER)
@blp.arguments(ObjectionIn)
@blp.response(201, ObjectionOut)
def object_to_entry(data: dict[str, Any], entry_id: UUID) -> Any:
    """对本人的或本支部公示中的一笔积分提出异议"""
    with unit_of_work(db.session()) as session:
        return objections.file_on_entry(
            session, current_actor(), entry_id, reason=data["reason"], now=utc_now()
        )


@blp.post("/points/adjustments/<uuid:adjustment_id>/objections", access=Access.MEMBER)
@blp.arguments(ObjectionIn)
@blp.response(201, ObjectionOut)
def object_to_adjustment(data: dict[str, Any], adjustment_id: UUID) -> Any:
    """对拟扣分提出异议，由经办人以外的人答复"""
    with unit_of_work(db.session()) as session:
        return objections.file_on_adjustment(
            session, current_actor(), adjustment_id, reason=data["reason"], now=utc_now()
        )


@blp.get("/me/objections", access=Access.MEMBER)
@blp.arguments(PageQuery, location="query")
@blp.response(200, ObjectionLinePage)
def list_my_objections(query: dict[str, Any]) -> Any:
    """我提出的异议，新的在前"""
    page = objection_decisions.list_own(
        db.session(), current_actor(), after=query.get("cursor"), limit=query["limit"]
    )
    return encode_page(page) | {"items": [_shown(row) for row in page.items]}


@blp.get("/orgs/<uuid:organization_id>/objections", access=DECIDERS)
@blp.arguments(PageQuery, location="query")
@blp.response(200, ObjectionLinePage)
def list_objections(query: dict[str, Any], organization_id: UUID) -> Any:
    """由本组织答复的异议，新的在前"""
    page = objection_decisions.list_of_body(
        db.session(),
        current_actor(),
        organization_id,
        after=query.get("cursor"),
        limit=query["limit"],
    )
    return encode_page(page) | {"items": [_shown(row) for row in page.items]}


@blp.get("/objections/<uuid:objection_id>", access=Access.MEMBER)
@blp.response(200, ObjectionDetailOut)
def get_objection(objection_id: UUID) -> Any:
    """一项异议及其经过"""
    session = db.session()
    row = objection_decisions.get(session, current_actor(), objection_id)
    return _shown(row) | {"timeline": objection_decisions.list_timeline(session, objection_id)}


@blp.post("/objections/<uuid:objection_id>/decision", access=DECIDERS)
@blp.arguments(VerdictIn)
@blp.response(200, ObjectionOut)
def decide_objection(data: dict[str, Any], objection_id: UUID) -> Any:
    """书面答复异议；成立的同时冲正"""
    with unit_of_work(db.session()) as session:
        return objection_decisions.decide(
            session,
            current_actor(),
            objection_id,
            verdict=Verdict(data["verdict"]),
            reply=data["reply"],
            now=utc_now(),
        )


@blp.post("/objections/<uuid:objection_id>/appeal", access=Access.MEMBER)
@blp.arguments(ObjectionIn)
@blp.response(201, ObjectionOut)
def appeal_objection(data: dict[str, Any], objection_id: UUID) -> Any:
    """不服驳回，向上一级党组织申诉一次"""
    with unit_of_work(db.session()) as session:
        return objections.appeal(
            session, current_actor(), objection_id, reason=data["reason"], now=utc_now()
        )


@blp.post("/objections/<uuid:objection_id>/withdraw", access=Access.MEMBER)
@blp.response(200, ObjectionOut)
def withdraw_objection(objection_id: UUID) -> Any:
    """撤回还没有答复的异议"""
    with unit_of_work(db.session()) as session:
        return objections.withdraw(session, current_actor(), objection_id, now=utc_now())


def _shown(row: Any) -> dict[str, Any]:
    values = {name: getattr(row.Objection, name) for name in ObjectionOut().fields}
    return values | {"member_name": row.member_name}
