"""Templates of meetings: a branch's own, and those of the bodies above it."""

from typing import Any
from uuid import UUID

from marshmallow import fields

from activities import templates
from activities.models import ActivityKind
from activities.templates import TemplateData
from api.auth import any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Choice, Count, Identifier, InSchema, OutSchema, Text, Version
from api.routes.activities import ORGANISERS, kinds_field
from core.clock import utc_now
from core.db import unit_of_work
from members.access import ROSTER_ROLES

blp = Blueprint("activity_templates", __name__, description="活动模板")

_ID = "0198c0de-0000-7000-8000-000000000044"
KEEPERS = any_of(*ROSTER_ROLES)


class TemplateIn(InSchema):
    kind = Choice(ActivityKind, required=True, metadata={"example": "theme_day"})
    tags = kinds_field()
    title = Text(length_max=120, required=True, metadata={"example": "主题党日"})
    place = Text(length_max=120, length_min=0, load_default="", metadata={"example": "党群活动室"})
    planned_minutes = Count(minimum=5, maximum=1440, required=True, metadata={"example": 90})


class TemplateChangeIn(TemplateIn):
    version = Version(metadata={"example": 1})


class TemplateOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    organization_id = Identifier(metadata={"example": _ID})
    kind = fields.String(metadata={"example": "theme_day"})
    tags = fields.List(fields.String(metadata={"example": "party_lecture"}))
    title = fields.String(metadata={"example": "主题党日"})
    place = fields.String(metadata={"example": "党群活动室"})
    planned_minutes = fields.Integer(metadata={"example": 90})
    version = fields.Integer(metadata={"example": 1})


class UsableTemplateOut(TemplateOut):
    organization_name = fields.String(metadata={"example": "杨陵街道党工委"})


class TemplatesOut(OutSchema):
    items = fields.List(fields.Nested(UsableTemplateOut))


@blp.get("/orgs/<uuid:organization_id>/activity-templates", access=ORGANISERS)
@blp.response(200, TemplatesOut)
def list_activity_templates(organization_id: UUID) -> Any:
    """可用的活动模板：本级的在前，上级的在后"""
    rows = templates.list_usable(db.session(), current_actor(), organization_id)
    return {
        "items": [
            {name: getattr(row.ActivityTemplate, name) for name in TemplateOut().fields}
            | {"organization_name": row.organization_name}
            for row in rows
        ]
    }


@blp.post("/orgs/<uuid:organization_id>/activity-templates", access=KEEPERS)
@blp.arguments(TemplateIn)
@blp.response(201, TemplateOut)
def create_activity_template(data: dict[str, Any], organization_id: UUID) -> Any:
    """新建活动模板，本级和下级都能用"""
    with unit_of_work(db.session()) as session:
        return templates.create(
            session, current_actor(), organization_id, data=_data(data), now=utc_now()
        )


@blp.get("/activity-templates/<uuid:template_id>", access=KEEPERS)
@blp.response(200, TemplateOut)
def get_activity_template(template_id: UUID) -> Any:
    """一个活动模板"""
    return templates.get_kept(db.session(), current_actor(), template_id)


@blp.put("/activity-templates/<uuid:template_id>", access=KEEPERS)
@blp.arguments(TemplateChangeIn)
@blp.response(200, TemplateOut)
def change_activity_template(data: dict[str, Any], template_id: UUID) -> Any:
    """修改活动模板"""
    version = data.pop("version")
    with unit_of_work(db.session()) as session:
        return templates.change(
            session, current_actor(), template_id, data=_data(data), version=version
        )


@blp.delete("/activity-templates/<uuid:template_id>", access=KEEPERS)
@blp.response(204)
def retire_activity_template(template_id: UUID) -> Any:
    """停用活动模板"""
    with unit_of_work(db.session()) as session:
        templates.retire(session, current_actor(), template_id, now=utc_now())
    return None


def _data(data: dict[str, Any]) -> TemplateData:
    return TemplateData(**data | {"tags": tuple(data["tags"])})
