"""Schemes: versions and drafts to read, what changes between them, the one in force for me."""

from typing import Any
from uuid import UUID

from marshmallow import fields

from api.auth import Access, any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Choice, Day, Identifier, InSchema, Instant, OutSchema
from api.paging import PageQuery, encode_page, page_of
from points import scheme_drafts, scheme_reading, scheme_sentences, scheme_texts
from points.models import SchemeStatus, Subject
from points.scheme_reading import Filter
from points.scheme_scope import READING_ROLES, get_scheme

blp = Blueprint("schemes", __name__, description="积分方案")

_ID = "0198c0de-0000-7000-8000-000000000080"
_YAML = "code: member-points\nname: 党员积分方案\nbase_model: start_full\n"
READERS = any_of(*READING_ROLES)


class SchemeQuery(PageQuery):
    organization_id = Identifier(metadata={"example": _ID})
    status = Choice(SchemeStatus, metadata={"example": "published"})
    subject = Choice(Subject, metadata={"example": "party_members"})


class DifferenceQuery(InSchema):
    to = Identifier(required=True, metadata={"example": _ID})


class InForceQuery(InSchema):
    subject = Choice(
        Subject, load_default=Subject.PARTY_MEMBERS.value, metadata={"example": "party_members"}
    )


class SchemeOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    organization_id = Identifier(metadata={"example": _ID})
    organization_name = fields.String(metadata={"example": "区委组织部"})
    code = fields.String(metadata={"example": "member-points"})
    name = fields.String(metadata={"example": "党员积分方案"})
    subject = fields.String(metadata={"example": "party_members"})
    status = fields.String(metadata={"example": "published"})
    version = fields.Integer(
        allow_none=True, metadata={"example": 2, "description": "版次；草稿为 null"}
    )
    revision = fields.Integer(metadata={"example": 3, "description": "稿次；修改和发布时带上"})
    effective_from = Day(allow_none=True, metadata={"example": "2027-01-01"})
    effective_to = Day(
        allow_none=True, metadata={"example": None, "description": "自这一天起不再施行"}
    )
    basis = fields.String(metadata={"example": "区组通〔2026〕12号"})
    created_by = Identifier(allow_none=True, metadata={"example": _ID})
    created_at = Instant(metadata={"example": "2026-11-07T09:00:00+08:00"})
    published_by = Identifier(allow_none=True, metadata={"example": _ID})
    published_at = Instant(allow_none=True, metadata={"example": "2026-11-09T09:00:00+08:00"})
    retired_by = Identifier(allow_none=True, metadata={"example": None})
    retired_at = Instant(allow_none=True, metadata={"example": None})
    retirement_basis = fields.String(metadata={"example": ""})


class SchemeContentOut(SchemeOut):
    definition = fields.Dict(metadata={"example": scheme_drafts.BLANK})
    sentences = fields.List(
        fields.String(), metadata={"example": ["基础分（基础，起始 100 分，上限 100 分）。"]}
    )


class SchemeDifferencesOut(OutSchema):
    sentences = fields.List(
        fields.String(), metadata={"example": ["项目“志愿服务”的分值由“1 分”改为“2 分”。"]}
    )


class SchemeYamlOut(OutSchema):
    yaml = fields.String(metadata={"example": _YAML})


class SchemeInForceOut(OutSchema):
    id = Identifier(attribute="scheme.id", metadata={"example": _ID})
    name = fields.String(attribute="scheme.definition.name", metadata={"example": "党员积分方案"})
    subject = fields.String(
        attribute="scheme.definition.subject", metadata={"example": "party_members"}
    )
    source = fields.String(attribute="scheme.definition.source", metadata={"example": "区委组织部"})
    version = fields.Integer(attribute="scheme.version", metadata={"example": 2})
    effective_from = Day(attribute="scheme.effective_from", metadata={"example": "2026-01-01"})
    effective_to = Day(attribute="scheme.effective_to", allow_none=True, metadata={"example": None})
    sentences = fields.List(
        fields.String(),
        metadata={"example": ["加分·志愿服务：每 1 小时 1 分；上限每日 8 分、年 10 分。"]},
    )


SchemePage = page_of(SchemeOut)


@blp.get("/schemes", access=READERS)
@blp.arguments(SchemeQuery, location="query")
@blp.response(200, SchemePage)
def list_schemes(query: dict[str, Any]) -> Any:
    """可以查阅的方案和草稿，新的在前"""
    after, limit = query.pop("cursor", None), query.pop("limit")
    page = scheme_reading.list_schemes(
        db.session(), current_actor(), wanted=Filter(**query), after=after, limit=limit
    )
    return encode_page(page) | {"items": [_shown(row) for row in page.items]}


@blp.get("/schemes/in-force", access=Access.MEMBER)
@blp.arguments(InForceQuery, location="query")
@blp.response(200, SchemeInForceOut)
def get_scheme_in_force(query: dict[str, Any]) -> Any:
    """我现在适用的方案，逐条写明"""
    scheme = scheme_reading.get_in_force(
        db.session(), current_actor(), subject=Subject(query["subject"])
    )
    return {"scheme": scheme, "sentences": scheme_sentences.describe(scheme.definition)}


@blp.get("/schemes/<uuid:scheme_id>", access=READERS)
@blp.response(200, SchemeContentOut)
def read_scheme(scheme_id: UUID) -> Any:
    """一版方案或一份草稿的全文"""
    return shown_content(scheme_id)


@blp.get("/schemes/<uuid:scheme_id>/diff", access=READERS)
@blp.arguments(DifferenceQuery, location="query")
@blp.response(200, SchemeDifferencesOut)
def compare_schemes(query: dict[str, Any], scheme_id: UUID) -> Any:
    """由这一版到另一版改了什么，逐句说明"""
    return {
        "sentences": scheme_reading.find_differences(
            db.session(), current_actor(), scheme_id, to=query["to"]
        )
    }


@blp.get("/schemes/<uuid:scheme_id>/yaml", access=READERS)
@blp.response(200, SchemeYamlOut)
def export_scheme(scheme_id: UUID) -> Any:
    """方案的 YAML，可以原样导入"""
    row = get_scheme(db.session(), current_actor(), scheme_id)
    return {"yaml": scheme_texts.to_yaml(row.SchemeVersion.definition)}


def shown_content(scheme_id: UUID) -> dict[str, Any]:
    """A version or draft that the caller may read, with its text."""
    row = get_scheme(db.session(), current_actor(), scheme_id)
    return _shown(row) | scheme_reading.content_of(row.SchemeVersion)


def _shown(row: Any) -> dict[str, Any]:
    scheme = row.SchemeVersion
    return {name: getattr(scheme, name) for name in _COLUMNS} | {
        "organization_name": row.organization_name,
        "code": scheme.scheme_code,
        "name": scheme.definition["name"],
    }


_COLUMNS = SchemeOut().fields.keys() - {"organization_name", "code", "name"}
