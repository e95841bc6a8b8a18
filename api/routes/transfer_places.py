"""Where members can be sent, and graduates who should have been."""

import re
from typing import Any
from uuid import UUID

from marshmallow import ValidationError, fields

from api.auth import STAFF, any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Day, Identifier, InSchema, OutSchema, Text
from core.clock import utc_now
from core.db import unit_of_work
from members import branch_directory, graduates
from members.access import ROSTER_ROLES

blp = Blueprint("transfer-places", __name__, description="接收支部查找与毕业生组织关系")

_ID = "0198c0de-0000-7000-8000-000000000143"
_HAN = re.compile("[\u4e00-\u9fff]")
HAN_MIN = 2
KEEPERS = any_of(*ROSTER_ROLES)


class BranchNamePart(Text):
    """A part of a branch's name: two Chinese characters at least, or it would find everything."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if len(_HAN.findall(text)) < HAN_MIN:
            raise ValidationError(f"请至少输入 {HAN_MIN} 个汉字")
        return text


class BranchQuery(InSchema):
    name = BranchNamePart(length_max=80, required=True, metadata={"example": "滨河"})


class BranchNameOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    name = fields.String(metadata={"example": "滨河苑社区党支部"})
    parent_name = fields.String(metadata={"example": "杨陵街道"})


class BranchNamesOut(OutSchema):
    items = fields.List(fields.Nested(BranchNameOut))


class GraduationIn(InSchema):
    graduated_on = Day(required=True, metadata={"example": "2025-07-01"})


class GraduateOut(OutSchema):
    member_id = Identifier(metadata={"example": _ID})
    member_name = fields.String(metadata={"example": "李静"})
    organization_id = Identifier(metadata={"example": _ID})
    organization_name = fields.String(metadata={"example": "农学院毕业生党支部"})
    graduated_on = Day(metadata={"example": "2025-07-01"})
    limit_on = Day(metadata={"example": "2027-07-01", "description": "一般不超过两年"})
    is_over = fields.Boolean(metadata={"example": False})


class GraduatesOut(OutSchema):
    items = fields.List(fields.Nested(GraduateOut))


@blp.get("/branch-names", access=KEEPERS)
@blp.arguments(BranchQuery, location="query")
@blp.response(200, BranchNamesOut)
def find_branch_names(query: dict[str, Any]) -> Any:
    """按名称查找全区的支部，用于转出和请求接收；只有名称，最多五十个"""
    return {"items": branch_directory.find_branches(db.session(), name=query["name"])}


@blp.get("/orgs/<uuid:organization_id>/graduates", access=STAFF)
@blp.response(200, GraduatesOut)
def list_graduates(organization_id: UUID) -> Any:
    """组织关系还留在本组织及下级的毕业生，以及最迟转出日期"""
    return {"items": graduates.list_graduates(db.session(), current_actor(), organization_id)}


@blp.put("/members/<uuid:member_id>/graduation", access=KEEPERS)
@blp.arguments(GraduationIn)
@blp.response(204)
def record_graduation(data: dict[str, Any], member_id: UUID) -> Any:
    """登记或更正一名毕业生的毕业日期"""
    with unit_of_work(db.session()) as session:
        graduates.record(session, current_actor(), member_id, now=utc_now(), **data)


@blp.delete("/members/<uuid:member_id>/graduation", access=KEEPERS)
@blp.response(204)
def forget_graduation(member_id: UUID) -> Any:
    """撤销登记错的毕业日期"""
    with unit_of_work(db.session()) as session:
        graduates.forget(session, current_actor(), member_id)
