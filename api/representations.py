"""How an answer travels: a strong ETag of what it says, 304 for who has it, gzip for the rest.

Only answers to GET are compressed, and none that holds a secret: those say `no-store`. What a
secret and a text of the asker's choice have in common shows in the compressed length (BREACH);
a GET reflects no body, and credentials travel in a header that no foreign page can make a phone
send.
"""

import base64
import gzip
import hashlib
import re

import flask
from werkzeug.wrappers import Response

# Below this, the header of a packet costs more than compression saves.
GZIP_BYTES_MIN = 1024
_GZIP_LEVEL = 5
# Quotes within a text are escaped, so this finds the field and nothing that somebody wrote.
_CLOCK = re.compile(rb'"server_time":\s*"[^"]*"')


def register(app: flask.Flask) -> None:
    """Represent the answers of this app."""
    app.after_request(_represent)


def _represent(response: Response) -> Response:
    if not _is_shared_text(response):
        return response
    content = response.get_data()
    is_packed = len(content) >= GZIP_BYTES_MIN and flask.request.accept_encodings["gzip"] > 0
    response.vary.add("Accept-Encoding")
    # Two encodings are two sequences of bytes, so they have two tags (RFC 9110 section 8.8.3.3).
    response.set_etag(_tag_of(content) + ("-gzip" if is_packed else ""))
    response.make_conditional(flask.request.environ)
    if is_packed and response.status_code == 200:
        response.set_data(gzip.compress(content, _GZIP_LEVEL, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response


def _is_shared_text(response: Response) -> bool:
    return (
        flask.request.method in ("GET", "HEAD")
        and response.status_code == 200
        and response.mimetype == "application/json"
        and not response.is_streamed
        and "no-store" not in response.headers.get("Cache-Control", "")
    )


def _tag_of(content: bytes) -> str:
    # Of the data and not of the token, so that signing in again does not empty the phone; nor of
    # the time, which differs at each reading and stands in `Date` of a 304 too.
    digest = hashlib.sha256(_CLOCK.sub(b"", content)).digest()[:18]
    return base64.urlsafe_b64encode(digest).decode()
