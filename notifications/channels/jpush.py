"""极光推送, REST API v3: one notification to the registration ids of one member."""

import base64
from datetime import timedelta
from typing import Any
from uuid import UUID

from notifications.channels.http import HttpCaller, json_body
from notifications.channels.sender import PRODUCT, Answer, Outgoing, Result
from notifications.models import Channel

_LIVE_SECONDS = 24 * 3600
# 1000: an error on their side; 2002: more calls than the application may make in a minute.
_UNSURE, _LATER = 1000, {2002}


class JPush:
    """A cid that JPush has issued pushes once within a day, however often it is used."""

    channel = Channel.PUSH
    provider = "jpush"
    # An hour less than the day, for clocks that differ and calls that are slow.
    idempotent_for = timedelta(hours=23)

    def __init__(self, base_url: str, app_key: str, master_secret: str, caller: HttpCaller) -> None:
        self._base_url = base_url.rstrip("/")
        credentials = base64.b64encode(f"{app_key}:{master_secret}".encode()).decode()
        self._headers = {
            "Authorization": f"Basic {credentials}",
            "Content-Type": "application/json",
        }
        self._caller = caller

    def reserve_key(self, message_id: UUID) -> str | None:
        """A cid from the pool; one of our own making would be refused."""
        answer = self._caller.get_json(f"{self._base_url}/v3/push/cid?count=1", self._headers)
        issued = (answer or {}).get("cidlist")
        if not (isinstance(issued, list) and issued and isinstance(issued[0], str)):
            return None
        return str(issued[0])[:100]

    def send(self, outgoing: Outgoing) -> Answer:
        """One push under the cid of the message."""
        body = {
            "cid": outgoing.key,
            "platform": "all",
            "audience": {"registration_id": outgoing.address.split()},
            "notification": {
                "android": {"alert": outgoing.text, "title": PRODUCT},
                "ios": {"alert": {"title": PRODUCT, "body": outgoing.text}},
            },
            "options": {"time_to_live": _LIVE_SECONDS},
        }
        url = f"{self._base_url}/v3/push"
        return self._caller.post(url, json_body(body), self._headers, _read)


def _read(answer: dict[str, Any]) -> Answer | None:
    error = answer.get("error")
    if isinstance(error, dict) and "code" in error:
        code = error["code"]
        if code == _UNSURE:
            return Answer(Result.UNKNOWN, str(code))
        return Answer(Result.TRY_AGAIN if code in _LATER else Result.REFUSED, str(code))
    if "msg_id" in answer:
        return Answer(Result.ACCEPTED, "0", str(answer["msg_id"]))
    return None
