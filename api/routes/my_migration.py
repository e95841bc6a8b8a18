"""A member who is away: what he reports himself, and whom a contact person is to call."""

from typing import Any

from marshmallow import fields
from sqlalchemy.orm import Session

from api.auth import Access, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Choice, Day, Flag, Identifier, InSchema, OutSchema, Text
from core.clock import utc_now
from core.db import unit_of_work
from members import migrant_places, migrant_reading, migrants
from members.contact.models import ReasonCode
from members.migrant_reading import MigrantLine
from members.migrants import Absence

blp = Blueprint("my-migration", __name__, description="我的外出登记")

_ID = "0198c0de-0000-7000-8000-000000000142"


class MigrantPlaceIn(InSchema):
    city = Text(
        length_max=40,
        required=True,
        metadata={"example": "陕西省西安市", "description": "只填到城市，不填街道、门牌和单位"},
    )
    expected_back_on = Day(load_default=None, allow_none=True, metadata={"example": "2027-01-20"})


class MigrantAbsenceIn(MigrantPlaceIn):
    left_on = Day(required=True, metadata={"example": "2026-03-01"})
    reason_code = Choice(
        ReasonCode,
        required=True,
        metadata={"example": "work_elsewhere", "description": "外出务工经商等七种官方原因"},
    )
    holds_card = Flag(load_default=False, metadata={"example": True, "description": "持活动证"})
    card_number = Text(
        length_max=40, length_min=0, load_default="", metadata={"example": "流动2026-018"}
    )


class MigrantOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    member_id = Identifier(metadata={"example": _ID})
    member_name = fields.String(metadata={"example": "李静"})
    organization_id = Identifier(metadata={"example": _ID})
    organization_name = fields.String(metadata={"example": "青石桥社区党支部"})
    status = fields.String(metadata={"example": "open"})
    left_on = Day(metadata={"example": "2026-03-01"})
    expected_back_on = Day(allow_none=True, metadata={"example": "2027-01-20"})
    city = fields.String(metadata={"example": "陕西省西安市"})
    reason_code = fields.String(metadata={"example": "work_elsewhere"})
    holds_card = fields.Boolean(metadata={"example": True})
    card_number = fields.String(metadata={"example": "流动2026-018"})
    decision_reason = fields.String(metadata={"example": ""})
    class_decision = fields.String(
        metadata={"example": "", "description": "支部划为流动党员的决定；空即类别未变"}
    )
    is_class_due = fields.Boolean(
        metadata={"example": False, "description": "外出已满六个月而支部尚未决定类别"}
    )
    contact_id = Identifier(allow_none=True, metadata={"example": _ID})
    contact_name = fields.String(allow_none=True, metadata={"example": "王志"})
    placement_id = Identifier(allow_none=True, metadata={"example": _ID})
    placement_status = fields.String(allow_none=True, metadata={"example": "accepted"})
    host_organization_id = Identifier(allow_none=True, metadata={"example": _ID})
    host_name = fields.String(allow_none=True, metadata={"example": "滨河苑社区党支部"})
    last_touch_on = Day(allow_none=True, metadata={"example": "2026-04-01"})
    last_talk_on = Day(allow_none=True, metadata={"example": None})
    next_touch_on = Day(allow_none=True, metadata={"example": "2026-05-01"})
    next_talk_on = Day(allow_none=True, metadata={"example": "2026-06-02"})
    overdue = fields.List(
        fields.String(), metadata={"example": ["touch"], "description": "已过期的联系、谈心"}
    )
    returned_on = Day(allow_none=True, metadata={"example": None})
    card_outcome = fields.String(allow_none=True, metadata={"example": None})


class MyMigrationOut(OutSchema):
    registration = fields.Nested(MigrantOut, allow_none=True)


class MigrantsOut(OutSchema):
    items = fields.List(fields.Nested(MigrantOut))


@blp.get("/me/migration", access=Access.MEMBER)
@blp.response(200, MyMigrationOut)
def get_my_migration() -> Any:
    """我的外出登记：已报告或已登记的一项；没有则为空"""
    return _own(db.session())


@blp.post("/me/migration", access=Access.MEMBER)
@blp.arguments(MigrantAbsenceIn)
@blp.response(201, MyMigrationOut)
def propose_migration(data: dict[str, Any]) -> Any:
    """报告本人外出，由支部登记并指定联系人"""
    with unit_of_work(db.session()) as session:
        migrants.propose(session, current_actor(), absence=read_absence(data), now=utc_now())
        return _own(session)


@blp.delete("/me/migration", access=Access.MEMBER)
@blp.response(204)
def withdraw_migration() -> Any:
    """撤回支部尚未登记的外出报告"""
    with unit_of_work(db.session()) as session:
        migrants.withdraw_proposal(session, current_actor(), now=utc_now())


@blp.post("/me/migration/place", access=Access.MEMBER)
@blp.arguments(MigrantPlaceIn)
@blp.response(200, MyMigrationOut)
def confirm_my_place(data: dict[str, Any]) -> Any:
    """确认或更改我所在的城市和预计返回日期；这是本人报告，计为一次联系"""
    with unit_of_work(db.session()) as session:
        migrant_places.report_own_place(session, current_actor(), now=utc_now(), **data)
        return _own(session)


@blp.get("/me/migrant-contacts", access=Access.MEMBER)
@blp.response(200, MigrantsOut)
def list_my_migrant_contacts() -> Any:
    """由我联系的流动党员，以及下次联系和谈心的日期"""
    lines = migrant_reading.list_own_contacts(db.session(), current_actor())
    return {"items": [shown_migrant(line) for line in lines]}


def read_absence(data: dict[str, Any]) -> Absence:
    """The absence in a request body."""
    names = ("left_on", "expected_back_on", "city", "holds_card", "card_number")
    told = {name: data[name] for name in names}
    return Absence(reason_code=ReasonCode(data["reason_code"]), **told)


def shown_migrant(line: MigrantLine) -> dict[str, Any]:
    """A registration as its schema dumps it; names and due days come beside the row."""
    names = MigrantOut().fields.keys()
    values = {
        name: getattr(part, name)
        for part in (line.registration, line)
        for name in names
        if hasattr(part, name)
    }
    due = line.due
    return values | {
        "next_touch_on": due.touch_on if due else None,
        "next_talk_on": due.talk_on if due else None,
    }


def _own(session: Session) -> dict[str, Any]:
    line = migrant_reading.find_own(session, current_actor())
    return {"registration": shown_migrant(line) if line else None}
