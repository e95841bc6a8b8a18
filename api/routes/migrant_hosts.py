"""Host branches of migrant members: asked by the home branch, they answer, confirm, let go."""

from typing import Any
from uuid import UUID

from marshmallow import fields

from api.auth import STAFF, any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Day, Identifier, InSchema, Instant, OutSchema, Text
from api.paging import PageQuery, encode_page
from api.routes.migrants import MigrantPage, MigrantTouchOut
from api.routes.my_migration import shown_migrant
from core.clock import business_day, utc_now
from core.db import unit_of_work
from members import migrant_hosts, migrant_reading, migrant_touches
from members.access import ROSTER_ROLES
from members.migrant_hosts import Arrival

blp = Blueprint("migrant-hosts", __name__, description="流入地支部")

_ID = "0198c0de-0000-7000-8000-000000000142"
KEEPERS = any_of(*ROSTER_ROLES)


class HostAskIn(InSchema):
    organization_id = Identifier(required=True, metadata={"example": _ID})


class HostEndIn(InSchema):
    on = Day(metadata={"example": "2026-12-01", "description": "省略即今天"})


class HostArrivalIn(InSchema):
    on = Day(metadata={"example": "2026-03-05", "description": "编入之日；省略即今天"})
    party_group_id = Identifier(load_default=None, allow_none=True, metadata={"example": None})


class HostReasonIn(InSchema):
    reason = Text(length_max=200, required=True, metadata={"example": "已离开本地"})


class HostConfirmationIn(InSchema):
    on = Day(metadata={"example": "2026-04-01", "description": "省略即今天"})
    note = Text(length_max=200, length_min=0, load_default="", metadata={"example": "按月参加"})


class HostPlacementOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    registration_id = Identifier(metadata={"example": _ID})
    organization_id = Identifier(metadata={"example": _ID})
    status = fields.String(metadata={"example": "asked"})
    asked_at = Instant(metadata={"example": "2026-03-02T09:00:00+08:00"})
    answered_at = Instant(allow_none=True, metadata={"example": None})
    answer_reason = fields.String(metadata={"example": ""})


@blp.get("/orgs/<uuid:organization_id>/migrants-hosted", access=STAFF)
@blp.arguments(PageQuery, location="query")
@blp.response(200, MigrantPage)
def list_migrants_hosted(query: dict[str, Any], organization_id: UUID) -> Any:
    """本组织及下级接收或待接收的流入党员，按原支部和姓名排列"""
    page = migrant_reading.list_hosted(
        db.session(),
        current_actor(),
        organization_id,
        after=query.get("cursor"),
        limit=query["limit"],
    )
    return encode_page(page) | {"items": [shown_migrant(line) for line in page.items]}


@blp.post("/migrant-registrations/<uuid:registration_id>/host", access=KEEPERS)
@blp.arguments(HostAskIn)
@blp.response(201, HostPlacementOut)
def ask_host(data: dict[str, Any], registration_id: UUID) -> Any:
    """请求流入地支部接收一名流动党员"""
    with unit_of_work(db.session()) as session:
        return migrant_hosts.ask_another(
            session, current_actor(), registration_id, now=utc_now(), **data
        )


@blp.post("/migrant-registrations/<uuid:registration_id>/host/end", access=KEEPERS)
@blp.arguments(HostEndIn)
@blp.response(204)
def take_back_from_host(data: dict[str, Any], registration_id: UUID) -> Any:
    """原支部结束流入地编入，或撤回还没有答复的请求；外出登记继续"""
    now = utc_now()
    with unit_of_work(db.session()) as session:
        migrant_hosts.take_back(
            session,
            current_actor(),
            registration_id,
            on=data.get("on", business_day(now)),
            now=now,
        )


@blp.post("/host-placements/<uuid:placement_id>/accept", access=KEEPERS)
@blp.arguments(HostArrivalIn)
@blp.response(200, HostPlacementOut)
def accept_hosted(data: dict[str, Any], placement_id: UUID) -> Any:
    """接收流动党员，编入本支部或党小组；参加组织生活，没有表决权"""
    now = utc_now()
    arrival = Arrival(data.get("on", business_day(now)), data["party_group_id"])
    with unit_of_work(db.session()) as session:
        return migrant_hosts.accept(
            session, current_actor(), placement_id, arrival=arrival, now=now
        )


@blp.post("/host-placements/<uuid:placement_id>/decline", access=KEEPERS)
@blp.arguments(HostReasonIn)
@blp.response(200, HostPlacementOut)
def decline_hosted(data: dict[str, Any], placement_id: UUID) -> Any:
    """不接收，须写明原因"""
    with unit_of_work(db.session()) as session:
        return migrant_hosts.decline(
            session, current_actor(), placement_id, reason=data["reason"], now=utc_now()
        )


@blp.post("/host-placements/<uuid:placement_id>/confirm", access=KEEPERS)
@blp.arguments(HostConfirmationIn)
@blp.response(201, MigrantTouchOut)
def confirm_hosted(data: dict[str, Any], placement_id: UUID) -> Any:
    """流入地确认：这名党员在本地，能联系上"""
    now = utc_now()
    on = data.get("on", business_day(now))
    with unit_of_work(db.session()) as session:
        return migrant_touches.confirm_by_host(
            session, current_actor(), placement_id, on=on, note=data["note"], now=now
        )


@blp.post("/host-placements/<uuid:placement_id>/end", access=KEEPERS)
@blp.arguments(HostEndIn)
@blp.response(200, HostPlacementOut)
def let_hosted_go(data: dict[str, Any], placement_id: UUID) -> Any:
    """登记流入党员离开本地，从那天起结束编入"""
    now = utc_now()
    on = data.get("on", business_day(now))
    with unit_of_work(db.session()) as session:
        return migrant_hosts.let_go(session, current_actor(), placement_id, on=on, now=now)
