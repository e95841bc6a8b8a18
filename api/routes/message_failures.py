"""Messages of which nobody knows whether they arrived, and what people find out."""

from typing import Any
from uuid import UUID

from marshmallow import fields

from api.auth import any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Choice, Identifier, InSchema, Instant, OutSchema, Text
from api.paging import PageQuery, encode_page, page_of
from core.clock import utc_now
from core.db import unit_of_work
from notifications import failures
from notifications.failures import RESOLVING_ROLES, Resolution

blp = Blueprint("message-failures", __name__, description="未送达的消息")

RESOLVERS = any_of(*RESOLVING_ROLES)
_ID = "0198c0de-0000-7000-8000-000000000001"


class MessageFailureOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    member_id = Identifier(metadata={"example": _ID})
    name = fields.String(metadata={"example": "李静"})
    kind = fields.String(metadata={"example": "deduction_notice"})
    channel = fields.String(metadata={"example": "sms"})
    state = fields.String(
        metadata={"example": "unknown", "description": "unknown 不知是否送达，rejected 被拒绝"}
    )
    address_masked = fields.String(allow_none=True, metadata={"example": "138****0002"})
    provider_code = fields.String(allow_none=True, metadata={"example": "no_answer"})
    attempts = fields.Integer(metadata={"example": 1})
    created_at = Instant(metadata={"example": "2026-03-02T10:00:00+08:00"})


class ResolutionIn(InSchema):
    resolution = Choice(
        Resolution, required=True, metadata={"example": "reached", "description": "本人是否已知道"}
    )
    note = Text(length_max=200, required=True, metadata={"example": "已电话告知本人。"})


MessageFailurePage = page_of(MessageFailureOut)


@blp.get("/orgs/<uuid:organization_id>/message-failures", access=RESOLVERS)
@blp.arguments(PageQuery, location="query")
@blp.response(200, MessageFailurePage)
def list_message_failures(query: dict[str, Any], organization_id: UUID) -> Any:
    """本组织及下级没有送达或不知是否送达的消息，新的在前"""
    page = failures.list_failures(
        db.session(),
        current_actor(),
        organization_id,
        after=query.get("cursor"),
        limit=query["limit"],
    )
    return encode_page(page)


@blp.post("/messages/<uuid:message_id>/resolution", access=RESOLVERS)
@blp.arguments(ResolutionIn)
@blp.response(204)
def resolve_message_failure(data: dict[str, Any], message_id: UUID) -> Any:
    """核实后写明本人是否已知道；系统不会再发"""
    with unit_of_work(db.session()) as session:
        failures.resolve(
            session,
            current_actor(),
            message_id,
            resolution=Resolution(data["resolution"]),
            note=data["note"],
            now=utc_now(),
        )
    return None
