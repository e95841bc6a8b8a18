"""Reviews: undoing a batch of decisions, and stepping back from deciding."""

from typing import Any
from uuid import UUID

from marshmallow import fields

from api.auth import any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Identifier, InSchema, Instant, OutSchema, Text
from api.paging import PageQuery, encode_page, page_of
from api.routes.claims import REVIEWERS
from core.clock import utc_now
from core.db import unit_of_work
from points import recusals, review_batches
from points.objection_routing import DECIDING_ROLES

blp = Blueprint("reviews", __name__, description="审核的撤销与回避")

DECIDERS = any_of(*DECIDING_ROLES)
_ID = "0198c0de-0000-7000-8000-0000000000b0"


class UndoneOut(OutSchema):
    reversed = fields.Integer(metadata={"example": 12, "description": "冲正并重新待审的"})
    reopened = fields.Integer(metadata={"example": 1, "description": "退回改为待审的"})
    left = fields.Integer(metadata={"example": 0, "description": "已另有变化、不再撤销的"})


class RecusalIn(InSchema):
    reason = Text(length_max=200, required=True, metadata={"example": "申报人是我的直系亲属"})


class RecusalOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    member_id = Identifier(allow_none=True, metadata={"example": _ID})
    claim_id = Identifier(allow_none=True, metadata={"example": None})
    reason = fields.String(metadata={"example": "申报人是我的直系亲属"})
    declared_at = Instant(metadata={"example": "2026-11-10T10:00:00+08:00"})


RecusalPage = page_of(RecusalOut)


@blp.post("/reviews/<uuid:review_id>/undo", access=REVIEWERS)
@blp.response(200, UndoneOut)
def undo_review(review_id: UUID) -> Any:
    """十分钟内整批撤销本人的一次审核"""
    with unit_of_work(db.session()) as session:
        return review_batches.undo(session, current_actor(), review_id, now=utc_now())


@blp.post("/claims/<uuid:claim_id>/recusal", access=REVIEWERS)
@blp.arguments(RecusalIn)
@blp.response(201, RecusalOut)
def recuse_from_claim(data: dict[str, Any], claim_id: UUID) -> Any:
    """回避一项申报，由其他人或上级审核"""
    with unit_of_work(db.session()) as session:
        return recusals.for_claim(
            session, current_actor(), claim_id, reason=data["reason"], now=utc_now()
        )


@blp.post("/members/<uuid:member_id>/recusal", access=DECIDERS)
@blp.arguments(RecusalIn)
@blp.response(201, RecusalOut)
def recuse_from_member(data: dict[str, Any], member_id: UUID) -> Any:
    """回避一名党员现在和以后的申报，由其他人或上级审核"""
    with unit_of_work(db.session()) as session:
        return recusals.for_member(
            session, current_actor(), member_id, reason=data["reason"], now=utc_now()
        )


@blp.get("/recusals", access=DECIDERS)
@blp.arguments(PageQuery, location="query")
@blp.response(200, RecusalPage)
def list_my_recusals(query: dict[str, Any]) -> Any:
    """我申请的回避，新的在前"""
    page = recusals.list_own(
        db.session(), current_actor(), after=query.get("cursor"), limit=query["limit"]
    )
    return encode_page(page)
