"""What the member agrees to, asked for each purpose by itself."""

from typing import Any

from marshmallow import fields

from api.auth import Access, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Choice, Count, Flag, InSchema, Instant, OutSchema
from core.clock import utc_now
from core.db import unit_of_work
from members import consents
from members.consent_models import ConsentPurpose
from members.consents import ConsentState

blp = Blueprint("consents", __name__, description="同意事项")


class ConsentIn(InSchema):
    purpose = Choice(ConsentPurpose, required=True, metadata={"example": "publish_service_record"})
    text_version = Count(
        minimum=1, required=True, metadata={"example": 1, "description": "本人读到的那一版说明"}
    )
    is_given = Flag(required=True, metadata={"example": True})


class ConsentOut(OutSchema):
    purpose = fields.String(metadata={"example": "publish_service_record"})
    text_version = fields.Integer(metadata={"example": 1})
    text = fields.String(metadata={"example": "同意在本支部公示以外公开本人的志愿服务。"})
    is_given = fields.Boolean(metadata={"example": False})
    decided_at = Instant(allow_none=True, metadata={"example": None})


class ConsentListOut(OutSchema):
    items = fields.List(fields.Nested(ConsentOut))


@blp.get("/me/consents", access=Access.MEMBER)
@blp.response(200, ConsentListOut)
def list_consents() -> Any:
    """每个事项的现行说明和本人的最近决定"""
    found = consents.list_own(db.session(), current_actor())
    return {"items": [_shown(one) for one in found]}


@blp.post("/me/consents", access=Access.MEMBER)
@blp.arguments(ConsentIn)
@blp.response(201, ConsentOut)
def decide_consent(data: dict[str, Any]) -> Any:
    """本人表示同意或撤回；每次决定都留存"""
    purpose = ConsentPurpose(data.pop("purpose"))
    with unit_of_work(db.session()) as session:
        return _shown(consents.decide(session, current_actor(), purpose, **data, now=utc_now()))


def _shown(state: ConsentState) -> dict[str, Any]:
    return {
        "purpose": state.purpose,
        "text_version": state.text.version,
        "text": state.text.text,
        "is_given": state.is_given,
        "decided_at": state.decided_at,
    }
