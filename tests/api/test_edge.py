"""The edge of the server: headers, hosts, proxies, limits, readiness, and what is logged."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from api import limits
from api.limits import RequestLimits
from core import schema_revision
from core.audit_models import AuditEvent
from core.config import ConfigError, Settings
from core.server_settings import ServerSettings
from tests.engines import environment
from tests.served import Service
from tests.world import PASSWORD

HEALTH = "/api/v1/healthz"


AppWith = Callable[[Settings], Flask]


def serving(settings: Settings, **server: Any) -> Settings:
    return replace(settings, server=ServerSettings(**server))


@pytest.fixture
def few(service: Service) -> Iterator[Service]:
    """Five requests a minute of a member, twelve of an address."""
    counters: RequestLimits = service.app.extensions["request_limits"]
    kept = counters._settings
    # The document is asked for before the counting begins.
    assert service.document
    counters._ends_at = 0.0
    counters._settings = ServerSettings(member_requests=5, address_requests=12)
    yield service
    counters._settings, counters._ends_at = kept, 0.0


def test_member_who_asks_too_much_waits_and_others_do_not(few: Service) -> None:
    member, other = few.caller("党员甲"), few.caller("党员乙")
    for _ in range(5):
        assert member.get("/me").status_code == 200

    refused = member.get("/me")

    assert (refused.status_code, refused.json["code"]) == (429, limits.CODE)
    seconds = int(refused.headers["Retry-After"])
    assert 1 <= seconds <= 60
    assert refused.json["retry"] == f"after:{seconds}"
    assert other.get("/me").status_code == 200


def test_who_is_refused_over_and_over_is_not_written_down_for_ever(few: Service) -> None:
    member, branch = few.caller("党员甲"), few.world.organizations["一支部"]

    statuses = [member.get(f"/orgs/{branch}/members").status_code for _ in range(8)]

    assert statuses == [403] * 5 + [429] * 3
    of_his = sa.select(sa.func.count()).where(AuditEvent.actor_id == few.world.members["党员甲"])
    assert few.world.session.scalar(of_his) == 5


def test_address_that_asks_too_much_is_refused_before_anything_is_read(few: Service) -> None:
    client = few.app.test_client()
    answers = [client.get("/api/v1/nowhere") for _ in range(13)]

    assert [one.status_code for one in answers] == [404] * 12 + [429]
    elsewhere = client.get(HEALTH, environ_base={"REMOTE_ADDR": "2001:db8::1"})
    assert elsewhere.status_code == 200


def test_network_of_ipv6_counts_as_one_and_free_answers_do_not_count(
    app_with: AppWith, settings: Settings
) -> None:
    app = app_with(serving(settings, address_requests=2))
    counters: RequestLimits = app.extensions["request_limits"]

    def refused_at(address: str, status: int) -> bool:
        with app.test_request_context(environ_base={"REMOTE_ADDR": address}):
            before = counters.check_address()
            counters.count(app.response_class(status=status))
        return before is not None

    assert not any(refused_at("2001:db8::1", 304) for _ in range(5))
    assert [refused_at(f"2001:db8::{n}", 200) for n in range(3)] == [False, False, True]
    assert not refused_at("2001:db8:0:1::1", 200)
    counters._ends_at = 0.0
    assert not refused_at("2001:db8::1", 200)


def test_every_answer_shows_nothing_and_embeds_nothing(client: FlaskClient) -> None:
    for path in (HEALTH, "/api/v1/nowhere", "/openapi.json", "/api/v1/me"):
        headers = client.get(path).headers
        assert headers["Content-Security-Policy"].startswith("default-src 'none'; frame-anc")
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "geolocation=()" in headers["Permissions-Policy"]
        assert "Strict-Transport-Security" not in headers
        assert "Server" not in headers
    sealed = client.get(HEALTH, base_url="https://localhost")
    assert sealed.headers["Strict-Transport-Security"].startswith("max-age=31536000")


def test_page_of_the_document_may_run_its_own_scripts_and_no_others(client: FlaskClient) -> None:
    page = client.get("/docs")

    policy = page.headers["Content-Security-Policy"]
    assert "unsafe-inline" not in policy.partition("style-src")[0]
    assert policy.count("sha256-") == page.text.count("<script>") > 0
    assert "connect-src 'self'" in policy


def test_only_named_hosts_are_answered(app_with: AppWith, settings: Settings) -> None:
    client = app_with(
        serving(settings, trusted_hosts=("points.example", "localhost"))
    ).test_client()

    def status(host: str) -> TestResponse:
        return client.get(HEALTH, headers={"Host": host})

    assert status("points.example").status_code == 200
    assert status("localhost:8000").status_code == 200
    refused = status("evil.example")
    assert (refused.status_code, refused.json["code"]) == (400, "request.malformed")


@pytest.mark.parametrize(("proxies", "seen"), [(0, "127.0.0.1"), (1, "203.0.113.9")])
def test_proxies_are_believed_by_setting_only(
    proxies: int, seen: str, app_with: AppWith, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = app_with(serving(settings, proxies=proxies))
    addresses: list[str] = []
    monkeypatch.setattr(RequestLimits, "check_address", lambda self: None)
    app.before_request_funcs[None].append(lambda: addresses.append(limits._address()))

    sent = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9", "X-Forwarded-Proto": "https"}
    answer = app.test_client().get(HEALTH, headers=sent)

    assert addresses == [seen]
    assert ("Strict-Transport-Security" in answer.headers) == bool(proxies)


def test_settings_of_the_server_are_read_or_refused(settings: Settings) -> None:
    environ = environment(settings.database_url, settings.data_dir)
    environ |= {"PARTY_POINTS_TRUSTED_HOSTS": "a.example, b.example", "PARTY_POINTS_PROXIES": "1"}

    read = Settings.from_env(environ).server

    assert (read.trusted_hosts[:2], read.proxies) == (("a.example", "b.example"), 1)
    assert "localhost" in read.trusted_hosts
    with pytest.raises(ConfigError, match="PROXIES"):
        Settings.from_env(environ | {"PARTY_POINTS_PROXIES": "-1"})


def test_server_is_not_ready_on_a_database_that_is_behind_and_is_on_a_newer_one(
    client: FlaskClient, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert schema_revision.applied_revision(session) == schema_revision.newest_revision()
    assert client.get("/api/v1/readyz").status_code == 200

    monkeypatch.setattr(schema_revision, "newest_revision", lambda: "9999")
    behind = client.get("/api/v1/readyz")
    assert (behind.status_code, behind.json["code"]) == (503, "server.migrating")
    monkeypatch.setattr(schema_revision, "newest_revision", lambda: "0001")
    assert client.get("/api/v1/readyz").status_code == 200


def test_database_without_tables_is_behind(
    app_with: AppWith, empty_database_url: str, settings: Settings
) -> None:
    client = app_with(replace(settings, database_url=empty_database_url)).test_client()

    answer = client.get("/api/v1/readyz")

    assert (answer.status_code, answer.json["code"]) == (503, "server.migrating")
    assert client.get(HEALTH).status_code == 200


def test_server_without_its_database_is_alive_and_not_ready(
    app_with: AppWith, settings: Settings
) -> None:
    away = "postgresql+psycopg://app@127.0.0.1:9/points"
    client = app_with(replace(settings, database_url=away)).test_client()

    answer = client.get("/api/v1/readyz")

    assert (answer.status_code, answer.json["code"]) == (503, "server.busy")
    assert client.get(HEALTH).status_code == 200


def test_request_is_one_event_without_address_name_or_secret(service: Service) -> None:
    member = service.caller("党员甲")
    member.get("/me")
    with capture_logs() as events:
        member.send("GET", "/me", headers={"X-Request-Id": "request-of-a-test"})
        service.nobody.get("/own-reports/secret-of-a-link")

    first, second = (event for event in events if event["event"] == "request")
    assert first["operation"] == "get_me"
    assert first["member"] == str(service.world.members["党员甲"])
    assert (first["method"], first["status"], first["ms"] > 0) == ("GET", 200, True)
    assert (second["operation"], second["status"], second["member"]) == (
        "get_own_report", 404, None,
    )  # fmt: skip
    assert ("problem_code" in first, second["problem_code"]) == (False, "own_report.link_invalid")
    assert "secret" not in str(events)


def test_sign_in_is_logged_with_its_means_and_why_it_failed(service: Service) -> None:
    # Whoever calls reads the document first, which is a request as well.
    nobody, phone = service.nobody, service.world.phones["党员甲"]
    body = {"grant": "password", "phone": phone}
    with capture_logs() as events:
        nobody.post("/auth/sessions", body | {"password": "Wrong-Horse-1"})
        nobody.post("/auth/sessions", body | {"password": PASSWORD})

    failed, succeeded = (event for event in events if event["event"] == "request")
    assert (failed["sign_in_means"], failed["problem_code"]) == ("password", "auth.bad_credentials")
    assert (succeeded["sign_in_means"], succeeded["status"]) == ("password", 201)
    assert "problem_code" not in succeeded
    assert phone not in str(events)


def test_who_lacks_the_role_is_in_the_log(service: Service) -> None:
    member, branch = service.caller("党员甲"), service.world.organizations["一支部"]
    with capture_logs() as events:
        member.get(f"/orgs/{branch}/members")

    (event,) = (event for event in events if event["event"] == "request")
    assert event["member"] == str(service.world.members["党员甲"])
    assert (event["status"], event["problem_code"]) == (403, "perm.denied")


def test_refused_request_is_logged_as_any_other(few: Service) -> None:
    few.app.extensions["request_limits"]._ends_at = 0.0
    client = few.app.test_client()
    with capture_logs() as events:
        statuses = [client.get(HEALTH).status_code for _ in range(14)]

    assert [event["status"] for event in events if event["event"] == "request"] == statuses
    assert statuses[-1] == 429
