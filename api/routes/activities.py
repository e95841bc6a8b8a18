"""Organisation life: the calendar of a branch, my activities, and the life of one."""

from typing import Any
from uuid import UUID

from marshmallow import fields, validate

from activities import activity_life, attendance_reading, calendar, closings, templates
from activities.activity_access import ORGANISING_ROLES
from activities.calendar import ActivityPlan
from activities.models import Activity, ActivityKind
from activities.templates import FromTemplate
from api.auth import Access, any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Choice, Flag, Identifier, InSchema, Instant, OutSchema, Text, Version
from api.paging import PageQuery, encode_page, page_of
from core.clock import utc_now
from core.db import unit_of_work

blp = Blueprint("activities", __name__, description="组织生活")

_ID = "0198c0de-0000-7000-8000-000000000040"
_START, _END = "2026-11-13T19:30:00+08:00", "2026-11-13T21:00:00+08:00"
ORGANISERS = any_of(*ORGANISING_ROLES)
INVITED_MAX, JOINED_MAX = 200, 50


def kinds_field() -> fields.List:
    """The further kinds of one meeting."""
    return fields.List(
        Choice(ActivityKind),
        load_default=list,
        validate=validate.Length(max=4, error="最多 4 个"),
        metadata={"example": ["party_lecture"], "description": "同一次活动的其他类别，只计一次"},
    )


class ActivityIn(InSchema):
    kind = Choice(ActivityKind, required=True, metadata={"example": "theme_day"})
    tags = kinds_field()
    title = Text(length_max=120, required=True, metadata={"example": "十一月主题党日"})
    place = Text(length_max=120, length_min=0, load_default="", metadata={"example": "党群活动室"})
    starts_at = Instant(required=True, metadata={"example": _START})
    ends_at = Instant(required=True, metadata={"example": _END})
    invited = fields.List(
        Identifier(),
        load_default=list,
        validate=validate.Length(max=INVITED_MAX, error=f"最多 {INVITED_MAX} 人"),
        metadata={"example": [], "description": "应到的党员；空的为全体，例如支委会只请委员"},
    )
    organization_ids = fields.List(
        Identifier(),
        load_default=list,
        validate=validate.Length(max=JOINED_MAX, error=f"最多 {JOINED_MAX} 个党组织"),
        metadata={"example": [], "description": "联合活动的其他党组织"},
    )


class ActivityChangeIn(ActivityIn):
    version = Version(metadata={"example": 1})


class FromTemplateIn(InSchema):
    template_id = Identifier(required=True, metadata={"example": _ID})
    starts_at = Instant(required=True, metadata={"example": _START})
    title = Text(length_max=120, length_min=0, load_default="", metadata={"example": ""})
    place = Text(length_max=120, length_min=0, load_default="", metadata={"example": ""})


class CancelIn(InSchema):
    reason = Text(length_max=200, required=True, metadata={"example": "暴雨红色预警"})


class CloseActivityIn(InSchema):
    presumes_absence = Flag(
        load_default=False,
        metadata={"example": False, "description": "没有登记的人按无故缺席；否则列出人数，不结束"},
    )


class ActivityOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    organization_id = Identifier(metadata={"example": _ID})
    kind = fields.String(metadata={"example": "theme_day"})
    tags = fields.List(fields.String(metadata={"example": "party_lecture"}))
    title = fields.String(metadata={"example": "十一月主题党日"})
    place = fields.String(metadata={"example": "党群活动室"})
    starts_at = Instant(metadata={"example": _START})
    ends_at = Instant(metadata={"example": _END})
    status = fields.String(
        metadata={"example": "planned", "description": "planned published started closed cancelled"}
    )
    cancelled_at = Instant(allow_none=True, metadata={"example": None})
    cancel_reason = fields.String(metadata={"example": ""})
    version = fields.Integer(metadata={"example": 1})


class MyActivityOut(ActivityOut):
    attendance_id = Identifier(allow_none=True, metadata={"example": _ID})
    my_status = fields.String(allow_none=True, metadata={"example": "present"})
    leave_status = fields.String(allow_none=True, metadata={"example": None})


class AttendanceCountsOut(OutSchema):
    expected = fields.Integer(metadata={"example": 45})
    present = fields.Integer(metadata={"example": 39})
    present_remote = fields.Integer(metadata={"example": 1})
    present_elsewhere = fields.Integer(metadata={"example": 0})
    made_up = fields.Integer(metadata={"example": 0})
    leave_approved = fields.Integer(metadata={"example": 3})
    exempt = fields.Integer(metadata={"example": 1})


