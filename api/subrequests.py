"""Asking this API from within a request, as the same caller."""

import io
import json
from typing import Any, cast

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
    """What the object of this write looks like to the caller now; None if it has no address.

    The object is read at the address of the write itself or, for `/things/{id}/verb`, above it.
    """
    path = _reading_path()
    return None if path is None else ask("GET", path)


def _reading_path() -> str | None:
    # The prefix of the API is no object; without its last id the address is another object's.
    _, *prefix, rest = flask.request.path.split("/", 3)
    steps, ids = rest.split("/"), {str(value) for value in (flask.request.view_args or {}).values()}
    routes = flask.current_app.url_map.bind("")
    while steps:
        path = "/".join(["", *prefix, *steps])
        try:
            routes.match(path, "GET")
            return path
        except HTTPException:
            pass
        # `/orgs/{id}/things/{id}` may be read at `/things/{id}`.
        if len(steps) == 4 and ids >= {steps[1], steps[3]}:
            steps = steps[2:]
        elif steps.pop() in ids:
            return None
    return None


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
    return cast(dict[str, Any], environ)
