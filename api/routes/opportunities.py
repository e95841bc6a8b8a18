"""Service opportunities: the organiser's side, and what members may sign up for."""

from typing import Any
from uuid import UUID

import marshmallow as ma
from marshmallow import fields, validate

from activities import opportunities, service_checks, service_confirmation, signups
from activities.attendance_codes import WHAT_IT_PROVES
from activities.opportunities import ORGANISING_ROLES
from activities.service_confirmation import CONFIRMATIONS_MAX, Line, Outcome
from activities.signup_rules import OpportunityPlan
from api.auth import Access, any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Count, Flag, Identifier, InSchema, Instant, OutSchema, Text
from api.paging import PageQuery, encode_page, page_of
from api.routes.service_signups import SignupOut
from core.clock import utc_now
from core.db import unit_of_work

blp = Blueprint("opportunities", __name__, description="志愿服务项目")

_ID = "0198c0de-0000-7000-8000-000000000110"
_SIGNUP_ID = "0198c0de-0000-7000-8000-000000000111"
_ORGANIZATION_ID = "0198c0de-0000-7000-8000-000000000051"
_MEMBER_ID = "0198c0de-0000-7000-8000-000000000060"
_START, _END = "2026-11-14T09:00:00+08:00", "2026-11-14T11:00:00+08:00"
ORGANISERS = any_of(*ORGANISING_ROLES)


class OpportunityIn(InSchema):
    title = Text(length_max=120, required=True, metadata={"example": "清扫社区花坛"})
    place = Text(length_max=120, required=True, metadata={"example": "梧桐里花园"})
    needs = Text(
        length_max=500,
        length_min=0,
        lines=True,
        load_default="",
        metadata={"example": "自带手套", "description": "需要什么：物品、体力、技能"},
    )
    starts_at = Instant(required=True, metadata={"example": _START})
    ends_at = Instant(required=True, metadata={"example": _END})
    planned_minutes = Count(minimum=1, maximum=1440, required=True, metadata={"example": 120})
    places = Count(minimum=1, maximum=10_000, required=True, metadata={"example": 20})
    issuer_id = Identifier(
        load_default=None,
        allow_none=True,
        metadata={"example": None, "description": "以登记单位的名义组织时填写"},
    )
    is_office_duty = Flag(load_default=False, metadata={"example": False})


class OpportunityOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    organization_id = Identifier(metadata={"example": _ORGANIZATION_ID})
    issuer_id = Identifier(allow_none=True, metadata={"example": None})
    title = fields.String(metadata={"example": "清扫社区花坛"})
    place = fields.String(metadata={"example": "梧桐里花园"})
    needs = fields.String(metadata={"example": "自带手套"})
    starts_at = Instant(metadata={"example": _START})
    ends_at = Instant(metadata={"example": _END})
    planned_minutes = fields.Integer(metadata={"example": 120})
    places = fields.Integer(metadata={"example": 20})
    taken = fields.Integer(metadata={"example": 3})
    cancelled_at = Instant(allow_none=True, metadata={"example": None})
    cancel_reason = fields.String(metadata={"example": ""})


class OfferedOut(OpportunityOut):
    signup_id = Identifier(
        allow_none=True, metadata={"example": None, "description": "本人的报名，没有则为空"}
    )


class OpportunityCancelIn(InSchema):
    reason = Text(length_max=200, required=True, metadata={"example": "有大雨"})


class SignupIn(InSchema):
    member_id = Identifier(
        metadata={"example": _MEMBER_ID, "description": "代无手机的党员报名时填写；省略即本人"}
    )
    given_word = Text(
        length_max=120,
        length_min=0,
        load_default="",
        metadata={"example": "11 月 9 日电话中本人表示愿意参加"},
    )


class ComingOut(OutSchema):
    signup_id = Identifier(metadata={"example": _SIGNUP_ID})
    member_name = fields.String(metadata={"example": "王志强"})
    group_name = fields.String(allow_none=True, metadata={"example": "第一党小组"})
    given_word = fields.String(metadata={"example": ""})
    checked_in_at = Instant(allow_none=True, metadata={"example": _START})
    checked_out_at = Instant(allow_none=True, metadata={"example": _END})
    is_scanned = fields.Boolean(metadata={"example": True})
    planned_minutes = fields.Integer(metadata={"example": 120})
    claimed_minutes = fields.Integer(allow_none=True, metadata={"example": 120})
    confirmed_minutes = fields.Integer(allow_none=True, metadata={"example": None})
    settled_at = Instant(allow_none=True, metadata={"example": None})


class ComingListOut(OutSchema):
    items = fields.List(fields.Nested(ComingOut))


class ServiceCodeOut(OutSchema):
    token = fields.String(metadata={"example": "AbCdEfGhIjKlMnOpQrSt"})
    valid_until = Instant(metadata={"example": _START})
    what_it_proves = fields.String(metadata={"example": WHAT_IT_PROVES})


class LineIn(InSchema):
    signup_id = Identifier(required=True, metadata={"example": _SIGNUP_ID})
    minutes = Count(
        maximum=1440, required=True, metadata={"example": 120, "description": "0 表示没有参加"}
    )


class ConfirmationsIn(InSchema):
    items = fields.List(
        fields.Nested(LineIn),
        required=True,
        validate=validate.Length(1, CONFIRMATIONS_MAX, error=f"每次 1 至 {CONFIRMATIONS_MAX} 人"),
    )

    @ma.validates_schema
    def _require_each_once(self, data: dict[str, Any], **_kwargs: Any) -> None:
        ids = [item["signup_id"] for item in data["items"]]
        if len(set(ids)) != len(ids):
            raise ma.ValidationError("同一个报名出现了两次", "items")


