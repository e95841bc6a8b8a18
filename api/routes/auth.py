"""Signing in with phone and password, refreshing, changing the password."""

from typing import Any

from marshmallow import fields

from api.auth import Access, current_actor, issue_tokens
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Choice, InSchema, OutSchema, Secret, Text
from core.clock import utc_now
from core.db import read_only, unit_of_work
from members import accounts
from notifications import account_events

blp = Blueprint("auth", __name__, description="登录")

_TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl"  # noqa: S105 - a made-up example


class SignInIn(InSchema):
    # SMS codes, WeChat and login tickets will be further grants of this operation.
    grant = Choice(["password"], required=True, metadata={"example": "password"})
    phone = Text(length_max=20, required=True, metadata={"example": "13800000002"})
    password = Secret(required=True, metadata={"example": "Demo-2026-party"})


class TokensOut(OutSchema):
    access_token = fields.String(metadata={"example": _TOKEN})
    refresh_token = fields.String(metadata={"example": _TOKEN})
    expires_in = fields.Integer(metadata={"example": 1800, "description": "秒"})
    must_change_password = fields.Boolean(metadata={"example": False})


class PasswordIn(InSchema):
    old = Secret(required=True, metadata={"example": "Temp-7K2M-9QDX"})
    new = Secret(required=True, metadata={"example": "Red-Flag-2026"})


@blp.post("/auth/sessions", access=Access.PUBLIC)
@blp.arguments(SignInIn)
@blp.response(201, TokensOut)
@blp.alt_response(401, "UNAUTHORIZED")
def sign_in(data: dict[str, Any]) -> Any:
    """手机号和密码登录"""
    # Checking a password takes long and writes nothing; on SQLite a writer's transaction would
    # keep everybody else waiting meanwhile.
    read_only.set(True)
    account = accounts.sign_in(db.session(), data["phone"], data["password"], now=utc_now())
    tokens = issue_tokens(account.member_id, account.session_epoch)
    return tokens | {"must_change_password": account.must_change_password}


@blp.post("/auth/sessions/refresh", access=Access.REFRESH)
@blp.response(201, TokensOut)
def refresh_session() -> Any:
    """用刷新凭证换新的凭证"""
    account = accounts.get_own(db.session(), current_actor())
    tokens = issue_tokens(account.member_id, account.session_epoch)
    return tokens | {"must_change_password": account.must_change_password}


@blp.put("/auth/password", access=Access.SIGNED_IN)
@blp.arguments(PasswordIn)
@blp.response(204)
def change_password(data: dict[str, Any]) -> Any:
    """修改密码；其他已登录的设备随即失效"""
    with unit_of_work(db.session()) as session:
        account_events.change_password(
            session, current_actor(), old=data["old"], new=data["new"], now=utc_now()
        )
    return None
