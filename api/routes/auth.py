"""Signing in, renewing a session, signing out, changing the password."""

from typing import Any

import marshmallow as ma
from marshmallow import fields

from api import confirming, signing_in
from api.auth import Access, current_actor, shown_tokens
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Choice, InSchema, Instant, OutSchema, Secret, Text
from api.idempotency import Retry
from core.clock import utc_now
from core.db import unit_of_work
from members import device_sessions
from members.device_sessions import Device
from members.refreshing import SessionRevoked
from members.session_models import SignInMeans
from notifications import account_events

blp = Blueprint("auth", __name__, description="登录")

_ACCESS = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl"
_OPAQUE = "Vn3o0b8cQ1dMZr9yHk2u7wXeT4sLfGpAiJ5tRzKmNqE"
# What each way to sign in needs; it takes nothing else.
_NEEDED = {
    SignInMeans.PASSWORD: {"phone", "password"},
    SignInMeans.SMS: {"phone", "code"},
    SignInMeans.WECHAT: {"code"},
    SignInMeans.TICKET: {"ticket"},
}
_SIGN_IN_EXAMPLE = {
    "grant": "password",
    "phone": "13800000002",
    "password": "Demo-2026-party",
    "device_name": "李静的手机",
    "platform": "android",
    "app_version": "1.0.0",
}


class DeviceIn(InSchema):
    device_name = Text(length_max=80, length_min=0, metadata={"example": "李静的手机"})
    platform = Text(length_max=16, length_min=0, metadata={"example": "android"})
    app_version = Text(length_max=32, length_min=0, metadata={"example": "1.0.0"})


class SignInIn(DeviceIn):
    grant = Choice(
        SignInMeans,
        required=True,
        metadata={
            "example": "password",
            "description": "password：手机号和密码；sms：手机号和短信验证码；"
            "wechat：小程序 wx.login 的 code；ticket：支部书记出示的登录码",
        },
    )
    phone = Text(length_max=20, metadata={"example": "13800000002"})
    password = Secret(metadata={"example": "Demo-2026-party"})
    code = Text(length_max=128, metadata={"example": "402917"})
    ticket = Text(length_max=64, metadata={"example": _OPAQUE})

    @ma.validates_schema
    def _require_what_the_grant_needs(self, data: dict[str, Any], **_: Any) -> None:
        needed = _NEEDED[SignInMeans(data["grant"])]
        given = data.keys() & set().union(*_NEEDED.values())
        problems = {name: ["必填"] for name in needed - given}
        problems |= {name: ["这种登录方式不用这一项"] for name in given - needed}
        if problems:
            raise ma.ValidationError(problems)


class RefreshIn(InSchema):
    refresh_token = Text(length_max=64, required=True, metadata={"example": _OPAQUE})


class TokensOut(OutSchema):
    access_token = fields.String(metadata={"example": _ACCESS})
    refresh_token = fields.String(
        metadata={"example": _OPAQUE, "description": "只用一次；每次刷新换一个新的"}
    )
    expires_in = fields.Integer(metadata={"example": 1800, "description": "秒"})
    must_change_password = fields.Boolean(metadata={"example": False})


class SessionConfirmationIn(InSchema):
    password = Secret(metadata={"example": "Demo-2026-party"})
    phone = Text(length_max=20, metadata={"example": "13800000002"})
    code = Text(length_max=6, metadata={"example": "402917"})

    @ma.validates_schema
    def _require_one_proof(self, data: dict[str, Any], **_: Any) -> None:
        if data.keys() not in ({"password"}, {"phone", "code"}):
            raise ma.ValidationError("请给出密码，或手机号和验证码")


class SessionConfirmationOut(OutSchema):
    confirmed_until = Instant(metadata={"example": "2026-03-01T09:15:00+08:00"})


class PasswordIn(InSchema):
    old = Secret(required=True, metadata={"example": "Temp-7K2M-9QDX"})
    new = Secret(required=True, metadata={"example": "Red-Flag-2026"})


def device_of(data: dict[str, Any]) -> Device:
    """What a request says about the phone that it comes from."""
    names = ("device_name", "platform", "app_version")
    return Device(**{name: data.pop(name, "") for name in names})


@blp.post("/auth/sessions", access=Access.PUBLIC)
@blp.arguments(SignInIn, example=_SIGN_IN_EXAMPLE)
@blp.response(201, TokensOut)
@blp.alt_response(401, "UNAUTHORIZED")
@blp.alt_response(403, "FORBIDDEN")
@blp.alt_response(429, "TOO_MANY_REQUESTS")
@blp.alt_response(503, "SERVICE_UNAVAILABLE")
def sign_in(data: dict[str, Any]) -> Any:
    """登录：密码、短信验证码、微信或登录码"""
    return shown_tokens(signing_in.sign_in(data, device=device_of(data)))


@blp.post("/auth/sessions/refresh", access=Access.PUBLIC)
@blp.arguments(RefreshIn)
@blp.response(201, TokensOut)
@blp.alt_response(401, "UNAUTHORIZED")
def refresh_session(data: dict[str, Any]) -> Any:
    """用刷新凭证换新的一对凭证；旧的一分钟内再用，得到同样的新凭证"""
    with unit_of_work(db.session()) as session:
        tokens = account_events.refresh(
            session, data["refresh_token"], life=signing_in.session_life(), now=utc_now()
        )
    # That the session is ended is kept, so it is told after the commit.
    if tokens is None:
        raise SessionRevoked
    return shown_tokens(tokens)


@blp.delete("/auth/sessions/current", access=Access.SIGNED_IN)
@blp.response(204)
def sign_out() -> Any:
    """退出登录；这台手机不再收到推送"""
    actor = current_actor()
    with unit_of_work(db.session()) as session:
        if actor.session_id is not None:
            device_sessions.end_own(session, actor, actor.session_id, now=utc_now())
    return None


@blp.post("/auth/sessions/current/confirmation", access=Access.MEMBER, retry=Retry.NATURAL)
@blp.arguments(SessionConfirmationIn, example={"password": "Demo-2026-party"})
@blp.response(200, SessionConfirmationOut)
def confirm_session(data: dict[str, Any]) -> Any:
    """确认是本人：用密码，或用途为 sign_in 的短信验证码；此后十五分钟内可办要紧的事"""
    return {"confirmed_until": confirming.confirm(current_actor(), data)}


@blp.put("/auth/password", access=Access.SIGNED_IN)
@blp.arguments(PasswordIn)
@blp.response(204)
@blp.alt_response(429, "TOO_MANY_REQUESTS")
def change_password(data: dict[str, Any]) -> Any:
    """修改密码；其他手机上的登录随即失效"""
    confirming.change_password(current_actor(), old=data["old"], new=data["new"])
    return None
