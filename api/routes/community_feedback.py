"""The quarter's feedback of communities to an employer's branch (双报到)."""

from typing import Any
from uuid import UUID

from marshmallow import fields

from activities import community_feedback
from activities.community_feedback import READING
from api.auth import any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Identifier, InSchema, OutSchema, QueryCount
from core.quantities import format_half_hours

blp = Blueprint("community-feedback", __name__, description="双报到")

_ID = "0198c0de-0000-7000-8000-000000000060"


class QuarterQuery(InSchema):
    year = QueryCount(minimum=2000, maximum=2100, required=True, metadata={"example": 2026})
    quarter = QueryCount(minimum=1, maximum=4, required=True, metadata={"example": 4})


class FeedbackLineOut(OutSchema):
    member_id = Identifier(metadata={"example": _ID})
    member_name = fields.String(metadata={"example": "王志强"})
    group_name = fields.String(metadata={"example": "第一党小组"})
    community_id = Identifier(metadata={"example": _ID})
    community_name = fields.String(metadata={"example": "梧桐里社区党支部"})
    services = fields.Integer(metadata={"example": 3})
    confirmed_minutes = fields.Integer(metadata={"example": 390})
    hours = fields.String(metadata={"example": "6.5"})


class FeedbackOut(OutSchema):
    items = fields.List(fields.Nested(FeedbackLineOut))


@blp.get("/orgs/<uuid:organization_id>/community-feedback", access=any_of(*READING))
@blp.arguments(QuarterQuery, location="query")
@blp.response(200, FeedbackOut)
def get_community_feedback(query: dict[str, Any], organization_id: UUID) -> Any:
    """本支部到社区报到的党员本季度由社区组织并核定的服务，按党小组、姓名"""
    rows = community_feedback.list_registered(
        db.session(), current_actor(), organization_id, **query
    )
    return {
        "items": [
            row._asdict() | {"hours": format_half_hours(row.confirmed_minutes)} for row in rows
        ]
    }
