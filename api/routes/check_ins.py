"""Check-in: the rotating code on the organiser's screen, and a member's scan of it."""

from typing import Any
from uuid import UUID

import marshmallow as ma
import segno
from marshmallow import fields

from activities import attendance_codes, check_ins
from activities.check_ins import Scan
from api.auth import Access, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Identifier, InSchema, Instant, OutSchema, PointsText, Text
from api.problems import refused
from api.routes.activities import ORGANISERS
from core.clock import utc_now
from core.db import unit_of_work

blp = Blueprint("check_ins", __name__, description="签到")

_ID = "0198c0de-0000-7000-8000-000000000043"
_AT = "2026-11-13T19:31:00+08:00"


class ScanIn(InSchema):
    activity_id = Identifier(required=True, metadata={"example": _ID})
    token = Text(
        length_max=64,
        length_min=0,
        load_default="",
        metadata={"example": "AHaw1lJm0dX1Zb3kq0Jc", "description": "二维码里的内容"},
    )
    digits = Text(
        length_max=6,
        length_min=0,
        load_default="",
        metadata={"example": "", "description": "屏幕上的六位数字，与 token 二选一"},
    )
    scanned_at = Instant(
        load_default=None,
        allow_none=True,
        metadata={"example": _AT, "description": "没有信号时先存下，72 小时内补传"},
    )

    @ma.validates_schema
    def _require_one(self, data: dict[str, Any], **_kwargs: Any) -> None:
        if bool(data["token"]) == bool(data["digits"]):
            raise ma.ValidationError("token 与 digits 填其中一个", "token")


class CheckedInOut(OutSchema):
    status = fields.String(allow_none=True, metadata={"example": "present"})
    message = fields.String(metadata={"example": "签到成功，可以关掉了。"})
    points = PointsText(
        allow_none=True, metadata={"example": None, "description": "活动结束后补传的才有"}
    )


class CodeOut(OutSchema):
    activity_id = Identifier(metadata={"example": _ID})
    token = fields.String(metadata={"example": "AHaw1lJm0dX1Zb3kq0Jc"})
    digits = fields.String(metadata={"example": "402917"})
    valid_until = Instant(metadata={"example": _AT})
    svg = fields.String(metadata={"example": "<svg></svg>"})
    note = fields.String(metadata={"example": attendance_codes.WHAT_IT_PROVES})


@blp.post("/check-ins", access=Access.MEMBER)
@blp.arguments(ScanIn)
@blp.response(200, CheckedInOut)
def check_in(data: dict[str, Any]) -> Any:
    """扫码或输入六位数字签到；已签到的再签不算错"""
    with unit_of_work(db.session()) as session:
        checked = check_ins.check_in(session, current_actor(), scan=Scan(**data), now=utc_now())
    # Raising would undo the count of wrong tries.
    return refused(checked.refusal) if checked.refusal is not None else checked


@blp.get("/activities/<uuid:activity_id>/code", access=ORGANISERS)
@blp.response(200, CodeOut)
@blp.alt_response(409, "CONFLICT")
def get_code(activity_id: UUID) -> Any:
    """现在的签到码，每 15 秒换一次；只给组织者"""
    code = check_ins.issue_code(db.session(), current_actor(), activity_id, now=utc_now())
    image = segno.make(f"{activity_id}:{code.token}", error="m", micro=False)
    shown = {
        "activity_id": activity_id,
        "token": code.token,
        "digits": code.digits,
        "valid_until": code.valid_until,
        "svg": image.svg_inline(scale=8),
        "note": attendance_codes.WHAT_IT_PROVES,
    }
    # Nothing between here and the screen may keep a copy.
    return shown, 200, {"Cache-Control": "no-store"}
