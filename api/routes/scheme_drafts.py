"""Writing schemes: drafting, checking, publishing and retiring them."""

import unicodedata
from typing import Any
from uuid import UUID

from marshmallow import fields

from api.auth import any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Count, Day, Identifier, InSchema, OutSchema, Text
from api.idempotency import Retry
from api.routes.schemes import SchemeContentOut, shown_content
from core.clock import utc_now
from core.db import unit_of_work
from points import scheme_drafts, scheme_publishing, scheme_texts
from points.scheme_publishing import Retirement
from points.scheme_scope import DRAFTING_ROLES
from points.scheme_texts import SchemeText, SourceAmbiguous
from points.scheme_timeline import Entering

blp = Blueprint("scheme_drafts", __name__, description="积分方案制定")

_ID = "0198c0de-0000-7000-8000-000000000080"
_YAML = "code: member-points\nname: 党员积分方案\nbase_model: start_full\n"
DRAFTERS = any_of(*DRAFTING_ROLES)


class YamlText(Text):
    """YAML as it was written, line by line, because faults are told by their line."""

    def __init__(self, **kwargs: Any):
        super().__init__(length_max=scheme_texts.TEXT_LENGTH_MAX, lines=True, **kwargs)
        self._allowed_controls = {"\n", "\r", "\t"}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        super()._deserialize(value, attr, data, **kwargs)
        return unicodedata.normalize("NFC", value)


class SchemeContentIn(InSchema):
    definition = fields.Dict(
        keys=fields.String(),
        metadata={"example": scheme_drafts.BLANK, "description": "方案内容；与 yaml 任选其一"},
    )
    yaml = YamlText(metadata={"example": _YAML, "description": "YAML 原文；与 definition 任选其一"})


class SchemeDraftIn(SchemeContentIn):
    organization_id = Identifier(required=True, metadata={"example": _ID})
    copy_of = Identifier(metadata={"example": _ID, "description": "以已有的一版为底稿"})


class SchemeDraftEditIn(SchemeContentIn):
    revision = Count(minimum=1, required=True, metadata={"example": 1})


class SchemePublicationIn(InSchema):
    revision = Count(
        minimum=1, required=True, metadata={"example": 2, "description": "所看到的稿次"}
    )
    effective_from = Day(required=True, metadata={"example": "2027-01-01"})
    basis = Text(length_max=200, required=True, metadata={"example": "区组通〔2026〕12号"})


class SchemeRetirementIn(InSchema):
    effective_on = Day(
        required=True, metadata={"example": "2027-01-01", "description": "自这一天起不再施行"}
    )
    basis = Text(length_max=200, required=True, metadata={"example": "区组通〔2026〕15号"})


class SchemeFaultOut(OutSchema):
    pointer = fields.String(metadata={"example": "/bands/0/from"})
    line = fields.Integer(allow_none=True, metadata={"example": 41, "description": "YAML 的行号"})
    code = fields.String(metadata={"example": "contradiction"})
    message = fields.String(metadata={"example": "“优秀”高于总分上限，谁也达不到。"})


class SchemeExaminationOut(OutSchema):
    is_valid = fields.Boolean(metadata={"example": False})
    errors = fields.List(fields.Nested(SchemeFaultOut))
    warnings = fields.List(fields.Nested(SchemeFaultOut))


@blp.post("/schemes", access=DRAFTERS)
@blp.arguments(SchemeDraftIn, example={"organization_id": _ID, "copy_of": _ID})
@blp.response(201, SchemeContentOut)
def create_scheme_draft(data: dict[str, Any]) -> Any:
    """起草方案：由内容、由已有的一版，或从空白开始"""
    with unit_of_work(db.session()) as session:
        draft = scheme_drafts.create(
            session,
            current_actor(),
            data["organization_id"],
            text=_text(data),
            copy_of=data.get("copy_of"),
            now=utc_now(),
        )
    return shown_content(draft.id)


@blp.put("/schemes/<uuid:scheme_id>", access=DRAFTERS)
@blp.arguments(SchemeDraftEditIn, example={"revision": 1, "definition": scheme_drafts.BLANK})
@blp.response(200, SchemeContentOut)
def edit_scheme_draft(data: dict[str, Any], scheme_id: UUID) -> Any:
    """修改草稿；有错误的内容不保存"""
    text = _required_text(data)
    with unit_of_work(db.session()) as session:
        scheme_drafts.edit(
            session, current_actor(), scheme_id, text=text, revision=data["revision"]
        )
    return shown_content(scheme_id)


@blp.delete("/schemes/<uuid:scheme_id>", access=DRAFTERS)
@blp.response(204)
def discard_scheme_draft(scheme_id: UUID) -> Any:
    """删去草稿；发布过的方案不能删"""
    with unit_of_work(db.session()) as session:
        scheme_drafts.discard(session, current_actor(), scheme_id)


@blp.post("/schemes/validate", access=DRAFTERS, retry=Retry.PURE)
@blp.arguments(SchemeContentIn, example={"definition": scheme_drafts.BLANK})
@blp.response(200, SchemeExaminationOut)
def validate_scheme(data: dict[str, Any]) -> Any:
    """检查方案，列出全部错误和可疑之处，不保存"""
    found = scheme_texts.examine(_required_text(data))
    return {"is_valid": not found.errors, "errors": found.errors, "warnings": found.warnings}


@blp.post("/schemes/<uuid:scheme_id>/publish", access=DRAFTERS)
@blp.arguments(SchemePublicationIn)
@blp.response(200, SchemeContentOut)
def publish_scheme(data: dict[str, Any], scheme_id: UUID) -> Any:
    """发布草稿，自某日起施行；原来的一版到那天为止"""
    with unit_of_work(db.session()) as session:
        scheme_publishing.publish(
            session, current_actor(), scheme_id, terms=Entering(**data), now=utc_now()
        )
    return shown_content(scheme_id)


@blp.post("/schemes/<uuid:scheme_id>/retire", access=DRAFTERS)
@blp.arguments(SchemeRetirementIn)
@blp.response(200, SchemeContentOut)
def retire_scheme(data: dict[str, Any], scheme_id: UUID) -> Any:
    """停止施行一版方案；已有的积分仍按它解释"""
    with unit_of_work(db.session()) as session:
        scheme_publishing.retire(
            session, current_actor(), scheme_id, terms=Retirement(**data), now=utc_now()
        )
    return shown_content(scheme_id)


def _text(data: dict[str, Any]) -> SchemeText | None:
    if "yaml" in data and "definition" in data:
        raise SourceAmbiguous
    if "yaml" in data:
        return scheme_texts.from_yaml(data["yaml"])
    return SchemeText(data["definition"]) if "definition" in data else None


def _required_text(data: dict[str, Any]) -> SchemeText:
    text = _text(data)
    if text is None:
        raise SourceAmbiguous("请提供 definition 或 yaml。")
    return text
