"""Leave: asked for by the member, decided by somebody else, entered by the secretary."""

from typing import Any
from uuid import UUID

from marshmallow import fields

from activities import leaves
from activities.leaves import LeaveEntry, LeaveFacts
from activities.life_models import LeaveReason
from api.auth import Access, any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Choice, Flag, Identifier, InSchema, Instant, OutSchema, Text
from api.paging import PageQuery, encode_page, page_of
from api.routes.activities import ORGANISERS
from core.clock import utc_now
from core.db import unit_of_work
from members.access import ROSTER_ROLES

blp = Blueprint("leave", __name__, description="请假")

_ID = "0198c0de-0000-7000-8000-000000000042"
_START = "2026-11-13T19:30:00+08:00"


class LeaveIn(InSchema):
    reason_kind = Choice(
        LeaveReason,
        required=True,
        metadata={
            "example": "sick",
            "description": "病 sick、事 personal、公差 official、其他 other",
        },
    )
    note = Text(
        length_max=200,
        length_min=0,
        load_default="",
        metadata={"example": "", "description": "可以不填；不要写病情"},
    )


class LeaveEntryIn(LeaveIn):
    member_id = Identifier(required=True, metadata={"example": _ID})
    reason = Text(length_max=200, required=True, metadata={"example": "当天电话请假，补记"})


class LeaveDecisionIn(InSchema):
    is_approved = Flag(required=True, metadata={"example": True})
    reason = Text(length_max=200, length_min=0, load_default="", metadata={"example": ""})


class LeaveOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    activity_id = Identifier(metadata={"example": _ID})
    member_id = Identifier(metadata={"example": _ID})
    reason_kind = fields.String(metadata={"example": "sick"})
    note = fields.String(metadata={"example": ""})
    status = fields.String(
        metadata={"example": "requested", "description": "requested approved refused withdrawn"}
    )
    is_after_the_fact = fields.Boolean(metadata={"example": False})
    decision_reason = fields.String(metadata={"example": ""})


class WaitingLeaveOut(LeaveOut):
    member_name = fields.String(metadata={"example": "李静"})
    title = fields.String(metadata={"example": "十一月主题党日"})
    starts_at = Instant(metadata={"example": _START})


WaitingLeavePage = page_of(WaitingLeaveOut)


@blp.put("/activities/<uuid:activity_id>/leave", access=Access.MEMBER)
@blp.arguments(LeaveIn)
@blp.response(200, LeaveOut)
def request_leave(data: dict[str, Any], activity_id: UUID) -> Any:
    """请假，在活动开始前"""
    with unit_of_work(db.session()) as session:
        return leaves.request(
            session, current_actor(), activity_id, facts=LeaveFacts(**data), now=utc_now()
        )


@blp.delete("/activities/<uuid:activity_id>/leave", access=Access.MEMBER)
@blp.response(204)
def withdraw_leave(activity_id: UUID) -> Any:
    """销假，在活动开始前"""
    with unit_of_work(db.session()) as session:
        leaves.withdraw(session, current_actor(), activity_id, now=utc_now())
    return None


@blp.post("/activities/<uuid:activity_id>/leave-entries", access=any_of(*ROSTER_ROLES))
@blp.arguments(LeaveEntryIn)
@blp.response(201, LeaveOut)
def enter_leave(data: dict[str, Any], activity_id: UUID) -> Any:
    """支部书记代为登记请假，活动开始后也可以，须写明原因"""
    entry = LeaveEntry(
        data["member_id"], LeaveFacts(data["reason_kind"], data["note"]), data["reason"]
    )
    with unit_of_work(db.session()) as session:
        return leaves.enter(session, current_actor(), activity_id, entry=entry, now=utc_now())


@blp.get("/orgs/<uuid:organization_id>/leave-requests", access=ORGANISERS)
@blp.arguments(PageQuery, location="query")
@blp.response(200, WaitingLeavePage)
def list_waiting_leaves(query: dict[str, Any], organization_id: UUID) -> Any:
    """等待审批的请假，先到的在前"""
    page = leaves.list_waiting(
        db.session(),
        current_actor(),
        organization_id,
        after=query.get("cursor"),
        limit=query["limit"],
    )
    return encode_page(page) | {"items": [_waiting(row) for row in page.items]}


@blp.post("/leave-requests/<uuid:leave_id>/decide", access=ORGANISERS)
@blp.arguments(LeaveDecisionIn)
@blp.response(200, LeaveOut)
def decide_leave(data: dict[str, Any], leave_id: UUID) -> Any:
    """审批请假，不能审批本人的"""
    with unit_of_work(db.session()) as session:
        return leaves.decide(session, current_actor(), leave_id, now=utc_now(), **data)


def _waiting(row: Any) -> dict[str, Any]:
    leave = row.LeaveRequest
    return {name: getattr(leave, name) for name in LeaveOut().fields} | {
        "member_name": row.member_name,
        "title": row.title,
        "starts_at": row.starts_at,
    }
