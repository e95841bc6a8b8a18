"""`python -m bench.phone`: the first screen and one approval over HTTP, with everything on.

The demo's district on each engine; audit, row-level security, keys, feed and limits as deployed.
Against `/healthz`, which does nothing: what is left is the work. In turn, so that a slow minute of
the machine hits all three.
"""

import http.client
import json
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from activities.models import ServiceOrigin, VolunteerRecord
from api.app import create_app
from api.demo import cast
from api.demo.cast import DemoAccount
from api.demo.seeding import seed
from api.extensions import db
from bench.__main__ import database
from bench.over_http import Request, server
from core.clock import business_day, utc_now
from core.config import Settings
from core.db import unit_of_work
from core.ids import new_id
from members.access_models import Account
from members.models import Affiliation, Organization
from points.models import Claim, ClaimEvent, ClaimEventKind
from tests.engines import ENGINE_KINDS, environment

ROUNDS, EACH = 5, 100
CROWD = 8
MINUTES = 30
HEALTH, HOME, APPROVAL = "GET /healthz", "GET /me/home", "POST /claims/review（一项）"
_HOME: Request = ("GET", "/api/v1/me/home", None)
_HEALTH: Request = ("GET", "/api/v1/healthz", None)


def main() -> None:
    """Print p50 and p99 of each operation, alone and in a crowd, and the statements of it."""
    for kind in ENGINE_KINDS:
        with database(kind) as (sessions, url), TemporaryDirectory() as directory:
            with sessions() as session, unit_of_work(session):
                seed(session, now=utc_now())
            variables = environment(url, Path(directory))
            approvals = _approvals(sessions)
            _print_statements(kind, Settings.from_env(variables), approvals)
            with server("wsgi:app", variables) as port:
                for threads in (1, CROWD):
                    _measure(kind, port, threads, approvals)


def _measure(kind: str, port: int, threads: int, approvals: Callable[[int], list[Request]]) -> None:
    member, secretary = (_token(port, one) for one in (cast.MEMBER, cast.SECRETARY))
    taken: dict[str, list[float]] = {HEALTH: [], HOME: [], APPROVAL: []}
    for number in range(ROUNDS + 1):
        round_of = {
            HEALTH: _timed(port, [_HEALTH] * EACH, "", threads),
            HOME: _timed(port, [_HOME] * EACH, member, threads),
            APPROVAL: _timed(port, approvals(EACH), secretary, threads),
        }
        # The first round warms up.
        for title, times in round_of.items():
            taken[title] += times if number else []
    least = statistics.median(taken[HEALTH])
    for title, times in taken.items():
        p50, p99 = statistics.median(times), statistics.quantiles(times, n=100)[98]
        print(
            f"{kind}，{threads} 个连接：{title} p50 {p50 * 1000:.1f} ms，p99 {p99 * 1000:.1f} ms，"
            f"p50 为 /healthz 的 {p50 / least:.1f} 倍"
        )


