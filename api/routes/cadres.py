"""Village and community cadres: who is one, and their points, apart from members' points."""

from typing import Any
from uuid import UUID

from marshmallow import fields

from api.auth import Access, any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Day, Identifier, InSchema, Instant, OutSchema, PointsText, Text
from api.paging import PageQuery, encode_page
from api.recorded_reading import recorded_reading
from api.routes.points import EntryPage, LedgerQuery, YearQuery, shown_entry
from core import audit
from core.clock import utc_now
from core.db import unit_of_work
from members import cadres
from members.cadres import APPOINTING_ROLES, CADRE_READING_ROLES, Appointment
from points import cadre_points, entries
from points.entries import LedgerView
from points.models import Subject

blp = Blueprint("cadres", __name__, description="村（社区）干部")

_ID = "0198c0de-0000-7000-8000-000000000083"
APPOINTERS = any_of(*APPOINTING_ROLES)


class CadreAppointmentIn(InSchema):
    member_id = Identifier(required=True, metadata={"example": _ID})
    post = Text(length_max=60, required=True, metadata={"example": "村委会主任"})
    basis = Text(length_max=200, required=True, metadata={"example": "镇党委〔2026〕3号"})
    valid_from = Day(required=True, metadata={"example": "2026-03-01"})
    valid_to = Day(load_default=None, allow_none=True, metadata={"example": None})


class CadreAppointmentEndIn(InSchema):
    on = Day(required=True, metadata={"example": "2026-12-01", "description": "自这一天起不再任职"})


class CadreOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    member_id = Identifier(metadata={"example": _ID})
    member_name = fields.String(metadata={"example": "李静"})
    organization_id = Identifier(metadata={"example": _ID})
    organization_name = fields.String(metadata={"example": "柳庄村党支部"})
    post = fields.String(metadata={"example": "村委会主任"})
    basis = fields.String(metadata={"example": "镇党委〔2026〕3号"})
    valid_from = Day(metadata={"example": "2026-03-01"})
    valid_to = Day(allow_none=True, metadata={"example": None})


class CadresOut(OutSchema):
    items = fields.List(fields.Nested(CadreOut))


class CadreAppointmentOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    member_id = Identifier(metadata={"example": _ID})
    organization_id = Identifier(metadata={"example": _ID})
    post = fields.String(metadata={"example": "村委会主任"})
    valid_from = Day(metadata={"example": "2026-03-01"})
    valid_to = Day(allow_none=True, metadata={"example": None})
    recorded_at = Instant(metadata={"example": "2026-03-02T09:00:00+08:00"})


class CadreScoreOut(OutSchema):
    year = fields.Integer(metadata={"example": 2026})
    scheme_name = fields.String(
        attribute="scheme.definition.name", metadata={"example": "村干部积分方案"}
    )
    scheme_version = fields.Integer(attribute="scheme.version", metadata={"example": 1})
    status = fields.String(attribute="score.status", metadata={"example": "scored"})
    total = PointsText(attribute="score.total", allow_none=True, metadata={"example": "92.5"})
    provisional = PointsText(metadata={"example": "6", "description": "公示期内，尚未转为正式"})
    confirmed = PointsText(metadata={"example": "86.5"})
    band = fields.String(attribute="score.band", allow_none=True, metadata={"example": "优秀"})
    steps = fields.List(
        fields.String(),
        attribute="score.steps",
        metadata={"example": ["月基础工作分：60 分。", "合计 92.5 分。"]},
    )


@blp.get("/orgs/<uuid:organization_id>/cadres", access=any_of(*CADRE_READING_ROLES))
@blp.response(200, CadresOut)
def list_cadres(organization_id: UUID) -> Any:
    """本组织及下级现任的村（社区）干部，按组织和姓名排列"""
    rows = cadres.list_cadres(db.session(), current_actor(), organization_id)
    return {"items": [_shown(row) for row in rows]}


@blp.post("/orgs/<uuid:organization_id>/cadres", access=APPOINTERS)
@blp.arguments(CadreAppointmentIn)
@blp.response(201, CadreAppointmentOut)
def appoint_cadre(data: dict[str, Any], organization_id: UUID) -> Any:
    """登记一名党员任村（社区）干部"""
    member_id = data.pop("member_id")
    with unit_of_work(db.session()) as session:
        return cadres.appoint(
            session,
            current_actor(),
            member_id,
            terms=Appointment(organization_id, **data),
            now=utc_now(),
        )


@blp.post("/cadre-appointments/<uuid:appointment_id>/end", access=APPOINTERS)
@blp.arguments(CadreAppointmentEndIn)
@blp.response(200, CadreAppointmentOut)
def end_cadre_appointment(data: dict[str, Any], appointment_id: UUID) -> Any:
    """结束一项任职"""
    with unit_of_work(db.session()) as session:
        return cadres.end(session, current_actor(), appointment_id, on=data["on"])


@blp.get("/orgs/<uuid:organization_id>/cadres/ledger", access=any_of(*CADRE_READING_ROLES))
@blp.arguments(LedgerQuery, location="query")
@blp.response(200, EntryPage)
def list_cadre_ledger(query: dict[str, Any], organization_id: UUID) -> Any:
    """本组织及下级村（社区）干部的积分台账，新的在前"""
    with recorded_reading() as session:
        page = entries.list_of_organization(
            session,
            current_actor(),
            organization_id,
            view=LedgerView(Subject.CADRES, query.get("as_of")),
            after=query.get("cursor"),
            limit=query["limit"],
        )
        audit.note_reading(session, "ledger", (row.LedgerEntry.member_id for row in page.items))
    return encode_page(page) | {"items": [shown_entry(row) for row in page.items]}


@blp.get("/me/cadre-points", access=Access.MEMBER)
@blp.arguments(YearQuery, location="query")
@blp.response(200, CadreScoreOut)
def get_my_cadre_points(query: dict[str, Any]) -> Any:
    """我作为村（社区）干部的积分"""
    actor = current_actor()
    return cadre_points.get_own(db.session(), actor, year=query.get("year", actor.on.year))


@blp.get("/me/cadre-points/entries", access=Access.MEMBER)
@blp.arguments(PageQuery, location="query")
@blp.response(200, EntryPage)
def list_my_cadre_entries(query: dict[str, Any]) -> Any:
    """我作为村（社区）干部的积分流水，新的在前"""
    page = entries.list_own(
        db.session(),
        current_actor(),
        subject=Subject.CADRES,
        after=query.get("cursor"),
        limit=query["limit"],
    )
    return encode_page(page) | {"items": [shown_entry(row) for row in page.items]}


def _shown(row: Any) -> dict[str, Any]:
    names = ("member_name", "organization_name")
    values = {
        name: getattr(row.CadreAppointment, name) for name in CadreOut().fields.keys() - set(names)
    }
    return values | {name: getattr(row, name) for name in names}
