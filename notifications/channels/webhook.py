"""A signed webhook: for a gateway of the client's own that takes the message further."""

import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from notifications.channels.http import HttpCaller, json_body
from notifications.channels.sender import Answer, Outgoing, Result
from notifications.models import Channel


class Webhook:
    """A POST to one address of the operator's; the member's address is his id at the gateway."""

    channel = Channel.WEBHOOK
    provider = "webhook"
    # Part of the contract in docs/operations.md: the gateway keeps the keys of a day.
    idempotent_for = timedelta(hours=23)

    def __init__(
        self, url: str, secret: str, caller: HttpCaller, clock: Callable[[], datetime]
    ) -> None:
        self._url = url
        self._secret = secret
        self._caller = caller
        self._clock = clock

    def reserve_key(self, message_id: UUID) -> str | None:
        """Ours; the gateway drops what it has already taken."""
        return str(message_id)

    def send(self, outgoing: Outgoing) -> Answer:
        """One message; the answer is `{"code": 0, "message_id": "..."}`."""
        body = json_body(
            {
                "id": str(outgoing.id),
                "recipient": outgoing.address,
                "kind": outgoing.kind,
                "text": outgoing.text,
            }
        )
        timestamp = str(int(self._clock().timestamp()))
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": outgoing.key,
            "X-Points-Timestamp": timestamp,
            "X-Points-Signature": sign(self._secret, timestamp, body),
        }
        return self._caller.post(self._url, body, headers, _read)


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """ "sha256=" and the hexadecimal HMAC of "timestamp dot body"."""
    message = timestamp.encode() + b"." + body
    return "sha256=" + hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def _read(answer: dict[str, Any]) -> Answer | None:
    code = answer.get("code")
    if type(code) not in (int, str):
        return None
    if code == 0:
        return Answer(Result.ACCEPTED, "0", str(answer.get("message_id", "")))
    return Answer(Result.REFUSED, str(code))
