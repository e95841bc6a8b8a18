"""Points entered by hand: entering, confirming, withdrawing, reading."""

from typing import Any
from uuid import UUID

import marshmallow as ma
from marshmallow import fields, validate

from api.auth import Access, any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import (
    Choice,
    Count,
    Day,
    Identifier,
    InSchema,
    Instant,
    OutSchema,
    PointsText,
    Text,
)
from api.paging import PageQuery, encode_page, page_of
from core.clock import utc_now
from core.db import unit_of_work
from points import adjustment_decisions, adjustments
from points.adjustment_decisions import READING
from points.adjustments import ENTERING_ROLES, ENTRIES_MAX, Given, Terms
from points.models import Subject

blp = Blueprint("adjustments", __name__, description="手工记分")

_ID = "0198c0de-0000-7000-8000-000000000080"
_AT = "2026-11-10T10:00:00+08:00"
# What `parse_points` reads, "-999999.99" at the longest.
_POINTS_BOUNDS = {"minLength": 1, "maxLength": 10}


class RatingIn(InSchema):
    rater = Text(length_max=40, required=True, metadata={"example": "党员互评"})
    given_points = PointsText(required=True, metadata=_POINTS_BOUNDS | {"example": "9"})


class GivenIn(InSchema):
    member_id = Identifier(required=True, metadata={"example": _ID})
    quantity = Count(minimum=1, maximum=100, load_default=1, metadata={"example": 1})
    grade = Text(length_max=40, length_min=0, load_default="", metadata={"example": ""})
    given_points = PointsText(
        load_default=None,
        allow_none=True,
        metadata=_POINTS_BOUNDS | {"example": "3", "description": "方案由人给分的项目"},
    )
    ratings = fields.List(
        fields.Nested(RatingIn),
        load_default=list,
        validate=validate.Length(max=10, error="评价主体至多 10 个"),
        metadata={"description": "测评项目：各评价主体的评分，按方案的权重合计"},
    )

    @ma.validates_schema
    def _require_each_rater_once(self, data: dict[str, Any], **_kwargs: Any) -> None:
        raters = [rating["rater"] for rating in data["ratings"]]
        if len(set(raters)) != len(raters):
            raise ma.ValidationError("同一评价主体出现了两次", "ratings")


class AdjustmentIn(InSchema):
    item_code = Text(length_max=40, required=True, metadata={"example": "commended"})
    happened_on = Day(required=True, metadata={"example": "2026-11-05"})
    title = Text(length_max=120, required=True, metadata={"example": "获评街道优秀志愿者"})
    basis = Text(
        length_max=500,
        required=True,
        metadata={"example": "积分方案第三条；街道表彰决定", "description": "依据，必填"},
    )
    document_number = Text(
        length_max=80,
        length_min=0,
        load_default="",
        metadata={"example": "街党发〔2026〕12 号", "description": "一票否决必填"},
    )
    subject = Choice(
        Subject, load_default=Subject.PARTY_MEMBERS.value, metadata={"example": "party_members"}
    )
    entries = fields.List(
        fields.Nested(GivenIn),
        required=True,
        validate=validate.Length(1, ENTRIES_MAX, error=f"每次 1 至 {ENTRIES_MAX} 人"),
    )

    @ma.validates_schema
    def _require_each_once(self, data: dict[str, Any], **_kwargs: Any) -> None:
        ids = [entry["member_id"] for entry in data["entries"]]
        if len(set(ids)) != len(ids):
            raise ma.ValidationError("同一名党员出现了两次", "entries")


class WithdrawalIn(InSchema):
    reason = Text(length_max=200, required=True, metadata={"example": "核对后不属实"})


class AdjustmentOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    subject = fields.String(metadata={"example": "party_members"})
    member_id = Identifier(metadata={"example": _ID})
    organization_id = Identifier(metadata={"example": _ID})
    event = fields.String(metadata={"example": "manual"})
    item_code = fields.String(metadata={"example": "commended"})
    title = fields.String(metadata={"example": "获评街道优秀志愿者"})
    happened_on = Day(metadata={"example": "2026-11-05"})
    asked = PointsText(metadata={"example": "3"})
    is_deduction = fields.Boolean(metadata={"example": False})
    basis = fields.String(metadata={"example": "积分方案第三条；街道表彰决定"})
    document_number = fields.String(metadata={"example": "街党发〔2026〕12 号"})
    status = fields.String(
        metadata={"example": "posted", "description": "pending posted withdrawn dismissed"}
    )
    objection_until = Day(
        allow_none=True, metadata={"example": None, "description": "扣分：此日过后才能计入"}
    )
    entered_by = Identifier(metadata={"example": _ID})
    entered_at = Instant(metadata={"example": _AT})
    confirmed_by = Identifier(allow_none=True, metadata={"example": None})
    closing_reason = fields.String(metadata={"example": ""})
    entry_id = Identifier(allow_none=True, metadata={"example": _ID})