def _timed(port: int, requests: Sequence[Request], token: str, threads: int) -> list[float]:
    """Seconds of each request, over so many connections kept alive; every answer a success."""
    taken: list[float] = []
    failures: list[str] = []

    def work(mine: Sequence[Request]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        for request in mine:
            started = time.perf_counter()
            status, answer = _ask(connection, request, token)
            taken.append(time.perf_counter() - started)
            if status != 200 or b'"refused"' in answer:
                failures.append(answer.decode()[:200])
        connection.close()

    workers = [
        threading.Thread(target=work, args=[requests[number::threads]]) for number in range(threads)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if failures:
        raise RuntimeError(f"{len(failures)} requests failed: {failures[0]}")
    return taken


def _ask(connection: http.client.HTTPConnection, request: Request, token: str) -> tuple[int, bytes]:
    method, path, body = request
    headers = {"Content-Type": "application/json"} if body else {}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    headers |= {"Idempotency-Key": str(uuid4())} if method == "POST" else {}
    connection.request(method, path, json.dumps(body) if body else None, headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


def _token(port: int, account: DemoAccount) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    body = {"grant": "password", "phone": account.phone, "password": cast.PASSWORD}
    _, answer = _ask(connection, ("POST", "/api/v1/auth/sessions", body), "")
    token: str = json.loads(answer)["access_token"]
    return token


def _print_statements(
    kind: str, settings: Settings, approvals: Callable[[int], list[Request]]
) -> None:
    """How many statements one request sends; who asks is looked up by one of them."""
    app, seen = create_app(settings), list[str]()
    with app.app_context():
        sa.event.listen(db.engine, "before_cursor_execute", lambda *told: seen.append(told[2]))
        # Beginning a transaction, and saying for whom, is no statement of the work.
        beginnings = ("BEGIN", "SELECT enter_scope", "SELECT set_config")
        for title, account, make in (
            (HOME, cast.MEMBER, lambda: _HOME),
            (f"{HOME}（支部书记）", cast.SECRETARY, lambda: _HOME),
            (APPROVAL, cast.SECRETARY, lambda: approvals(1)[0]),
        ):
            client = app.test_client()
            body = {"grant": "password", "phone": account.phone, "password": cast.PASSWORD}
            signed_in = client.post("/api/v1/auth/sessions", json=body).get_json()
            headers = {"Authorization": f"Bearer {signed_in['access_token']}"}
            headers["Idempotency-Key"] = str(uuid4())
            method, path, content = make()
            seen.clear()
            answer = client.open(path, method=method, json=content, headers=headers)
            assert answer.status_code == 200, answer.text
            count = sum(not sql.startswith(beginnings) for sql in seen)
            print(f"{kind}：{title} {count} 条 SQL（含认证 1 条），应答 {len(answer.data)} 字节")
        db.engine.dispose()


def _approvals(sessions: sessionmaker[Session]) -> Callable[[int], list[Request]]:
    """Makes approvals, each of a claim of its own that waits in the printed branch."""
    with sessions() as session:
        branch = session.scalars(
            sa.select(Organization).where(Organization.name == cast.HOME_BRANCH)
        ).one()
        with_account = session.scalars(
            sa.select(Account.member_id)
            .join(Affiliation, Affiliation.member_id == Account.member_id)
            .where(Affiliation.organization_id == branch.id)
        ).all()
        members = session.scalars(
            sa.select(Affiliation.member_id).where(
                Affiliation.organization_id == branch.id,
                Affiliation.valid_to.is_(None),
                Affiliation.member_id.not_in(with_account),
            )
        ).all()
    numbers = iter(range(1, 1_000_000))

    def make(count: int) -> list[Request]:
        with sessions() as session, unit_of_work(session):
            ids = [
                _add_claim(session, members[number % len(members)], branch.id, number)
                for number in islice(numbers, count)
            ]
        return [_approval(claim_id) for claim_id in ids]

    return make


def _approval(claim_id: UUID) -> Request:
    decision = {"id": str(claim_id), "version": 1, "action": "approve"}
    return ("POST", "/api/v1/claims/review", {"decisions": [decision]})


def _add_claim(session: Session, member_id: UUID, branch_id: UUID, number: int) -> UUID:
    claim_id, record_id, now = new_id(), new_id(), utc_now()
    starts_at = now - timedelta(days=1, seconds=number)
    common: dict[str, Any] = {
        "member_id": member_id,
        "organization_id": branch_id,
        "title": "清扫社区",
        "happened_on": business_day(starts_at),
    }
    session.add(
        Claim(
            id=claim_id,
            reviewer_organization_id=branch_id,
            item_code="volunteer_service",
            source_kind="volunteer_record",
            source_id=record_id,
            quantity=MINUTES,
            submitted_by=member_id,
            submitted_at=now,
            **common,
        )
    )
    session.flush()
    session.add(
        VolunteerRecord(
            id=record_id,
            claim_id=claim_id,
            origin=ServiceOrigin.SELF,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=MINUTES),
            planned_minutes=MINUTES,
            claimed_minutes=MINUTES,
            entered_by=member_id,
            created_at=now,
            **common,
        )
    )
    session.add(
        ClaimEvent(claim_id=claim_id, kind=ClaimEventKind.SUBMITTED, actor_id=member_id, at=now)
    )
    return claim_id


if __name__ == "__main__":
    main()
