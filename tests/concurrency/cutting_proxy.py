"""A proxy before PostgreSQL's socket that loses a connection at COMMIT, as a network would."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

_SOCKET = ".s.PGSQL.5432"
_CHUNK = 65_536


class CuttingProxy:
    """Pass everything on, until a cut is asked for: `request` loses COMMIT, `reply` its answer."""

    def __init__(self, listener: socket.socket, server: Path) -> None:
        self._listener = listener
        self._server = server
        self._cut = ""

    @classmethod
    @contextmanager
    def before(cls, server: Path, directory: Path) -> Iterator[Self]:
        """A proxy in `directory` before the server whose socket is in the directory `server`."""
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(directory / _SOCKET))
            listener.listen()
            proxy = cls(listener, server)
            accepting = threading.Thread(target=proxy._accept, daemon=True)
            accepting.start()
            yield proxy
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join(timeout=10)

    def cut_at_commit(self, lost: str) -> None:
        """Lose the connection at the next COMMIT: its `request` or its `reply`."""
        self._cut = lost

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(str(self._server / _SOCKET))
            for pump in (self._to_server, self._to_client):
                threading.Thread(target=pump, args=(client, server), daemon=True).start()

    def _to_server(self, client: socket.socket, server: socket.socket) -> None:
        for data in _received(client, server):
            if self._cut == "request" and b"COMMIT" in data:
                self._cut = ""
                _close(client, server)
            elif self._cut == "reply" and b"COMMIT" in data:
                self._cut = "reply is coming"
                server.sendall(data)
            else:
                server.sendall(data)

    def _to_client(self, client: socket.socket, server: socket.socket) -> None:
        for data in _received(server, client):
            if self._cut == "reply is coming":
                self._cut = ""
                _close(client, server)
            else:
                client.sendall(data)


def _received(source: socket.socket, other: socket.socket) -> Iterator[bytes]:
    with suppress(OSError):
        while data := source.recv(_CHUNK):
            yield data
    _close(source, other)


def _close(*ends: socket.socket) -> None:
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
