"""Attendance: the list of a meeting, roll call, make-up, revisions, and a branch's rates."""

from typing import Any
from uuid import UUID

from marshmallow import fields, validate

from activities import attendance_rates, attendance_reading, make_ups, roll_calls
from activities.attendance_rates import AttendanceCounts
from activities.life_models import AttendanceOrigin, AttendanceStatus
from activities.make_ups import MakeUpFacts
from activities.roll_calls import MARKABLE, MARKS_MAX, Mark, RollCall
from api.auth import STAFF, Access, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Choice, Day, Flag, Identifier, InSchema, Instant, OutSchema, PointsText, Text
from api.routes.activities import ORGANISERS, AttendanceCountsOut
from core.clock import utc_now
from core.db import unit_of_work

blp = Blueprint("attendance", __name__, description="考勤")

_ID = "0198c0de-0000-7000-8000-000000000041"


class MarkIn(InSchema):
    member_id = Identifier(required=True, metadata={"example": _ID})
    mark = Choice(MARKABLE, required=True, metadata={"example": "absent_unexcused"})
    reason = Text(length_max=200, length_min=0, load_default="", metadata={"example": ""})


class RollCallIn(InSchema):
    default = Choice(
        MARKABLE[:3],
        load_default=None,
        allow_none=True,
        metadata={"example": "present", "description": "其余应到而还没有登记的人；null 为不动"},
    )
    is_paper = Flag(
        load_default=False,
        metadata={"example": False, "description": "按纸质签到表补录"},
    )
    items = fields.List(
        fields.Nested(MarkIn),
        load_default=list,
        validate=validate.Length(max=MARKS_MAX, error=f"每次最多 {MARKS_MAX} 人"),
    )


class MarkedOut(OutSchema):
    member_id = Identifier(metadata={"example": _ID})
    outcome = fields.String(
        metadata={"example": "recorded", "description": "recorded unchanged refused"}
    )
    status = fields.String(allow_none=True, metadata={"example": "absent_unexcused"})
    code = fields.String(metadata={"example": ""})
    message = fields.String(metadata={"example": ""})
    points = PointsText(
        allow_none=True, metadata={"example": None, "description": "活动结束后的更正才有"}
    )


class RollCallOut(OutSchema):
    results = fields.List(fields.Nested(MarkedOut))


class AttendanceLineOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    member_id = Identifier(metadata={"example": _ID})
    name = fields.String(metadata={"example": "李静"})
    group_name = fields.String(metadata={"example": "第一党小组"})
    affiliation_kind = fields.String(metadata={"example": "primary"})
    member_kind = fields.String(metadata={"example": "full_member"})
    is_expected = fields.Boolean(metadata={"example": True})
    is_exempt = fields.Boolean(metadata={"example": False})
    status = fields.String(allow_none=True, metadata={"example": "present"})
    origin = fields.String(allow_none=True, metadata={"example": "roll_call"})
    revision = fields.Integer(metadata={"example": 1})


class RatesOut(OutSchema):
    counts = fields.Nested(AttendanceCountsOut)
    leaving_out_leave = fields.String(allow_none=True, metadata={"example": "97.6%"})
    counting_leave = fields.String(allow_none=True, metadata={"example": "90.9%"})


class AttendanceListOut(OutSchema):
    items = fields.List(fields.Nested(AttendanceLineOut))
    rates = fields.Nested(RatesOut)
    formula = fields.String(metadata={"example": attendance_rates.FORMULA})


class AttendanceEventOut(OutSchema):
    revision = fields.Integer(metadata={"example": 1})
    status = fields.String(metadata={"example": "present"})
    origin = fields.String(metadata={"example": "roll_call"})
    reason = fields.String(metadata={"example": ""})
    entered_by_name = fields.String(metadata={"example": "王书记"})
    entered_at = Instant(metadata={"example": "2026-11-13T19:40:00+08:00"})


class AttendanceEventsOut(OutSchema):
    items = fields.List(fields.Nested(AttendanceEventOut))


class MakeUpIn(InSchema):
    member_id = Identifier(required=True, metadata={"example": _ID})
    made_up_on = Day(required=True, metadata={"example": "2026-11-20"})
    content = Text(length_max=200, required=True, metadata={"example": "自学材料并作交流"})


