"""A member's number in full: with a purpose, on record, and never in a list."""

from typing import Any
from uuid import UUID

from marshmallow import fields

from api.auth import Access, any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Choice, Identifier, InSchema, Instant, OutSchema, Text
from api.idempotency import Retry
from api.paging import PageQuery, encode_page, page_of
from core.clock import utc_now
from core.db import unit_of_work
from members import number_disclosures
from members.number_disclosures import DISCLOSING_ROLES
from members.privacy_models import NumberKind

blp = Blueprint("number-disclosures", __name__, description="查看完整号码")

_ID = "0198c0de-0000-7000-8000-000000000221"


class MemberNumberIn(InSchema):
    kind = Choice(NumberKind, load_default="phone", metadata={"example": "phone"})
    purpose = Text(length_max=200, required=True, metadata={"example": "通知换届大会改期"})


class MemberNumberOut(OutSchema):
    full_number = fields.String(metadata={"example": "13800008000"})


class NumberDisclosureLineOut(OutSchema):
    id = Identifier(attribute="record.id", metadata={"example": _ID})
    kind = fields.String(attribute="record.kind", metadata={"example": "phone"})
    purpose = fields.String(attribute="record.purpose", metadata={"example": "通知换届大会改期"})
    actor_name = fields.String(metadata={"example": "李静"})
    at = Instant(attribute="record.at", metadata={"example": "2026-11-10T09:00:00+08:00"})


NumberDisclosurePage = page_of(NumberDisclosureLineOut)


@blp.get("/me/number-disclosures", access=Access.MEMBER)
@blp.arguments(PageQuery, location="query")
@blp.response(200, NumberDisclosurePage)
def list_my_number_disclosures(query: dict[str, Any]) -> Any:
    """谁看过我的完整号码、什么时候、为什么"""
    page = number_disclosures.list_own(
        db.session(), current_actor(), after=query.get("cursor"), limit=query["limit"]
    )
    return encode_page(page)


@blp.post(
    "/members/<uuid:member_id>/number-disclosures",
    access=any_of(*DISCLOSING_ROLES),
    retry=Retry.SHOWN_ONCE,
    asks_confirmation=True,
)
@blp.arguments(MemberNumberIn)
@blp.response(201, MemberNumberOut)
def disclose_member_number(data: dict[str, Any], member_id: UUID) -> Any:
    """显示一名党员的完整手机号，须写明用途，留下记录，每天限次数"""
    with unit_of_work(db.session()) as session:
        number = number_disclosures.disclose(
            session,
            current_actor(),
            member_id,
            NumberKind(data["kind"]),
            purpose=data["purpose"],
            now=utc_now(),
        )
    return {"full_number": number}
