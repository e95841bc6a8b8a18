"""The calendar of a branch's duties, and what is not met below a body."""

from typing import Any
from uuid import UUID

from marshmallow import fields

from activities import branch_duties
from activities.branch_duties import DUTY_ROLES, BranchDuty, ExcuseData
from activities.duties import STATE_LABELS
from activities.models import ActivityKind
from api.auth import any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Choice, Day, Identifier, InSchema, OutSchema, Text
from core.clock import utc_now
from core.db import unit_of_work
from members.access import ROSTER_ROLES

blp = Blueprint("duties", __name__, description="组织生活日历")

_ID = "0198c0de-0000-7000-8000-000000000046"
READERS = any_of(*DUTY_ROLES)


class MonthQuery(InSchema):
    on = Day(
        required=True, metadata={"example": "2026-11-01", "description": "这一天所在的月、季、年"}
    )


class ExcuseIn(InSchema):
    kind = Choice(ActivityKind, required=True, metadata={"example": "theme_day"})
    excused_on = Day(
        required=True, metadata={"example": "2026-08-01", "description": "这一天所在的月、季或年"}
    )
    group_id = Identifier(load_default=None, allow_none=True, metadata={"example": None})
    reason = Text(length_max=200, required=True, metadata={"example": "防汛抢险，全员在岗"})


class DutyOut(OutSchema):
    organization_id = Identifier(metadata={"example": _ID})
    organization_name = fields.String(metadata={"example": "青石桥社区党支部"})
    group_name = fields.String(metadata={"example": ""})
    kind = fields.String(metadata={"example": "theme_day"})
    label = fields.String(metadata={"example": "主题党日"})
    basis = fields.String(metadata={"example": "《中国共产党党员教育管理工作条例》第十六条"})
    cadence = fields.String(metadata={"example": "month"})
    first_on = Day(metadata={"example": "2026-11-01"})
    last_on = Day(metadata={"example": "2026-11-30"})
    state = fields.String(
        metadata={"example": "met", "description": "met not_met excused planned not_yet_due"}
    )
    state_label = fields.String(metadata={"example": "已完成"})
    reason = fields.String(metadata={"example": ""})
    activity_ids = fields.List(Identifier(metadata={"example": _ID}))


class DutiesOut(OutSchema):
    items = fields.List(fields.Nested(DutyOut))


class ExcuseOut(OutSchema):
    id = Identifier(metadata={"example": _ID})


@blp.get("/orgs/<uuid:organization_id>/duties", access=READERS)
@blp.arguments(MonthQuery, location="query")
@blp.response(200, DutiesOut)
def list_duties(query: dict[str, Any], organization_id: UUID) -> Any:
    """支部当月、当季、当年的组织生活：已完成、未完成或有说明"""
    found = branch_duties.judge_branch(
        db.session(), current_actor(), organization_id, month=query["on"], now=utc_now()
    )
    return {"items": [_shown(one) for one in found]}


@blp.get("/orgs/<uuid:organization_id>/duty-exceptions", access=READERS)
@blp.arguments(MonthQuery, location="query")
@blp.response(200, DutiesOut)
def list_duty_exceptions(query: dict[str, Any], organization_id: UUID) -> Any:
    """下级支部还没有完成的组织生活，按名称排列，只列例外"""
    found = branch_duties.list_exceptions(
        db.session(), current_actor(), organization_id, month=query["on"], now=utc_now()
    )
    return {"items": [_shown(one) for one in found]}


@blp.post("/orgs/<uuid:organization_id>/duty-excuses", access=any_of(*ROSTER_ROLES))
@blp.arguments(ExcuseIn)
@blp.response(201, ExcuseOut)
def excuse_duty(data: dict[str, Any], organization_id: UUID) -> Any:
    """说明一项组织生活为何没有开展"""
    with unit_of_work(db.session()) as session:
        return branch_duties.excuse(
            session, current_actor(), organization_id, data=ExcuseData(**data), now=utc_now()
        )


def _shown(found: BranchDuty) -> dict[str, Any]:
    standing = found.standing
    return {
        "organization_id": found.organization_id,
        "organization_name": found.organization_name,
        "group_name": found.group_name,
        "kind": standing.duty.kind,
        "label": standing.duty.label,
        "basis": standing.duty.basis,
        "cadence": standing.duty.cadence,
        "first_on": standing.span.first_on,
        "last_on": standing.span.last_on,
        "state": standing.state,
        "state_label": STATE_LABELS[standing.state],
        "reason": standing.reason,
        "activity_ids": standing.activity_ids,
    }