class MakeUpOut(OutSchema):
    points = PointsText(allow_none=True, metadata={"example": None})
    message = fields.String(metadata={"example": ""})


class RangeQuery(InSchema):
    first_on = Day(required=True, metadata={"example": "2026-01-01"})
    last_on = Day(required=True, metadata={"example": "2026-12-31"})


class MemberRateOut(RatesOut):
    member_id = Identifier(metadata={"example": _ID})
    name = fields.String(metadata={"example": "李静"})
    group_name = fields.String(metadata={"example": "第一党小组"})


class BranchRatesOut(RatesOut):
    members = fields.List(fields.Nested(MemberRateOut))
    formula = fields.String(metadata={"example": attendance_rates.FORMULA})


@blp.get("/activities/<uuid:activity_id>/attendance", access=ORGANISERS)
@blp.response(200, AttendanceListOut)
def list_attendance(activity_id: UUID) -> Any:
    """一次活动的名单和考勤，按党小组、姓名排列"""
    rows = attendance_reading.list_attendance(db.session(), current_actor(), activity_id)
    counts = attendance_rates.count_statuses(str(row.status) for row in rows if row.is_expected)
    return {"items": rows, "rates": _rates(counts), "formula": attendance_rates.FORMULA}


@blp.post("/activities/<uuid:activity_id>/roll-call", access=ORGANISERS)
@blp.arguments(RollCallIn)
@blp.response(200, RollCallOut)
def call_roll(data: dict[str, Any], activity_id: UUID) -> Any:
    """点名：其余全到，只点例外；也用于更正"""
    marks = [
        Mark(one["member_id"], AttendanceStatus(one["mark"]), one["reason"])
        for one in data["items"]
    ]
    default = AttendanceStatus(data["default"]) if data["default"] else None
    origin = AttendanceOrigin.PAPER if data["is_paper"] else AttendanceOrigin.ROLL_CALL
    with unit_of_work(db.session()) as session:
        results = roll_calls.call_roll(
            session,
            current_actor(),
            activity_id,
            roll=RollCall(marks, default, origin),
            now=utc_now(),
        )
    return {"results": results}


@blp.get("/attendance/<uuid:attendance_id>/events", access=Access.MEMBER)
@blp.response(200, AttendanceEventsOut)
def list_attendance_events(attendance_id: UUID) -> Any:
    """一次考勤的每次登记和更正"""
    return {"items": attendance_reading.list_events(db.session(), current_actor(), attendance_id)}


@blp.post("/activities/<uuid:activity_id>/make-ups", access=ORGANISERS)
@blp.arguments(MakeUpIn)
@blp.response(201, MakeUpOut)
def confirm_make_up(data: dict[str, Any], activity_id: UUID) -> Any:
    """确认补学，活动后 30 天内"""
    member_id = data.pop("member_id")
    with unit_of_work(db.session()) as session:
        made = make_ups.confirm(
            session,
            current_actor(),
            activity_id,
            member_id,
            facts=MakeUpFacts(**data),
            now=utc_now(),
        )
    has_entry = made is not None and made.entry_id is not None
    return {
        "points": made.points if made and has_entry else None,
        "message": made.note if made else "",
    }


@blp.get("/orgs/<uuid:organization_id>/attendance-rates", access=STAFF)
@blp.arguments(RangeQuery, location="query")
@blp.response(200, BranchRatesOut)
def get_attendance_rates(query: dict[str, Any], organization_id: UUID) -> Any:
    """支部的出勤率和公式，按党小组、姓名排列"""
    rates = attendance_reading.rate_branch(db.session(), current_actor(), organization_id, **query)
    members = [
        _rates(one.counts)
        | {"member_id": one.member_id, "name": one.name, "group_name": one.group_name}
        for one in rates.members
    ]
    return _rates(rates.counts) | {"members": members, "formula": attendance_rates.FORMULA}


def _rates(counts: AttendanceCounts) -> dict[str, Any]:
    rates = attendance_rates.rates_of(counts)
    return {
        "counts": counts,
        "leaving_out_leave": attendance_rates.percent_text(rates.leaving_out_leave),
        "counting_leave": attendance_rates.percent_text(rates.counting_leave),
    }
