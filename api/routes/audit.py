"""The auditor's operations: who did what, who was shown what, samples, the ledger's health."""

from datetime import date
from typing import Any

from marshmallow import fields, validate

from api.auth import Access, any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Choice, Count, Identifier, InSchema, Instant, OutSchema, Text
from api.paging import PageQuery, encode_page, page_of
from api.recorded_reading import recorded_reading
from api.routes.bulletins import Month
from api.routes.points import EntryOut, shown_entry
from core.audit_models import Outcome
from core.clock import utc_now
from core.db import unit_of_work
from members import audit_reading
from members.audit_reading import AUDIT_ROLES, EventFilter
from points import audit_samples, ledger_health
from points.audit_samples import SIZE_MAX, Drawing

blp = Blueprint("audit", __name__, description="审计")

_ID = "0198c0de-0000-7000-8000-000000000210"
_AT = "2026-11-10T09:00:00+08:00"
_SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_HEX = _ID.replace("-", "")
AUDITORS = any_of(*AUDIT_ROLES)


class ShowingQuery(PageQuery):
    actor_id = Identifier(data_key="actor", metadata={"example": _ID, "description": "谁做的"})
    subject_id = Identifier(
        data_key="subject", metadata={"example": _ID, "description": "涉及哪名党员"}
    )
    # A name of ours: of an operation, a job or a command.
    operation = fields.String(
        validate=validate.Regexp(r"[a-z][a-z0-9 ._-]{1,79}\Z", error="没有这样的操作名"),
        metadata={"example": "review_claims"},
    )
    since = Instant(data_key="from", metadata={"example": _AT})
    until = Instant(data_key="to", metadata={"example": _AT})


class AuditEventQuery(ShowingQuery):
    object_id = Identifier(
        data_key="object", metadata={"example": _ID, "description": "动了哪个对象"}
    )
    outcome = Choice(Outcome, metadata={"example": "denied"})


class AuditEventOut(OutSchema):
    seq = fields.Integer(metadata={"example": 1024})
    at = Instant(metadata={"example": _AT, "description": "数据库的时间"})
    actor_kind = fields.String(
        metadata={"example": "member", "description": "member job command public"}
    )
    actor_id = Identifier(allow_none=True, metadata={"example": _ID})
    actor_name = fields.String(allow_none=True, metadata={"example": "李静"})
    operator = fields.String(
        allow_none=True, metadata={"example": None, "description": "命令行操作者的系统账号"}
    )
    on_behalf_of = Identifier(
        allow_none=True, metadata={"example": None, "description": "受谁委托，或代谁录入"}
    )
    operation = fields.String(metadata={"example": "review_claims"})
    request_id = fields.String(allow_none=True, metadata={"example": "k3v9q2xw"})
    session_id = Identifier(allow_none=True, metadata={"example": None})
    organization_id = Identifier(allow_none=True, metadata={"example": _ID})
    outcome = fields.String(metadata={"example": "done", "description": "done denied refused"})
    code = fields.String(metadata={"example": ""})
    tables = fields.List(fields.String(), metadata={"example": ["claim", "ledger_entry"]})
    objects = fields.Dict(metadata={"example": {"claim": [_HEX]}})
    object_count = fields.Integer(metadata={"example": 1})
    subjects = fields.List(fields.String(), metadata={"example": [_HEX]})
    shown = fields.Dict(allow_none=True, metadata={"example": None})
    written_hmac = fields.String(allow_none=True, metadata={"example": None})


class AccessRecordOut(OutSchema):
    seq = fields.Integer(metadata={"example": 1025})
    at = Instant(metadata={"example": _AT})
    actor_id = Identifier(allow_none=True, metadata={"example": _ID})
    actor_name = fields.String(allow_none=True, metadata={"example": "李静"})
    operation = fields.String(metadata={"example": "get_member"})
    request_id = fields.String(allow_none=True, metadata={"example": "k3v9q2xw"})
    shown = fields.Dict(metadata={"example": {"member_record": [_HEX]}})


class OwnAccessRecordOut(OutSchema):
    at = Instant(metadata={"example": _AT})
    actor_name = fields.String(allow_none=True, metadata={"example": "李静"})
    operation = fields.String(metadata={"example": "get_member"})
    what = fields.List(fields.String(), metadata={"example": ["member_record"]})


class SampleIn(InSchema):
    organization_id = Identifier(required=True, metadata={"example": _ID})
    month = Month(required=True, metadata={"example": "2026-11"})
    n = Count(minimum=1, maximum=SIZE_MAX, required=True, metadata={"example": 20})
    seed = Text(length_max=64, required=True, metadata={"example": "2026-11 抽查"})


