"""Periods: what is open and closed, closing and opening one, my sealed statements."""

from typing import Any

from marshmallow import fields

from api.auth import Access, any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Choice, Day, Flag, Identifier, InSchema, Instant, OutSchema, PointsText, Text
from api.routes.jobs import JobOut
from core.clock import utc_now
from core.db import unit_of_work
from points import closing, opening, periods, statement_reading
from points.closing import CLOSING_ROLES, CloseTerms
from points.models import Subject

blp = Blueprint("periods", __name__, description="年度结账")

_ID = "0198c0de-0000-7000-8000-000000000070"
_SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
CLOSERS = any_of(*CLOSING_ROLES)


class CloseIn(InSchema):
    force_late = Flag(
        load_default=False,
        metadata={"example": False, "description": "仍有未办事项也结账，之后作为补记处理"},
    )
    reason = Text(
        length_max=200,
        load_default="",
        metadata={"example": "上级要求按期结账", "description": "强制结账须写明原因"},
    )


class SubjectQuery(InSchema):
    subject = Choice(
        Subject, load_default=Subject.PARTY_MEMBERS.value, metadata={"example": "party_members"}
    )


class PeriodOut(OutSchema):
    code = fields.String(metadata={"example": "2026"})
    starts_on = Day(metadata={"example": "2026-01-01"})
    ends_on = Day(metadata={"example": "2026-12-31"})
    status = fields.String(metadata={"example": "closed", "description": "open closing closed"})


class PeriodsOut(OutSchema):
    items = fields.List(fields.Nested(PeriodOut))


class ClosingOut(OutSchema):
    begun_at = Instant(metadata={"example": "2027-01-16T09:00:00+08:00"})
    late_reason = fields.String(metadata={"example": ""})
    waiting = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        metadata={"example": {}, "description": "强制结账时的未办事项 -> 数量"},
    )


class SealOut(OutSchema):
    statements = fields.Integer(metadata={"example": 1200})
    entries = fields.Integer(metadata={"example": 9800})
    points = PointsText(metadata={"example": "15230.5"})
    sha256 = fields.String(metadata={"example": _SHA})
    sealed_at = Instant(metadata={"example": "2027-01-16T09:02:00+08:00"})


class OpeningOut(OutSchema):
    rollovers = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        metadata={"example": {"reset": 1200}, "description": "承接方式 -> 人数"},
    )
    opened_at = Instant(metadata={"example": "2027-01-16T10:00:00+08:00"})


class PeriodRecordOut(OutSchema):
    period = fields.Nested(PeriodOut)
    opening = fields.Nested(OpeningOut, allow_none=True)
    closing = fields.Nested(ClosingOut, allow_none=True)
    seal = fields.Nested(SealOut, allow_none=True)


class StatementOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    period = fields.String(metadata={"example": "2026"})
    subject = fields.String(metadata={"example": "party_members"})
    total = PointsText(
        allow_none=True, metadata={"example": "86.5", "description": "不计分的为 null"}
    )
    sha256 = fields.String(metadata={"example": _SHA})
    sealed_at = Instant(metadata={"example": "2027-01-16T09:02:00+08:00"})


class StatementsOut(OutSchema):
    items = fields.List(fields.Nested(StatementOut))


class StatementContentOut(StatementOut):
    content = fields.String(
        metadata={
            "example": '{"entries":{"count":12,"points":2650},"unit":"1/100","v":1}',
            "description": "封存的原文，逐字节不变；其 SHA-256 即 sha256",
        }
    )


@blp.get("/periods", access=Access.MEMBER)
@blp.response(200, PeriodsOut)
def list_periods() -> Any:
    """各年度是否开放、正在结账或已结账，新的在前"""
    return {"items": periods.list_periods(db.session())}


@blp.get("/periods/<int:code>", access=Access.MEMBER)
@blp.response(200, PeriodRecordOut)
def get_period(code: int) -> Any:
    """一个年度的承接、结账和封存的合计"""
    return statement_reading.get_record(db.session(), str(code))


@blp.post("/periods/<int:code>/close", access=CLOSERS)
@blp.arguments(CloseIn)
@blp.response(202, JobOut)
def close_period(data: dict[str, Any], code: int) -> Any:
    """开始结账：立即停止计入，后台逐人封存；有未办事项时拒绝并列出"""
    terms = CloseTerms(data["force_late"], data["reason"])
    with unit_of_work(db.session()) as session:
        return closing.request(session, current_actor(), str(code), terms=terms, now=utc_now())


@blp.post("/periods/<int:code>/open", access=CLOSERS)
@blp.response(202, JobOut)
def open_period(code: int) -> Any:
    """开放年度，并按方案清零或结转上一年度"""
    with unit_of_work(db.session()) as session:
        return opening.request(session, current_actor(), str(code), now=utc_now())


@blp.get("/me/statements", access=Access.MEMBER)
@blp.response(200, StatementsOut)
def list_my_statements() -> Any:
    """我的各年度封存结账单，新的在前"""
    rows = statement_reading.list_own(db.session(), current_actor())
    return {"items": [_shown(row) for row in rows]}


@blp.get("/me/statements/<int:code>", access=Access.MEMBER)
@blp.arguments(SubjectQuery, location="query")
@blp.response(200, StatementContentOut)
def get_my_statement(query: dict[str, Any], code: int) -> Any:
    """我的一个年度的封存结账单原文"""
    row = statement_reading.get_own(
        db.session(), current_actor(), str(code), subject=query["subject"]
    )
    return _shown(row)


def _shown(row: Any) -> dict[str, Any]:
    statement, period = row
    names = StatementContentOut().fields.keys() - {"period"}
    return {name: getattr(statement, name) for name in names} | {"period": period.code}
