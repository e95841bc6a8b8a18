"""A phone misses nothing, in whatever order those who write come to their COMMIT."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from api import sync_pages
from api.routes.sync import KINDS
from api.sync_cursor import SyncCursor
from core.changes import Change
from core.clock import utc_now
from core.config import Settings
from core.db import make_engine, make_sessions, session_info, vault_of
from members.access import find_actor
from points.models import Claim
from tests.campaigns.sync import campaign
from tests.depth import far
from tests.world import TODAY, World, build_world

ROWS = far(deep=4000, quick=400)
SETTLING_SECONDS_MAX = 60


@pytest.fixture
def world(fresh_settings: Settings) -> Iterator[World]:
    engine = make_engine(fresh_settings)
    with make_sessions(engine, fresh_settings.vault)() as session:
        world = build_world(session)
        session.commit()
        yield world
    engine.dispose()


class Reader:
    """The secretary's phone, page by page."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.since: SyncCursor | None = None

    def fetch(self, *, limit: int = 200) -> set[object]:
        """The claims of the next page."""
        bind = self._world.session.get_bind()
        with Session(bind, info=self._world.session.info) as session:
            ids = self._world.members["书记一"], self._world.sessions["书记一"]
            actor = find_actor(session, *ids, on=TODAY, request_id="race")
            assert actor is not None
            page = sync_pages.read_page(
                session, actor, KINDS, since=self.since, limit=limit, now=utc_now()
            )
        self.since, self.more = page.next, page.more
        return set(page.changed["claim"])


def test_nothing_is_missed_while_writers_overtake_one_another(fresh_settings: Settings) -> None:
    report = campaign(fresh_settings, ROWS, seed=1)

    assert report["rows"] == ROWS
    assert (report["missed"], report["missed in a walk"], report["invented"]) == (0, 0, 0)


def test_what_overtook_is_sent_at_once_and_what_was_overtaken_later(
    world: World, engine_kind: str
) -> None:
    if engine_kind == "sqlite":
        return  # It has one writer: nobody can be overtaken.
    reader, bind = Reader(world), world.session.get_bind()
    reader.fetch()
    with Session(bind, info=session_info(vault_of(world.session))) as slow:
        old = world.add_claim("党员甲", "一支部")
        world.session.commit()
        slow.execute(sa.update(Claim).values(title="慢").where(Claim.id == old))
        young = [world.add_claim("党员乙", "一支部") for _ in range(3)]
        world.session.commit()

        assert set(young) <= reader.fetch(), "nobody waits for a transaction still at work"
        again = reader.fetch(limit=1)
        while reader.more:
            again |= reader.fetch(limit=1)
        assert set(young) <= again, "until it is settled it is sent again, in pages as well"
        last = world.session.scalar(sa.select(sa.func.max(Change.seq)))
        world.session.rollback()
        slow.commit()

    # A reader by number has passed it, and would never come back: the test can fail.
    assert world.session.scalars(sa.select(Change.seq).where(Change.seq > last)).all() == []
    world.session.rollback()
    assert old in reader.fetch(), "what it changed is not passed over"
    # A transaction in another database of the server, such as another test's, also keeps a
    # change unsettled, so "nothing more" comes when the last of them has ended.
    deadline = time.monotonic() + SETTLING_SECONDS_MAX
    while reader.fetch():
        assert time.monotonic() < deadline, "and then there is nothing more"
        time.sleep(0.05)


def test_page_brings_its_own_cursor_up_to_date(world: World) -> None:
    """A phone that is never told anything new is none that has not asked."""
    reader = Reader(world)
    reader.fetch()
    assert reader.since is not None
    first = reader.since.complete_at
    reader.fetch()

    assert reader.since.complete_at > first
    assert utc_now() - reader.since.complete_at < timedelta(minutes=5)
