"""What those who run the system can see of it, and nobody else of its metrics."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from core import alerts
from core.clock import utc_now
from core.config import ConfigError, Settings
from core.job_records import JobStanding
from notifications import outbox
from tests.engines import environment
from tests.world import build_world

TOKEN = "metrics-token-of-a-test"


@pytest.fixture
def late_job(session: Session) -> None:
    now = utc_now()
    common = {"calendar": "每天 02:30", "late_after_seconds": 180, "failures": 0}
    session.add(JobStanding(name="on-time", due_at=now + timedelta(hours=1), **common))
    session.add(
        JobStanding(
            name="self-audit",
            due_at=now - timedelta(hours=2),
            last_success_at=now - timedelta(days=1),
            last_error="KeyError",
            **common,
        )
    )
    session.flush()


@pytest.fixture
def with_token(app: Flask) -> Iterator[None]:
    settings = app.extensions["settings"]
    app.extensions["settings"] = replace(settings, metrics_token=TOKEN)
    yield
    app.extensions["settings"] = settings


@pytest.mark.usefixtures("late_job")
def test_readiness_says_which_job_is_late_and_stays_ready(
    client: FlaskClient, session: Session
) -> None:
    alerts.raise_alert(session, "ledger_faults", "账本核对发现 1 处不符。", now=utc_now())

    answer = client.get("/api/v1/readyz")

    assert answer.status_code == 200
    jobs = {one["name"]: one for one in answer.get_json()["jobs"]}
    assert jobs["on-time"] == {"name": "on-time", "lateness_seconds": 0, "is_late": False}
    assert jobs["self-audit"]["is_late"] is True
    assert 7200 <= jobs["self-audit"]["lateness_seconds"] < 7300
    assert answer.get_json()["alerts"] == ["ledger_faults"]


def test_readiness_says_that_no_jobs_process_ever_ran(client: FlaskClient) -> None:
    assert client.get("/api/v1/readyz").get_json()["alerts"] == ["jobs_not_started"]


def test_alert_that_is_resolved_is_gone_and_may_come_back(session: Session) -> None:
    now = utc_now()
    alerts.raise_alert(session, "x", "一", now=now)
    alerts.raise_alert(session, "x", "二", now=now + timedelta(hours=1))
    (alert,) = alerts.list_standing(session)
    assert (alert.message, alert.raised_at) == ("二", now)

    alerts.resolve(session, "x", now=now + timedelta(hours=2))
    assert alerts.list_standing(session) == []

    alerts.raise_alert(session, "x", "三", now=now + timedelta(hours=3))
    session.expire_all()
    assert alerts.list_standing(session)[0].raised_at == now + timedelta(hours=3)


@pytest.mark.usefixtures("late_job")
def test_metrics_tell_of_jobs_messages_and_requests(client: FlaskClient, session: Session) -> None:
    world = build_world(session)
    params = {"title": "清扫社区", "reason": "请写明地点"}
    message = outbox.Message(world.members["党员甲"], "claim_returned", "once", params)
    outbox.enqueue(session, [message], now=utc_now() - timedelta(minutes=5))
    client.get("/api/v1/healthz")

    text = client.get("/metrics").get_data(as_text=True)

    assert 'party_points_job_lateness_seconds{job="on-time"} 0.0' in text
    assert 'party_points_job_last_success_timestamp_seconds{job="self-audit"}' in text
    assert 'party_points_outbox_messages{channel="inbox",state="pending"} 1.0' in text
    assert 'party_points_outbox_messages{channel="inbox",state="unknown"} 0.0' in text
    assert "party_points_outbox_waiting_seconds 30" in text
    assert 'party_points_http_requests_total{operation="system.get_health",status="200"}' in text
    assert str(world.members["党员甲"]) not in text


def test_metrics_are_not_there_for_other_machines_or_through_a_proxy(client: FlaskClient) -> None:
    away = client.get("/metrics", environ_base={"REMOTE_ADDR": "10.0.0.9"})
    forwarded = client.get("/metrics", headers={"X-Forwarded-For": "10.0.0.9"})

    assert (away.status_code, forwarded.status_code) == (404, 404)


@pytest.mark.usefixtures("with_token")
def test_metrics_ask_for_the_token_where_one_is_set(client: FlaskClient) -> None:
    without = client.get("/metrics")
    wrong = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}x"})
    right = client.get(
        "/metrics",
        headers={"Authorization": f"Bearer {TOKEN}"},
        environ_base={"REMOTE_ADDR": "10.0.0.9"},
    )

    assert [one.status_code for one in (without, wrong, right)] == [404, 404, 200]


def test_short_metrics_token_is_refused_at_the_start(settings: Settings) -> None:
    environ = environment(settings.database_url, settings.data_dir)

    with pytest.raises(ConfigError, match="METRICS_TOKEN"):
        Settings.from_env(environ | {"PARTY_POINTS_METRICS_TOKEN": "short"})
