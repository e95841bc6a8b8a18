"""Whom to contact and why: worklists, standings, holds, and a district's thresholds."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from marshmallow import fields

from api.auth import STAFF, Access, any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Choice, Count, Day, Identifier, InSchema, OutSchema, Version
from api.paging import PageQuery, encode_page, page_of
from core.clock import utc_now
from core.db import unit_of_work
from members.access import ROSTER_ROLES
from members.access_models import Role
from members.contact import holds, policies, standing_reading, worklist
from members.contact.holds import HoldTerms
from members.contact.models import HoldKind
from members.contact.preview import STAGE_LABELS
from members.contact.rules import DEFAULT, Thresholds

blp = Blueprint("contact_care", __name__, description="保持联系")

_ID = "0198c0de-0000-7000-8000-000000000041"
_WHY = "待联系第 1 级（关心提醒）：最近一次参加组织生活：2026-10-10；……"
_THRESHOLDS = asdict(DEFAULT)
KEEPERS = any_of(*ROSTER_ROLES)
CARERS = any_of(*worklist.WORKLIST_ROLES)


class StageOut(OutSchema):
    clock = fields.String(
        attribute="reasons.clock",
        metadata={"example": "lost_contact", "description": "lost_contact self_withdrawal abroad"},
    )
    signal = fields.String(attribute="reasons.signal", allow_none=True, metadata={"example": None})
    stage = fields.Integer(attribute="reasons.stage", metadata={"example": 1})
    stage_label = fields.Function(
        lambda item: STAGE_LABELS[item.reasons.stage],
        metadata={"type": "string", "example": "关心提醒"},
    )
    since_on = Day(attribute="reasons.since_on", metadata={"example": "2026-10-10"})
    uncounted_days = fields.Integer(
        attribute="reasons.uncounted_days", metadata={"example": 0, "description": "不计的天数"}
    )
    entered_on = Day(metadata={"example": "2026-11-14"})
    why = fields.String(metadata={"example": _WHY})
    case_id = Identifier(allow_none=True, metadata={"example": None})


class WorkItemOut(StageOut):
    member_id = Identifier(metadata={"example": _ID})
    name = fields.String(metadata={"example": "王志强"})
    organization_id = Identifier(metadata={"example": _ID})
    organization_name = fields.String(metadata={"example": "上川村党支部"})
    party_group_name = fields.String(allow_none=True, metadata={"example": "第一党小组"})


class OutageOut(OutSchema):
    begins_on = Day(metadata={"example": "2026-09-01"})
    ends_on = Day(metadata={"example": "2026-09-30"})


class ContactStandingOut(OutSchema):
    member_id = Identifier(attribute="standing.member_id", metadata={"example": _ID})
    state = fields.String(
        metadata={
            "example": "in_contact",
            "description": "in_contact to_contact held exempt not_recorded not_watched",
        }
    )
    why = fields.String(metadata={"example": "最近一次联系：2026-10-10；……"})
    last_attended_on = Day(
        attribute="standing.last_attended_on", allow_none=True, metadata={"example": "2026-10-10"}
    )
    last_dues_on = Day(
        attribute="standing.last_dues_on", allow_none=True, metadata={"example": "2026-10-01"}
    )
    last_soft_on = Day(
        attribute="standing.last_soft_on", allow_none=True, metadata={"example": None}
    )
    anchor_on = Day(
        attribute="standing.anchor_on",
        metadata={"example": "2026-10-10", "description": "从这一天起算"},
    )
    paused_until = Day(allow_none=True, metadata={"example": None})
    heard_until = Day(
        allow_none=True,
        metadata={"example": "2026-11-20", "description": "支部有记录到哪一天；之后不计"},
    )
    outages = fields.List(
        fields.Nested(OutageOut), metadata={"description": "支部没有记录、不计的日子"}
    )
    stages = fields.List(fields.Nested(StageOut))


class ContactHoldIn(InSchema):
    kind = Choice(HoldKind, required=True, metadata={"example": "long_training"})
    valid_from = Day(required=True, metadata={"example": "2026-11-01"})
    valid_to = Day(
        required=True, metadata={"example": "2027-05-01", "description": "不含这一天；最长一年"}
    )
    decided_by_organization_id = Identifier(required=True, metadata={"example": _ID})


class ContactHoldOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    member_id = Identifier(metadata={"example": _ID})
    kind = fields.String(metadata={"example": "long_training"})
    valid_from = Day(metadata={"example": "2026-11-01"})
    valid_to = Day(metadata={"example": "2027-05-01"})
    decided_by_organization_id = Identifier(metadata={"example": _ID})
    recorded_by = Identifier(metadata={"example": _ID})


class ContactHoldsOut(OutSchema):
    items = fields.List(fields.Nested(ContactHoldOut))


def _count(name: str, text: str, maximum: int) -> Count:
    metadata = {"example": _THRESHOLDS[name], "description": text}
    return Count(minimum=1, maximum=maximum, required=True, metadata=metadata)


class ContactPolicyIn(InSchema):
    care_days = _count("care_days", "关心提醒：几天没有联系", 365)
    attention_days = _count("attention_days", "谈话了解", 365)
    warning_days = _count("warning_days", "立案查找", 730)
    search_days = _count("search_days", "逐项查找", 1500)
    prelimit_months = _count("prelimit_months", "期限将到", 60)
    limit_months = _count("limit_months", "符合研究条件；不少于 6 个月", 60)
    removal_months = _count("removal_months", "停止党籍之后；不少于 24 个月", 240)
    withdrawal_months = _count("withdrawal_months", "联系得上而不参加；不少于 6 个月", 60)
    abroad_contact_months = _count("abroad_contact_months", "境外；不少于 6 个月", 60)
    abroad_years = _count("abroad_years", "出国（境）学习研究；不少于 5 年", 50)
    touch_months = _count("touch_months", "流动党员：最长几个月联系一次", 6)
    talk_months = _count("talk_months", "流动党员：最长几个月谈心一次；不长于 6 个月", 6)
    version = Version(
        minimum=0,
        metadata={"example": 0, "description": "看到的版本；区里没有设过为 0"},
    )


class ContactPolicyOut(OutSchema):
    organization_id = Identifier(metadata={"example": _ID, "description": "区"})
    care_days = fields.Integer(metadata={"example": 35})
    attention_days = fields.Integer(metadata={"example": 65})
    warning_days = fields.Integer(metadata={"example": 95})
    search_days = fields.Integer(metadata={"example": 125})
    prelimit_months = fields.Integer(metadata={"example": 5})
    limit_months = fields.Integer(metadata={"example": 6})
    removal_months = fields.Integer(metadata={"example": 24})
    withdrawal_months = fields.Integer(metadata={"example": 6})
    abroad_contact_months = fields.Integer(metadata={"example": 6})
    abroad_years = fields.Integer(metadata={"example": 5})
    touch_months = fields.Integer(metadata={"example": 1})
    talk_months = fields.Integer(metadata={"example": 3})
    version = fields.Integer(metadata={"example": 0})


WorklistPage = page_of(WorkItemOut)


@blp.get("/orgs/<uuid:organization_id>/contact-worklist", access=CARERS)
@blp.arguments(PageQuery, location="query")
@blp.response(200, WorklistPage)
def list_contact_work(query: dict[str, Any], organization_id: UUID) -> Any:
    """需要联系的党员和原因：按支部、小组、姓名；上级只看第 3 级以上"""
    page = worklist.list_work(
        db.session(),
        current_actor(),
        organization_id,
        after=query.get("cursor"),
        limit=query["limit"],
    )
    return encode_page(page)


@blp.get("/members/<uuid:member_id>/contact-standing", access=Access.MEMBER)
@blp.response(200, ContactStandingOut)
def get_contact_standing(member_id: UUID) -> Any:
    """一名党员为什么在、或不在待联系之列；本人可看自己的"""
    return standing_reading.get_standing(db.session(), current_actor(), member_id)


@blp.post("/members/<uuid:member_id>/contact-holds", access=KEEPERS)
@blp.arguments(ContactHoldIn)
@blp.response(201, ContactHoldOut)
def grant_contact_hold(data: dict[str, Any], member_id: UUID) -> Any:
    """暂停计算联系时间：写明决定的组织和结束日期，到期不自动续"""
    with unit_of_work(db.session()) as session:
        return holds.grant(
            session, current_actor(), member_id, terms=HoldTerms(**data), now=utc_now()
        )


@blp.get("/members/<uuid:member_id>/contact-holds", access=KEEPERS)
@blp.response(200, ContactHoldsOut)
def list_contact_holds(member_id: UUID) -> Any:
    """一名党员的暂停，新的在前"""
    return {"items": holds.list_holds(db.session(), current_actor(), member_id)}


@blp.delete("/members/<uuid:member_id>/contact-holds/<uuid:hold_id>", access=KEEPERS)
@blp.response(204)
def end_contact_hold(member_id: UUID, hold_id: UUID) -> Any:
    """从今天起结束一项暂停"""
    with unit_of_work(db.session()) as session:
        holds.end(session, current_actor(), member_id, hold_id, now=utc_now())
    return None


@blp.get("/orgs/<uuid:organization_id>/contact-policy", access=STAFF)
@blp.response(200, ContactPolicyOut)
def get_contact_policy(organization_id: UUID) -> Any:
    """这个组织所在区的联系阈值"""
    return _shown(policies.get_policy(db.session(), current_actor(), organization_id))


@blp.put("/orgs/<uuid:organization_id>/contact-policy", access=any_of(Role.DISTRICT_ADMIN))
@blp.arguments(ContactPolicyIn)
@blp.response(200, ContactPolicyOut)
def set_contact_policy(data: dict[str, Any], organization_id: UUID) -> Any:
    """设置区的联系阈值；规定的下限不能突破"""
    version = data.pop("version")
    with unit_of_work(db.session()) as session:
        return _shown(
            policies.set_policy(
                session,
                current_actor(),
                organization_id,
                thresholds=Thresholds(**data),
                version=version,
                now=utc_now(),
            )
        )


def _shown(policy: Any) -> dict[str, Any]:
    told = {"organization_id": policy.organization_id, "version": policy.version}
    return asdict(policy.thresholds) | told
