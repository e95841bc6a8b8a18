"""Where a member is signed in, and which of his apps take pushes; nobody else sees it."""

from typing import Any
from uuid import UUID

from marshmallow import fields

from api.auth import Access, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Choice, Identifier, InSchema, Instant, OutSchema, Text
from core.clock import utc_now
from core.db import unit_of_work
from members import device_sessions
from notifications import push_registrations
from notifications.delivery_models import PushProvider
from notifications.push_registrations import App

blp = Blueprint("my-sessions", __name__, description="登录的手机")

_ID = "0198c0de-0000-7000-8000-000000000020"


class SessionOut(OutSchema):
    id = Identifier(metadata={"example": _ID})
    means = fields.String(metadata={"example": "ticket"})
    device_name = fields.String(metadata={"example": "王建国的手机"})
    platform = fields.String(metadata={"example": "android"})
    app_version = fields.String(metadata={"example": "1.0.0"})
    created_at = Instant(metadata={"example": "2026-03-02T10:00:00+08:00"})
    renewed_at = Instant(
        metadata={"example": "2026-03-09T08:30:00+08:00", "description": "最近一次换凭证"}
    )
    assisted_by_name = fields.String(
        allow_none=True, metadata={"example": "李静", "description": "协助登录的支部书记"}
    )
    is_current = fields.Boolean(metadata={"example": True})


class SessionsOut(OutSchema):
    sessions = fields.List(fields.Nested(SessionOut))


class AppIn(InSchema):
    platform = Choice(["android", "ios"], required=True, metadata={"example": "android"})
    provider = Choice(PushProvider, required=True, metadata={"example": "jpush"})
    token = Text(length_max=160, required=True, metadata={"example": "1a0018970aaf54b6b3f"})
    app_version = Text(length_max=32, length_min=0, load_default="", metadata={"example": "1.0.0"})


@blp.get("/me/sessions", access=Access.MEMBER)
@blp.response(200, SessionsOut)
def list_my_sessions() -> Any:
    """我在哪些手机上登录着，新的在前"""
    return {"sessions": device_sessions.list_own(db.session(), current_actor(), now=utc_now())}


@blp.delete("/me/sessions/<uuid:session_id>", access=Access.MEMBER)
@blp.response(204)
def end_my_session(session_id: UUID) -> Any:
    """让一台手机退出登录，立即生效，也不再推送"""
    with unit_of_work(db.session()) as session:
        device_sessions.end_own(session, current_actor(), session_id, now=utc_now())
    return None


@blp.put("/me/devices/<uuid:registration_id>", access=Access.MEMBER)
@blp.arguments(AppIn)
@blp.response(204)
def put_push_registration(data: dict[str, Any], registration_id: UUID) -> Any:
    """登记这台手机接收推送；编号由应用首次运行时自行生成，退出登录即失效"""
    app = App(PushProvider(data["provider"]), data["token"], data["platform"], data["app_version"])
    with unit_of_work(db.session()) as session:
        push_registrations.register(
            session, current_actor(), registration_id, app=app, now=utc_now()
        )
    return None


@blp.delete("/me/devices/<uuid:registration_id>", access=Access.MEMBER)
@blp.response(204)
def delete_push_registration(registration_id: UUID) -> Any:
    """不再向这台手机推送"""
    with unit_of_work(db.session()) as session:
        push_registrations.remove(session, current_actor(), registration_id)
    return None
