"""Volunteer records: the member's side of the main job."""

from typing import Any
from uuid import UUID

from marshmallow import fields

from activities import volunteering
from activities.models import ServiceOrigin
from activities.service_rules import FLAG_LABELS, ServiceFacts, is_backfill
from api.auth import Access, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import (
    Choice,
    Count,
    Day,
    Flag,
    Identifier,
    InSchema,
    Instant,
    OutSchema,
    Text,
    Version,
)
from api.paging import PageQuery, encode_page, page_of
from core.clock import business_day, utc_now
from core.db import unit_of_work

blp = Blueprint("services", __name__, description="志愿服务")

_ID = "0198c0de-0000-7000-8000-000000000010"
_START, _END = "2026-11-07T09:00:00+08:00", "2026-11-07T11:00:00+08:00"

# Scans are noted where they happen; nobody says of his own record that it was scanned.
TOLD_ORIGINS = [origin for origin in ServiceOrigin if origin is not ServiceOrigin.SCANNED]


class ServiceFactsIn(InSchema):
    title = Text(length_max=120, required=True, metadata={"example": "清扫社区花坛"})
    organiser = Text(
        length_max=120, length_min=0, load_default="", metadata={"example": "梧桐里社区居委会"}
    )
    place = Text(length_max=120, length_min=0, load_default="", metadata={"example": "梧桐里花园"})
    origin = Choice(TOLD_ORIGINS, load_default="self", metadata={"example": "self"})
    external_reference = Text(
        length_max=80, length_min=0, load_default="", metadata={"example": ""}
    )
    starts_at = Instant(required=True, metadata={"example": _START})
    ends_at = Instant(required=True, metadata={"example": _END})
    planned_minutes = Count(minimum=1, maximum=1440, required=True, metadata={"example": 120})
    claimed_minutes = Count(minimum=1, maximum=1440, required=True, metadata={"example": 120})
    is_office_duty = Flag(load_default=False, metadata={"example": False})


class ServiceIn(ServiceFactsIn):
    member_id = Identifier(
        metadata={"example": _ID, "description": "代无手机的党员录入时填写；省略即本人"}
    )


class ServiceCorrectionIn(ServiceFactsIn):
    version = Version(metadata={"example": 1})


class FlagOut(OutSchema):
    code = fields.String(metadata={"example": "overlaps_meeting"})
    label = fields.String(metadata={"example": "与支部活动时间重叠"})


class ServiceOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    member_id = Identifier(metadata={"example": _ID})
    organization_id = Identifier(metadata={"example": _ID})
    claim_id = Identifier(allow_none=True, metadata={"example": _ID})
    signup_id = Identifier(allow_none=True, metadata={"example": None})
    title = fields.String(metadata={"example": "清扫社区花坛"})
    organiser = fields.String(metadata={"example": "梧桐里社区居委会"})
    place = fields.String(metadata={"example": "梧桐里花园"})
    origin = fields.String(metadata={"example": "self"})
    external_reference = fields.String(metadata={"example": ""})
    happened_on = Day(metadata={"example": "2026-11-07"})
    starts_at = Instant(metadata={"example": _START})
    ends_at = Instant(metadata={"example": _END})
    planned_minutes = fields.Integer(metadata={"example": 120})
    claimed_minutes = fields.Integer(metadata={"example": 120})
    confirmed_minutes = fields.Integer(
        allow_none=True,
        metadata={"example": None, "description": "组织者（没有组织者时为支部）核定的时长"},
    )
    is_backfill = fields.Boolean(metadata={"example": False, "description": "补录"})
    flags = fields.List(fields.Nested(FlagOut))
    entered_by = Identifier(metadata={"example": _ID})
    claim_status = fields.String(
        allow_none=True,
        metadata={"example": "pending", "description": "为空表示只记录时长，不计分"},
    )
    decision_reason = fields.String(metadata={"example": ""})
    version = fields.Integer(metadata={"example": 1})


ServicePage = page_of(ServiceOut)


@blp.post("/service-records", access=Access.MEMBER)
@blp.arguments(ServiceIn)
@blp.response(201, ServiceOut)
def create_service_record(data: dict[str, Any]) -> Any:
    """记录一次志愿服务，同时申报积分"""
    actor = current_actor()
    member_id = data.pop("member_id", actor.member_id)
    with unit_of_work(db.session()) as session:
        record = volunteering.record(
            session, actor, member_id, facts=ServiceFacts(**data), now=utc_now()
        )
    return shown_service(volunteering.get_record(db.session(), actor, record.id))


@blp.get("/service-records", access=Access.MEMBER)
@blp.arguments(PageQuery, location="query")
@blp.response(200, ServicePage)
def list_service_records(query: dict[str, Any]) -> Any:
    """我的志愿服务，新的在前"""
    page = volunteering.list_own(
        db.session(), current_actor(), after=query.get("cursor"), limit=query["limit"]
    )
    encoded = encode_page(page)
    return encoded | {"items": [shown_service(row) for row in page.items]}


@blp.get("/service-records/<uuid:record_id>", access=Access.MEMBER)
@blp.response(200, ServiceOut)
def get_service_record(record_id: UUID) -> Any:
    """一条志愿服务"""
    return shown_service(volunteering.get_record(db.session(), current_actor(), record_id))


@blp.put("/service-records/<uuid:record_id>", access=Access.MEMBER)
@blp.arguments(ServiceCorrectionIn)
@blp.response(200, ServiceOut)
def correct_service_record(data: dict[str, Any], record_id: UUID) -> Any:
    """修改被退回的服务并重新申报"""
    version = data.pop("version")
    with unit_of_work(db.session()) as session:
        volunteering.correct(
            session,
            current_actor(),
            record_id,
            facts=ServiceFacts(**data),
            version=version,
            now=utc_now(),
        )
    return shown_service(volunteering.get_record(db.session(), current_actor(), record_id))


@blp.post("/service-records/<uuid:record_id>/withdraw", access=Access.MEMBER)
@blp.response(204)
def withdraw_service_record(record_id: UUID) -> Any:
    """撤回还没有通过的服务"""
    with unit_of_work(db.session()) as session:
        volunteering.withdraw(session, current_actor(), record_id, now=utc_now())
    return None


def shown_service(row: Any) -> dict[str, Any]:
    record, claim = row
    return {
        **{name: getattr(record, name) for name in _RECORD_FIELDS},
        "claim_id": claim.id if claim else None,
        "confirmed_minutes": volunteering.confirmed_minutes(record, claim),
        "is_backfill": is_backfill(
            record.origin, record.happened_on, business_day(record.created_at)
        ),
        "flags": shown_flags(record.flags),
        "claim_status": claim.status if claim else None,
        "decision_reason": claim.decision_reason if claim else "",
    }


def shown_flags(flags: list[str]) -> list[dict[str, str]]:
    """Flags with the words that people read."""
    labels: dict[str, str] = {str(flag): label for flag, label in FLAG_LABELS.items()}
    return [{"code": flag, "label": labels.get(flag, flag)} for flag in flags]


_RECORD_FIELDS = ServiceOut().fields.keys() - {
    "claim_id",
    "confirmed_minutes",
    "is_backfill",
    "flags",
    "claim_status",
    "decision_reason",
}
