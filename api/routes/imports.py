"""Roster imports: upload, correct the columns, check, commit, undo."""

from typing import Any
from uuid import UUID

from marshmallow import fields, validate

from api.auth import any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import (
    Choice,
    FilePart,
    Identifier,
    InSchema,
    Instant,
    OutSchema,
    Text,
    Version,
)
from api.paging import PageQuery, encode_page, page_of
from api.routes.jobs import JobOut
from core.clock import utc_now
from core.db import unit_of_work
from members.access import ROSTER_ROLES
from members.roster import importing, reporting, stages
from members.roster.columns import ALIASES
from members.roster.models import RowOutcome
from members.roster.stages import Step

blp = Blueprint("imports", __name__, description="名册导入")

_ID = "0198c0de-0000-7000-8000-000000000060"
_HEADERS_MAX = 200
KEEPERS = any_of(*ROSTER_ROLES)


class ImportIn(InSchema):
    file = FilePart(required=True, metadata={"description": ".xlsx、.xls 或 .csv，最大 16 MB"})
    organization_id = Identifier(
        required=True, metadata={"description": "只导入这个组织及其下级的支部", "example": _ID}
    )


class MappingIn(InSchema):
    mapping = fields.Dict(
        keys=Text(length_max=400),
        values=Choice(ALIASES, allow_none=True),
        required=True,
        validate=validate.Length(max=_HEADERS_MAX, error=f"最多 {_HEADERS_MAX} 列"),
        error_messages={"invalid": "应为一个 JSON 对象", "required": "必填", "null": "必填"},
        metadata={
            "description": "表头 -> 字段；null 表示不读这一列；没有写到的列按系统的猜测",
            "example": {"单位": "branch_name", "备注电话": None},
        },
    )
    version = Version(metadata={"example": 1})


class RowsQuery(PageQuery):
    outcome = Choice(RowOutcome, metadata={"description": "只看一种结果", "example": "refused"})


class ColumnOut(OutSchema):
    header = fields.String(metadata={"example": "所在党支部"})
    field = fields.String(allow_none=True, metadata={"example": "branch_name"})
    is_imported = fields.Boolean(
        metadata={"example": True, "description": "否：不读，或只用来核对、提示"}
    )


def _count(example: int, description: str = "检查之前为 null") -> fields.Integer:
    return fields.Integer(
        allow_none=True,
        dump_default=None,
        metadata={"example": example, "description": description},
    )


class CountsOut(OutSchema):
    new = _count(28)
    changed = _count(4)
    unchanged = _count(568)
    refused = _count(3)
    not_in_file = _count(12, "在册而不在表里的党员；只供核对，不作任何改动。检查之前为 null")
    warned = _count(9, "有提示的行。检查之前为 null")
    undone = _count(0, "已撤销的行。撤销之前为 null")
    kept = _count(0, "撤销时保留的行。撤销之前为 null")


class ImportOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    organization_id = Identifier(metadata={"example": _ID})
    file_name = fields.String(metadata={"example": "党员名册.xlsx"})
    status = fields.String(
        metadata={
            "example": "checked",
            "description": "uploaded checked committing committed rolling_back rolled_back",
        }
    )
    uploaded_by = Identifier(allow_none=True, metadata={"example": _ID})
    uploaded_at = Instant(metadata={"example": "2026-11-07T12:00:00+08:00"})
    sheet_name = fields.String(attribute="mapping.sheet_name", metadata={"example": "名册"})
    other_sheet_names = fields.List(
        fields.String(metadata={"example": "填表说明"}), attribute="mapping.other_sheet_names"
    )
    columns = fields.List(fields.Nested(ColumnOut), attribute="mapping.columns")
    missing_columns = fields.List(
        fields.String(metadata={"example": "所在党支部"}),
        metadata={"example": [], "description": "还没有对应到列的必需项"},
    )
    counts = fields.Nested(CountsOut)
    committed_at = Instant(allow_none=True, metadata={"example": None})
    undo_until = Instant(allow_none=True, metadata={"example": None})
    version = fields.Integer(metadata={"example": 1})


class CellProblemOut(OutSchema):
    column = fields.String(metadata={"example": "公民身份号码"})
    field = fields.String(metadata={"example": "id_number"})
    code = fields.String(metadata={"example": "import.id_check_digit"})
    message = fields.String(metadata={"example": "身份证号的校验码不对，请核对是否录错。"})


