"""Migrant members of a branch: registration, contact person, touches, return."""

from typing import Any
from uuid import UUID

from marshmallow import fields
from sqlalchemy.orm import Session

from api.auth import STAFF, Access, any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Choice, Day, Flag, Identifier, InSchema, Instant, OutSchema, Text
from api.paging import PageQuery, encode_page, page_of
from api.routes.my_migration import (
    MigrantAbsenceIn,
    MigrantOut,
    MigrantPlaceIn,
    read_absence,
    shown_migrant,
)
from core.clock import business_day, utc_now
from core.db import unit_of_work
from members import (
    migrant_closings,
    migrant_contacts,
    migrant_places,
    migrant_reading,
    migrant_touches,
    migrants,
)
from members.access import ROSTER_ROLES
from members.migrant_closings import Return
from members.migrant_models import CardOutcome, TouchKind
from members.migrant_touches import HOME_KINDS, Touch
from members.migrants import Arrangement

blp = Blueprint("migrants", __name__, description="流动党员")

_ID = "0198c0de-0000-7000-8000-000000000142"
KEEPERS = any_of(*ROSTER_ROLES)
_CLASS = "支部的决定；填写即改变党员类别（影响计分），不填则不变"


class MigrantArrangementIn(InSchema):
    contact_id = Identifier(
        required=True, metadata={"example": _ID, "description": "本支部的联系人"}
    )
    host_organization_id = Identifier(
        load_default=None, allow_none=True, metadata={"example": None}
    )
    class_decision = Text(
        length_max=200,
        length_min=0,
        load_default="",
        metadata={"example": "支委会 2026 年 3 月 5 日研究", "description": _CLASS},
    )


class MigrantRegistrationIn(MigrantAbsenceIn, MigrantArrangementIn):
    """What the branch enters for a member, and what it arranges."""


class MigrationDeclineIn(InSchema):
    reason = Text(length_max=200, required=True, metadata={"example": "外出不足一个月"})


class MigrantContactIn(InSchema):
    contact_id = Identifier(required=True, metadata={"example": _ID})


class MigrantTouchIn(InSchema):
    kind = Choice(HOME_KINDS, required=True, metadata={"example": "answered_call"})
    happened_on = Day(metadata={"example": "2026-04-01", "description": "省略即今天"})
    is_talk = Flag(load_default=False, metadata={"example": False, "description": "是否谈心"})
    note = Text(length_max=200, length_min=0, load_default="", metadata={"example": "工作稳定"})


class MigrantClassIn(InSchema):
    class_decision = Text(
        length_max=200,
        required=True,
        metadata={"example": "支委会 2026 年 9 月 5 日研究", "description": "支部的决定"},
    )


class MigrantReturnIn(InSchema):
    returned_on = Day(metadata={"example": "2027-01-18", "description": "省略即今天"})
    card_outcome = Choice(
        (CardOutcome.CHECKED, CardOutcome.LOST),
        load_default=None,
        allow_none=True,
        metadata={"example": "checked", "description": "持证的须核对活动证"},
    )
    class_decision = Text(
        length_max=200,
        length_min=0,
        load_default="",
        metadata={"example": "", "description": _CLASS},
    )
    note = Text(length_max=200, length_min=0, load_default="", metadata={"example": ""})


class MigrantTouchOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    kind = fields.String(metadata={"example": "answered_call"})
    happened_on = Day(metadata={"example": "2026-04-01"})
    is_talk = fields.Boolean(metadata={"example": False})
    note = fields.String(metadata={"example": "工作稳定"})
    recorded_at = Instant(metadata={"example": "2026-04-01T20:00:00+08:00"})


class MigrantTouchLineOut(MigrantTouchOut):
    recorded_by_name = fields.String(metadata={"example": "王志"})


class MigrantContactOut(OutSchema):
    contact_id = Identifier(metadata={"example": _ID})
    name = fields.String(metadata={"example": "王志"})
    valid_from = Day(metadata={"example": "2026-03-02"})
    valid_to = Day(allow_none=True, metadata={"example": None})
    set_by = Identifier(metadata={"example": _ID})
    set_at = Instant(metadata={"example": "2026-03-02T09:00:00+08:00"})


class MigrantPlacementOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    organization_id = Identifier(metadata={"example": _ID})
    organization_name = fields.String(metadata={"example": "滨河苑社区党支部"})
    status = fields.String(metadata={"example": "accepted"})
    asked_at = Instant(metadata={"example": "2026-03-02T09:00:00+08:00"})
    answered_at = Instant(allow_none=True, metadata={"example": "2026-03-03T09:00:00+08:00"})
    answer_reason = fields.String(metadata={"example": ""})


class MigrantPlaceOut(OutSchema):
    city = fields.String(metadata={"example": "陕西省西安市"})
    expected_back_on = Day(allow_none=True, metadata={"example": None})
    reported_by = Identifier(metadata={"example": _ID})
    reported_at = Instant(metadata={"example": "2026-04-01T20:00:00+08:00"})


class MigrantFileOut(OutSchema):
    registration = fields.Nested(MigrantOut)
    contacts = fields.List(fields.Nested(MigrantContactOut))
    placements = fields.List(fields.Nested(MigrantPlacementOut))
    places = fields.List(fields.Nested(MigrantPlaceOut))
    touches = fields.List(fields.Nested(MigrantTouchLineOut))


MigrantPage = page_of(MigrantOut)


@blp.get("/orgs/<uuid:organization_id>/migrants-away", access=STAFF)
@blp.arguments(PageQuery, location="query")
@blp.response(200, MigrantPage)
def list_migrants_away(query: dict[str, Any], organization_id: UUID) -> Any:
    """本组织及下级外出的流动党员，含待登记的；按支部和姓名排列"""
    page = migrant_reading.list_away(
        db.session(),
        current_actor(),
        organization_id,
        after=query.get("cursor"),
        limit=query["limit"],
    )
    return encode_page(page) | {"items": [shown_migrant(line) for line in page.items]}


@blp.post("/members/<uuid:member_id>/migrant-registration", access=KEEPERS)
@blp.arguments(MigrantRegistrationIn)
@blp.response(201, MigrantFileOut)
def register_migrant(data: dict[str, Any], member_id: UUID) -> Any:
    """登记一名党员外出，指定联系人，可同时请求流入地支部接收"""
    with unit_of_work(db.session()) as session:
        actor = current_actor()
        registration = migrants.register(
            session,
            actor,
            member_id,
            absence=read_absence(data),
            arrangement=_arrangement(data),
            now=utc_now(),
        )
        return _file(session, registration.id)


@blp.get("/migrant-registrations/<uuid:registration_id>", access=Access.MEMBER)
@blp.response(200, MigrantFileOut)
def get_migrant_registration(registration_id: UUID) -> Any:
    """一项外出登记及其联系人、流入地、所在城市和联系记录"""
    return _file(db.session(), registration_id)


@blp.post("/migrant-registrations/<uuid:registration_id>/accept", access=KEEPERS)
@blp.arguments(MigrantArrangementIn)
@blp.response(200, MigrantFileOut)
def accept_migration(data: dict[str, Any], registration_id: UUID) -> Any:
    """按本人报告登记外出，指定联系人"""
    with unit_of_work(db.session()) as session:
        migrants.accept_proposal(
            session,
            current_actor(),
            registration_id,
            arrangement=_arrangement(data),
            now=utc_now(),
        )
        return _file(session, registration_id)


@blp.post("/migrant-registrations/<uuid:registration_id>/decline", access=KEEPERS)
@blp.arguments(MigrationDeclineIn)
@blp.response(200, MigrantFileOut)
def decline_migration(data: dict[str, Any], registration_id: UUID) -> Any:
    """不予登记本人报告的外出，须写明原因"""
    with unit_of_work(db.session()) as session:
        migrants.decline_proposal(
            session, current_actor(), registration_id, reason=data["reason"], now=utc_now()
        )
        return _file(session, registration_id)


