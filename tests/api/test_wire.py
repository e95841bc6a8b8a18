"""What no request can make of the server: another method, another origin, a second request."""

import http.server
import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from gunicorn.config import Config
from gunicorn.http.errors import InvalidHeader, ParseException
from gunicorn.http.parser import RequestParser

from notifications.channels.http import HttpCaller
from notifications.channels.sender import Answer, Result

ME = "/api/v1/me"
START = b"POST /api/v1/claims/review HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture
def engine_kind() -> str:
    """No request gets as far as the database."""
    return "sqlite"


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT", "PATCH", "PROPFIND", "DEBUG"])
def test_methods_that_nobody_declared_are_refused(app: Flask, method: str) -> None:
    for path in (ME, "/metrics", "/docs", "/"):
        answer = app.test_client().open(path, method=method)
        assert answer.status_code in (404, 405), path
        assert b"Authorization" not in answer.data


def test_no_other_origin_is_let_in(app: Flask) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    for method in ("OPTIONS", "GET"):
        headers = app.test_client().open(ME, method=method, headers=asked).headers
        assert [name for name, _ in headers if name.startswith("Access-Control-")] == []


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: +5\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"X-Forwarded-For: 1\n2\r\n",
    ],
)
def test_request_whose_end_is_in_doubt_is_refused(headers: bytes) -> None:
    """Two servers that disagree where a request ends let one hide in another."""
    parser = RequestParser(Config(), iter([START + headers + b"\r\nabcde"]), ("127.0.0.1", 1))

    with pytest.raises((ParseException, InvalidHeader)):
        next(parser)


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    """A provider that sends on to another place; which places were asked for."""
    asked: list[str] = []

    class Sending(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(307)
            self.send_header("Location", "/stolen")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sending) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/send", asked
        server.shutdown()


def test_no_redirect_of_a_provider_is_followed(elsewhere: tuple[str, list[str]]) -> None:
    url, asked = elsewhere

    answer = HttpCaller().post(url, b"{}", {}, lambda _: Answer(Result.ACCEPTED))

    assert asked == ["/send"]
    assert answer.result is not Result.ACCEPTED