class AdjustmentsOut(OutSchema):
    items = fields.List(fields.Nested(AdjustmentOut))


class AdjustmentLineOut(AdjustmentOut):
    member_name = fields.String(metadata={"example": "李静"})


AdjustmentLinePage = page_of(AdjustmentLineOut)


@blp.post("/orgs/<uuid:organization_id>/points/adjustments", access=any_of(*ENTERING_ROLES))
@blp.arguments(AdjustmentIn)
@blp.response(201, AdjustmentsOut)
def enter_adjustments(data: dict[str, Any], organization_id: UUID) -> Any:
    """手工记分：加分和测评当即计入；扣分和一票否决先告知本人，期满后才计入"""
    given = [_given(entry) for entry in data.pop("entries")]
    with unit_of_work(db.session()) as session:
        entered = adjustments.enter(
            session,
            current_actor(),
            organization_id,
            terms=Terms(**data),
            given=given,
            now=utc_now(),
        )
        return {"items": entered}


@blp.get("/orgs/<uuid:organization_id>/points/adjustments", access=any_of(*READING))
@blp.arguments(PageQuery, location="query")
@blp.response(200, AdjustmentLinePage)
def list_adjustments(query: dict[str, Any], organization_id: UUID) -> Any:
    """本组织及下级的手工记分，新的在前"""
    page = adjustment_decisions.list_of_organization(
        db.session(),
        current_actor(),
        organization_id,
        after=query.get("cursor"),
        limit=query["limit"],
    )
    return encode_page(page) | {"items": [_shown(row) for row in page.items]}


@blp.get("/me/adjustments", access=Access.MEMBER)
@blp.arguments(PageQuery, location="query")
@blp.response(200, AdjustmentLinePage)
def list_my_adjustments(query: dict[str, Any]) -> Any:
    """为我记的手工记分，包括拟扣分的告知"""
    page = adjustment_decisions.list_own(
        db.session(), current_actor(), after=query.get("cursor"), limit=query["limit"]
    )
    return encode_page(page) | {"items": [_shown(row) for row in page.items]}


@blp.get("/points/adjustments/<uuid:adjustment_id>", access=Access.MEMBER)
@blp.response(200, AdjustmentLineOut)
def get_adjustment(adjustment_id: UUID) -> Any:
    """一项手工记分"""
    return _shown(adjustment_decisions.get(db.session(), current_actor(), adjustment_id))


@blp.post("/points/adjustments/<uuid:adjustment_id>/confirm", access=any_of(*ENTERING_ROLES))
@blp.response(200, AdjustmentOut)
def confirm_adjustment(adjustment_id: UUID) -> Any:
    """期满后计入扣分；一票否决由上级另一人确认"""
    with unit_of_work(db.session()) as session:
        return adjustment_decisions.confirm(session, current_actor(), adjustment_id, now=utc_now())


@blp.post("/points/adjustments/<uuid:adjustment_id>/withdraw", access=any_of(*ENTERING_ROLES))
@blp.arguments(WithdrawalIn)
@blp.response(200, AdjustmentOut)
def withdraw_adjustment(data: dict[str, Any], adjustment_id: UUID) -> Any:
    """撤回还没有计入的扣分"""
    with unit_of_work(db.session()) as session:
        return adjustment_decisions.withdraw(
            session, current_actor(), adjustment_id, reason=data["reason"]
        )


def _given(entry: dict[str, Any]) -> Given:
    ratings = {rating["rater"]: rating["given_points"] for rating in entry["ratings"]}
    return Given(
        entry["member_id"], entry["quantity"], entry["grade"], entry["given_points"], ratings
    )


def _shown(row: Any) -> dict[str, Any]:
    values = {name: getattr(row.Adjustment, name) for name in AdjustmentOut().fields}
    return values | {"member_name": row.member_name}
