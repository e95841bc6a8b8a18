"""Gunicorn's settings: what the server owns, not what the product does.

Nothing of ours is imported before a worker is forked: a reload (HUP) must find the new code.
"""

import json
import logging
import multiprocessing
import os
import shutil
import time
from pathlib import Path
from typing import Any

from gunicorn.glogging import Logger

_METRICS = "PROMETHEUS_MULTIPROC_DIR"


class _Lines(logging.Formatter):
    """One line of JSON for each thing that gunicorn says, as the product's own logs have it."""

    def format(self, record: logging.LogRecord) -> str:
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))
        line = {"event": record.getMessage(), "level": record.levelname.lower(), "at": at}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


class _JsonLogger(Logger):
    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(_Lines())


bind = os.environ.get("PARTY_POINTS_BIND", "127.0.0.1:8000")
wsgi_app = "wsgi:app"
worker_class = "gthread"
workers = int(os.environ.get("PARTY_POINTS_WORKERS", str(2 * multiprocessing.cpu_count())))
threads = 4
graceful_timeout = 30
# Longer than a proxy keeps an idle connection to us, so that it is the proxy that closes it:
# a request sent into a connection that we are just closing would be lost.
keepalive = 75
# A worker that slowly gathers memory is replaced; the jitter keeps all from going at once.
max_requests = 10_000
max_requests_jitter = 1_000
logger_class = _JsonLogger
# The product logs each request by itself, without addresses: they may hold the secret of a link.
accesslog = None
# The heartbeat file must not wait for a disk.
if Path("/dev/shm").is_dir():  # noqa: S108 - it is the machine's shared memory, not a scratch file
    worker_tmp_dir = "/dev/shm"  # noqa: S108 - as above


def on_starting(_server: Any) -> None:
    """Begin with empty numbers; a reload keeps them."""
    if _METRICS in os.environ:
        shutil.rmtree(os.environ[_METRICS], ignore_errors=True)
        Path(os.environ[_METRICS]).mkdir(mode=0o700, parents=True)


def post_fork(_server: Any, worker: Any) -> None:
    """Forget connections that the parent opened: two processes must not share a socket."""
    # The application is loaded after the fork (no preload), so there is normally nothing to drop;
    # with --preload the sockets would be shared and rows would reach the wrong request.
    from api.extensions import db

    app = worker.app.callable
    if app is None:
        return
    with app.app_context():
        for engine in db.engines.values():
            engine.dispose(close=False)


def post_worker_init(worker: Any) -> None:
    """Refuse to serve from a deployment that could lose, show or forge anything."""
    from api.boot import require_fit

    require_fit(worker.app.callable)


def child_exit(_server: Any, worker: Any) -> None:
    """Forget the numbers of a worker that has ended, where workers share a directory of them."""
    if _METRICS in os.environ:
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(worker.pid)
