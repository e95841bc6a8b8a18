"""Gunicorn's settings: what the server owns, not what the product does."""

import multiprocessing
import os
from pathlib import Path
from typing import Any

bind = os.environ.get("PARTY_POINTS_BIND", "127.0.0.1:8000")
wsgi_app = "wsgi:app"
worker_class = "gthread"
workers = int(os.environ.get("PARTY_POINTS_WORKERS", str(2 * multiprocessing.cpu_count())))
threads = 4
graceful_timeout = 30
# A worker that slowly gathers memory is replaced; the jitter keeps all from going at once.
max_requests = 10_000
max_requests_jitter = 1_000
# The heartbeat file must not wait for a disk.
if Path("/dev/shm").is_dir():  # noqa: S108 - it is the machine's shared memory, not a scratch file
    worker_tmp_dir = "/dev/shm"  # noqa: S108 - as above


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


def child_exit(_server: Any, worker: Any) -> None:
    """Forget the numbers of a worker that has ended, where workers share a directory of them."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(worker.pid)
