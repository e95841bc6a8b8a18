"""Coarse limits: how much one address and one member may ask of a worker in a minute.

They keep a runaway client from taking the server away from the others. Each worker counts for
itself and forgets at a restart; what must hold exactly, attempts to sign in for example, is
counted in the database.
"""

import ipaddress
import threading
import time
from collections import Counter

import flask
from werkzeug.wrappers import Response

from api import problems
from core.server_settings import ServerSettings

CODE = "request.too_many"
# What costs little to answer is not counted: that nothing has changed, or that it is too much.
_FREE = (304, 429)
_WINDOW_SECONDS = 60
# A household has one network of IPv6, and may use all of its addresses.
_IPV6_PREFIX = 64


class RequestLimits:
    """The counters of one app: of the minute that runs, and none of those before."""

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._ends_at = 0.0

    def check_address(self) -> flask.Response | None:
        """Refuse an address that has used its minute up, before anything is read."""
        return self._check(_address(), self._settings.address_requests)

    def check_member(self) -> flask.Response | None:
        """Refuse a member who has used his minute up, as soon as it is known who he is."""
        return self._check(str(flask.g.actor.member_id), self._settings.member_requests)

    def count(self, response: Response) -> Response:
        """Count a request that has been answered."""
        if response.status_code in _FREE:
            return response
        keys = [_address()]
        if "actor" in flask.g:
            keys.append(str(flask.g.actor.member_id))
        with self._lock:
            self._turn()
            self._counts.update(keys)
        return response

    def _check(self, key: str, most: int) -> flask.Response | None:
        with self._lock:
            left = self._turn()
            if self._counts[key] < most:
                return None
        edge = problems.EDGE_ERRORS[CODE]
        detail = f"请求太频繁，请 {left} 秒后再试。"
        return problems.render(edge.status, CODE, edge.title, detail, retry=f"after:{left}")

    def _turn(self) -> int:
        """Begin a new minute if one is over; the whole seconds that are left of it."""
        now = time.monotonic()
        if now >= self._ends_at:
            self._counts.clear()
            self._ends_at = now + _WINDOW_SECONDS
        return int(self._ends_at - now) + 1


def register(app: flask.Flask, settings: ServerSettings) -> None:
    """Limit what addresses may ask of this app; members follow where they are signed in."""
    limits = app.extensions["request_limits"] = RequestLimits(settings)
    app.before_request(limits.check_address)
    app.after_request(limits.count)


def check_member() -> flask.Response | None:
    """The refusal of a signed-in member who asks too much, if he does."""
    limits: RequestLimits = flask.current_app.extensions["request_limits"]
    return limits.check_member() if "actor" in flask.g else None


def _address() -> str:
    text = flask.request.remote_addr or ""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text
    if address.version == 4:
        return text
    return str(ipaddress.ip_network((address, _IPV6_PREFIX), strict=False).network_address)
