"""The district of the matrix behind the API, and what one request did."""

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import sqlalchemy as sa
import time_machine
from flask import Flask
from sqlalchemy import Connection
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from api.auth import access_token
from api.document import PREFIX
from core.db import session_info
from tests.contract.authz_objects import add_everything
from tests.contract.authz_requests import Prepared, Requests, fresh_headers
from tests.contract.authz_world import PRINCIPALS, AuthzWorld, build_people
from tests.engines import Databases
from tests.served import document_of
from tests.undoing import undone
from tests.world import NOW

WRITE = re.compile(r"\s*(?:WITH .*?)?(?:INSERT INTO|UPDATE|DELETE FROM) \"?(\w+)", re.S)
# What a refusal may leave: that it happened, and what it answers when it is repeated.
BOOKKEEPING = re.compile(r"audit_\w+|idempot\w+|rate_\w+")


@dataclass
class Writes:
    """The tables that one connection has written and not rolled back."""

    tables: list[str] = field(default_factory=list)
    _before: dict[str, int] = field(default_factory=dict)

    def listen(self, connection: Connection) -> None:
        sa.event.listen(connection, "before_cursor_execute", self._executed)
        sa.event.listen(connection, "savepoint", self._begun)
        sa.event.listen(connection, "rollback_savepoint", self._rolled_back)

    def _executed(self, _c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        written = WRITE.match(statement)
        if written and not BOOKKEEPING.fullmatch(written[1]):
            self.tables.append(written[1])

    def _begun(self, _c: Any, savepoint: str) -> None:
        self._before[savepoint] = len(self.tables)

    def _rolled_back(self, _c: Any, savepoint: str, _context: Any) -> None:
        del self.tables[self._before.get(savepoint, 0) :]


@dataclass(frozen=True)
class Outcome:
    """An answer, and the tables that the request wrote."""

    answer: TestResponse
    written: tuple[str, ...]
    is_audited: bool

    @property
    def code(self) -> str:
        problem = self.answer.get_json(silent=True)
        return str(problem["code"]) if isinstance(problem, dict) and "code" in problem else ""

    @cached_property
    def body(self) -> bytes:
        """The answer without the one thing that differs between equal refusals."""
        return self.answer.data.replace(self.answer.headers["X-Request-Id"].encode(), b"")


@dataclass
class AuthzService:
    """Sends requests of the matrix; whatever they do is undone."""

    app: Flask
    found: AuthzWorld
    connection: Connection
    writes: Writes

    @cached_property
    def requests(self) -> Requests:
        return Requests(document_of(self.app), self.found)

    @cached_property
    def tokens(self) -> dict[str, str]:
        world = self.found.world
        with self.app.app_context():
            tokens = {
                name: access_token(world.members[name], world.sessions[name]) for name in PRINCIPALS
            }
            with time_machine.travel(NOW.replace(year=2025)):
                ids = world.members["expired"], world.sessions["expired"]
                tokens["expired"] = access_token(*ids)
        return tokens

    def send(self, prepared: Prepared, principal: str) -> Outcome:
        """Send it and undo it."""
        headers = fresh_headers(self.tokens.get(principal))
        with undone(self.connection):
            self.writes.tables.clear()
            answer = self.app.test_client().open(
                PREFIX + prepared.path, method=prepared.method, headers=headers, **prepared.options
            )
            return Outcome(answer, tuple(self.writes.tables), self._is_audited(answer))

    def _is_audited(self, answer: TestResponse) -> bool:
        """Whether the request is in the audit trail as refused."""
        trace = sa.text(
            "SELECT count(*) FROM audit_event WHERE request_id = :id AND outcome <> 'done'"
        )
        return bool(self.connection.scalar(trace, {"id": answer.headers["X-Request-Id"]}))


@contextlib.contextmanager
def authz_service(databases: Databases, kind: str) -> Iterator[AuthzService]:
    """The district on one engine, with everything of everybody in it."""
    with (
        time_machine.travel(NOW),
        databases.engine(kind).connect() as connection,
        databases.app_on(kind, connection) as app,
    ):
        outer = connection.begin()
        info = session_info(databases.settings(kind).vault)
        with Session(
            connection,
            expire_on_commit=False,
            join_transaction_mode="create_savepoint",
            info=info,
        ) as session:
            found = build_people(session)
            add_everything(found)
            session.commit()
            writes = Writes()
            writes.listen(connection)
            yield AuthzService(app, found, connection, writes)
        outer.rollback()


def shown(outcome: Outcome) -> str:
    """An answer in one short line."""
    text = json.dumps(outcome.answer.get_json(silent=True), ensure_ascii=False)
    return f"{outcome.answer.status_code} {text[:160]}"
