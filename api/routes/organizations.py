"""The tree of organisations: reading it, founding, renaming and moving a node."""

from typing import Any
from uuid import UUID

from marshmallow import fields

from api.auth import any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import (
    Choice,
    Day,
    Identifier,
    InSchema,
    OutSchema,
    QueryCount,
    Text,
    Version,
)
from core.clock import utc_now
from core.db import unit_of_work
from members import branch_contact, organization_moves, organization_reading, organizations
from members.access import ROSTER_ROLES
from members.models import OrganizationKind, Sector
from members.organization_moves import Relocation
from members.organization_reading import TreeNode
from members.organizations import DEPTH_MAX, TREE_ROLES, OrganizationData

blp = Blueprint("organizations", __name__, description="组织")

_ID = "0198c0de-0000-7000-8000-000000000050"
_PARENT_ID = "0198c0de-0000-7000-8000-000000000051"
_NAME = "上川村党支部"
READERS = any_of(*TREE_ROLES)
# The domain allows party groups to whoever keeps the roster, all else to administrators.
KEEPERS = any_of(*ROSTER_ROLES)


class OrganizationChangeIn(InSchema):
    name = Text(length_max=80, required=True, metadata={"example": _NAME})
    sector = Choice(Sector, required=True, metadata={"example": "village"})
    version = Version(metadata={"example": 1})


class OrganizationIn(InSchema):
    parent_id = Identifier(required=True, metadata={"example": _PARENT_ID})
    kind = Choice(OrganizationKind, required=True, metadata={"example": "branch"})
    name = Text(length_max=80, required=True, metadata={"example": _NAME})
    sector = Choice(Sector, load_default="other", metadata={"example": "village"})


class MoveIn(InSchema):
    parent_id = Identifier(required=True, metadata={"example": _PARENT_ID})
    reason = Text(length_max=200, required=True, metadata={"example": "撤乡并镇"})
    version = Version(metadata={"example": 1})


class ContactPhoneIn(InSchema):
    phone = Text(
        length_max=20,
        length_min=0,
        required=True,
        metadata={"example": "029-87010000", "description": "办公电话；空即不再公开"},
    )


class TreeQuery(InSchema):
    depth = QueryCount(
        maximum=DEPTH_MAX,
        load_default=2,
        metadata={"description": "往下几级", "example": 2},
    )


class OrganizationOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    parent_id = Identifier(allow_none=True, metadata={"example": _PARENT_ID})
    kind = fields.String(metadata={"example": "branch"})
    sector = fields.String(metadata={"example": "village"})
    name = fields.String(metadata={"example": _NAME})
    version = fields.Integer(metadata={"example": 1})


class TreeNodeOut(OrganizationOut):
    members_count = fields.Integer(
        metadata={"example": 45, "description": "本级和下级今天的党员数"}
    )


class TreeOut(OutSchema):
    items = fields.List(
        fields.Nested(TreeNodeOut), metadata={"description": "先上级后下级，同级按名称"}
    )


class PlacementOut(OutSchema):
    parent_id = Identifier(
        attribute="placement.parent_id", allow_none=True, metadata={"example": _PARENT_ID}
    )
    parent_name = fields.String(allow_none=True, metadata={"example": "李台镇"})
    name = fields.String(attribute="placement.name", metadata={"example": _NAME})
    valid_from = Day(attribute="placement.valid_from", metadata={"example": "2026-01-01"})
    valid_to = Day(attribute="placement.valid_to", allow_none=True, metadata={"example": None})
    reason = fields.String(attribute="placement.reason", metadata={"example": "撤乡并镇"})


@blp.get("/orgs/<uuid:organization_id>", access=READERS)
@blp.response(200, TreeNodeOut)
def get_organization(organization_id: UUID) -> Any:
    """一个组织和它的党员数"""
    return _shown(organization_reading.get(db.session(), current_actor(), organization_id))


@blp.get("/orgs/<uuid:organization_id>/tree", access=READERS)
@blp.arguments(TreeQuery, location="query")
@blp.response(200, TreeOut)
def get_tree(query: dict[str, Any], organization_id: UUID) -> Any:
    """一个组织和它的下级"""
    nodes = organization_reading.find_tree(
        db.session(), current_actor(), organization_id, levels=query["depth"]
    )
    return {"items": [_shown(node) for node in nodes]}


@blp.get("/orgs/<uuid:organization_id>/history", access=READERS)
@blp.response(200, PlacementOut(many=True))
def get_organization_history(organization_id: UUID) -> Any:
    """一个组织的更名和隶属变动，旧的在前"""
    return organization_reading.find_history(db.session(), current_actor(), organization_id)


@blp.put("/orgs/<uuid:organization_id>/contact-phone", access=KEEPERS)
@blp.arguments(ContactPhoneIn)
@blp.response(204)
def put_contact_phone(data: dict[str, Any], organization_id: UUID) -> Any:
    """公开或更换本组织的联系电话，党员在首页看到；不要填个人不愿公开的号码"""
    with unit_of_work(db.session()) as session:
        branch_contact.make_known(session, current_actor(), organization_id, **data)
    return None


@blp.post("/admin/orgs", access=KEEPERS)
@blp.arguments(OrganizationIn)
@blp.response(201, OrganizationOut)
def create_organization(data: dict[str, Any]) -> Any:
    """设立一个组织"""
    with unit_of_work(db.session()) as session:
        return organizations.create(
            session,
            current_actor(),
            data["parent_id"],
            kind=OrganizationKind(data["kind"]),
            data=OrganizationData(data["name"], Sector(data["sector"])),
            now=utc_now(),
        )


@blp.put("/admin/orgs/<uuid:organization_id>", access=KEEPERS)
@blp.arguments(OrganizationChangeIn)
@blp.response(200, OrganizationOut)
def update_organization(data: dict[str, Any], organization_id: UUID) -> Any:
    """修改组织的名称和领域"""
    with unit_of_work(db.session()) as session:
        return organizations.update(
            session,
            current_actor(),
            organization_id,
            data=OrganizationData(data["name"], Sector(data["sector"])),
            version=data["version"],
            now=utc_now(),
        )


@blp.post("/admin/orgs/<uuid:organization_id>/move", access=KEEPERS)
@blp.arguments(MoveIn)
@blp.response(200, OrganizationOut)
def move_organization(data: dict[str, Any], organization_id: UUID) -> Any:
    """把组织连同下级移到另一个上级之下，今天起生效"""
    with unit_of_work(db.session()) as session:
        return organization_moves.move(
            session, current_actor(), organization_id, data=Relocation(**data), now=utc_now()
        )


def _shown(node: TreeNode) -> dict[str, Any]:
    shown = {name: getattr(node.organization, name) for name in _ORGANIZATION_FIELDS}
    return shown | {"members_count": node.members_count}


_ORGANIZATION_FIELDS = OrganizationOut().fields.keys()