class ImportRowOut(OutSchema):
    row_number = fields.Integer(
        metadata={"example": 11, "description": "表里的行号；not_in_file 的为 0"}
    )
    outcome = fields.String(metadata={"example": "changed"})
    member_id = Identifier(allow_none=True, metadata={"example": _ID})
    name = fields.String(metadata={"example": "王志强"})
    problems = fields.List(fields.Nested(CellProblemOut))
    warnings = fields.List(fields.Nested(CellProblemOut))
    changes = fields.Dict(
        metadata={
            "description": "字段 -> [原值, 新值]；号码已遮盖",
            "example": {"phone": ["138****0000", "139****0000"]},
        }
    )
    undo_result = fields.String(
        allow_none=True, metadata={"example": None, "description": "撤销之后：undone 或 kept"}
    )


ImportPage = page_of(ImportOut)
ImportRowPage = page_of(ImportRowOut)


@blp.post("/admin/imports", access=KEEPERS)
@blp.arguments(ImportIn, location="multipart")
@blp.response(201, ImportOut)
def create_import(data: dict[str, Any]) -> Any:
    """上传一份名册；系统猜出各列，还没有检查"""
    with unit_of_work(db.session()) as session:
        return importing.upload(
            session,
            current_actor(),
            data["organization_id"],
            file_name=data["file"].filename or "",
            content=data["file"].read(),
            now=utc_now(),
        )


@blp.get("/admin/imports", access=KEEPERS)
@blp.arguments(PageQuery, location="query")
@blp.response(200, ImportPage)
def list_imports(query: dict[str, Any]) -> Any:
    """我能管理的名册导入，新的在前"""
    page = reporting.list_imports(
        db.session(), current_actor(), after=query.get("cursor"), limit=query["limit"]
    )
    return encode_page(page)


@blp.get("/admin/imports/<uuid:import_id>", access=KEEPERS)
@blp.response(200, ImportOut)
def get_import(import_id: UUID) -> Any:
    """一次导入的列对应、状态和各种结果的行数"""
    return stages.get_import(db.session(), current_actor(), import_id)


@blp.put("/admin/imports/<uuid:import_id>/mapping", access=KEEPERS)
@blp.arguments(MappingIn)
@blp.response(200, ImportOut)
def set_import_mapping(data: dict[str, Any], import_id: UUID) -> Any:
    """更正列对应；之后须重新检查"""
    with unit_of_work(db.session()) as session:
        return importing.set_mapping(
            session,
            current_actor(),
            import_id,
            mapping=data["mapping"],
            version=data["version"],
            now=utc_now(),
        )


@blp.post("/admin/imports/<uuid:import_id>/check", access=KEEPERS)
@blp.response(202, JobOut)
def check_import(import_id: UUID) -> Any:
    """开始逐行检查，名册不变"""
    return _request(import_id, Step.CHECK)


@blp.post("/admin/imports/<uuid:import_id>/commit", access=KEEPERS)
@blp.response(202, JobOut)
def commit_import(import_id: UUID) -> Any:
    """开始导入没有问题的行；7 天内可以撤销"""
    return _request(import_id, Step.COMMIT)


@blp.post("/admin/imports/<uuid:import_id>/rollback", access=KEEPERS)
@blp.response(202, JobOut)
def roll_back_import(import_id: UUID) -> Any:
    """开始撤销这次导入；之后已有变动的人保持不变并列出"""
    return _request(import_id, Step.ROLLBACK)


@blp.get("/admin/imports/<uuid:import_id>/rows", access=KEEPERS)
@blp.arguments(RowsQuery, location="query")
@blp.response(200, ImportRowPage)
def list_import_rows(query: dict[str, Any], import_id: UUID) -> Any:
    """逐行的结果：新增、变更、不变、退回、不在表里"""
    outcome = query.get("outcome")
    page = reporting.list_rows(
        db.session(),
        current_actor(),
        import_id,
        outcome=RowOutcome(outcome) if outcome else None,
        after=query.get("cursor"),
        limit=query["limit"],
    )
    return encode_page(page)


def _request(import_id: UUID, step: Step) -> Any:
    with unit_of_work(db.session()) as session:
        return stages.request(session, current_actor(), import_id, step=step, now=utc_now())
