"""Where providers report what became of a message: outside of the API that clients use.

The formats are the providers' own, so nothing here is in the document. Whoever does not know the
secret part of the address finds nothing here.
"""

import hmac
from collections.abc import Mapping
from typing import Any

import flask

from api.auth import Access, guard
from api.extensions import db
from api.parsing import load_json
from core.clock import utc_now
from core.config import Settings
from core.db import unit_of_work
from core.errors import NotFound
from notifications.channels import webhook
from notifications.reports import PARSERS, parse_reports, take_reports

# What each wants to hear, or it reports again and again.
_THANKS: Mapping[str, dict[str, Any]] = {
    "sms_aliyun": {"code": 0, "msg": "成功"},
    "sms_tencent": {"result": 0, "errmsg": "OK"},
    "webhook": {"code": 0},
}


def register(app: flask.Flask) -> None:
    """Add the address of the callbacks to the app."""
    app.add_url_rule(
        "/callbacks/<provider>/<secret>",
        "provider_callback",
        guard(_take, Access.PUBLIC),
        methods=["POST"],
    )


def _take(provider: str, secret: str) -> flask.Response:
    settings: Settings = flask.current_app.extensions["settings"]
    expected = settings.channels.callback_secret
    is_known = bool(expected) and hmac.compare_digest(secret.encode(), expected.encode())
    if provider not in PARSERS or not is_known or not _is_signed(settings, provider):
        raise NotFound
    reports = parse_reports(provider, load_json(flask.request.get_data(cache=True)))
    with unit_of_work(db.session()) as session:
        take_reports(session, provider, reports, now=utc_now())
    return flask.jsonify(_THANKS[provider])


def _is_signed(settings: Settings, provider: str) -> bool:
    """Ours is signed as what we send is; the others have only the address."""
    if provider != "webhook":
        return True
    signature = webhook.sign(
        settings.channels.values.get("WEBHOOK_SECRET", ""),
        flask.request.headers.get("X-Points-Timestamp", ""),
        flask.request.get_data(cache=True),
    )
    given = flask.request.headers.get("X-Points-Signature", "")
    return hmac.compare_digest(signature.encode(), given.encode())
