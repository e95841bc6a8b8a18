"""Binding a WeChat to a member by his phone, and letting it go."""

from typing import Any

from api import signing_in
from api.auth import Access, current_actor, shown_tokens
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Text
from api.routes.auth import DeviceIn, TokensOut, device_of
from core.db import unit_of_work
from members import wechat_bindings

blp = Blueprint("wechat", __name__, description="微信登录")

_TICKET = "Vn3o0b8cQ1dMZr9yHk2u7wXeT4sLfGpAiJ5tRzKmNqE"


class WechatBindingIn(DeviceIn):
    bind_ticket = Text(length_max=64, required=True, metadata={"example": _TICKET})
    phone = Text(length_max=20, required=True, metadata={"example": "13800000002"})
    code = Text(length_max=6, required=True, metadata={"example": "402917"})


@blp.post("/auth/wechat-bindings", access=Access.PUBLIC)
@blp.arguments(WechatBindingIn)
@blp.response(201, TokensOut)
@blp.alt_response(401, "UNAUTHORIZED")
@blp.alt_response(429, "TOO_MANY_REQUESTS")
def bind_wechat(data: dict[str, Any]) -> Any:
    """用手机验证码绑定微信并登录"""
    return shown_tokens(signing_in.bind_wechat(data, device=device_of(data)))


@blp.delete("/me/wechat-binding", access=Access.MEMBER)
@blp.response(204)
def unbind_wechat() -> Any:
    """解除微信绑定；已登录的手机不受影响"""
    with unit_of_work(db.session()) as session:
        wechat_bindings.unbind(session, current_actor())
    return None
