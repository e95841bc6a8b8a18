"""Workbooks of roster imports: the refused rows to correct, and the empty template."""

import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import flask
from sqlalchemy.orm import Session

from api.auth import any_of, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from members.access import ROSTER_ROLES, Actor
from members.roster import reporting

blp = Blueprint("import_workbooks", __name__, description="名册导入")

_WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_BINARY = {"type": "string", "format": "binary"}
KEEPERS = any_of(*ROSTER_ROLES)


@blp.get("/admin/imports/<uuid:import_id>/errors.xlsx", access=KEEPERS, asks_confirmation=True)
@blp.response(200, _BINARY, content_type=_WORKBOOK)
@blp.alt_response(409, "CONFLICT")
def get_import_errors(import_id: UUID) -> Any:
    """退回的行，逐格标出原因；改好后原样再上传即可"""

    def write(session: Session, actor: Actor, path: Path) -> object:
        return reporting.write_marked(session, actor, import_id, path)

    return _workbook("需修改的行.xlsx", write)


@blp.get("/admin/imports/template.xlsx", access=KEEPERS)
@blp.response(200, _BINARY, content_type=_WORKBOOK)
def get_import_template() -> Any:
    """空白模板，支部可从列表里选"""
    return _workbook("党员名册模板.xlsx", reporting.write_template)


def _workbook(name: str, write: Callable[[Session, Actor, Path], object]) -> flask.Response:
    with tempfile.TemporaryDirectory(prefix="workbook-") as directory:
        path = Path(directory) / "workbook.xlsx"
        write(db.session(), current_actor(), path)
        content = io.BytesIO(path.read_bytes())
    return flask.send_file(content, _WORKBOOK, as_attachment=True, download_name=name)
