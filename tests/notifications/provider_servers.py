"""Local providers that receive the real bytes: HTTP with a script of answers, and SMTP."""

import json
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

HANG, CLOSE = "hang", "close"


@dataclass
class Received:
    """One request as it came in."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.target).query).items()}

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Provider:
    """Answers in the order of its script, the last one again and again.

    An answer is (status, JSON), HANG, or CLOSE: the request is taken, the line goes dead.
    """

    url: str = ""
    script: list[Any] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def next_answer(self) -> Any:
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]


@contextmanager
def http_provider(*script: Any, tls: ssl.SSLContext | None = None) -> Iterator[Provider]:
    provider = Provider(script=list(script))

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            provider.received.append(Received(self.command, self.path, headers, body))
            answer = provider.next_answer()
            if answer == HANG:
                provider.released.wait(10)
            if answer in (HANG, CLOSE):
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            status, value = answer
            content = value if isinstance(value, bytes) else json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _handle

        def log_message(self, *_args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    provider.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"
    yield provider
    provider.released.set()
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass
class MailSink:
    """An SMTP server: which answer to which command, and the mails that it took."""

    port: int = 0
    answers: dict[str, str] = field(default_factory=dict)
    mails: list[tuple[str, bytes]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)


class _MailServer(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, sink: MailSink) -> None:
        super().__init__(("127.0.0.1", 0), _MailSession)
        self.sink = sink


class _MailSession(socketserver.StreamRequestHandler):
    server: _MailServer

    def handle(self) -> None:
        recipient = ""
        answers = self.server.sink.answers
        self._say(answers.get("connect", "220 sink"))
        while line := self.rfile.readline():
            command = line.split(b" ")[0].strip().decode().upper()
            if command == "RCPT":
                recipient = line.decode().split(":")[1].strip()
            usual = {"DATA": "354 go on", "QUIT": "221 bye"}.get(command, "250 ok")
            answer = answers.get(command.lower(), usual)
            if not self._say(answer):
                return
            if answer.startswith("354"):
                self._take(recipient)
                if not self._say(answers.get("end", "250 taken")):
                    return

    def _take(self, recipient: str) -> None:
        lines = list(iter(self.rfile.readline, b".\r\n"))
        self.server.sink.mails.append((recipient, b"".join(lines)))

    def _say(self, answer: str) -> bool:
        if answer == HANG:
            self.server.sink.released.wait(10)
        if answer in (HANG, CLOSE):
            return False
        self.wfile.write(answer.encode() + b"\r\n")
        return True


@contextmanager
def mail_sink(**answers: str) -> Iterator[MailSink]:
    """`answers` by command, or `end` for the end of the mail; HANG and CLOSE as above."""
    sink = MailSink(answers=answers)
    server = _MailServer(sink)
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    sink.port = server.server_address[1]
    yield sink
    sink.released.set()
    server.shutdown()
    server.server_close()
    thread.join()