class ConfirmationOut(OutSchema):
    signup_id = Identifier(metadata={"example": _SIGNUP_ID})
    outcome = fields.String(
        validate=validate.OneOf([str(one) for one in Outcome]), metadata={"example": "confirmed"}
    )
    code = fields.String(metadata={"example": ""})
    message = fields.String(metadata={"example": ""})
    record_id = Identifier(allow_none=True, metadata={"example": _ID})
    claim_id = Identifier(allow_none=True, metadata={"example": _ID})


class ConfirmationsOut(OutSchema):
    results = fields.List(fields.Nested(ConfirmationOut))


OfferedPage = page_of(OfferedOut)


@blp.get("/service-opportunities", access=Access.MEMBER)
@blp.arguments(PageQuery, location="query")
@blp.response(200, OfferedPage)
def list_offered_opportunities(query: dict[str, Any]) -> Any:
    """我可以报名的志愿服务，新发布的在前"""
    page = opportunities.list_offered(
        db.session(),
        current_actor(),
        now=utc_now(),
        after=query.get("cursor"),
        limit=query["limit"],
    )
    return encode_page(page) | {"items": [_offered(row) for row in page.items]}


@blp.get("/orgs/<uuid:organization_id>/service-opportunities", access=ORGANISERS)
@blp.arguments(PageQuery, location="query")
@blp.response(200, OfferedPage)
def list_organised_opportunities(query: dict[str, Any], organization_id: UUID) -> Any:
    """组织发布过的志愿服务，新发布的在前"""
    page = opportunities.list_organised(
        db.session(),
        current_actor(),
        organization_id,
        after=query.get("cursor"),
        limit=query["limit"],
    )
    return encode_page(page) | {"items": [_offered(row) for row in page.items]}


@blp.post("/orgs/<uuid:organization_id>/service-opportunities", access=ORGANISERS)
@blp.arguments(OpportunityIn)
@blp.response(201, OpportunityOut)
def publish_opportunity(data: dict[str, Any], organization_id: UUID) -> Any:
    """发布一次志愿服务；自愿报名，不能指派"""
    with unit_of_work(db.session()) as session:
        return opportunities.publish(
            session, current_actor(), organization_id, plan=OpportunityPlan(**data), now=utc_now()
        )


@blp.post("/service-opportunities/<uuid:opportunity_id>/cancel", access=ORGANISERS)
@blp.arguments(OpportunityCancelIn)
@blp.response(200, OpportunityOut)
def cancel_opportunity(data: dict[str, Any], opportunity_id: UUID) -> Any:
    """取消尚未开始的服务，并通知已报名的人"""
    with unit_of_work(db.session()) as session:
        return opportunities.cancel(
            session, current_actor(), opportunity_id, reason=data["reason"], now=utc_now()
        )


@blp.get("/service-opportunities/<uuid:opportunity_id>/code", access=ORGANISERS)
@blp.response(200, ServiceCodeOut)
def show_service_code(opportunity_id: UUID) -> Any:
    """组织者屏幕上的签到码，每 15 秒更换"""
    code = service_checks.issue_code(db.session(), current_actor(), opportunity_id, now=utc_now())
    return {
        "token": code.token,
        "valid_until": code.valid_until,
        "what_it_proves": WHAT_IT_PROVES,
    }


@blp.post("/service-opportunities/<uuid:opportunity_id>/signups", access=Access.MEMBER)
@blp.arguments(SignupIn)
@blp.response(201, SignupOut)
def sign_up_for_service(data: dict[str, Any], opportunity_id: UUID) -> Any:
    """本人报名；可代无手机的党员登记，须写明本人意愿"""
    actor = current_actor()
    with unit_of_work(db.session()) as session:
        return signups.sign_up(
            session,
            actor,
            opportunity_id,
            data.get("member_id", actor.member_id),
            given_word=data["given_word"],
            now=utc_now(),
        )


@blp.get("/service-opportunities/<uuid:opportunity_id>/signups", access=ORGANISERS)
@blp.response(200, ComingListOut)
def list_service_signups(opportunity_id: UUID) -> Any:
    """组织者的名单，按党小组、姓名"""
    rows = signups.list_coming(db.session(), current_actor(), opportunity_id)
    return {"items": [_coming(row) for row in rows]}


@blp.post("/service-opportunities/<uuid:opportunity_id>/confirmations", access=ORGANISERS)
@blp.arguments(ConfirmationsIn)
@blp.response(200, ConfirmationsOut)
def confirm_service(data: dict[str, Any], opportunity_id: UUID) -> Any:
    """按名单核定时长，一次最多 500 人；随后由各人所在支部审核积分"""
    lines = [Line(**item) for item in data["items"]]
    with unit_of_work(db.session()) as session:
        results = service_confirmation.confirm(
            session, current_actor(), opportunity_id, lines, now=utc_now()
        )
    return {"results": results}


def _offered(row: Any) -> dict[str, Any]:
    opportunity, signup_id = row
    shown = {name: getattr(opportunity, name) for name in OpportunityOut().fields}
    return shown | {"signup_id": signup_id}


def _coming(row: Any) -> dict[str, Any]:
    opportunity, signup, name, group_name, record = row
    return {
        "signup_id": signup.id,
        "member_name": name,
        "group_name": group_name,
        "given_word": signup.given_word,
        "checked_in_at": signup.checked_in_at,
        "checked_out_at": signup.checked_out_at,
        "is_scanned": signup.is_scanned,
        "planned_minutes": opportunity.planned_minutes,
        "claimed_minutes": signup.claimed_minutes,
        "confirmed_minutes": record.confirmed_minutes if record else None,
        "settled_at": signup.settled_at,
    }
