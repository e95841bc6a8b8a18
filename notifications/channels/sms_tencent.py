"""腾讯云短信 (SendSms 2021-01-11), signed with TC3-HMAC-SHA256."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from notifications.channels.http import HttpCaller, json_body
from notifications.channels.sender import NEVER, Answer, Outgoing, Result
from notifications.models import Channel

_ALGORITHM = "TC3-HMAC-SHA256"
_CONTENT_TYPE = "application/json; charset=utf-8"
_LATER_PREFIXES = ("RequestLimitExceeded", "LimitExceeded.")
_UNSURE_PREFIXES = ("InternalError", "FailedOperation.Fail", "FailedOperation.Timeout")


@dataclass(frozen=True, slots=True)
class TencentAccount:
    """What the operator registered with Tencent; a template has two parameters.

    That of codes has one; without it no code is sent.
    """

    secret_id: str
    secret_key: str = field(repr=False)
    app_id: str = ""
    sign_name: str = ""
    template_id: str = ""
    region: str = "ap-guangzhou"
    link_template_id: str = ""
    code_template_id: str = ""


class TencentSms:
    """One text message to one number; the report names its SerialNo."""

    channel = Channel.SMS
    provider = "sms_tencent"
    idempotent_for = NEVER

    def __init__(
        self,
        base_url: str,
        account: TencentAccount,
        caller: HttpCaller,
        clock: Callable[[], datetime],
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._account = account
        self._caller = caller
        self._clock = clock

    def reserve_key(self, message_id: UUID) -> str | None:
        """Ours; it is the SessionContext."""
        return str(message_id)

    def send(self, outgoing: Outgoing) -> Answer:
        """SendSms with its parameters in the signed body."""
        account, at = self._account, self._clock()
        template, params = self._worded(outgoing)
        body = json_body(
            {
                "PhoneNumberSet": [f"+86{outgoing.address}"],
                "SmsSdkAppId": account.app_id,
                "SignName": account.sign_name,
                "TemplateId": template,
                "TemplateParamSet": params,
                "SessionContext": outgoing.key,
            }
        )
        host = urlsplit(self._base_url).netloc
        headers = {
            "Content-Type": _CONTENT_TYPE,
            "Host": host,
            "X-TC-Action": "SendSms",
            "X-TC-Version": "2021-01-11",
            "X-TC-Timestamp": str(int(at.timestamp())),
            "X-TC-Region": account.region,
            "Authorization": authorize(
                body,
                host=host,
                service="sms",
                at=at,
                secret=(account.secret_id, account.secret_key),
            ),
        }
        return self._caller.post(f"{self._base_url}/", body, headers, _read)

    def _worded(self, outgoing: Outgoing) -> tuple[str, list[str]]:
        """The template of what is to be said, and its parameters."""
        account = self._account
        if outgoing.code:
            return account.code_template_id, [outgoing.code]
        if outgoing.link and account.link_template_id:
            return account.link_template_id, [outgoing.salutation, outgoing.link_code]
        return account.template_id, [outgoing.salutation, outgoing.matter]


def authorize(
    body: bytes, *, host: str, service: str, at: datetime, secret: tuple[str, str]
) -> str:
    """The Authorization header of a JSON POST to "/".

    Args:
        secret: SecretId and SecretKey.
    """
    secret_id, secret_key = secret
    day = at.astimezone(UTC).strftime("%Y-%m-%d")
    scope = f"{day}/{service}/tc3_request"
    signed = "content-type;host"
    request = (
        f"POST\n/\n\ncontent-type:{_CONTENT_TYPE}\nhost:{host}\n\n{signed}\n"
        f"{hashlib.sha256(body).hexdigest()}"
    )
    digest = hashlib.sha256(request.encode()).hexdigest()
    text = f"{_ALGORITHM}\n{int(at.timestamp())}\n{scope}\n{digest}"
    key = f"TC3{secret_key}".encode()
    for part in (day, service, "tc3_request"):
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    return (
        f"{_ALGORITHM} Credential={secret_id}/{scope}, SignedHeaders={signed},"
        f" Signature={signature}"
    )


def _read(answer: dict[str, Any]) -> Answer | None:
    response = answer.get("Response")
    if not isinstance(response, dict):
        return None
    error, statuses = response.get("Error"), response.get("SendStatusSet")
    if isinstance(error, dict):
        return _refusal(str(error.get("Code", "")))
    if not (isinstance(statuses, list) and statuses and isinstance(statuses[0], dict)):
        return None
    code = str(statuses[0].get("Code", ""))
    if code == "Ok":
        return Answer(Result.ACCEPTED, code, str(statuses[0].get("SerialNo", "")))
    return _refusal(code)


def _refusal(code: str) -> Answer:
    if code.startswith(_UNSURE_PREFIXES):
        return Answer(Result.UNKNOWN, code)
    is_later = code.startswith(_LATER_PREFIXES)
    return Answer(Result.TRY_AGAIN if is_later else Result.REFUSED, code)