class SampleOut(OutSchema):
    id = Identifier(attribute="sample.id", metadata={"example": _ID})
    population = fields.Integer(
        attribute="sample.population", metadata={"example": 412, "description": "从多少笔中抽取"}
    )
    entries_sha256 = fields.String(
        attribute="sample.entries_sha256",
        metadata={"example": _SHA, "description": "抽中各笔编号按抽取次序的摘要"},
    )
    items = fields.List(fields.Nested(EntryOut))


class LedgerHealthOut(OutSchema):
    is_sound = fields.Boolean(metadata={"example": True})
    checked_at = Instant(allow_none=True, metadata={"example": _AT})
    faults = fields.Integer(allow_none=True, metadata={"example": 0})
    message = fields.String(metadata={"example": ""})
    sealed_entries = fields.Integer(metadata={"example": 420})
    head = fields.String(allow_none=True, metadata={"example": _SHA})
    sealed_at = Instant(allow_none=True, metadata={"example": _AT})


EventPage, AccessRecordPage = page_of(AuditEventOut), page_of(AccessRecordOut)
OwnAccessRecordPage = page_of(OwnAccessRecordOut)


@blp.get("/audit/events", access=AUDITORS)
@blp.arguments(AuditEventQuery, location="query")
@blp.response(200, EventPage)
def list_audit_events(query: dict[str, Any]) -> Any:
    """谁在什么时候做了什么，新的在前；按党员查询会留下记录"""
    with recorded_reading() as session:
        page = audit_reading.list_events(session, current_actor(), **_asked(query))
    return encode_page(page) | {"items": [_shown(row) for row in page.items]}


@blp.get("/audit/access", access=AUDITORS)
@blp.arguments(ShowingQuery, location="query")
@blp.response(200, AccessRecordPage)
def list_access_records(query: dict[str, Any]) -> Any:
    """谁在什么时候查看了谁的个人信息，新的在前；按党员查询会留下记录"""
    with recorded_reading() as session:
        page = audit_reading.list_access(session, current_actor(), **_asked(query))
    return encode_page(page) | {"items": [_shown(row) for row in page.items]}


@blp.get("/me/access-records", access=Access.MEMBER)
@blp.arguments(PageQuery, location="query")
@blp.response(200, OwnAccessRecordPage)
def list_my_access_records(query: dict[str, Any]) -> Any:
    """谁看过我的信息，新的在前"""
    actor = current_actor()
    page = audit_reading.list_own_access(
        db.session(), actor, after=query.get("cursor"), limit=query["limit"]
    )
    return encode_page(page) | {
        "items": [_shown(row) | {"what": _what_of(row, actor.member_id.hex)} for row in page.items]
    }


@blp.post("/audit/samples", access=AUDITORS)
@blp.arguments(SampleIn)
@blp.response(201, SampleOut)
def create_audit_sample(data: dict[str, Any]) -> Any:
    """按种子随机抽取一个月的若干笔积分；同样的种子和数据抽出同样的结果"""
    drawing = Drawing(
        data["organization_id"],
        date.fromisoformat(f"{data['month']}-01"),
        data["n"],
        data["seed"],
    )
    with unit_of_work(db.session()) as session:
        sample, lines = audit_samples.draw(session, current_actor(), drawing=drawing, now=utc_now())
    return {"sample": sample, "items": [shown_entry(line) for line in lines]}


@blp.get("/audit/verify", access=AUDITORS)
@blp.response(200, LedgerHealthOut)
def get_ledger_health() -> Any:
    """最近一次全账核对的结果，以及账本封存到哪里"""
    return ledger_health.read_health(db.session())


def _asked(query: dict[str, Any]) -> dict[str, Any]:
    given = {name: query[name] for name in EventFilter.__annotations__ if name in query}
    return {
        "wanted": EventFilter(**given),
        "after": query.get("cursor"),
        "limit": query["limit"],
    }


def _shown(row: Any) -> dict[str, Any]:
    values = {name: getattr(row.AuditEvent, name) for name in _EVENT_FIELDS}
    return values | {"actor_name": row.actor_name}


def _what_of(row: Any, member_hex: str) -> list[str]:
    """What of one member an event has shown; the others' are none of his business."""
    return [what for what, ids in row.AuditEvent.shown.items() if member_hex in ids]


_EVENT_FIELDS = AuditEventOut().fields.keys() - {"actor_name"}
