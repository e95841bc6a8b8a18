"""The phone's outbox: writes made without a signal, sent together when there is one."""

from typing import Any

from marshmallow import fields, validate

from api import offline
from api.auth import Access
from api.blueprints import Blueprint
from api.document import ProblemOut
from api.extensions import db
from api.fields import Identifier, InSchema, Instant, OutSchema, Text
from api.idempotency import Retry

OPS_MAX = 50
blp = Blueprint("outbox", __name__, description="离线补交")

_KEY = "0f8fad5b-d9cb-469f-a165-70867728950e"
_ID = "0198c0de-0000-7000-8000-000000000043"
_SCAN = {"activity_id": _ID, "token": "AHaw1lJm0dX1Zb3kq0Jc"}


class OfflineWriteIn(InSchema):
    key = Identifier(
        required=True,
        metadata={"example": _KEY, "description": "这一项自己的编号，同 Idempotency-Key"},
    )
    operation = Text(
        length_max=80,
        required=True,
        metadata={"example": "check_in", "description": "、".join(offline.OFFLINE)},
    )
    path_params = fields.Dict(
        keys=Text(length_max=40),
        values=Identifier(),
        load_default=dict,
        metadata={"example": {}, "description": "该操作地址里的编号"},
    )
    body = fields.Dict(
        load_default=None,
        allow_none=True,
        metadata={"example": _SCAN, "description": "该操作的请求体，逐项按其自己的规则检查"},
    )
    occurred_at = Instant(
        load_default=None,
        allow_none=True,
        metadata={
            "example": "2026-11-13T19:31:00+08:00",
            "description": "在手机上发生的时间。"
            + "、".join(offline.TIMED)
            + " 的请求体没有写时间的，用它，仍受该操作自己的期限约束；其余操作以送达为准",
        },
    )


class OutboxIn(InSchema):
    ops = fields.List(
        fields.Nested(OfflineWriteIn),
        required=True,
        validate=validate.Length(min=1, max=OPS_MAX, error=f"每次 1 至 {OPS_MAX} 项"),
    )


class OfflineResultOut(OutSchema):
    key = Identifier(metadata={"example": _KEY})
    outcome = fields.String(
        metadata={
            "example": "done",
            "description": "done、failed；同一对象前面有一项没有办成的，后面的 skipped",
        }
    )
    status = fields.Integer(allow_none=True, metadata={"example": 200})
    body = fields.Dict(
        allow_none=True,
        metadata={"example": {"status": "present", "message": "", "points": None}},
    )
    problem = fields.Nested(ProblemOut, allow_none=True, metadata={"example": None})
    is_replay = fields.Boolean(metadata={"example": False, "description": "以前已经办过"})


class OutboxOut(OutSchema):
    results = fields.List(fields.Nested(OfflineResultOut))


@blp.post("/outbox", access=Access.MEMBER, retry=Retry.BATCH)
@blp.arguments(OutboxIn)
@blp.response(200, OutboxOut)
def send_outbox(data: dict[str, Any]) -> Any:
    """一次补交离线时记下的操作，各自生效，逐项给出结果；同一对象按先后"""
    # Looking up the caller has begun a transaction, which would keep those of the items waiting.
    db.session().rollback()
    return {"results": list(offline.perform(data["ops"]))}
