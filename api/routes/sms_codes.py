"""Codes in text messages: asked for by anybody, answered alike."""

from typing import Any

import click
import flask
from marshmallow import fields

from api.auth import Access
from api.blueprints import Blueprint
from api.extensions import db
from api.fields import Choice, InSchema, OutSchema, Text
from core.clock import utc_now
from core.config import Settings
from core.db import unit_of_work, vault_of
from core.errors import RuleViolation
from members import sms_codes
from members.attempt_limits import TooManyTries
from members.session_models import CodePurpose
from members.sms_codes import Asked

blp = Blueprint("sms-codes", __name__, description="短信验证码")


class SmsOff(RuleViolation):
    """The deployment sends no codes."""

    code = "auth.sms_off"
    title = "没有开通短信验证码，请用密码登录，或请支部书记出示登录码"


class SmsCodeIn(InSchema):
    phone = Text(length_max=20, required=True, metadata={"example": "13800000002"})
    purpose = Choice(CodePurpose, required=True, metadata={"example": "sign_in"})


class SmsCodeOut(OutSchema):
    retry_after = fields.Integer(
        metadata={"example": 60, "description": "多少秒后可以再次获取；在此之前不会再发"}
    )


@blp.post("/auth/sms-codes", access=Access.PUBLIC)
@blp.arguments(SmsCodeIn)
@blp.response(202, SmsCodeOut)
def send_sms_code(data: dict[str, Any]) -> Any:
    """获取短信验证码；名册里有没有这个手机号，回答都一样"""
    settings: Settings = flask.current_app.extensions["settings"]
    if not (settings.demo or settings.channels.sends_codes):
        raise SmsOff
    asked = Asked(
        data["phone"],
        CodePurpose(data["purpose"]),
        flask.request.remote_addr or "",
        settings.sms_codes_a_day,
        is_sent=not settings.demo,
    )
    try:
        _send(asked, settings)
    except TooManyTries as refusal:
        # The code that was sent before is still good, so a second tap does no harm.
        return {"retry_after": refusal.wait_seconds}
    return {"retry_after": int(sms_codes.PER_MINUTE.window.total_seconds())}


def _send(asked: Asked, settings: Settings) -> None:
    with unit_of_work(db.session()) as session:
        code_id = sms_codes.issue(session, asked, now=utc_now())
        if settings.demo:
            # A demo reaches nobody outside; whoever runs it reads the code where it runs.
            digits = sms_codes.digits_of(vault_of(session), code_id)
            click.echo(
                f"演示验证码 {digits}（手机尾号 {asked.phone[-4:]}，5 分钟内有效）", err=True
            )
