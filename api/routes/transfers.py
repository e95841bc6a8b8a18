"""Transfers of the formal relation: sent with a letter, accepted or returned with the cause."""

from typing import Any
from uuid import UUID

from marshmallow import ValidationError, fields, validates_schema

from api.auth import STAFF, Access, any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Choice, Day, Identifier, InSchema, Instant, OutSchema, Text
from api.paging import PageQuery, encode_page, page_of
from core.clock import business_day, utc_now
from core.db import unit_of_work
from members import transfer_reading
from members.access import ROSTER_ROLES
from members.transfer_answers import Acceptance
from members.transfer_models import TransferStatus
from members.transfer_reading import Direction, Sought, TransferLine
from members.transfer_rules import letter_ends_on
from members.transfers import Letter
from notifications import transfer_steps

blp = Blueprint("transfers", __name__, description="组织关系转接")

_ID = "0198c0de-0000-7000-8000-000000000141"
KEEPERS = any_of(*ROSTER_ROLES)


class TransferLetterIn(InSchema):
    receiver_organization_id = Identifier(
        load_default=None,
        allow_none=True,
        metadata={"example": _ID, "description": "接收支部；转往本系统以外时为空"},
    )
    receiver_name = Text(
        length_max=80,
        length_min=0,
        load_default="",
        metadata={"example": "", "description": "转往本系统以外时的接收组织名称"},
    )
    reason = Text(length_max=200, required=True, metadata={"example": "工作调动"})
    letter_number = Text(length_max=40, required=True, metadata={"example": "2026年第18号"})
    letter_on = Day(required=True, metadata={"example": "2026-03-01"})
    letter_valid_to = Day(
        load_default=None,
        allow_none=True,
        metadata={"example": None, "description": "省略即三个月后，不能更长"},
    )

    @validates_schema
    def _one_receiver(self, data: dict[str, Any], **_: Any) -> None:
        if (data.get("receiver_organization_id") is None) is (not data.get("receiver_name")):
            raise ValidationError("接收支部与外部接收组织，须填且只填一项", "receiver_name")


class TransferAcceptIn(InSchema):
    on = Day(metadata={"example": "2026-03-10", "description": "接收之日；省略即今天"})
    party_group_id = Identifier(load_default=None, allow_none=True, metadata={"example": None})


class TransferReasonIn(InSchema):
    reason = Text(length_max=200, required=True, metadata={"example": "介绍信写错了支部"})


class OutsideAcceptanceIn(InSchema):
    on = Day(required=True, metadata={"example": "2026-03-10"})
    document_number = Text(length_max=80, required=True, metadata={"example": "回执〔2026〕7号"})


class TransferOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    member_id = Identifier(metadata={"example": _ID})
    member_name = fields.String(metadata={"example": "李静"})
    sender_organization_id = Identifier(metadata={"example": _ID})
    sender_name = fields.String(metadata={"example": "青石桥社区党支部"})
    receiver_organization_id = Identifier(allow_none=True, metadata={"example": _ID})
    receiver_name = fields.String(metadata={"example": "柳庄村党支部"})
    reason = fields.String(metadata={"example": "工作调动"})
    letter_number = fields.String(metadata={"example": "2026年第18号"})
    letter_on = Day(metadata={"example": "2026-03-01"})
    letter_valid_to = Day(metadata={"example": "2026-06-01"})
    is_letter_valid = fields.Boolean(metadata={"example": True})
    status = fields.String(
        metadata={"example": "sent", "description": "sent 期间由转出支部负责"},
    )
    sent_on = Day(metadata={"example": "2026-03-02"})
    days_under_way = fields.Integer(allow_none=True, metadata={"example": 8})
    step = fields.Integer(
        allow_none=True, metadata={"example": None, "description": "已满 30、60、90 天"}
    )
    accepted_on = Day(allow_none=True, metadata={"example": None})
    decided_at = Instant(allow_none=True, metadata={"example": None})
    decision_reason = fields.String(metadata={"example": ""})
    document_number = fields.String(metadata={"example": ""})


class TransfersQuery(PageQuery):
    direction = Choice(Direction, required=True, metadata={"example": "in"})
    status = Choice(TransferStatus, metadata={"example": "sent"})


class TransfersOut(OutSchema):
    items = fields.List(fields.Nested(TransferOut))


TransferPage = page_of(TransferOut)


