"""Erasing a member's personal data: asked for by one officer, confirmed by another."""

from typing import Any
from uuid import UUID

from marshmallow import fields

from api.auth import any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Identifier, InSchema, Instant, OutSchema, Text
from api.paging import PageQuery, encode_page, page_of
from core.clock import utc_now
from core.db import unit_of_work
from members import erasures
from members.erasures import ERASING_ROLES, READING_ERASURES, Grounds

blp = Blueprint("erasures", __name__, description="删除个人信息")

_ID = "0198c0de-0000-7000-8000-000000000220"
_AT = "2026-11-10T09:00:00+08:00"
ERASERS = any_of(*ERASING_ROLES)


class ErasureIn(InSchema):
    reason = Text(length_max=200, required=True, metadata={"example": "本人书面申请"})
    basis = Text(
        length_max=200,
        required=True,
        metadata={"example": "区委组〔2026〕31号", "description": "除名、转出等决定的文号"},
    )


class ErasureOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    member_id = Identifier(metadata={"example": _ID})
    reason = fields.String(metadata={"example": "本人书面申请"})
    basis = fields.String(metadata={"example": "区委组〔2026〕31号"})
    requested_by = Identifier(metadata={"example": _ID})
    requested_at = Instant(metadata={"example": _AT})
    answered_by = Identifier(allow_none=True, metadata={"example": None})
    answered_at = Instant(allow_none=True, metadata={"example": None})
    is_confirmed = fields.Boolean(allow_none=True, metadata={"example": None})


ErasurePage = page_of(ErasureOut)


@blp.get("/erasures", access=any_of(*READING_ERASURES))
@blp.arguments(PageQuery, location="query")
@blp.response(200, ErasurePage)
def list_erasures(query: dict[str, Any]) -> Any:
    """等待第二人确认的删除申请"""
    page = erasures.list_open(
        db.session(), current_actor(), after=query.get("cursor"), limit=query["limit"]
    )
    return encode_page(page)


@blp.post("/members/<uuid:member_id>/erasures", access=ERASERS, asks_confirmation=True)
@blp.arguments(ErasureIn)
@blp.response(201, ErasureOut)
def request_erasure(data: dict[str, Any], member_id: UUID) -> Any:
    """申请删除一名已结束党籍的人员的个人信息；须由另一人确认"""
    with unit_of_work(db.session()) as session:
        return erasures.request(
            session, current_actor(), member_id, grounds=Grounds(**data), now=utc_now()
        )


@blp.post("/erasures/<uuid:erasure_id>/confirmation", access=ERASERS, asks_confirmation=True)
@blp.response(200, ErasureOut)
def confirm_erasure(erasure_id: UUID) -> Any:
    """确认并立即删除，不能恢复；积分账本和证明不变"""
    with unit_of_work(db.session()) as session:
        return erasures.answer(
            session, current_actor(), erasure_id, is_confirmed=True, now=utc_now()
        )


@blp.post("/erasures/<uuid:erasure_id>/refusal", access=ERASERS)
@blp.response(200, ErasureOut)
def refuse_erasure(erasure_id: UUID) -> Any:
    """不同意删除"""
    with unit_of_work(db.session()) as session:
        return erasures.answer(
            session, current_actor(), erasure_id, is_confirmed=False, now=utc_now()
        )
