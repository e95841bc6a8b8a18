"""Requests that are repeated while, or after, the first was answered to nobody (T29, I10)."""

import http.client
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Barrier
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy import make_url
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.test import TestResponse

from api.app import create_app
from api.auth import access_token
from api.extensions import db
from core.config import Settings
from core.db import make_engine, make_sessions
from core.idempotency import IdempotencyKey
from members.consent_models import Consent
from tests.concurrency.arena import RACES
from tests.concurrency.cutting_proxy import CuttingProxy
from tests.engines import Databases, environment
from tests.world import build_world

PATH = "/api/v1/me/consents"
# Each decision is kept, so an effect that happens twice shows as two rows.
BODY = {"purpose": "publish_service_record", "text_version": 1, "is_given": True}
THREADS = 3
# More than a pool has connections.
OUTBOXES = 12


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody on a private database, who sends the same request again and again."""

    app: Flask
    sessions: sessionmaker[Session]
    token: str

    def headers(self, key: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "Idempotency-Key": key}

    def post(self, key: str) -> TestResponse:
        return self.app.test_client().post(PATH, json=BODY, headers=self.headers(key))

    def effects(self) -> int:
        with self.sessions() as session:
            return session.scalar(sa.select(sa.func.count()).select_from(Consent)) or 0


@contextmanager
def member_on(settings: Settings, *, through: str = "") -> Iterator[Member]:
    """A member of the standard world; the app may reach its database by another address."""
    engine = make_engine(settings)
    sessions = make_sessions(engine, settings.vault)
    with sessions() as session:
        world = build_world(session)
        session.commit()
    app = create_app(replace(settings, database_url=through or settings.database_url))
    with app.app_context():
        token = access_token(world.members["党员甲"], world.sessions["党员甲"])
    yield Member(app, sessions, token)
    with app.app_context():
        db.engine.dispose()
    engine.dispose()


def test_same_key_sent_at_the_same_time_has_one_effect(fresh_settings: Settings) -> None:
    barrier = Barrier(THREADS)

    def race(key: str) -> TestResponse:
        barrier.wait(timeout=30)
        return member.post(key)

    with member_on(fresh_settings) as member, ThreadPoolExecutor(THREADS) as pool:
        for _ in range(RACES):
            key = str(uuid4())
            answers = list(pool.map(race, [key] * THREADS))
            later = member.post(key)

            assert {answer.status_code for answer in answers} <= {201, 409}
            first = [
                answer
                for answer in answers
                if answer.status_code == 201 and "Idempotent-Replayed" not in answer.headers
            ]
            assert len(first) == 1
            assert {a.json["code"] for a in answers if a.status_code == 409} <= {
                "idempotency.in_progress"
            }
            assert all(a.headers["Retry-After"] == "1" for a in answers if a.status_code == 409)
            assert (later.data, later.headers["Idempotent-Replayed"]) == (first[0].data, "true")
        assert member.effects() == RACES


def test_same_outbox_sent_twice_at_once_is_done_once(fresh_settings: Settings) -> None:
    """Each write needs a transaction and a connection, while the request around it waits."""
    write = {"operation": "confirm_contact", "path_params": {}, "body": None, "occurred_at": None}
    ops = [write | {"key": str(uuid4())} for _ in range(3)]

    def send(_number: int) -> TestResponse:
        headers = {"Authorization": f"Bearer {member.token}"}
        return member.app.test_client().post("/api/v1/outbox", json={"ops": ops}, headers=headers)

    with member_on(fresh_settings) as member, ThreadPoolExecutor(OUTBOXES) as pool:
        answers = list(pool.map(send, range(OUTBOXES)))
        results = [result for answer in answers for result in answer.json["results"]]
        last = send(0).json["results"]
        with member.sessions() as session:
            keys = session.scalar(sa.select(sa.func.count()).select_from(IdempotencyKey))

    assert {result["status"] for result in results} <= {200, 409}
    assert sum(result["outcome"] == "done" and not result["is_replay"] for result in results) == 3
    assert all(result["is_replay"] for result in last)
    assert keys == 3


def test_reply_lost_by_the_network_is_given_again(
    fresh_settings: Settings, live_server: str
) -> None:
    """The phone's connection breaks after the COMMIT, and another worker may get the repeat."""
    key, address = str(uuid4()), urlsplit(live_server)

    def connect() -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
        headers = member.headers(key) | {"Content-Type": "application/json"}
        connection.request("POST", PATH, json.dumps(BODY), headers)
        return connection

    with member_on(fresh_settings) as member:
        lost = connect()
        deadline = time.monotonic() + 30
        while member.effects() == 0 and time.monotonic() < deadline:
            time.sleep(0.02)
        lost.close()
        again = connect()
        answer = again.getresponse()
        content = json.load(answer)
        again.close()

        assert (answer.status, answer.headers["Idempotent-Replayed"]) == (201, "true")
        assert content["is_given"] is True
        assert member.effects() == 1


@pytest.mark.parametrize(("lost", "was_done"), [("request", False), ("reply", True)])
def test_connection_lost_at_commit_is_an_unknown_outcome(
    databases: Databases, tmp_path: Path, lost: str, was_done: bool
) -> None:
    with databases.fresh_url("postgresql") as url:
        settings = Settings.from_env(environment(url, tmp_path))
        home = Path(str(make_url(url).query["host"]))
        through = url.replace(str(home), str(tmp_path))
        with (
            CuttingProxy.before(home, tmp_path) as proxy,
            member_on(settings, through=through) as member,
        ):
            key = str(uuid4())
            proxy.cut_at_commit(lost)
            answer = member.post(key)
            after_the_cut = member.effects()
            again = member.post(key)

            assert (answer.status_code, answer.json["code"]) == (503, "outcome_unknown")
            assert answer.headers["Retry-After"] == "2"
            assert after_the_cut == was_done
            assert (again.status_code, member.effects()) == (201, 1)
            assert ("Idempotent-Replayed" in again.headers) == was_done
