"""Claims: the member's view, the reviewer's queue, and deciding one or many."""

from typing import Any
from uuid import UUID

import marshmallow as ma
from marshmallow import fields, validate

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
    PointsText,
    Text,
    Version,
)
from api.paging import PageQuery, encode_page, page_of
from api.routes.services import FlagOut, shown_flags
from core.clock import utc_now
from core.db import unit_of_work
from members.access import REVIEWING_ROLES
from points import claims, queue, review_batches
from points.review import DECISIONS_MAX, Action, Decision

blp = Blueprint("claims", __name__, description="申报与审核")

_ID = "0198c0de-0000-7000-8000-000000000020"
_AT = "2026-11-07T12:00:00+08:00"
REVIEWERS = any_of(*REVIEWING_ROLES)


class ClaimOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    member_id = Identifier(metadata={"example": _ID})
    member_name = fields.String(metadata={"example": "李静"})
    organization_id = Identifier(metadata={"example": _ID})
    reviewer_organization_id = Identifier(metadata={"example": _ID})
    item_code = fields.String(metadata={"example": "volunteer_service"})
    source_kind = fields.String(metadata={"example": "volunteer_record"})
    source_id = Identifier(metadata={"example": _ID})
    title = fields.String(metadata={"example": "清扫社区花坛"})
    happened_on = Day(metadata={"example": "2026-11-07"})
    quantity = fields.Integer(metadata={"example": 120})
    flags = fields.List(fields.Nested(FlagOut))
    status = fields.String(metadata={"example": "pending"})
    submitted_at = Instant(metadata={"example": _AT})
    decided_at = Instant(allow_none=True, metadata={"example": None})
    decision_reason = fields.String(metadata={"example": ""})
    version = fields.Integer(metadata={"example": 1})


class ClaimEventOut(OutSchema):
    kind = fields.String(metadata={"example": "submitted"})
    actor_id = Identifier(metadata={"example": _ID})
    reason = fields.String(metadata={"example": ""})
    at = Instant(metadata={"example": _AT})


class ClaimDetailOut(ClaimOut):
    timeline = fields.List(fields.Nested(ClaimEventOut))


class QueueQuery(PageQuery):
    flagged = Flag(metadata={"description": "只看有提示的，或只看没有提示的", "example": False})


class QueueCountsOut(OutSchema):
    clean = fields.Integer(metadata={"example": 8})
    flagged = fields.Integer(metadata={"example": 2})


class DecisionIn(InSchema):
    id = Identifier(required=True, metadata={"example": _ID})
    version = Version(metadata={"example": 1})
    action = Choice(Action, required=True, metadata={"example": "approve"})
    reason = Text(length_max=200, length_min=0, load_default="", metadata={"example": ""})


class ReviewIn(InSchema):
    decisions = fields.List(
        fields.Nested(DecisionIn),
        required=True,
        validate=validate.Length(1, DECISIONS_MAX, error=f"每次 1 至 {DECISIONS_MAX} 项"),
    )

    @ma.validates_schema
    def _require_each_once(self, data: dict[str, Any], **_kwargs: Any) -> None:
        ids = [decision["id"] for decision in data["decisions"]]
        if len(set(ids)) != len(ids):
            raise ma.ValidationError("同一项申报出现了两次", "decisions")


class ResultOut(OutSchema):
    claim_id = Identifier(metadata={"example": _ID})
    outcome = fields.String(metadata={"example": "approved"})
    code = fields.String(metadata={"example": ""})
    message = fields.String(metadata={"example": ""})
    asked = PointsText(allow_none=True, metadata={"example": "2"})
    points = PointsText(allow_none=True, metadata={"example": "2"})
    entry_id = Identifier(allow_none=True, metadata={"example": _ID})


class ReviewOut(OutSchema):
    review_id = Identifier(allow_none=True, metadata={"example": _ID})
    undo_until = Instant(
        allow_none=True,
        metadata={"example": _AT, "description": "此前可以整批撤销；一项也没有决定的为 null"},
    )
    results = fields.List(fields.Nested(ResultOut))


ClaimPage = page_of(ClaimOut)


@blp.get("/claims", access=Access.MEMBER)
@blp.arguments(PageQuery, location="query")
@blp.response(200, ClaimPage)
def list_claims(query: dict[str, Any]) -> Any:
    """我的申报，新的在前"""
    actor = current_actor()
    page = claims.list_own(db.session(), actor, after=query.get("cursor"), limit=query["limit"])
    return encode_page(page) | {"items": [shown_claim(claim, actor.name) for claim in page.items]}


@blp.get("/claims/<uuid:claim_id>", access=Access.MEMBER)
@blp.response(200, ClaimDetailOut)
def get_claim(claim_id: UUID) -> Any:
    """一项申报及其经过"""
    session = db.session()
    claim, name = claims.get_claim(session, current_actor(), claim_id)
    return shown_claim(claim, name) | {"timeline": claims.list_timeline(session, claim.id)}


@blp.get("/orgs/<uuid:organization_id>/claims", access=REVIEWERS)
@blp.arguments(QueueQuery, location="query")
@blp.response(200, ClaimPage)
def list_waiting_claims(query: dict[str, Any], organization_id: UUID) -> Any:
    """待我审核的申报，先到的在前"""
    page = queue.list_waiting(
        db.session(),
        current_actor(),
        organization_id,
        is_flagged=query.get("flagged"),
        after=query.get("cursor"),
        limit=query["limit"],
    )
    return encode_page(page) | {"items": [shown_claim(*row) for row in page.items]}


@blp.get("/orgs/<uuid:organization_id>/claims/counts", access=REVIEWERS)
@blp.response(200, QueueCountsOut)
def count_waiting_claims(organization_id: UUID) -> Any:
    """待审核的项数：无提示的与有提示的"""
    return queue.count_waiting(db.session(), current_actor(), organization_id)


@blp.post("/claims/review", access=REVIEWERS)
@blp.arguments(ReviewIn)
@blp.response(200, ReviewOut)
def review_claims(data: dict[str, Any]) -> Any:
    """通过或退回一项或多项申报，逐项给出结果"""
    decisions = [
        Decision(item["id"], item["version"], Action(item["action"]), item["reason"])
        for item in data["decisions"]
    ]
    with unit_of_work(db.session()) as session:
        return review_batches.decide(session, current_actor(), decisions, now=utc_now())


def shown_claim(claim: Any, member_name: str) -> dict[str, Any]:
    values = {name: getattr(claim, name) for name in _CLAIM_FIELDS}
    return values | {"member_name": member_name, "flags": shown_flags(claim.flags)}


_CLAIM_FIELDS = ClaimOut().fields.keys() - {"member_name", "flags"}