class ClosingActivityOut(OutSchema):
    activity = fields.Nested(ActivityOut)
    counts = fields.Nested(AttendanceCountsOut)
    entries = fields.Integer(metadata={"example": 41, "description": "按积分方案入账的笔数"})


ActivityPage = page_of(ActivityOut)
MyActivityPage = page_of(MyActivityOut)


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


@blp.post("/orgs/<uuid:organization_id>/activities", access=ORGANISERS)
@blp.arguments(ActivityIn)
@blp.response(201, ActivityOut)
def schedule_activity(data: dict[str, Any], organization_id: UUID) -> Any:
    """安排一次活动"""
    with unit_of_work(db.session()) as session:
        return calendar.schedule(
            session, current_actor(), organization_id, plan=_plan(data), now=utc_now()
        )


@blp.post("/orgs/<uuid:organization_id>/activities/from-template", access=ORGANISERS)
@blp.arguments(FromTemplateIn)
@blp.response(201, ActivityOut)
def schedule_from_template(data: dict[str, Any], organization_id: UUID) -> Any:
    """从模板安排一次活动"""
    with unit_of_work(db.session()) as session:
        return templates.schedule(
            session, current_actor(), organization_id, chosen=FromTemplate(**data), now=utc_now()
        )


@blp.post("/orgs/<uuid:organization_id>/activities/<uuid:activity_id>/cancel", access=ORGANISERS)
@blp.arguments(CancelIn)
@blp.response(200, ActivityOut)
def cancel_activity(data: dict[str, Any], organization_id: UUID, activity_id: UUID) -> Any:
    """取消一次活动，并告知已收到通知的人"""
    with unit_of_work(db.session()) as session:
        return calendar.cancel(
            session,
            current_actor(),
            organization_id,
            activity_id,
            reason=data["reason"],
            now=utc_now(),
        )


@blp.get("/activities", access=Access.MEMBER)
@blp.arguments(PageQuery, location="query")
@blp.response(200, MyActivityPage)
def list_my_activities(query: dict[str, Any]) -> Any:
    """我的活动，带我的出席和请假情况，新的在前"""
    page = attendance_reading.list_own(
        db.session(), current_actor(), after=query.get("cursor"), limit=query["limit"]
    )
    return encode_page(page) | {"items": [shown_mine(row) for row in page.items]}


@blp.get("/activities/<uuid:activity_id>", access=Access.MEMBER)
@blp.response(200, MyActivityOut)
def get_activity(activity_id: UUID) -> Any:
    """一次活动，带我的出席和请假情况"""
    return shown_mine(attendance_reading.get_own(db.session(), current_actor(), activity_id))


@blp.put("/activities/<uuid:activity_id>", access=ORGANISERS)
@blp.arguments(ActivityChangeIn)
@blp.response(200, ActivityOut)
def change_activity(data: dict[str, Any], activity_id: UUID) -> Any:
    """修改还没有开始的活动"""
    version = data.pop("version")
    with unit_of_work(db.session()) as session:
        return calendar.change(
            session, current_actor(), activity_id, plan=_plan(data), version=version, now=utc_now()
        )


@blp.post("/activities/<uuid:activity_id>/publish", access=ORGANISERS)
@blp.response(200, ActivityOut)
def publish_activity(activity_id: UUID) -> Any:
    """发布活动，通知应到的人"""
    with unit_of_work(db.session()) as session:
        return activity_life.publish(session, current_actor(), activity_id, now=utc_now())


@blp.post("/activities/<uuid:activity_id>/start", access=ORGANISERS)
@blp.response(200, ActivityOut)
def start_activity(activity_id: UUID) -> Any:
    """开始活动，应到名单从此固定；点名或签到也会自动开始"""
    with unit_of_work(db.session()) as session:
        return activity_life.start(session, current_actor(), activity_id, now=utc_now())


@blp.post("/activities/<uuid:activity_id>/close", access=ORGANISERS)
@blp.arguments(CloseActivityIn)
@blp.response(200, ClosingActivityOut)
def close_activity(data: dict[str, Any], activity_id: UUID) -> Any:
    """结束活动，考勤一次计分"""
    with unit_of_work(db.session()) as session:
        return closings.close(session, current_actor(), activity_id, now=utc_now(), **data)


def _plan(data: dict[str, Any]) -> ActivityPlan:
    lists = ("tags", "invited", "organization_ids")
    told: dict[str, Any] = data | {name: tuple(data[name]) for name in lists}
    return ActivityPlan(**told)


def shown_mine(row: Any) -> dict[str, Any]:
    activity: Activity = row.Activity
    return {name: getattr(activity, name) for name in ActivityOut().fields} | {
        "attendance_id": row.attendance_id,
        "my_status": row.my_status,
        "leave_status": row.leave_status,
    }
