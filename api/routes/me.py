"""What a member sees about himself."""

from typing import Any

from marshmallow import fields

from api.auth import Access, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Flag, Identifier, InSchema, Instant, OutSchema
from api.idempotency import Retry
from api.paging import PageQuery, encode_page, page_of
from core.clock import utc_now
from core.db import unit_of_work
from notifications import inbox

blp = Blueprint("me", __name__, description="我的")

_ID = "0198c0de-0000-7000-8000-000000000001"


class HeldRoleOut(OutSchema):
    role = fields.String(metadata={"example": "branch_secretary"})
    organization_id = Identifier(metadata={"example": _ID})


class MeOut(OutSchema):
    member_id = Identifier(metadata={"example": _ID})
    name = fields.String(metadata={"example": "李静"})
    organization_id = Identifier(allow_none=True, metadata={"example": _ID})
    roles = fields.List(fields.Nested(HeldRoleOut), attribute="held_roles")
    must_change_password = fields.Boolean(metadata={"example": False})


class MessageOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    kind = fields.String(metadata={"example": "claim_approved"})
    title = fields.String(metadata={"example": "申报已通过"})
    body = fields.String(metadata={"example": "“清扫社区”已审核通过，计 2 分，公示期满后生效。"})
    created_at = Instant(metadata={"example": "2026-03-02T10:00:00+08:00"})
    read_at = Instant(allow_none=True, metadata={"example": None})


class MessagesQuery(PageQuery):
    unread = Flag(metadata={"description": "只看未读的，或只看已读的", "example": True})


class ReadIn(InSchema):
    up_to = Identifier(required=True, metadata={"example": _ID})


MessagePage = page_of(MessageOut)


@blp.get("/me", access=Access.SIGNED_IN)
@blp.response(200, MeOut)
def get_me() -> Any:
    """我是谁、担任什么职务"""
    return current_actor()


@blp.get("/me/messages", access=Access.MEMBER)
@blp.arguments(MessagesQuery, location="query")
@blp.response(200, MessagePage)
def list_messages(query: dict[str, Any]) -> Any:
    """我的消息，新的在前"""
    page = inbox.list_messages(
        db.session(),
        current_actor(),
        is_unread=query.get("unread"),
        after=query.get("cursor"),
        limit=query["limit"],
    )
    return encode_page(page)


@blp.post("/me/messages/read", access=Access.MEMBER, retry=Retry.NATURAL)
@blp.arguments(ReadIn)
@blp.response(204)
def mark_messages_read(data: dict[str, Any]) -> Any:
    """把这条及更早的消息标为已读"""
    with unit_of_work(db.session()) as session:
        inbox.mark_read(session, current_actor(), up_to=data["up_to"], now=utc_now())
    return None
