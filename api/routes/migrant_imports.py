"""The register of migrants as a file: each row becomes a proposal for its branch."""

import tempfile
from pathlib import Path
from typing import Any

from marshmallow import fields

from api.auth import any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import FilePart, Identifier, InSchema, OutSchema
from core.clock import utc_now
from core.db import unit_of_work
from members import migrant_import
from members.access import ROSTER_ROLES

blp = Blueprint("migrant-imports", __name__, description="流动党员台账导入")

_ID = "0198c0de-0000-7000-8000-000000000144"


class MigrantFileIn(InSchema):
    organization_id = Identifier(
        required=True, metadata={"description": "只导入这个组织及其下级的党员", "example": _ID}
    )
    file = FilePart(
        required=True,
        metadata={"description": ".csv、.xlsx 或 .xls，列：" + "、".join(migrant_import.COLUMNS)},
    )


class MigrantRefusalOut(OutSchema):
    row_number = fields.Integer(metadata={"example": 12})
    name = fields.String(metadata={"example": "王志强"})
    code = fields.String(metadata={"example": "migrant.not_a_city"})
    message = fields.String(metadata={"example": "请只填城市名，例如“西安市”。"})


class MigrantImportOut(OutSchema):
    proposed = fields.Integer(metadata={"example": 36, "description": "待支部登记的"})
    unchanged = fields.Integer(metadata={"example": 0, "description": "已有流动登记的"})
    refusals = fields.List(fields.Nested(MigrantRefusalOut))


@blp.post("/migrant-imports", access=any_of(*ROSTER_ROLES))
@blp.arguments(MigrantFileIn, location="multipart")
@blp.response(200, MigrantImportOut)
def import_migrants(data: dict[str, Any]) -> Any:
    """导入流动党员台账，逐行列为待登记，由支部登记并指定联系人；重复导入不会重复"""
    with tempfile.TemporaryDirectory(prefix="migrants-") as directory:
        path = Path(directory) / "migrants"
        path.write_bytes(data["file"].read())
        with unit_of_work(db.session()) as session:
            return migrant_import.import_file(
                session, current_actor(), data["organization_id"], path=path, now=utc_now()
            )
