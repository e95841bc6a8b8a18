"""`make sync N=100000`: writers that overtake one another, and phones that follow meanwhile.

Nothing that was committed may be missed (I12). A reader by `id >` follows the same writers, to
show that here it would be.
"""

import argparse
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from api import sync_cursor, sync_pages
from api.routes.sync import KINDS
from api.sync_cursor import SyncCursor
from core.changes import Change
from core.clock import utc_now
from core.config import Settings
from core.db import make_engine, make_sessions, read_only
from core.ids import new_id
from core.rows import insert_rows
from members.access import find_actor
from points.models import Claim
from tests.engines import Databases, create_run_directory, environment, remove_run_directory
from tests.world import NOW, TODAY, World, build_world

ENGINES = ("postgresql", "sqlite")
WRITERS, PHONES = 8, 2
ROWS_AT_ONCE_MAX = 20
PAUSE_SECONDS_MAX = 0.004
_SECRET = "the campaign's own"


@dataclass
class Written:
    """What has been acknowledged as committed so far; appended to only."""

    ids: list[UUID] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    is_over: bool = False

    def add(self, ids: list[UUID]) -> None:
        with self.lock:
            self.ids += ids


class Phone:
    """A secretary's phone that follows by the product's own pages."""

    def __init__(self, member_id: UUID, session_id: UUID) -> None:
        self._member_id = member_id
        self._session_id = session_id
        self._since: str | None = None
        self.seen: set[UUID] = set()
        self.pages = 0
        self.missed_in_a_walk = 0

    def walk(self, sessions: sessionmaker[Session], written: Written) -> None:
        """Page to the end; what had been committed before it began must have been seen."""
        before = len(written.ids)
        while self._fetch(sessions):
            pass
        self.missed_in_a_walk += sum(one not in self.seen for one in written.ids[:before])

    def _fetch(self, sessions: sessionmaker[Session]) -> bool:
        with sessions() as session:
            ids = self._member_id, self._session_id
            actor = find_actor(session, *ids, on=TODAY, request_id="campaign")
            assert actor is not None
            page = sync_pages.read_page(
                session, actor, KINDS, since=self._cursor(), limit=200, now=utc_now()
            )
        self._since = sync_cursor.encode(page.next, _SECRET)
        self.seen |= page.changed["claim"].keys()
        self.pages += 1
        return page.more

    def _cursor(self) -> SyncCursor | None:
        if self._since is None:
            return None
        return sync_cursor.decode(self._since, _SECRET, self._member_id)


class Naive:
    """What many an app does: everything with a greater number than the last."""

    def __init__(self) -> None:
        self._last = 0
        self.seen: set[UUID] = set()

    def walk(self, sessions: sessionmaker[Session], _written: Written) -> None:
        query = sa.select(Change.seq, Change.object_id).order_by(Change.seq).limit(200)
        while True:
            with sessions() as session:
                rows = session.execute(query.where(Change.seq > self._last)).all()
            if not rows:
                return
            self._last = rows[-1].seq
            self.seen |= {row.object_id for row in rows}


def campaign(settings: Settings, rows: int, seed: int) -> dict[str, int]:
    """Write so many rows while phones follow; what each reader missed."""
    engine = make_engine(settings)
    if engine.dialect.name == "sqlite":
        # This is about order and not about power cuts, and its writers wait for one another.
        sa.event.listen(engine, "connect", _without_fsync)
    sessions = make_sessions(engine, settings.vault)
    with sessions() as session:
        world = build_world(session)
        session.commit()
    written = Written()
    phones = [Phone(world.members["书记一"], world.sessions["书记一"]) for _ in range(PHONES)]
    naive = Naive()
    with ThreadPoolExecutor(WRITERS + PHONES + 1) as pool:
        walks = [*(phone.walk for phone in phones), naive.walk]
        readers = [pool.submit(_follow, walk, sessions, written) for walk in walks]
        try:
            _write_all(pool, sessions, world, written, rows, seed)
        finally:
            written.is_over = True
        for reader in readers:
            reader.result()
    engine.dispose()
    committed = set(written.ids)
    return {
        "rows": len(committed),
        "pages": sum(phone.pages for phone in phones),
        "missed": sum(len(committed - phone.seen) for phone in phones),
        "missed in a walk": sum(phone.missed_in_a_walk for phone in phones),
        "invented": sum(len(phone.seen - committed) for phone in phones),
        "missed by id": len(committed - naive.seen),
    }


def _without_fsync(dbapi_connection: Any, _record: Any) -> None:
    dbapi_connection.execute("PRAGMA synchronous=OFF")


def _write_all(
    pool: ThreadPoolExecutor,
    sessions: sessionmaker[Session],
    world: World,
    written: Written,
    rows: int,
    seed: int,
) -> None:
    shares = [rows // WRITERS + (number < rows % WRITERS) for number in range(WRITERS)]
    writers = [
        pool.submit(_write, sessions, world, written, share, random.Random(seed + number))
        for number, share in enumerate(shares)
    ]
    for writer in writers:
        writer.result()


def _write(
    sessions: sessionmaker[Session], world: World, written: Written, rows: int, dice: random.Random
) -> None:
    """One writer: transactions of all sizes, held open for all times; some come to nothing."""
    while rows:
        some = list(_claims(world, min(rows, dice.randint(1, ROWS_AT_ONCE_MAX))))
        with sessions() as session:
            insert_rows(session, Claim, some)
            time.sleep(dice.uniform(0, PAUSE_SECONDS_MAX))
            if dice.random() < 0.05:
                continue
            session.commit()
        written.add([row["id"] for row in some])
        rows -= len(some)


def _follow(
    walk: Callable[[sessionmaker[Session], Written], None],
    sessions: sessionmaker[Session],
    written: Written,
) -> None:
    read_only.set(True)
    while not written.is_over:
        walk(sessions, written)
        time.sleep(PAUSE_SECONDS_MAX)
    walk(sessions, written)


def _claims(world: World, count: int) -> Iterator[dict[str, Any]]:
    branch, member_id = world.organizations["一支部"], world.members["党员甲"]
    for _ in range(count):
        yield {
            "id": new_id(), "member_id": member_id, "organization_id": branch,
            "reviewer_organization_id": branch, "item_code": "volunteer_service",
            "source_kind": "campaign", "source_id": new_id(), "title": "清扫社区",
            "happened_on": date(2026, 11, 2), "quantity": 60, "submitted_by": member_id,
            "submitted_at": NOW, "flags": [], "is_flagged": False, "status": "pending",
            "decision_reason": "", "version": 1,
        }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=ENGINES, default="postgresql")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    directory = create_run_directory()
    databases = Databases(directory, "campaign")
    began = time.monotonic()
    try:
        with databases.fresh_url(given.engine) as url:
            settings = Settings.from_env(
                environment(url, directory) | {"PARTY_POINTS_DB_POOL_SIZE": "12"}
            )
            report = campaign(settings, given.rows, given.seed)
    finally:
        databases.dispose()
        remove_run_directory(directory)
    report |= {"seconds": int(time.monotonic() - began), "seed": given.seed}
    for name, value in report.items():
        print(f"{name:>20}  {value}")  # noqa: T201 - its report is what it is run for
    # SQLite has one writer, so there even the careless reader misses nothing.
    is_blind = given.engine == "postgresql" and report["missed by id"] == 0
    faults = ("missed", "missed in a walk", "invented")
    return 1 if is_blind or any(report[name] for name in faults) else 0


if __name__ == "__main__":
    sys.exit(main())
