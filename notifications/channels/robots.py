"""Group robots of WeCom, DingTalk and Feishu: a text into the group whose robot a member named.

A robot's address is its key in the provider's own form, never a URL: whoever sets it cannot make
this server call another. None of the three knows repetitions, so an unknown one stays unknown.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

from notifications.channels.http import HttpCaller, json_body
from notifications.channels.sender import NEVER, Answer, Outgoing, Result
from notifications.models import Channel

_JSON = {"Content-Type": "application/json; charset=utf-8"}
WECOM_BYTES_MAX = 2048
# Busy, and more than about twenty messages a minute: nothing was taken.
_WECOM_LATER = {-1, 45009}
_DINGTALK_LATER = {-1, 130101}
_FEISHU_LATER = {11232, 11233}


class _Robot:
    channel: Channel
    provider: str
    idempotent_for: timedelta = NEVER

    def __init__(self, base_url: str, caller: HttpCaller, clock: Callable[[], datetime]) -> None:
        self._base_url = base_url.rstrip("/")
        self._caller = caller
        self._clock = clock

    def reserve_key(self, message_id: UUID) -> str | None:
        """Ours; the provider does not look at it."""
        return str(message_id)


class WecomRobot(_Robot):
    """企业微信群机器人: `/cgi-bin/webhook/send?key=KEY`."""

    channel = Channel.WECOM
    provider = "wecom"

    def send(self, outgoing: Outgoing) -> Answer:
        """One text, cut where WeCom would refuse it."""
        text = outgoing.text.encode()[:WECOM_BYTES_MAX].decode(errors="ignore")
        body = json_body({"msgtype": "text", "text": {"content": text}})
        url = f"{self._base_url}/cgi-bin/webhook/send?{urlencode({'key': outgoing.address})}"
        return self._caller.post(url, body, _JSON, _reader("errcode", _WECOM_LATER))


class DingtalkRobot(_Robot):
    """钉钉自定义机器人 with 加签: the address is "token secret"."""

    channel = Channel.DINGTALK
    provider = "dingtalk"

    def send(self, outgoing: Outgoing) -> Answer:
        """One text, signed for this millisecond."""
        token, _, secret = outgoing.address.partition(" ")
        timestamp = str(int(self._clock().timestamp() * 1000))
        query = urlencode({"access_token": token, "timestamp": timestamp})
        sign = quote(sign_dingtalk(timestamp, secret), safe="")
        body = json_body({"msgtype": "text", "text": {"content": outgoing.text}})
        url = f"{self._base_url}/robot/send?{query}&sign={sign}"
        return self._caller.post(url, body, _JSON, _reader("errcode", _DINGTALK_LATER))


class FeishuRobot(_Robot):
    """飞书自定义机器人 with 签名校验: the address is "hook secret"."""

    channel = Channel.FEISHU
    provider = "feishu"

    def send(self, outgoing: Outgoing) -> Answer:
        """One text, signed for this second."""
        hook, _, secret = outgoing.address.partition(" ")
        timestamp = str(int(self._clock().timestamp()))
        body = json_body(
            {
                "timestamp": timestamp,
                "sign": sign_feishu(timestamp, secret),
                "msg_type": "text",
                "content": {"text": outgoing.text},
            }
        )
        url = f"{self._base_url}/open-apis/bot/v2/hook/{quote(hook, safe='')}"
        return self._caller.post(url, body, _JSON, _read_feishu)


def sign_dingtalk(timestamp: str, secret: str) -> str:
    """Base64 of the HMAC-SHA256 of "timestamp newline secret" under the secret."""
    message = f"{timestamp}\n{secret}".encode()
    return base64.b64encode(hmac.digest(secret.encode(), message, hashlib.sha256)).decode()


def sign_feishu(timestamp: str, secret: str) -> str:
    """Base64 of the HMAC-SHA256 of nothing under "timestamp newline secret"."""
    key = f"{timestamp}\n{secret}".encode()
    return base64.b64encode(hmac.digest(key, b"", hashlib.sha256)).decode()


def _read_feishu(answer: dict[str, Any]) -> Answer | None:
    # Robots of the first generation answer with the older name.
    name = "code" if "code" in answer else "StatusCode"
    return _reader(name, _FEISHU_LATER)(answer)


def _reader(name: str, later: set[int]) -> Callable[[dict[str, Any]], Answer | None]:
    def read(answer: dict[str, Any]) -> Answer | None:
        code = answer.get(name)
        if type(code) is not int:
            return None
        if code == 0:
            return Answer(Result.ACCEPTED, "0")
        return Answer(Result.TRY_AGAIN if code in later else Result.REFUSED, str(code))

    return read
