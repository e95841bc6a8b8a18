"""A member's sign-ups: taking one back, checking in and out."""

from typing import Any
from uuid import UUID

from marshmallow import fields

from activities import service_checks, signups
from activities.service_checks import Check
from api.auth import Access, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Identifier, InSchema, Instant, OutSchema, Text
from api.paging import PageQuery, encode_page, page_of
from core.clock import utc_now
from core.db import unit_of_work

blp = Blueprint("service-signups", __name__, description="志愿服务报名")

_ID = "0198c0de-0000-7000-8000-000000000111"
_OPPORTUNITY_ID = "0198c0de-0000-7000-8000-000000000110"
_MEMBER_ID = "0198c0de-0000-7000-8000-000000000060"
_START, _END = "2026-11-14T09:00:00+08:00", "2026-11-14T11:00:00+08:00"


class CheckIn(InSchema):
    at = Instant(
        metadata={"example": _START, "description": "手机离线时的时间，72 小时内送达；省略即现在"}
    )
    token = Text(
        length_max=40,
        length_min=0,
        load_default="",
        metadata={"example": "", "description": "扫到的签到码；没有则由组织者按名单核定"},
    )


class SignupOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    opportunity_id = Identifier(metadata={"example": _OPPORTUNITY_ID})
    member_id = Identifier(metadata={"example": _MEMBER_ID})
    entered_by = Identifier(metadata={"example": _MEMBER_ID})
    given_word = fields.String(metadata={"example": ""})
    signed_up_at = Instant(metadata={"example": "2026-11-10T20:00:00+08:00"})
    withdrawn_at = Instant(allow_none=True, metadata={"example": None})
    checked_in_at = Instant(allow_none=True, metadata={"example": _START})
    checked_in_received_at = Instant(allow_none=True, metadata={"example": _START})
    checked_out_at = Instant(allow_none=True, metadata={"example": _END})
    checked_out_received_at = Instant(allow_none=True, metadata={"example": _END})
    is_scanned = fields.Boolean(metadata={"example": True})
    claimed_minutes = fields.Integer(allow_none=True, metadata={"example": 120})
    settled_at = Instant(allow_none=True, metadata={"example": None})


class OwnSignupOut(SignupOut):
    title = fields.String(metadata={"example": "清扫社区花坛"})
    place = fields.String(metadata={"example": "梧桐里花园"})
    starts_at = Instant(metadata={"example": _START})
    ends_at = Instant(metadata={"example": _END})
    cancelled_at = Instant(allow_none=True, metadata={"example": None})
    planned_minutes = fields.Integer(metadata={"example": 120})
    confirmed_minutes = fields.Integer(allow_none=True, metadata={"example": None})
    record_id = Identifier(allow_none=True, metadata={"example": None})


SignupPage = page_of(OwnSignupOut)


@blp.get("/service-signups", access=Access.MEMBER)
@blp.arguments(PageQuery, location="query")
@blp.response(200, SignupPage)
def list_own_signups(query: dict[str, Any]) -> Any:
    """我的报名，新的在前；计划、申报、核定三个时长都在"""
    page = signups.list_own(
        db.session(), current_actor(), after=query.get("cursor"), limit=query["limit"]
    )
    return encode_page(page) | {"items": [_own(row) for row in page.items]}


@blp.post("/service-signups/<uuid:signup_id>/withdraw", access=Access.MEMBER)
@blp.response(204)
def withdraw_signup(signup_id: UUID) -> Any:
    """撤回报名，名额让给别人"""
    with unit_of_work(db.session()) as session:
        signups.withdraw(session, current_actor(), signup_id, now=utc_now())
    return None


@blp.post("/service-signups/<uuid:signup_id>/check-in", access=Access.MEMBER)
@blp.arguments(CheckIn)
@blp.response(200, SignupOut)
def check_in_to_service(data: dict[str, Any], signup_id: UUID) -> Any:
    """登记到达；离线时先存下，72 小时内送达都可以"""
    now = utc_now()
    check = Check(data.get("at", now), data["token"])
    with unit_of_work(db.session()) as session:
        return service_checks.check_in(session, current_actor(), signup_id, check=check, now=now)


@blp.post("/service-signups/<uuid:signup_id>/check-out", access=Access.MEMBER)
@blp.arguments(CheckIn)
@blp.response(200, SignupOut)
def check_out_of_service(data: dict[str, Any], signup_id: UUID) -> Any:
    """登记离开，两次之间即申报时长"""
    now = utc_now()
    check = Check(data.get("at", now), data["token"])
    with unit_of_work(db.session()) as session:
        return service_checks.check_out(session, current_actor(), signup_id, check=check, now=now)


def _own(row: Any) -> dict[str, Any]:
    signup, opportunity, record = row
    return {
        **{name: getattr(signup, name) for name in SignupOut().fields},
        **{name: getattr(opportunity, name) for name in _OFFER_FIELDS},
        "confirmed_minutes": record.confirmed_minutes if record else None,
        "record_id": record.id if record else None,
    }


_OFFER_FIELDS = ("title", "place", "starts_at", "ends_at", "cancelled_at", "planned_minutes")
