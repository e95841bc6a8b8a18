"""`python -m bench`: print each ratio to its hand-written limit, and the bar it is held to."""

import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.orm import Session, sessionmaker

from bench import approve_batch, over_http, roll_call, start_up
from core.db import make_engine, make_sessions
from tests.engines import ENGINE_KINDS, Databases, create_run_directory, remove_run_directory

ROUNDS = 7


def main() -> None:
    """Run every pair on a private database and print one line each."""
    with database("postgresql") as (sessions, url), over_http.built(sessions, url) as pairs:
        for title, (product, limit) in pairs.items():
            _report(title, product, limit, bar="<= 2.0（吞吐 >= 0.50）")
    with database("postgresql") as (sessions, _):
        product, limit = approve_batch.build(sessions)
        _report("P3 批量审核 500 项（服务）", product, limit, bar="<= 2.0")
    for kind in ENGINE_KINDS:
        with database(kind) as (sessions, _):
            product, limit = roll_call.build(sessions)
            _report(f"P4 点名 500 人（服务，{kind}）", product, limit, bar="<= 2.0")
    for title, unit, (product, limit) in start_up.build():
        _report(f"P10 {title}", product, limit, bar="<= 1.5", unit=unit)


@contextmanager
def database(kind: str) -> Iterator[tuple[sessionmaker[Session], str]]:
    """Sessions on a migrated database of this run's own, and its URL."""
    directory = create_run_directory()
    databases = Databases(directory, "bench")
    try:
        settings = databases.settings(kind)
        with databases.fresh_url(kind) as url:
            if kind == "postgresql":
                _make_durable(url)
            engine = make_engine(settings, url=url)
            yield make_sessions(engine, settings.vault), url
            engine.dispose()
    finally:
        databases.dispose()
        remove_run_directory(directory)


def _make_durable(url: str) -> None:
    """Commit to the disk and keep statistics, as a deployment does and the suite does not."""
    home = str(sa.make_url(url).query["host"])
    with psycopg.connect(host=home, user="postgres", dbname="postgres", autocommit=True) as server:
        for setting in ("fsync", "synchronous_commit", "full_page_writes", "autovacuum"):
            server.execute(sql.SQL("ALTER SYSTEM SET {} = on").format(sql.Identifier(setting)))
        server.execute("SELECT pg_reload_conf()")


def _report(
    title: str,
    product: Callable[[], float],
    limit: Callable[[], float],
    *,
    bar: str,
    unit: str = "s",
) -> None:
    # In turn, so that a slow minute of the machine hits both; the first round warms up.
    pairs = [(product(), limit()) for _ in range(ROUNDS + 1)][1:]
    ratios = [mine / theirs for mine, theirs in pairs]
    mine, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    spread = f"比值中位数 {statistics.median(ratios):.2f}（{min(ratios):.2f}–{max(ratios):.2f}）"
    print(f"{title}: {mine:.4g} {unit} / 手写 {theirs:.4g} {unit}, {spread}，标准 {bar}")


if __name__ == "__main__":
    main()
