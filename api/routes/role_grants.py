"""Role grants and the delegates of a branch."""

from typing import Any
from uuid import UUID

from marshmallow import fields

from api.auth import any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Choice, Day, Identifier, InSchema, Instant, OutSchema, Text
from api.paging import PageQuery, encode_page, page_of
from core.clock import business_day, utc_now
from core.db import unit_of_work
from members import delegations, role_grant_reading, role_grants
from members.access_models import Role
from members.role_grant_reading import LISTING_ROLES
from members.role_grants import DELEGATE_DAYS_MAX, Term
from members.role_rules import GRANTING_ROLES, granters_of
from notifications import account_events

blp = Blueprint("role-grants", __name__, description="职务与授权")

_ID = "0198c0de-0000-7000-8000-000000000070"
_MEMBER_ID = "0198c0de-0000-7000-8000-000000000060"
_ORGANIZATION_ID = "0198c0de-0000-7000-8000-000000000051"
_TO_HELP = "不含当天；省略即没有期限"
GRANTERS = any_of(*GRANTING_ROLES)
DELEGATORS = any_of(*granters_of(Role.DELEGATE))


class RoleGrantIn(InSchema):
    member_id = Identifier(required=True, metadata={"example": _MEMBER_ID})
    role = Choice(Role, required=True, metadata={"example": "branch_secretary"})
    organization_id = Identifier(required=True, metadata={"example": _ORGANIZATION_ID})
    valid_from = Day(metadata={"example": "2026-03-01", "description": "省略即今天"})
    valid_to = Day(
        load_default=None, allow_none=True, metadata={"example": None, "description": _TO_HELP}
    )
    basis = Text(
        length_max=200, length_min=0, load_default="", metadata={"example": "街党发〔2026〕3 号"}
    )


class RoleGrantOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    member_id = Identifier(metadata={"example": _MEMBER_ID})
    role = fields.String(metadata={"example": "branch_secretary"})
    organization_id = Identifier(metadata={"example": _ORGANIZATION_ID})
    valid_from = Day(metadata={"example": "2026-03-01"})
    valid_to = Day(allow_none=True, metadata={"example": None})
    basis = fields.String(metadata={"example": "街党发〔2026〕3 号"})
    granted_by = Identifier(allow_none=True, metadata={"example": _MEMBER_ID})
    granted_at = Instant(metadata={"example": "2026-03-01T09:00:00+08:00"})


class RoleGrantLineOut(OutSchema):
    grant = fields.Nested(RoleGrantOut)
    member_name = fields.String(metadata={"example": "王志强"})
    organization_name = fields.String(metadata={"example": "上川村党支部"})


class DelegationIn(InSchema):
    until = Day(
        required=True,
        metadata={
            "example": "2026-04-01",
            "description": f"不含当天，最长 {DELEGATE_DAYS_MAX} 天",
        },
    )


RoleGrantPage = page_of(RoleGrantLineOut)


@blp.get("/admin/role-grants", access=any_of(*LISTING_ROLES))
@blp.arguments(PageQuery, location="query")
@blp.response(200, RoleGrantPage)
def list_role_grants(query: dict[str, Any]) -> Any:
    """管理范围内现任和将任的职务，先授予的在前"""
    page = role_grant_reading.list_grants(
        db.session(), current_actor(), after=query.get("cursor"), limit=query["limit"]
    )
    return encode_page(page)


@blp.post("/admin/role-grants", access=GRANTERS, asks_confirmation=True)
@blp.arguments(RoleGrantIn)
@blp.response(201, RoleGrantOut)
def create_role_grant(data: dict[str, Any]) -> Any:
    """授予一名党员职务；不能授予自己"""
    now = utc_now()
    term = Term(
        Role(data["role"]),
        data["organization_id"],
        data.get("valid_from", business_day(now)),
        data["valid_to"],
        data["basis"],
    )
    with unit_of_work(db.session()) as session:
        return account_events.grant_role(
            session, current_actor(), data["member_id"], term=term, now=now
        )


@blp.delete("/admin/role-grants/<uuid:grant_id>", access=GRANTERS)
@blp.response(204)
def revoke_role_grant(grant_id: UUID) -> Any:
    """收回职务，立即生效"""
    with unit_of_work(db.session()) as session:
        role_grants.revoke(session, current_actor(), grant_id, now=utc_now())


@blp.put(
    "/orgs/<uuid:organization_id>/delegations/<uuid:member_id>",
    access=DELEGATORS,
    asks_confirmation=True,
)
@blp.arguments(DelegationIn)
@blp.response(200, RoleGrantOut)
def name_delegate(data: dict[str, Any], organization_id: UUID, member_id: UUID) -> Any:
    """委托一名党员代为审核到某天；再次提交即改期"""
    with unit_of_work(db.session()) as session:
        return delegations.name_delegate(
            session,
            current_actor(),
            organization_id,
            member_id,
            until=data["until"],
            now=utc_now(),
        )


@blp.delete("/orgs/<uuid:organization_id>/delegations/<uuid:member_id>", access=DELEGATORS)
@blp.response(204)
def end_delegation(organization_id: UUID, member_id: UUID) -> Any:
    """收回委托，立即生效"""
    with unit_of_work(db.session()) as session:
        delegations.end_delegation(
            session, current_actor(), organization_id, member_id, now=utc_now()
        )
