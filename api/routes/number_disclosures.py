"""A member's number in full: with a purpose, on record, and never in a list."""

from typing import Any
from uuid import UUID

from marshmallow import fields

from api.auth import any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Choice, InSchema, OutSchema, Text
from core.clock import utc_now
from core.db import unit_of_work
from members import number_disclosures
from members.number_disclosures import DISCLOSING_ROLES
from members.privacy_models import NumberKind

blp = Blueprint("number-disclosures", __name__, description="查看完整号码")


class MemberNumberIn(InSchema):
    kind = Choice(NumberKind, load_default="phone", metadata={"example": "phone"})
    purpose = Text(length_max=200, required=True, metadata={"example": "通知换届大会改期"})


class MemberNumberOut(OutSchema):
    full_number = fields.String(metadata={"example": "13800008000"})


@blp.post("/members/<uuid:member_id>/number-disclosures", access=any_of(*DISCLOSING_ROLES))
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