@blp.post("/members/<uuid:member_id>/transfers", access=KEEPERS)
@blp.arguments(TransferLetterIn)
@blp.response(201, TransferOut)
def send_transfer(data: dict[str, Any], member_id: UUID) -> Any:
    """开出介绍信，把组织关系转往另一个支部或外部组织；接收前仍由本支部负责"""
    data["letter_valid_to"] = data["letter_valid_to"] or letter_ends_on(data["letter_on"])
    with unit_of_work(db.session()) as session:
        actor, letter = current_actor(), Letter(**data)
        sent = transfer_steps.send(session, actor, member_id, letter=letter, now=utc_now())
        return shown(transfer_reading.get(session, actor, sent.id))


@blp.get("/orgs/<uuid:organization_id>/transfers", access=STAFF)
@blp.arguments(TransfersQuery, location="query")
@blp.response(200, TransferPage)
def list_transfers(query: dict[str, Any], organization_id: UUID) -> Any:
    """本组织及下级转出或转入的组织关系，按发出先后排列"""
    status = query.get("status")
    sought = Sought(Direction(query["direction"]), TransferStatus(status) if status else None)
    page = transfer_reading.list_transfers(
        db.session(),
        current_actor(),
        organization_id,
        sought=sought,
        after=query.get("cursor"),
        limit=query["limit"],
    )
    return encode_page(page) | {"items": [shown(line) for line in page.items]}


@blp.get("/me/transfers", access=Access.MEMBER)
@blp.response(200, TransfersOut)
def list_my_transfers() -> Any:
    """我的组织关系转接，新的在前"""
    lines = transfer_reading.list_own(db.session(), current_actor())
    return {"items": [shown(line) for line in lines]}


@blp.get("/transfers/<uuid:transfer_id>", access=Access.MEMBER)
@blp.response(200, TransferOut)
def get_transfer(transfer_id: UUID) -> Any:
    """一次转接，双方支部、上级和本人都能看到"""
    return shown(transfer_reading.get(db.session(), current_actor(), transfer_id))


@blp.post("/transfers/<uuid:transfer_id>/accept", access=KEEPERS)
@blp.arguments(TransferAcceptIn)
@blp.response(200, TransferOut)
def accept_transfer(data: dict[str, Any], transfer_id: UUID) -> Any:
    """接收转来的组织关系，从当天起由本支部负责；已有积分不变"""
    now = utc_now()
    acceptance = Acceptance(data.get("on", business_day(now)), data["party_group_id"])
    with unit_of_work(db.session()) as session:
        actor = current_actor()
        transfer_steps.accept(session, actor, transfer_id, acceptance=acceptance, now=now)
        return shown(transfer_reading.get(session, actor, transfer_id))


@blp.post("/transfers/<uuid:transfer_id>/return", access=KEEPERS)
@blp.arguments(TransferReasonIn)
@blp.response(200, TransferOut)
def return_transfer(data: dict[str, Any], transfer_id: UUID) -> Any:
    """退回转来的组织关系，须写明原因；无正当理由不得拒绝接收"""
    with unit_of_work(db.session()) as session:
        actor = current_actor()
        transfer_steps.send_back(session, actor, transfer_id, reason=data["reason"], now=utc_now())
        return shown(transfer_reading.get(session, actor, transfer_id))


@blp.post("/transfers/<uuid:transfer_id>/withdraw", access=KEEPERS)
@blp.arguments(TransferReasonIn)
@blp.response(200, TransferOut)
def withdraw_transfer(data: dict[str, Any], transfer_id: UUID) -> Any:
    """转出支部撤回尚未接收的转接"""
    with unit_of_work(db.session()) as session:
        actor = current_actor()
        transfer_steps.withdraw(session, actor, transfer_id, reason=data["reason"], now=utc_now())
        return shown(transfer_reading.get(session, actor, transfer_id))


@blp.post("/transfers/<uuid:transfer_id>/record-acceptance", access=KEEPERS)
@blp.arguments(OutsideAcceptanceIn)
@blp.response(200, TransferOut)
def record_transfer_acceptance(data: dict[str, Any], transfer_id: UUID) -> Any:
    """凭回执登记外部组织已接收；从当天起不再属于本支部"""
    with unit_of_work(db.session()) as session:
        actor = current_actor()
        transfer_steps.record_outside_acceptance(session, actor, transfer_id, now=utc_now(), **data)
        return shown(transfer_reading.get(session, actor, transfer_id))


def shown(line: TransferLine) -> dict[str, Any]:
    """A transfer as its schema dumps it; the names come beside the row."""
    values = {
        name: getattr(line.transfer, name)
        for name in TransferOut().fields
        if hasattr(line.transfer, name)
    }
    names = (
        *("member_name", "sender_name", "receiver_name"),
        *("days_under_way", "step", "is_letter_valid"),
    )
    return values | {name: getattr(line, name) for name in names}
