"""A branch's calendar of organisation life."""

from typing import Any
from uuid import UUID

from marshmallow import fields

from activities import calendar
from activities.calendar import ActivityPlan
from activities.models import ActivityKind
from api.auth import Access, any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Choice, Identifier, InSchema, Instant, OutSchema, Text
from api.paging import PageQuery, encode_page, page_of
from core.clock import utc_now
from core.db import unit_of_work
from members.access import ROSTER_ROLES

blp = Blueprint("activities", __name__, description="组织生活")

_ID = "0198c0de-0000-7000-8000-000000000040"
_START, _END = "2026-11-13T19:30:00+08:00", "2026-11-13T21:00:00+08:00"


class ActivityIn(InSchema):
    kind = Choice(ActivityKind, required=True, metadata={"example": "theme_day"})
    title = Text(length_max=120, required=True, metadata={"example": "十一月主题党日"})
    place = Text(length_max=120, length_min=0, load_default="", metadata={"example": "党群活动室"})
    starts_at = Instant(required=True, metadata={"example": _START})
    ends_at = Instant(required=True, metadata={"example": _END})


class ActivityOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    organization_id = Identifier(metadata={"example": _ID})
    kind = fields.String(metadata={"example": "theme_day"})
    title = fields.String(metadata={"example": "十一月主题党日"})
    place = fields.String(metadata={"example": "党群活动室"})
    starts_at = Instant(metadata={"example": _START})
    ends_at = Instant(metadata={"example": _END})
    cancelled_at = Instant(allow_none=True, metadata={"example": None})


ActivityPage = page_of(ActivityOut)


@blp.get("/orgs/<uuid:organization_id>/activities", access=Access.MEMBER)
@blp.arguments(PageQuery, location="query")
@blp.response(200, ActivityPage)
def list_activities(query: dict[str, Any], organization_id: UUID) -> Any:
    """支部的活动安排"""
    page = calendar.list_activities(
        db.session(),
        current_actor(),
        organization_id,
        after=query.get("cursor"),
        limit=query["limit"],
    )
    return encode_page(page)


@blp.post("/orgs/<uuid:organization_id>/activities", access=any_of(*ROSTER_ROLES))
@blp.arguments(ActivityIn)
@blp.response(201, ActivityOut)
def schedule_activity(data: dict[str, Any], organization_id: UUID) -> Any:
    """安排一次活动"""
    with unit_of_work(db.session()) as session:
        return calendar.schedule(
            session, current_actor(), organization_id, plan=ActivityPlan(**data), now=utc_now()
        )


@blp.delete(
    "/orgs/<uuid:organization_id>/activities/<uuid:activity_id>", access=any_of(*ROSTER_ROLES)
)
@blp.response(204)
def cancel_activity(organization_id: UUID, activity_id: UUID) -> Any:
    """取消一次活动"""
    with unit_of_work(db.session()) as session:
        calendar.cancel(session, current_actor(), organization_id, activity_id, now=utc_now())
    return None
