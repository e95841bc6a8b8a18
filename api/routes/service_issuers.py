"""Bodies that may certify volunteer service, kept by the district."""

from typing import Any
from uuid import UUID

from marshmallow import fields

from activities import service_issuers
from activities.service_issuers import REGISTERING_ROLES, Registration
from activities.service_models import IssuerKind
from api.auth import any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Choice, Day, Identifier, InSchema, OutSchema, Text
from core.clock import utc_now
from core.db import unit_of_work

blp = Blueprint("service-issuers", __name__, description="可出具单位")

_ID = "0198c0de-0000-7000-8000-000000000130"
_ORGANIZATION_ID = "0198c0de-0000-7000-8000-000000000051"
REGISTRARS = any_of(*REGISTERING_ROLES)


class IssuerIn(InSchema):
    organization_id = Identifier(
        required=True,
        metadata={"example": _ORGANIZATION_ID, "description": "代表该单位操作的党组织"},
    )
    kind = Choice(IssuerKind, required=True, metadata={"example": "residents_committee"})
    name = Text(length_max=80, required=True, metadata={"example": "梧桐里社区居民委员会"})
    basis = Text(length_max=200, required=True, metadata={"example": "区民〔2026〕8 号"})
    valid_from = Day(required=True, metadata={"example": "2026-01-01"})


class IssuerOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    organization_id = Identifier(metadata={"example": _ORGANIZATION_ID})
    kind = fields.String(metadata={"example": "residents_committee"})
    name = fields.String(metadata={"example": "梧桐里社区居民委员会"})
    basis = fields.String(metadata={"example": "区民〔2026〕8 号"})
    valid_from = Day(metadata={"example": "2026-01-01"})
    valid_to = Day(allow_none=True, metadata={"example": None})


class IssuerListOut(OutSchema):
    items = fields.List(fields.Nested(IssuerOut))


class IssuerEndIn(InSchema):
    on = Day(required=True, metadata={"example": "2026-12-31", "description": "从这天起不再有效"})


@blp.get("/admin/service-issuers", access=REGISTRARS)
@blp.response(200, IssuerListOut)
def list_service_issuers() -> Any:
    """登记过的可出具单位，按名称"""
    return {"items": service_issuers.list_issuers(db.session(), current_actor())}


@blp.post("/admin/service-issuers", access=REGISTRARS)
@blp.arguments(IssuerIn)
@blp.response(201, IssuerOut)
def register_service_issuer(data: dict[str, Any]) -> Any:
    """登记一个可出具单位，写明依据"""
    with unit_of_work(db.session()) as session:
        return service_issuers.register(
            session, current_actor(), registration=Registration(**data), now=utc_now()
        )


@blp.post("/admin/service-issuers/<uuid:issuer_id>/end", access=REGISTRARS)
@blp.arguments(IssuerEndIn)
@blp.response(200, IssuerOut)
def end_service_issuer(data: dict[str, Any], issuer_id: UUID) -> Any:
    """结束一项登记"""
    with unit_of_work(db.session()) as session:
        return service_issuers.end(session, current_actor(), issuer_id, on=data["on"])
