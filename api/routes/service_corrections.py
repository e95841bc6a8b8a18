"""Requests to verify and correct a volunteer record, and the organiser's answers."""

from typing import Any
from uuid import UUID

from marshmallow import fields

from activities import service_corrections
from activities.opportunities import ORGANISING_ROLES
from activities.service_corrections import Answer
from api.auth import STAFF, Access, any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Count, Day, Flag, Identifier, InSchema, Instant, OutSchema, Text
from api.paging import PageQuery, encode_page, page_of
from core.clock import business_day, utc_now
from core.db import unit_of_work

blp = Blueprint("service-corrections", __name__, description="志愿服务更正")

_ID = "0198c0de-0000-7000-8000-000000000120"
_AT = "2026-11-10T20:00:00+08:00"


class CorrectionIn(InSchema):
    minutes = Count(minimum=1, maximum=1440, required=True, metadata={"example": 150})
    grounds = Text(length_max=200, required=True, metadata={"example": "11 时 30 分才结束"})


class AnswerIn(InSchema):
    minutes = Count(
        minimum=1,
        maximum=1440,
        load_default=None,
        allow_none=True,
        metadata={"example": 150, "description": "核实后的分钟数；为空即不更正，须写明理由"},
    )
    reason = Text(length_max=200, length_min=0, load_default="", metadata={"example": "情况属实"})


class CorrectionOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    record_id = Identifier(metadata={"example": _ID})
    organization_id = Identifier(metadata={"example": _ID})
    minutes_before = fields.Integer(allow_none=True, metadata={"example": 120})
    asked_minutes = fields.Integer(metadata={"example": 150})
    grounds = fields.String(metadata={"example": "11 时 30 分才结束"})
    asked_at = Instant(metadata={"example": _AT})
    due_on = Day(metadata={"example": "2026-11-24"})
    is_overdue = fields.Boolean(metadata={"example": False})
    outcome = fields.String(allow_none=True, metadata={"example": None})
    corrected_minutes = fields.Integer(allow_none=True, metadata={"example": None})
    answer = fields.String(metadata={"example": ""})
    answered_at = Instant(allow_none=True, metadata={"example": None})


class CorrectionLineOut(CorrectionOut):
    member_name = fields.String(metadata={"example": "王志强"})
    title = fields.String(metadata={"example": "清扫社区花坛"})
    happened_on = Day(metadata={"example": "2026-11-07"})


class CorrectionListOut(OutSchema):
    items = fields.List(fields.Nested(CorrectionOut))


class CorrectionQuery(PageQuery):
    overdue = Flag(metadata={"example": True, "description": "只看逾期或未逾期的；省略即全部"})


CorrectionPage = page_of(CorrectionLineOut)


@blp.post("/service-records/<uuid:record_id>/corrections", access=Access.MEMBER)
@blp.arguments(CorrectionIn)
@blp.response(201, CorrectionOut)
def ask_for_correction(data: dict[str, Any], record_id: UUID) -> Any:
    """请组织者核实并更正时长，10 个工作日内答复"""
    with unit_of_work(db.session()) as session:
        correction = service_corrections.ask(
            session, current_actor(), record_id, **data, now=utc_now()
        )
    return _shown(correction)


@blp.get("/service-records/<uuid:record_id>/corrections", access=Access.MEMBER)
@blp.response(200, CorrectionListOut)
def list_own_corrections(record_id: UUID) -> Any:
    """一条记录的更正申请，新的在前"""
    found = service_corrections.list_own(db.session(), current_actor(), record_id)
    return {"items": [_shown(one) for one in found]}


@blp.post("/service-corrections/<uuid:correction_id>/answer", access=any_of(*ORGANISING_ROLES))
@blp.arguments(AnswerIn)
@blp.response(200, CorrectionOut)
def answer_correction(data: dict[str, Any], correction_id: UUID) -> Any:
    """答复更正申请；已入账的积分冲正后重新申报"""
    with unit_of_work(db.session()) as session:
        correction = service_corrections.answer(
            session, current_actor(), correction_id, given=Answer(**data), now=utc_now()
        )
    return _shown(correction)


@blp.get("/orgs/<uuid:organization_id>/service-corrections", access=STAFF)
@blp.arguments(CorrectionQuery, location="query")
@blp.response(200, CorrectionPage)
def list_waiting_corrections(query: dict[str, Any], organization_id: UUID) -> Any:
    """本组织和下级等待答复的更正申请，先提出的在前"""
    page = service_corrections.list_waiting(
        db.session(),
        current_actor(),
        organization_id,
        is_overdue=query.get("overdue"),
        after=query.get("cursor"),
        limit=query["limit"],
    )
    return encode_page(page) | {"items": [_line(row) for row in page.items]}


def _shown(correction: Any) -> dict[str, Any]:
    shown = {name: getattr(correction, name, None) for name in CorrectionOut().fields}
    today = business_day(utc_now())
    return shown | {"is_overdue": service_corrections.is_overdue(correction, today)}


def _line(row: Any) -> dict[str, Any]:
    correction, title, happened_on, name = row
    return _shown(correction) | {"member_name": name, "title": title, "happened_on": happened_on}
