"""阿里云短信服务 (Dysmsapi 2017-05-25), signed with ACS3-HMAC-SHA256."""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

from notifications.channels.http import HttpCaller, json_body
from notifications.channels.sender import NEVER, Answer, Outgoing, Result
from notifications.models import Channel

_ALGORITHM = "ACS3-HMAC-SHA256"
_EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
# Their limits: nothing was taken.
_LATER_PREFIXES = ("Throttling", "ServiceUnavailable", "isv.BUSINESS_LIMIT_CONTROL")
_UNSURE_PREFIXES = ("InternalError", "isp.SYSTEM_ERROR")


@dataclass(frozen=True, slots=True)
class AliyunAccount:
    """What the operator registered with Aliyun.

    The template has `name` and `matter`; the one for links has `name` and `code`; that of codes
    has `code`, and without it no code is sent.
    """

    key_id: str
    key_secret: str = field(repr=False)
    sign_name: str = ""
    template_code: str = ""
    link_template_code: str = ""
    code_template_code: str = ""


class AliyunSms:
    """One text message to one number; our id travels as OutId and comes back in the report."""

    channel = Channel.SMS
    provider = "sms_aliyun"
    # They know no repetitions: an unknown text message is never sent again by itself.
    idempotent_for = NEVER

    def __init__(
        self,
        base_url: str,
        account: AliyunAccount,
        caller: HttpCaller,
        clock: Callable[[], datetime],
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._account = account
        self._caller = caller
        self._clock = clock

    def reserve_key(self, message_id: UUID) -> str | None:
        """Ours; it is the OutId."""
        return str(message_id)

    def send(self, outgoing: Outgoing) -> Answer:
        """SendSms, whose parameters stand in the query."""
        template, params = self._worded(outgoing)
        query = {
            "PhoneNumbers": outgoing.address,
            "SignName": self._account.sign_name,
            "TemplateCode": template,
            "TemplateParam": json_body(params).decode(),
            "OutId": outgoing.key,
        }
        headers = {
            "host": urlsplit(self._base_url).netloc,
            "x-acs-action": "SendSms",
            "x-acs-content-sha256": _EMPTY_SHA256,
            "x-acs-date": self._clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "x-acs-signature-nonce": secrets.token_hex(16),
            "x-acs-version": "2017-05-25",
        }
        headers["Authorization"] = authorize(
            headers, query, self._account.key_id, self._account.key_secret
        )
        return self._caller.post(f"{self._base_url}/?{canonical(query)}", b"", headers, _read)

    def _worded(self, outgoing: Outgoing) -> tuple[str, dict[str, str]]:
        """The template of what is to be said, and its parameters."""
        account, name = self._account, {"name": outgoing.salutation}
        if outgoing.code:
            return account.code_template_code, {"code": outgoing.code}
        if outgoing.link and account.link_template_code:
            return account.link_template_code, name | {"code": outgoing.link_code}
        return account.template_code, name | {"matter": outgoing.matter}


def authorize(
    headers: Mapping[str, str], query: Mapping[str, str], key_id: str, key_secret: str
) -> str:
    """The Authorization header of a POST to "/" without a body.

    Args:
        headers: `host` and every `x-acs-` header, in lower case.
    """
    names = sorted(headers)
    listed = ";".join(names)
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in names)
    payload = headers["x-acs-content-sha256"]
    request = f"POST\n/\n{canonical(query)}\n{lines}\n{listed}\n{payload}"
    text = f"{_ALGORITHM}\n{hashlib.sha256(request.encode()).hexdigest()}"
    signature = hmac.new(key_secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    return f"{_ALGORITHM} Credential={key_id},SignedHeaders={listed},Signature={signature}"


def canonical(query: Mapping[str, str]) -> str:
    """The query in the order and the encoding that are signed."""
    return "&".join(
        f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(query.items())
    )


def _read(answer: dict[str, Any]) -> Answer | None:
    code = answer.get("Code")
    if not isinstance(code, str):
        return None
    if code == "OK":
        return Answer(Result.ACCEPTED, code, str(answer.get("BizId", "")))
    if code.startswith(_UNSURE_PREFIXES):
        return Answer(Result.UNKNOWN, code)
    is_later = code.startswith(_LATER_PREFIXES)
    return Answer(Result.TRY_AGAIN if is_later else Result.REFUSED, code)
