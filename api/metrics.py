"""`/metrics` for Prometheus: requests of this server, and what the database says of jobs.

Not public: by the token of the configuration, or without one from this machine only. No label
names a person or an organisation.
"""

import hmac
import ipaddress
import os
import time
from collections.abc import Iterator
from typing import Any

import flask
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from api.auth import Access, guard
from api.extensions import db
from core import alerts, job_records
from core.clock import utc_now
from core.errors import NotFound
from notifications import backlog

PATH = "/metrics"
_PREFIX = "party_points_"
# With several gunicorn workers each keeps its own numbers; the library then adds them up from
# the files of this directory.
_SHARED = "PROMETHEUS_MULTIPROC_DIR"
_OWN = CollectorRegistry()
_REQUESTS = Counter(
    _PREFIX + "http_requests", "Requests answered", ["operation", "status"], registry=_OWN
)
_SECONDS = Histogram(
    _PREFIX + "http_request_seconds", "Time to answer", ["operation"], registry=_OWN
)
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-Ip")


def register(app: flask.Flask) -> None:
    """Count every request of this app."""
    app.before_request(_begin)
    app.after_request(_count)


def add_route(app: flask.Flask) -> None:
    """Answer who may read the numbers."""
    # The policy knows members; whoever scrapes is none, and is checked by the view.
    app.add_url_rule(PATH, "metrics", guard(_show, Access.PUBLIC))


class DatabaseCollector:
    """What the database knows, read when it is asked for."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def collect(self) -> Iterator[Metric]:
        """Jobs, messages that wait, alerts that stand."""
        yield from self._jobs()
        waiting = _gauge("outbox_messages", "Messages not yet at their end", "channel", "state")
        for labels, number in backlog.count_open(self._session).items():
            waiting.add_metric(labels, number)
        yield waiting
        oldest = _gauge("outbox_waiting_seconds", "Age of the message that has waited longest")
        oldest.add_metric([], backlog.waiting_since(self._session, now=utc_now()).total_seconds())
        yield oldest
        standing = _gauge("operator_alerts", "Alerts that stand", "code")
        for alert in alerts.list_standing(self._session):
            standing.add_metric([alert.code], 1)
        yield standing

    def _jobs(self) -> Iterator[Metric]:
        now = utc_now()
        success = _gauge("job_last_success_timestamp_seconds", "When it last did its work", "job")
        lateness = _gauge("job_lateness_seconds", "How long it has been due", "job")
        failures = _gauge("job_failures", "How often it has failed", "job")
        for one in job_records.list_standings(self._session):
            if one.last_success_at is not None:
                success.add_metric([one.name], one.last_success_at.timestamp())
            lateness.add_metric([one.name], one.lateness(now).total_seconds())
            failures.add_metric([one.name], one.failures)
        yield from (success, lateness, failures)


def _gauge(name: str, meaning: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(_PREFIX + name, meaning, labels=labels)


def _begin() -> None:
    flask.g.began = time.perf_counter()


def _count(response: Response) -> Response:
    # A path would be a label without bounds; an address that we do not have is one operation.
    operation = flask.request.endpoint or "none"
    _REQUESTS.labels(operation, response.status_code).inc()
    if "began" in flask.g:
        _SECONDS.labels(operation).observe(time.perf_counter() - flask.g.began)
    return response


def _show() -> Any:
    if not _may_read():
        raise NotFound
    registry = CollectorRegistry()
    if _SHARED in os.environ:
        MultiProcessCollector(registry)
    registry.register(DatabaseCollector(db.session()))
    own = b"" if _SHARED in os.environ else generate_latest(_OWN)
    return flask.Response(own + generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _may_read() -> bool:
    token = flask.current_app.extensions["settings"].metrics_token
    request = flask.request
    if token:
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {token}".encode())
    # Behind a proxy on this machine everybody seems to come from here.
    if any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
