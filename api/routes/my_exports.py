"""A copy of one's own data: asked for, written in the background, fetched by a link that ends."""

from typing import Any

import flask
from marshmallow import fields
from werkzeug.wrappers import Response

from api.auth import Access, current_actor
from api.blueprints import Blueprint
from api.document import PREFIX
from api.extensions import db
from api.fields import Identifier, Instant, OutSchema
from api.recorded_reading import recorded_reading
from core.clock import utc_now
from core.db import unit_of_work, vault_of
from members import data_copies
from members.confirmations import is_recent
from members.data_copies import COPY_LINKS
from members.data_copy_models import DataCopy

blp = Blueprint("my-exports", __name__, description="我的个人信息副本")

_ID = "0198c0de-0000-7000-8000-0000000002f1"
_SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_URL = f"{PREFIX}/exports/AZjA3gAAcACAAAAAAAAC8QGYwN4AAHAAgAAAAAAAAAFqB0Aoq6urq6urq6urq6urq6urqw"
_BINARY = {"type": "string", "format": "binary"}
_ZIP = "application/zip"


class ExportOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    job_id = Identifier(metadata={"example": _ID, "description": "进度见 GET /jobs/{job_id}"})
    requested_at = Instant(metadata={"example": "2026-11-10T10:00:00+08:00"})
    expires_at = Instant(
        metadata={"example": "2026-11-13T10:00:00+08:00", "description": "到时删除，可以再要一份"}
    )
    is_ready = fields.Method("tell_ready", metadata={"example": True, "type": "boolean"})
    byte_count = fields.Integer(allow_none=True, metadata={"example": 18_204})
    sha256 = fields.String(allow_none=True, metadata={"example": _SHA})
    url = fields.Method(
        "link_to",
        metadata={
            "example": _URL,
            "type": ["string", "null"],
            "description": "五分钟内有效，不用带令牌；过期后重新读取。"
            "还没有生成，或最近没有确认是本人时为空",
        },
    )

    def tell_ready(self, copy: DataCopy) -> bool:
        """Whether it can be fetched."""
        return copy.sha256 is not None

    def link_to(self, copy: DataCopy) -> str | None:
        """A link for its member, who has just asked."""
        # It opens a number in full, so an unlocked phone alone is not enough (decision 136).
        is_confirmed = is_recent(current_actor().confirmed_at, now=utc_now())
        if copy.sha256 is None or not is_confirmed:
            return None
        vault = vault_of(db.session())
        token = COPY_LINKS.make(vault, copy.id, copy.member_id, now=utc_now())
        return f"{PREFIX}/exports/{token}"


class ExportsOut(OutSchema):
    items = fields.List(fields.Nested(ExportOut))


@blp.post("/me/exports", access=Access.MEMBER, asks_confirmation=True)
@blp.response(202, ExportOut)
def request_export() -> Any:
    """要一份本人信息的副本（压缩包，JSON 和说明），在后台生成；每天最多两份，保留三天"""
    with unit_of_work(db.session()) as session:
        return data_copies.request(session, current_actor(), now=utc_now())


@blp.get("/me/exports", access=Access.MEMBER)
@blp.response(200, ExportsOut)
def list_my_exports() -> Any:
    """我要过的、还没有过期的副本，新的在前"""
    return {"items": data_copies.list_own(db.session(), current_actor(), now=utc_now())}


@blp.get("/exports/<string(maxlength=80):token>", access=Access.PUBLIC)
@blp.response(200, _BINARY, content_type=_ZIP)
def get_export_file(token: str) -> Response:
    """凭短时链接取一份副本；链接只给本人，五分钟后失效，每次取用都有记录"""
    with recorded_reading() as session:
        file = data_copies.open_linked(session, token, now=utc_now())
    response = flask.Response(file.content, mimetype=_ZIP)
    response.headers["Content-Disposition"] = "attachment; filename=my-data.zip"
    # It holds a phone number in full; nothing on the way may keep it.
    response.headers["Cache-Control"] = "no-store"
    return response
