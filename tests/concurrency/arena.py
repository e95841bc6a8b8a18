"""Where transactions race: a private database, threads that start together, real commits."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from threading import Barrier
from typing import Any, Self
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from core.config import Settings
from core.db import make_engine, make_sessions
from core.errors import DomainError
from core.ids import new_id
from members.access import Actor, find_actor
from members.models import Affiliation, Member, MemberKind
from points import review, verification
from points.models import Claim
from points.review import Action, Decision, Result
from tests.depth import far
from tests.world import LONG_AGO, NOW, TODAY, World, build_world

THREADS = 8
RACES = far(deep=200, quick=24)
# Between a decision and its COMMIT, so that a rival without a lock has the time to slip in.
PAUSE_SECONDS_MAX = 0.004

Act = Callable[[Session], Any]


def later(act: Act, seconds: float) -> Act:
    """The act after a wait, for a rival who has more to do before it locks anything."""

    def waiting(session: Session) -> Any:
        time.sleep(seconds)
        return act(session)

    return waiting


@dataclass(frozen=True, slots=True)
class Finish:
    """How one contestant came out of a race: its result or refusal, and when it committed."""

    value: Any
    refusal: DomainError | None
    commit_issued: float
    commit_acknowledged: float

    @property
    def won(self) -> bool:
        return self.refusal is None


class Arena:
    """One private world; each race has as many own sessions as contestants."""

    def __init__(self, engine: Engine, sessions: sessionmaker[Session], world: World) -> None:
        self.engine = engine
        self.sessions = sessions
        self.world = world
        self._pool = ThreadPoolExecutor(THREADS)
        self._random = random.Random(engine.dialect.name)

    @classmethod
    @contextmanager
    def open(cls, settings: Settings) -> Iterator[Self]:
        """A world on the settings' database, committed."""
        engine = make_engine(settings)
        if engine.dialect.name == "sqlite":
            # Races are about order, not about power cuts: the server too runs without fsync.
            sa.event.listen(engine, "connect", _without_fsync)
        sessions = make_sessions(engine, settings.vault)
        with sessions() as session:
            arena = cls(engine, sessions, build_world(session))
            session.commit()
        yield arena
        arena._pool.shutdown()
        engine.dispose()

    def race(self, *acts: Act, pauses: Sequence[float] = ()) -> list[Finish]:
        """Let the acts run at the same time, each in a transaction of its own.

        A refusal by the domain is a result; any other error, a locked database among them,
        comes out of here and fails the test.
        """
        barrier = Barrier(len(acts))
        waits = [*pauses, *[0.0] * (len(acts) - len(pauses))]
        runs = [
            self._pool.submit(self._run, barrier, act, self._head_start(), wait)
            for act, wait in zip(acts, waits, strict=True)
        ]
        return [run.result(timeout=60) for run in runs]

    def alone(self, act: Act) -> Any:
        """One act with nobody in its way."""
        with self.sessions.begin() as session:
            return act(session)

    def pause(self) -> float:
        return self._random.uniform(0, PAUSE_SECONDS_MAX)

    def faults(self) -> list[str]:
        """What `flask ledger verify` finds."""
        found: verification.Verification = self.alone(verification.verify)
        return [f"{finding.subject} {finding.message}" for finding in found.findings]

    def _head_start(self) -> float:
        return self._random.choice((0.0, 0.0, 0.001, 0.002))

    def _run(self, barrier: Barrier, act: Act, head_start: float, pause: float) -> Finish:
        with self.sessions() as session:
            barrier.wait(timeout=30)
            time.sleep(head_start)
            try:
                value = act(session)
            except DomainError as refusal:
                session.rollback()
                return Finish(None, refusal, 0.0, 0.0)
            time.sleep(pause)
            issued = time.perf_counter()
            session.commit()
            return Finish(value, None, issued, time.perf_counter())

    def actor(self, session: Session, name: str) -> Actor:
        """The actor as a request reads it: within the transaction that decides."""
        ids = self.world.members[name], self.world.sessions[name]
        actor = find_actor(session, *ids, on=TODAY, request_id="race")
        assert actor is not None
        return actor

    def approve(self, name: str, *claim_ids: UUID) -> Act:
        """An act that approves claims as somebody; its value is the list of results."""

        def act(session: Session) -> list[Result]:
            decisions = [Decision(claim_id, 1, Action.APPROVE) for claim_id in claim_ids]
            return review.review(session, self.actor(session, name), decisions, now=NOW)

        return act

    def add_members(self, count: int, branch: str = "一支部") -> list[UUID]:
        """Members of a branch without accounts, all in two statements."""
        ids = [new_id() for _ in range(count)]
        common = {"kind": MemberKind.FULL_MEMBER, "created_at": NOW}
        place = {"organization_id": self.world.organizations[branch], "valid_from": LONG_AGO}

        def act(session: Session) -> None:
            session.execute(
                sa.insert(Member), [{"id": i, "name": f"党员{i.hex[-4:]}"} | common for i in ids]
            )
            session.execute(
                sa.insert(Affiliation), [{"member_id": i, "reason": ""} | place for i in ids]
            )

        self.alone(act)
        return ids

    def add_claims(
        self, member_ids: Sequence[UUID], *, minutes: int = 420, on: date = date(2026, 11, 2)
    ) -> list[UUID]:
        """A pending claim for each member, sent in for him by 党员甲, in one statement."""
        branch = self.world.organizations["一支部"]
        rows = [
            {
                "id": new_id(),
                "member_id": member_id,
                "organization_id": branch,
                "reviewer_organization_id": branch,
                "item_code": "volunteer_service",
                "source_kind": "race",
                "source_id": new_id(),
                "title": "清扫社区",
                "happened_on": on,
                "quantity": minutes,
                "submitted_by": self.world.members["党员甲"],
                "submitted_at": NOW,
            }
            for member_id in member_ids
        ]
        self.alone(lambda session: session.execute(sa.insert(Claim), rows))
        return [row["id"] for row in rows]


def _without_fsync(dbapi_connection: Any, _record: Any) -> None:
    dbapi_connection.execute("PRAGMA synchronous=OFF")
