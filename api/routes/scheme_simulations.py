"""Simulations: what a scheme would have changed in a past year."""

from typing import Any
from uuid import UUID

from marshmallow import fields

from api.auth import current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Count, Day, Identifier, InSchema, Instant, OutSchema, PointsText
from api.paging import PageQuery, encode_page, page_of
from api.routes.jobs import JobOut
from api.routes.scheme_drafts import DRAFTERS
from api.routes.schemes import READERS
from core.clock import utc_now
from core.db import unit_of_work
from points import scheme_simulation, simulation_reading
from points.scheme_simulation import Stretch

blp = Blueprint("scheme_simulations", __name__, description="积分方案模拟")

_ID = "0198c0de-0000-7000-8000-000000000081"


class SimulationIn(InSchema):
    year = Count(minimum=1900, maximum=2100, required=True, metadata={"example": 2026})
    through_on = Day(
        metadata={"example": "2026-06-30", "description": "模拟到哪一天；省略即年末或今天"}
    )


class BandMoveOut(OutSchema):
    band_before = fields.String(allow_none=True, metadata={"example": "良好"})
    band_after = fields.String(allow_none=True, metadata={"example": "优秀"})
    members = fields.Integer(metadata={"example": 12})


class SimulationOut(OutSchema):
    id = Identifier(attribute="simulation.id", metadata={"example": _ID})
    scheme_id = Identifier(attribute="simulation.scheme_id", metadata={"example": _ID})
    year = fields.Integer(attribute="simulation.year", metadata={"example": 2026})
    through_on = Day(attribute="simulation.through_on", metadata={"example": "2026-06-30"})
    requested_at = Instant(
        attribute="simulation.requested_at", metadata={"example": "2026-11-07T09:00:00+08:00"}
    )
    finished_at = Instant(
        attribute="simulation.finished_at",
        allow_none=True,
        metadata={"example": "2026-11-07T09:01:00+08:00"},
    )
    examined = fields.Integer(attribute="simulation.examined", metadata={"example": 1200})
    changed = fields.Integer(metadata={"example": 130, "description": "总分或等次会不同的人数"})
    mean_delta = PointsText(metadata={"example": "0.35", "description": "全体平均相差"})
    moves = fields.List(fields.Nested(BandMoveOut))


class SimulationChangeOut(OutSchema):
    member_id = Identifier(metadata={"example": _ID})
    member_name = fields.String(metadata={"example": "李静"})
    organization_id = Identifier(metadata={"example": _ID})
    organization_name = fields.String(metadata={"example": "梧桐里社区第一党支部"})
    party_group_name = fields.String(allow_none=True, metadata={"example": "第一党小组"})
    total_before = PointsText(
        allow_none=True, metadata={"example": "78", "description": "不计分的为 null"}
    )
    total_after = PointsText(allow_none=True, metadata={"example": "81.5"})
    band_before = fields.String(allow_none=True, metadata={"example": "合格"})
    band_after = fields.String(allow_none=True, metadata={"example": "良好"})


SimulationChangePage = page_of(SimulationChangeOut)


@blp.post("/schemes/<uuid:scheme_id>/simulate", access=DRAFTERS)
@blp.arguments(SimulationIn)
@blp.response(202, JobOut)
def simulate_scheme(data: dict[str, Any], scheme_id: UUID) -> Any:
    """按这一版重算过去的一年，只看结果，不记账；subject_id 是模拟的编号"""
    with unit_of_work(db.session()) as session:
        return scheme_simulation.request(
            session, current_actor(), scheme_id, stretch=Stretch(**data), now=utc_now()
        )


@blp.get("/scheme-simulations/<uuid:simulation_id>", access=READERS)
@blp.response(200, SimulationOut)
def get_scheme_simulation(simulation_id: UUID) -> Any:
    """模拟的合计：只重算账本里已有的记录，原来不计分因而没有记录的事不在内"""
    return simulation_reading.get_report(db.session(), current_actor(), simulation_id)


@blp.get("/scheme-simulations/<uuid:simulation_id>/changes", access=READERS)
@blp.arguments(PageQuery, location="query")
@blp.response(200, SimulationChangePage)
def list_simulation_changes(query: dict[str, Any], simulation_id: UUID) -> Any:
    """谁的总分或等次会不同，按支部、小组和姓名排列"""
    page = simulation_reading.list_changes(
        db.session(),
        current_actor(),
        simulation_id,
        after=query.get("cursor"),
        limit=query["limit"],
    )
    return encode_page(page) | {"items": [_shown(row) for row in page.items]}


def _shown(row: Any) -> dict[str, Any]:
    change = row.SchemeSimulationChange
    values = {name: getattr(change, name) for name in _COLUMNS}
    return values | {name: getattr(row, name) for name in _NAMES}


_NAMES = ("member_name", "organization_name", "party_group_name")
_COLUMNS = SimulationChangeOut().fields.keys() - set(_NAMES)
