"""What every answer tells a browser: show nothing, embed nothing, guess nothing."""

import base64
import hashlib
import re

import flask
from werkzeug.wrappers import Response

# JSON and files are no pages: should a browser take one for a page, nothing in it may run.
_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
# Swagger UI draws with styles of its own and asks this server only.
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self' {scripts}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
_HSTS = "max-age=31536000; includeSubDomains"
_INLINE_SCRIPT = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


def register(app: flask.Flask) -> None:
    """Add the headers to every answer of this app."""
    app.after_request(_add)


def _add(response: Response) -> Response:
    response.headers["X-Request-Id"] = flask.g.get("request_id", "")
    response.headers.setdefault("Cache-Control", "private, no-cache")
    for name, value in _HEADERS.items():
        response.headers[name] = value
    is_page = response.mimetype == "text/html" and not response.is_streamed
    response.headers["Content-Security-Policy"] = _page_policy(response) if is_page else _POLICY
    # On a plain connection it would be ignored, and during a trial it would be wrong.
    if flask.request.is_secure:
        response.headers["Strict-Transport-Security"] = _HSTS
    return response


def _page_policy(response: Response) -> str:
    """Only the scripts that stand in the page itself may run, each named by its digest."""
    digests = [
        base64.b64encode(hashlib.sha256(script).digest()).decode()
        for script in _INLINE_SCRIPT.findall(response.get_data())
    ]
    return _PAGE_POLICY.format(scripts=" ".join(f"'sha256-{digest}'" for digest in digests))
