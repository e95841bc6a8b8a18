"""P7: a page of a phone's sync with a million lines in the feed, against one with ten thousand.

`python -m bench.sync_page`: both databases in one run, in turn. Half of the lines are for the
phone's own branch, so that a page which read them all would show.
"""

import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack

import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from api import sync_pages
from api.routes.sync import KINDS
from api.sync_cursor import SyncCursor
from bench.__main__ import database
from core import changes
from core.changes import Position
from core.clock import utc_now
from core.db import read_only
from members.audiences import find_audiences
from tests.engines import ENGINE_KINDS
from tests.world import World, build_world

FEW, MANY = 10_000, 1_000_000
PAGE, OBJECTS, ROUNDS = 200, 1_000, 25

# Object `n` of a line is the n-th claim in turn, so a page has two hundred of them; other
# organisations' lines name objects of theirs. Twenty transactions wrote it.
_FILL = """
WITH RECURSIVE number(n) AS (
    SELECT CAST(:first AS integer) UNION ALL SELECT n + 1 FROM number WHERE n < :last
  ),
  listed AS (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM claim)
INSERT INTO change (kind, object_id, member_id, organization_id, circle, xid, at)
SELECT 'claim', listed.id, NULL, CASE WHEN n % 2 = 0 THEN {branch} ELSE listed.id END, 2,
  {xid}, {at}
FROM number JOIN listed ON listed.place = (n / 2) % {objects} ORDER BY n
"""


def build(sessions: sessionmaker[Session], lines: int) -> Callable[[], float]:
    """A function that times one page from the middle of a feed of so many lines."""
    with sessions() as session:
        world = build_world(session)
        for _ in range(OBJECTS):
            world.add_claim("党员甲", "一支部")
        session.commit()
        _fill(session, world, lines)
        actor = world.actor("书记一")
        audiences = find_audiences(session, actor)
        middle = session.execute(
            sa.text("SELECT xid, seq FROM change WHERE seq >= :seq ORDER BY seq LIMIT 1"),
            {"seq": lines // 2},
        ).one()
        history = changes.look(session).history
        session.rollback()
    scopes = sync_pages.scopes_of(KINDS, actor, audiences)
    place = Position(*middle)
    since = SyncCursor(actor.member_id, history, utc_now(), place, place, scopes, ())

    def page() -> float:
        started = time.perf_counter()
        with sessions() as own:
            found = sync_pages.read_page(own, actor, KINDS, since=since, limit=PAGE, now=utc_now())
        elapsed = time.perf_counter() - started
        assert len(found.changed["claim"]) == PAGE
        assert found.more
        return elapsed

    return page


def _fill(session: Session, world: World, lines: int) -> None:
    session.execute(sa.delete(changes.Change))
    branch = world.organizations["一支部"]
    on_sqlite = session.get_bind().dialect.name == "sqlite"
    parts = (
        {"branch": f"'{branch.hex}'", "xid": "0", "at": "'2026-11-01T00:00:00.000000Z'"}
        if on_sqlite
        else {"branch": f"'{branch}'::uuid", "xid": f"n * 20 / {lines}", "at": "now()"}
    )
    # In parts, because a statement has thirty seconds.
    for first in range(1, lines, FEW):
        numbers = {"first": first, "last": first + FEW - 1}
        session.execute(sa.text(_FILL.format(lines=lines, objects=OBJECTS, **parts)), numbers)
        session.commit()
    session.execute(sa.text("ANALYZE"))
    session.commit()


def main() -> None:
    """Print the ratio of the two pages on each engine, and the bar that it is held to."""
    for kind in ENGINE_KINDS:
        with ExitStack() as stack:
            small, large = (
                build(stack.enter_context(database(kind))[0], lines) for lines in (FEW, MANY)
            )
            read_only.set(True)
            # In turn, so that a slow minute of the machine hits both; the first round warms up.
            pairs = [(large(), small()) for _ in range(ROUNDS + 1)][1:]
            read_only.set(False)
        mine, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
        print(
            f"P7 同步一页 {PAGE} 条（{kind}）: {MANY} 行 {mine:.4g} s / {FEW} 行 {theirs:.4g} s,"
            f" 比值 {mine / theirs:.2f}，标准 <= 1.2"
        )


if __name__ == "__main__":
    main()