@blp.post("/migrant-registrations/<uuid:registration_id>/place", access=KEEPERS)
@blp.arguments(MigrantPlaceIn)
@blp.response(200, MigrantFileOut)
def correct_migrant_place(data: dict[str, Any], registration_id: UUID) -> Any:
    """更改外出党员所在的城市和预计返回日期"""
    with unit_of_work(db.session()) as session:
        migrant_places.correct_place(
            session, current_actor(), registration_id, now=utc_now(), **data
        )
        return _file(session, registration_id)


@blp.post("/migrant-registrations/<uuid:registration_id>/class", access=KEEPERS)
@blp.arguments(MigrantClassIn)
@blp.response(200, MigrantFileOut)
def decide_migrant_class(data: dict[str, Any], registration_id: UUID) -> Any:
    """按支部决定从今天起划为流动党员；类别影响计分，不自动划分"""
    with unit_of_work(db.session()) as session:
        migrants.decide_class(
            session,
            current_actor(),
            registration_id,
            decision=data["class_decision"],
            now=utc_now(),
        )
        return _file(session, registration_id)


@blp.post("/migrant-registrations/<uuid:registration_id>/contact", access=KEEPERS)
@blp.arguments(MigrantContactIn)
@blp.response(200, MigrantFileOut)
def replace_migrant_contact(data: dict[str, Any], registration_id: UUID) -> Any:
    """从今天起换一名联系人；以前的联系人保留在记录里"""
    with unit_of_work(db.session()) as session:
        migrant_contacts.replace(
            session,
            current_actor(),
            registration_id,
            contact_id=data["contact_id"],
            now=utc_now(),
        )
        return _file(session, registration_id)


@blp.post("/migrant-registrations/<uuid:registration_id>/touches", access=Access.MEMBER)
@blp.arguments(MigrantTouchIn)
@blp.response(201, MigrantTouchOut)
def record_migrant_touch(data: dict[str, Any], registration_id: UUID) -> Any:
    """联系人或支部负责人记一次联系或谈心"""
    now = utc_now()
    touch = Touch(
        TouchKind(data["kind"]),
        data.get("happened_on", business_day(now)),
        data["is_talk"],
        data["note"],
    )
    with unit_of_work(db.session()) as session:
        return migrant_touches.record(
            session, current_actor(), registration_id, touch=touch, now=now
        )


@blp.post("/migrant-registrations/<uuid:registration_id>/close", access=KEEPERS)
@blp.arguments(MigrantReturnIn)
@blp.response(200, MigrantFileOut)
def close_migration(data: dict[str, Any], registration_id: UUID) -> Any:
    """登记党员返回：核对活动证，结束流入地编入和联系人的任务"""
    now = utc_now()
    outcome = data["card_outcome"]
    back = Return(
        data.get("returned_on", business_day(now)),
        CardOutcome(outcome) if outcome else None,
        data["class_decision"],
        data["note"],
    )
    with unit_of_work(db.session()) as session:
        migrant_closings.close(session, current_actor(), registration_id, back=back, now=now)
        return _file(session, registration_id)


def _arrangement(data: dict[str, Any]) -> Arrangement:
    return Arrangement(data["contact_id"], data["host_organization_id"], data["class_decision"])


def _file(session: Session, registration_id: UUID) -> dict[str, Any]:
    file = migrant_reading.get_file(session, current_actor(), registration_id)
    return {
        "registration": shown_migrant(file.line),
        "contacts": [_with(MigrantContactOut, row, name=name) for row, name in file.contacts],
        "placements": [
            _with(MigrantPlacementOut, row, organization_name=name) for row, name in file.placements
        ],
        "places": file.places,
        "touches": [
            _with(MigrantTouchLineOut, row, recorded_by_name=name) for row, name in file.touches
        ],
    }


def _with(schema: type[OutSchema], row: Any, **beside: Any) -> dict[str, Any]:
    names = schema().fields.keys() - beside.keys()
    return {name: getattr(row, name) for name in names} | beside
