"""Optional photos of an activity, and the short-lived links under which a page shows them."""

from typing import Any
from uuid import UUID

import flask
from marshmallow import fields
from werkzeug.wrappers import Response

from activities import activity_photos, photos
from activities.activity_access import get_readable
from activities.photo_links import PHOTO_LINKS
from activities.record_models import ActivityPhoto
from api.auth import Access, current_actor
from api.blueprints import Blueprint
from api.document import PREFIX
from api.extensions import db
from api.fields import FilePart, Identifier, InSchema, Instant, OutSchema, QueryCount
from api.idempotency import Retry
from api.routes.activities import ORGANISERS
from core.clock import utc_now
from core.db import unit_of_work, vault_of
from core.files import FileMissing, FileStore
from core.ids import new_id

blp = Blueprint("photos", __name__, description="活动照片")

_ID = "0198c0de-0000-7000-8000-000000000045"
_SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_URL = f"{PREFIX}/files/AZjA3gAAcACAAAAAAAAARQGYwN4AAHAAgAAAAAAAAAFqB0Aoq6urq6urq6urq6urq6urqw"
_BINARY = {"type": "string", "format": "binary"}
_JPEG = "image/jpeg"


class PhotoIn(InSchema):
    file = FilePart(
        required=True, metadata={"description": "JPEG、PNG 或 WebP，最大 5 MB；只留画面，不留位置"}
    )


class PhotoOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    slot = fields.Integer(metadata={"example": 1})
    sha256 = fields.String(metadata={"example": _SHA})
    byte_count = fields.Integer(metadata={"example": 210_482})
    added_at = Instant(metadata={"example": "2026-11-13T21:05:00+08:00"})
    url = fields.Method(
        "link_to",
        metadata={
            "example": _URL,
            "type": "string",
            "description": "五分钟内有效，不用带令牌；缩略图加 ?size=240。过期后重新读取照片列表",
        },
    )

    def link_to(self, photo: ActivityPhoto) -> str:
        """A link for whoever is asking."""
        session, reader = db.session(), current_actor()
        token = PHOTO_LINKS.make(vault_of(session), photo.id, reader.member_id, now=utc_now())
        return f"{PREFIX}/files/{token}"


class PhotosOut(OutSchema):
    items = fields.List(fields.Nested(PhotoOut))


class FileQuery(InSchema):
    size = QueryCount(
        load_default=None,
        minimum=photos.THUMBNAIL_SIDE,
        maximum=photos.THUMBNAIL_SIDE,
        metadata={"example": 240, "description": "缩略图的最长边"},
    )


@blp.post("/activities/<uuid:activity_id>/photos", access=ORGANISERS, retry=Retry.NATURAL)
@blp.arguments(PhotoIn, location="multipart")
@blp.response(201, PhotoOut)
def add_photo(data: dict[str, Any], activity_id: UUID) -> Any:
    """添加一张照片，最多 3 张；不传也不影响积分；同一张再传一次不会重复"""
    session, actor = db.session(), current_actor()
    photo = photos.clean(data["file"].read(photos.BYTES_MAX + 1))
    same = activity_photos.require_room(session, actor, activity_id, photo=photo)
    if same is not None:
        return same
    _end_reading()
    photo_id = new_id()
    _store().put(photos.name_of(photo_id), photo.data)
    kept = None
    try:
        with unit_of_work(session):
            kept = activity_photos.add(
                session, actor, activity_id, photo=photo, photo_id=photo_id, now=utc_now()
            )
    finally:
        if kept is None or kept.id != photo_id:
            _store().delete(photos.name_of(photo_id))
    return kept


@blp.get("/activities/<uuid:activity_id>/photos", access=Access.MEMBER)
@blp.response(200, PhotosOut)
def list_photos(activity_id: UUID) -> Any:
    """活动的照片"""
    get_readable(db.session(), current_actor(), activity_id)
    return {"items": activity_photos.list_photos(db.session(), activity_id)}


@blp.get("/activities/<uuid:activity_id>/photos/<uuid:photo_id>", access=Access.MEMBER)
@blp.response(200, _BINARY, content_type=_JPEG)
@blp.alt_response(304, success=True, description="没有变化")
def get_photo(activity_id: UUID, photo_id: UUID) -> Response:
    """一张照片"""
    return _shown(
        activity_photos.get_photo(db.session(), current_actor(), activity_id, photo_id), None
    )


@blp.delete("/activities/<uuid:activity_id>/photos/<uuid:photo_id>", access=ORGANISERS)
@blp.response(204)
def remove_photo(activity_id: UUID, photo_id: UUID) -> Any:
    """删除一张照片"""
    with unit_of_work(db.session()) as session:
        activity_photos.remove(session, current_actor(), activity_id, photo_id)
    # After the commit: a row never points at a file that is gone.
    _store().delete(photos.name_of(photo_id))
    return None


@blp.get("/files/<string(maxlength=80):token>", access=Access.PUBLIC)
@blp.arguments(FileQuery, location="query")
@blp.response(200, _BINARY, content_type=_JPEG)
@blp.alt_response(304, success=True, description="没有变化")
def get_file(query: dict[str, Any], token: str) -> Response:
    """凭短时链接取一张照片；链接只给刚核对过权限的人，五分钟后失效"""
    session = db.session()
    link = PHOTO_LINKS.read(vault_of(session), token, now=utc_now())
    return _shown(activity_photos.get_linked(session, link.object_id), query["size"])


def _shown(photo: ActivityPhoto, size: int | None) -> Response:
    """The picture as a file to save: no browser may take what a member sent for a page."""
    response = flask.Response(mimetype=_JPEG)
    response.set_etag(photo.sha256 if size is None else f"{photo.sha256}-{size}")
    response.headers["Content-Disposition"] = "attachment; filename=photo.jpg"
    response.cache_control.private = True
    response.cache_control.max_age = int(PHOTO_LINKS.lifetime.total_seconds())
    # Whoever has it already needs nothing from the store.
    if flask.request.if_none_match.contains(response.get_etag()[0] or ""):
        response.status_code = 304
        return response
    name = photos.name_of(photo.id)
    _end_reading()
    try:
        content = _store().get(name)
    except FileMissing as error:
        raise photos.PhotoNotFound from error
    response.set_data(content if size is None else photos.thumbnail(content))
    return response


def _end_reading() -> None:
    """Let go of what was only read: no transaction waits for the store, least of all SQLite's."""
    db.session().rollback()


def _store() -> FileStore:
    store: FileStore = flask.current_app.extensions["files"]
    return store
