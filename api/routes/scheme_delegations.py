"""Delegations: which committees may write schemes for their own subtree."""

from typing import Any
from uuid import UUID

from marshmallow import fields

from api.auth import any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Day, Identifier, InSchema, Instant, OutSchema, Text
from core.clock import utc_now
from core.db import unit_of_work
from points import scheme_delegations
from points.scheme_delegations import DELEGATING_ROLES, DELEGATION_READING_ROLES, Delegation

blp = Blueprint("scheme_delegations", __name__, description="积分方案委托")

_ID = "0198c0de-0000-7000-8000-000000000082"


class SchemeDelegationIn(InSchema):
    valid_from = Day(required=True, metadata={"example": "2026-12-01"})
    valid_to = Day(
        load_default=None,
        allow_none=True,
        metadata={"example": "2027-12-01", "description": "自这一天起失效；省略即长期"},
    )
    basis = Text(length_max=200, required=True, metadata={"example": "区组通〔2026〕10号"})


class SchemeDelegationOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    organization_id = Identifier(metadata={"example": _ID})
    organization_name = fields.String(metadata={"example": "梧桐街道党工委"})
    valid_from = Day(metadata={"example": "2026-12-01"})
    valid_to = Day(allow_none=True, metadata={"example": "2027-12-01"})
    basis = fields.String(metadata={"example": "区组通〔2026〕10号"})
    granted_by = Identifier(metadata={"example": _ID})
    granted_at = Instant(metadata={"example": "2026-11-07T09:00:00+08:00"})
    revoked_at = Instant(allow_none=True, metadata={"example": None})


class SchemeDelegationsOut(OutSchema):
    items = fields.List(fields.Nested(SchemeDelegationOut))


class SchemeDelegationIdOut(OutSchema):
    id = Identifier(metadata={"example": _ID})


@blp.get("/scheme-delegations", access=any_of(*DELEGATION_READING_ROLES))
@blp.response(200, SchemeDelegationsOut)
def list_scheme_delegations() -> Any:
    """委托下级制定方案的记录，新的在前"""
    rows = scheme_delegations.list_delegations(db.session(), current_actor())
    return {"items": [_shown(row) for row in rows]}


@blp.post("/orgs/<uuid:organization_id>/scheme-delegations", access=any_of(*DELEGATING_ROLES))
@blp.arguments(SchemeDelegationIn)
@blp.response(201, SchemeDelegationIdOut)
def delegate_schemes(data: dict[str, Any], organization_id: UUID) -> Any:
    """委托一个党委（党工委、党总支）为本级及下级制定方案"""
    with unit_of_work(db.session()) as session:
        return scheme_delegations.delegate(
            session, current_actor(), organization_id, terms=Delegation(**data), now=utc_now()
        )


@blp.delete("/scheme-delegations/<uuid:delegation_id>", access=any_of(*DELEGATING_ROLES))
@blp.response(204)
def revoke_scheme_delegation(delegation_id: UUID) -> Any:
    """立即收回委托；已发布的方案照旧施行"""
    with unit_of_work(db.session()) as session:
        scheme_delegations.revoke(session, current_actor(), delegation_id, now=utc_now())


def _shown(row: Any) -> dict[str, Any]:
    names = SchemeDelegationOut().fields.keys() - {"organization_name"}
    values = {name: getattr(row.SchemeDelegation, name) for name in names}
    return values | {"organization_name": row.organization_name}
