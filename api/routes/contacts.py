"""Contact with members: what the member says, what the branch enters, what a file brings."""

import tempfile
from pathlib import Path
from typing import Any
from uuid import UUID

from marshmallow import fields

from api.auth import Access, any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Choice, Day, FilePart, Identifier, InSchema, Instant, OutSchema, Text
from core.clock import utc_now
from core.db import unit_of_work
from members.access import ROSTER_ROLES
from members.access_models import Role
from members.contact import dues, reports
from members.contact.reports import LOGGED, ContactLog

blp = Blueprint("contacts", __name__, description="联系记录")

_ID = "0198c0de-0000-7000-8000-000000000040"
KEEPERS = any_of(*ROSTER_ROLES)
CALLERS = any_of(*reports.CALLING_ROLES)
READERS = any_of(*reports.CALLING_ROLES, Role.AUDITOR)
FACTS_SHOWN = 100


class ContactConfirmationOut(OutSchema):
    confirmed_on = Day(metadata={"example": "2026-11-23"})


class ContactLogIn(InSchema):
    kind = Choice(
        LOGGED,
        required=True,
        metadata={"example": "answered_call", "description": "接通电话、回复消息、当面见到"},
    )
    happened_on = Day(required=True, metadata={"example": "2026-11-20"})
    note = Text(
        length_max=200,
        length_min=0,
        load_default="",
        metadata={"example": "本人接听，月底返回", "description": "不写隐私"},
    )


class ContactFactOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    kind = fields.String(metadata={"example": "answered_call"})
    strength = fields.String(
        metadata={"example": "soft", "description": "hard 重新起算；soft 说明联系得上"}
    )
    happened_on = Day(metadata={"example": "2026-11-20"})
    organization_id = Identifier(metadata={"example": _ID})
    recorded_by = Identifier(allow_none=True, metadata={"example": _ID})
    recorded_at = Instant(metadata={"example": "2026-11-20T10:00:00+08:00"})
    note = fields.String(metadata={"example": ""})
    is_retracted = fields.Boolean(metadata={"example": False})


class ContactFactsOut(OutSchema):
    items = fields.List(fields.Nested(ContactFactOut))


class RetractionIn(InSchema):
    reason = Text(length_max=200, required=True, metadata={"example": "录错了人"})


class DuesDateIn(InSchema):
    paid_until = Day(required=True, metadata={"example": "2026-10-31"})


class DuesFileIn(InSchema):
    organization_id = Identifier(
        required=True, metadata={"description": "只导入这个组织及其下级的党员", "example": _ID}
    )
    file = FilePart(
        required=True, metadata={"description": ".csv、.xlsx 或 .xls，三列：姓名、手机号、党费缴至"}
    )


class DuesRefusalOut(OutSchema):
    row_number = fields.Integer(metadata={"example": 12})
    name = fields.String(metadata={"example": "王志强"})
    code = fields.String(metadata={"example": "dues.unknown_phone"})
    message = fields.String(metadata={"example": "名册里没有这个手机号，或不在您的管理范围内。"})


class DuesImportOut(OutSchema):
    recorded = fields.Integer(metadata={"example": 1078})
    unchanged = fields.Integer(metadata={"example": 0, "description": "以前已经录过的"})
    refusals = fields.List(fields.Nested(DuesRefusalOut))


@blp.post("/me/contact-confirmation", access=Access.MEMBER)
@blp.response(200, ContactConfirmationOut)
def confirm_contact() -> Any:
    """我在，联系方式没变"""
    with unit_of_work(db.session()) as session:
        return {"confirmed_on": reports.confirm_own(session, current_actor(), now=utc_now())}


@blp.post("/members/<uuid:member_id>/contact-logs", access=CALLERS)
@blp.arguments(ContactLogIn)
@blp.response(201, ContactFactOut)
def log_contact(data: dict[str, Any], member_id: UUID) -> Any:
    """登记一次联系：打通电话、收到回复或见到本人"""
    with unit_of_work(db.session()) as session:
        fact = reports.log_contact(
            session, current_actor(), member_id, log=ContactLog(**data), now=utc_now()
        )
    return _shown(fact, stands=True)


@blp.get("/members/<uuid:member_id>/contact-facts", access=READERS)
@blp.response(200, ContactFactsOut)
def list_contact_facts(member_id: UUID) -> Any:
    """一名党员最近的联系记录，新的在前，最多 100 条"""
    found = reports.list_facts(db.session(), current_actor(), member_id, limit=FACTS_SHOWN)
    return {"items": [_shown(fact, stands=stands) for fact, stands in found]}


@blp.post("/contact-facts/<uuid:fact_id>/retraction", access=KEEPERS)
@blp.arguments(RetractionIn)
@blp.response(204)
def retract_contact_fact(data: dict[str, Any], fact_id: UUID) -> Any:
    """撤回一条录错的联系或党费日期；考勤在活动里更正"""
    with unit_of_work(db.session()) as session:
        reports.retract_fact(
            session, current_actor(), fact_id, reason=data["reason"], now=utc_now()
        )
    return None


@blp.post("/members/<uuid:member_id>/dues-dates", access=KEEPERS)
@blp.arguments(DuesDateIn)
@blp.response(204)
def enter_dues_date(data: dict[str, Any], member_id: UUID) -> Any:
    """录入一名党员的党费缴至日期；不录金额"""
    with unit_of_work(db.session()) as session:
        dues.enter(
            session, current_actor(), member_id, paid_until=data["paid_until"], now=utc_now()
        )
    return None


@blp.post("/dues-imports", access=KEEPERS)
@blp.arguments(DuesFileIn, location="multipart")
@blp.response(200, DuesImportOut)
def import_dues_dates(data: dict[str, Any]) -> Any:
    """导入党费缴至日期：没有问题的行录入，其余逐行说明；重复导入不会重复记录"""
    with tempfile.TemporaryDirectory(prefix="dues-") as directory:
        path = Path(directory) / "dues"
        path.write_bytes(data["file"].read())
        with unit_of_work(db.session()) as session:
            return dues.import_file(
                session, current_actor(), data["organization_id"], path=path, now=utc_now()
            )


def _shown(fact: Any, *, stands: bool) -> dict[str, Any]:
    names = (name for name in ContactFactOut().fields if name != "is_retracted")
    return {name: getattr(fact, name) for name in names} | {"is_retracted": not stands}
