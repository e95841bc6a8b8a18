"""Asking this API from within a request, as the same caller."""

import io
import json
from collections.abc import Mapping
from typing import Any

import flask
from werkzeug.exceptions import HTTPException

from core.db import read_only

# What concerns only the request around it.
_DROPPED = frozenset(
    {"HTTP_IDEMPOTENCY_KEY", "HTTP_IF_NONE_MATCH", "HTTP_ACCEPT_ENCODING", "HTTP_TRANSFER_ENCODING"}
    | {"CONTENT_TYPE", "CONTENT_LENGTH", "QUERY_STRING", "wsgi.input_terminated"}
)
Answer = flask.Response


def ask(
    method: str, path: str, *, body: dict[str, Any] | None = None, key: str | None = None
) -> Answer:
    """Answer a request of the same caller, through every check, in a transaction of its own.

    The transaction of the request around it must have ended: a second one would wait for it on
    SQLite, and take a second connection on PostgreSQL.
    """
    app, environ = flask.current_app, _environ(method, path, body, key)
    before = read_only.get()
    try:
        # An application context of its own is what gives it a session of its own.
        with app.app_context(), app.request_context(environ):
            return app.full_dispatch_request()
    finally:
        read_only.set(before)


def read_object() -> Answer | None:
    """What the object of this write looks like to the caller now; None if it has no address."""
    path = find_reading_path(flask.request.path, flask.request.view_args or {})
    return None if path is None else ask("GET", path)


def find_reading_path(path: str, ids: Mapping[str, Any]) -> str | None:
    """Where the object of a write can be read: at its own address, or above it.

    `/things/{id}/verb` is read at `/things/{id}`, and what is written below `/admin` or below an
    organisation may be read without either. Without its last id it would be another object.
    """
    api, prefix, rest = path.removeprefix("/").split("/", 2)
    steps, named = rest.split("/"), {str(value) for value in ids.values()}
    while steps:
        for skipped in range(min(3, len(steps))):
            address = "/".join(["", api, prefix, *steps[skipped:]])
            if _can_be_read(address):
                return address
        if steps.pop() in named:
            break
    return None


def _can_be_read(address: str) -> bool:
    try:
        flask.current_app.url_map.bind("").match(address, "GET")
    except HTTPException:
        return False
    return True


def _environ(method: str, path: str, body: Any, key: str | None) -> dict[str, Any]:
    around = flask.request.environ
    environ: dict[str, Any] = {
        name: value
        for name, value in around.items()
        if name not in _DROPPED and not name.startswith(("werkzeug.", "flask."))
    }
    content = b"" if body is None else json.dumps(body).encode()
    environ |= {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "CONTENT_LENGTH": str(len(content)),
        "HTTP_X_REQUEST_ID": flask.g.request_id,
        "wsgi.input": io.BytesIO(content),
    }
    if body is not None:
        environ["CONTENT_TYPE"] = "application/json"
    if key is not None:
        environ["HTTP_IDEMPOTENCY_KEY"] = key
    return environ
