"""How a member is told outside the inbox: his channels and his choices by kind."""

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from api.auth import Access, current_actor
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Choice, InSchema, OutSchema, Text
from core.clock import utc_now
from core.db import unit_of_work
from core.errors import NotFound
from notifications import addresses, preferences
from notifications.catalogue import KINDS
from notifications.models import Channel

blp = Blueprint("notifications", __name__, description="消息提醒")

_KINDS_MAX = 200


class KindChoiceIn(InSchema):
    kind = Choice(KINDS, required=True, metadata={"example": "claim_approved"})
    choice = Choice(
        preferences.CHOICES,
        required=True,
        metadata={
            "example": "off",
            "description": "automatic 由系统选择，off 不在站外提醒（必须告知的事项不能关闭）",
        },
    )


class PreferencesIn(InSchema):
    choices = fields.List(
        fields.Nested(KindChoiceIn),
        required=True,
        validate=validate.Length(0, _KINDS_MAX, error=f"最多 {_KINDS_MAX} 项"),
    )

    @ma.validates_schema
    def _require_each_once(self, data: dict[str, Any], **_: Any) -> None:
        kinds = [one["kind"] for one in data.get("choices", [])]
        if len(set(kinds)) != len(kinds):
            raise ma.ValidationError({"choices": ["同一类消息出现了两次"]})


class PreferenceOut(OutSchema):
    kind = fields.String(metadata={"example": "claim_approved"})
    title = fields.String(metadata={"example": "申报已通过"})
    is_duty = fields.Boolean(
        metadata={"example": False, "description": "必须告知：可以选择渠道，不能关闭"}
    )
    choice = fields.String(metadata={"example": "automatic"})


class PreferencesOut(OutSchema):
    choices = fields.List(fields.Nested(PreferenceOut))


class AddressIn(InSchema):
    channel = Choice(addresses.SETTABLE, required=True, metadata={"example": "email"})
    address = Text(
        length_max=330,
        required=True,
        metadata={
            "example": "li.jing@example.cn",
            "description": "email 为邮箱；wecom 为群机器人的 key；"
            "dingtalk、feishu 为“令牌 密钥”；webhook 为对方系统中的编号",
        },
    )


class AddressOut(OutSchema):
    channel = fields.String(metadata={"example": "email"})
    address_masked = fields.String(metadata={"example": "l***@example.cn"})


class AddressesOut(OutSchema):
    channels = fields.List(fields.Nested(AddressOut))


@blp.get("/me/notification-preferences", access=Access.MEMBER)
@blp.response(200, PreferencesOut)
def get_notification_preferences() -> Any:
    """我对每类站外提醒的选择；站内消息始终都有"""
    return {"choices": preferences.list_preferences(db.session(), current_actor())}


@blp.put("/me/notification-preferences", access=Access.MEMBER)
@blp.arguments(PreferencesIn)
@blp.response(200, PreferencesOut)
def put_notification_preferences(data: dict[str, Any]) -> Any:
    """设置每类站外提醒；没有写到的由系统选择"""
    choices = {one["kind"]: one["choice"] for one in data["choices"]}
    with unit_of_work(db.session()) as session:
        kept = preferences.set_preferences(session, current_actor(), choices=choices)
    return {"choices": kept}


@blp.get("/me/channels", access=Access.MEMBER)
@blp.response(200, AddressesOut)
def list_my_channels() -> Any:
    """可以联系到我的渠道，地址只显示一部分；短信发到名册上的手机号"""
    return {"channels": addresses.list_addresses(db.session(), current_actor())}


@blp.put("/me/channels", access=Access.MEMBER)
@blp.arguments(AddressIn)
@blp.response(204)
def put_my_channel(data: dict[str, Any]) -> Any:
    """填写或更换我在一个渠道的地址"""
    with unit_of_work(db.session()) as session:
        addresses.set_address(
            session,
            current_actor(),
            Channel(data["channel"]),
            address=data["address"],
            now=utc_now(),
        )
    return None


@blp.delete("/me/channels/<string(maxlength=40):channel>", access=Access.MEMBER)
@blp.response(204)
def delete_my_channel(channel: str) -> Any:
    """删除我在一个渠道的地址"""
    if channel not in addresses.SETTABLE:
        raise NotFound
    with unit_of_work(db.session()) as session:
        addresses.remove_address(session, current_actor(), Channel(channel))
    return None
