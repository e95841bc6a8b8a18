"""Record sheets of volunteer service, and the public check of their codes."""

from typing import Any
from uuid import UUID

from marshmallow import fields

from activities import service_sheets
from activities.service_models import SheetKind
from activities.service_sheets import HEADINGS, SheetRequest
from api.auth import Access, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Choice, Day, Identifier, InSchema, Instant, OutSchema
from api.paging import PageQuery, encode_page, page_of
from core.clock import utc_now
from core.db import unit_of_work
from core.quantities import format_half_hours

blp = Blueprint("service-sheets", __name__, description="志愿服务记录单")

_ID = "0198c0de-0000-7000-8000-000000000140"
_CODE = "ABCDEFGHJKLMNPQR"


class SheetIn(InSchema):
    kind = Choice(SheetKind, load_default="record", metadata={"example": "record"})
    first_on = Day(required=True, data_key="from", metadata={"example": "2026-01-01"})
    last_on = Day(required=True, data_key="to", metadata={"example": "2026-11-10"})
    issuer_id = Identifier(
        load_default=None,
        allow_none=True,
        metadata={"example": None, "description": "只用于 certificate：登记过的可出具单位"},
    )


class SheetLineOut(OutSchema):
    title = fields.String(metadata={"example": "清扫社区花坛"})
    organiser = fields.String(metadata={"example": "梧桐里社区党支部"})
    place = fields.String(metadata={"example": "梧桐里花园"})
    happened_on = fields.String(metadata={"example": "2026-11-07"})
    planned_minutes = fields.Integer(metadata={"example": 120})
    claimed_minutes = fields.Integer(metadata={"example": 120})
    confirmed_minutes = fields.Integer(metadata={"example": 120})
    origin = fields.String(metadata={"example": "scanned"})
    is_backfill = fields.Boolean(metadata={"example": False})


class SheetOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    heading = fields.String(metadata={"example": "志愿服务记录单"})
    number = fields.String(metadata={"example": "20261110-1A2B3C4D"})
    verify_code = fields.String(metadata={"example": _CODE})
    organization = fields.String(metadata={"example": "梧桐里社区党支部"})
    member_name = fields.String(metadata={"example": "王志强"})
    first_on = Day(data_key="from", metadata={"example": "2026-01-01"})
    last_on = Day(data_key="to", metadata={"example": "2026-11-10"})
    hours = fields.String(metadata={"example": "12.5"})
    issued_on = Day(metadata={"example": "2026-11-10"})
    revoked_at = Instant(allow_none=True, metadata={"example": None})


class SheetWithLinesOut(SheetOut):
    lines = fields.List(fields.Nested(SheetLineOut))


class SheetCheckOut(OutSchema):
    heading = fields.String(metadata={"example": "志愿服务记录单"})
    organization = fields.String(metadata={"example": "梧桐里社区党支部"})
    masked_name = fields.String(metadata={"example": "王**"})
    hours = fields.String(metadata={"example": "12.5"})
    issued_on = Day(metadata={"example": "2026-11-10"})
    is_valid = fields.Boolean(metadata={"example": True})


SheetPage = page_of(SheetOut)


@blp.post("/me/service-records-sheets", access=Access.MEMBER)
@blp.arguments(SheetIn)
@blp.response(201, SheetWithLinesOut)
def issue_service_sheet(data: dict[str, Any]) -> Any:
    """开具一段时间的志愿服务记录单，免费"""
    request = SheetRequest(**data | {"kind": SheetKind(data["kind"])})
    with unit_of_work(db.session()) as session:
        sheet = service_sheets.issue(session, current_actor(), request=request, now=utc_now())
    return _shown(service_sheets.get_own(db.session(), current_actor(), sheet.id))


@blp.get("/me/service-records-sheets", access=Access.MEMBER)
@blp.arguments(PageQuery, location="query")
@blp.response(200, SheetPage)
def list_service_sheets(query: dict[str, Any]) -> Any:
    """我开具过的单，新的在前"""
    page = service_sheets.list_own(
        db.session(), current_actor(), after=query.get("cursor"), limit=query["limit"]
    )
    return encode_page(page) | {"items": [_shown(row) for row in page.items]}


@blp.get("/me/service-records-sheets/<uuid:sheet_id>", access=Access.MEMBER)
@blp.response(200, SheetWithLinesOut)
def get_service_sheet(sheet_id: UUID) -> Any:
    """一张单和它的明细"""
    return _shown(service_sheets.get_own(db.session(), current_actor(), sheet_id))


@blp.post("/service-sheets/<uuid:sheet_id>/revoke", access=Access.MEMBER)
@blp.response(204)
def revoke_service_sheet(sheet_id: UUID) -> Any:
    """作废一张单：本人，或出具的组织"""
    with unit_of_work(db.session()) as session:
        service_sheets.revoke(session, current_actor(), sheet_id, now=utc_now())
    return None


@blp.get("/verify/<string:code>", access=Access.PUBLIC)
@blp.response(200, SheetCheckOut)
def verify_service_sheet(code: str) -> Any:
    """凭核验码查一张单是否有效"""
    found = service_sheets.check(db.session(), code, now=utc_now())
    return {
        "heading": found.heading,
        "organization": found.organization_name,
        "masked_name": found.masked_name,
        "hours": format_half_hours(found.total_minutes),
        "issued_on": found.issued_on,
        "is_valid": found.is_valid,
    }


def _shown(row: Any) -> dict[str, Any]:
    sheet, name, organization_name, issuer_name = row
    return {
        **{field: getattr(sheet, field) for field in _SHEET_FIELDS},
        "heading": HEADINGS[SheetKind(sheet.kind)],
        "organization": issuer_name or organization_name,
        "member_name": name,
        "hours": format_half_hours(sheet.total_minutes),
        "lines": sheet.lines,
    }


_SHEET_FIELDS = (
    "id",
    "number",
    "verify_code",
    "first_on",
    "last_on",
    "issued_on",
    "revoked_at",
)
