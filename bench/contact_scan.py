"""P6: a night's scan of a million members beside statements written by hand for the same day."""

import statistics
import time
from collections.abc import Callable
from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from bench.__main__ import database
from core.clock import at_local
from core.ids import new_id
from members.contact import scan
from tests.engines import owner_url

BRANCHES, MEMBERS_OF_BRANCH = 20_000, 50
ON = date(2026, 11, 23)
ROUNDS = 3

# One district, its branches, their members; one in twenty has not been heard from for long.
BUILD = """
INSERT INTO organization (id, kind, sector, name, path, depth, version)
VALUES (:root, 'district_organization_department', 'other', '区委', :path, 0, 1);
INSERT INTO organization (id, parent_id, kind, sector, name, path, depth, version)
SELECT id, :root, 'branch', 'other', '支部' || n, :path || replace(id::text, '-', '') || '/', 1, 1
FROM (SELECT gen_random_uuid() AS id, n FROM generate_series(1, CAST(:branches AS int)) n) made;
INSERT INTO member (id, name, kind, membership_status, created_at, version)
SELECT gen_random_uuid(), '党员' || n, 'full_member', 'normal', '2025-01-01', 1
FROM generate_series(1, CAST(:branches AS int) * CAST(:size AS int)) n;
INSERT INTO affiliation (id, member_id, organization_id, kind, valid_from, reason)
SELECT gen_random_uuid(), m.id, o.id, 'primary', '2020-01-01', ''
FROM (SELECT id, row_number() OVER () AS n FROM member) m
JOIN (SELECT id, row_number() OVER () AS n FROM organization WHERE depth = 1) o
  ON o.n = m.n % CAST(:branches AS int) + 1;
INSERT INTO contact_recorded_day (organization_id, day, feed)
SELECT o.id, :on - d * 14, CASE WHEN d % 2 = 0 THEN 'life' ELSE 'dues' END
FROM organization o, generate_series(0, 24) d
WHERE o.depth = 1 AND NOT (d BETWEEN 8 AND 11 AND get_byte(uuid_send(o.id), 15) < 26);
UPDATE contact_standing SET last_hard_on = day, last_attended_on = day, last_dues_on = day - 20
FROM (SELECT member_id AS m, :on - CASE WHEN random() < 0.95 THEN (random() * 33)::int
  ELSE 36 + (random() * 250)::int END AS day FROM contact_standing) s WHERE m = member_id;
UPDATE contact_standing SET last_soft_on = :on - 5 WHERE random() < 0.01;
INSERT INTO exemption (id, member_id, kind, valid_from, valid_to, decided_by_organization_id,
  recorded_by)
SELECT gen_random_uuid(), id, CASE WHEN random() < 0.1 THEN 'abroad' ELSE 'aged' END,
  :on - 200, :on + (random() * 200)::int - 100, :root, id FROM member WHERE random() < 0.02;
"""

OUTAGES = """
INSERT INTO contact_outage (organization_id, begins_on, ends_on)
SELECT organization_id, day + 1, next_day - 1 FROM (
  SELECT organization_id, day, next_day,
    max(is_life) OVER year AS records_life,
    least(greatest(coalesce(max(gap) OVER year * 3 / 2, 35), 7), 35) AS usual
  FROM (
    SELECT organization_id, day, is_life, lead(day) OVER mine AS next_day,
      day - lag(day) OVER mine AS gap, day - DATE '1970-01-01' AS number
    FROM (SELECT organization_id, day, max((feed = 'life')::int) AS is_life
      FROM contact_recorded_day GROUP BY organization_id, day) days
    WINDOW mine AS (PARTITION BY organization_id ORDER BY day)
  ) gaps
  WINDOW year AS (PARTITION BY organization_id ORDER BY number RANGE 365 PRECEDING)
) silences WHERE records_life = 1 AND next_day - day > usual
ON CONFLICT DO NOTHING
"""
LADDER = """
INSERT INTO contact_stage_entry
  (member_id, clock, signal, anchor_on, uncounted_days, stage, entered_on)
SELECT member_id, '{clock}', {signal}, since, effective - since, stage, :on FROM (
  SELECT *, CASE {stages} ELSE 0 END AS stage FROM (
    SELECT *, start + (
      SELECT coalesce(sum(greatest(least(ends, heard) - greatest(begins - 1, start,
        coalesce(before, begins - 1)), 0)), 0)::int
      FROM (SELECT begins, ends, max(ends) OVER (ORDER BY begins, ends
          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
        FROM (
          SELECT begins_on AS begins, ends_on AS ends FROM contact_outage o
          WHERE o.organization_id = one.organization_id AND ends_on > since AND ends_on < :on
          UNION ALL SELECT valid_from, valid_to - 1 FROM exemption e
          WHERE e.member_id = one.member_id AND valid_from <= :on AND valid_to > since {stays}
          UNION ALL SELECT valid_from, valid_to - 1 FROM contact_hold h
          WHERE h.member_id = one.member_id AND valid_from <= :on AND valid_to > since
        ) stretch) spans
    ) AS effective FROM (
      SELECT s.member_id, a.organization_id, {since} AS since,
        greatest({since}, h.first_day) AS start, h.heard
      FROM contact_standing s
      JOIN member m ON m.id = s.member_id AND membership_status IN ('normal', 'restored')
      JOIN affiliation a ON a.member_id = m.id AND a.kind = 'primary'
        AND a.valid_from <= :on AND (a.valid_to IS NULL OR a.valid_to > :on)
      JOIN (
        SELECT organization_id, min(day) AS first_day, CASE
          WHEN {records_life} THEN max(day) ELSE least(max(day) + 35, :on) END AS heard
        FROM contact_recorded_day WHERE day <= :on {feed} GROUP BY organization_id
      ) h ON h.organization_id = a.organization_id
      WHERE s.reached_on <= :on AND {since} <= :newest {reachable}
        AND NOT EXISTS (SELECT 1 FROM exemption e WHERE e.member_id = s.member_id
          AND e.kind <> 'abroad' AND e.valid_from <= :on AND e.valid_to > :on)
        AND NOT EXISTS (SELECT 1 FROM contact_hold c WHERE c.member_id = s.member_id
          AND c.valid_from <= :on AND c.valid_to > :on)
        AND {abroad} EXISTS (SELECT 1 FROM exemption e WHERE e.member_id = s.member_id
          AND e.kind = 'abroad' AND e.valid_from <= :on AND e.valid_to > :on)
      FOR NO KEY UPDATE OF s SKIP LOCKED
    ) one OFFSET 0
  ) counted OFFSET 0
) staged WHERE stage > 0 AND NOT EXISTS (SELECT 1 FROM contact_stage_entry t
  WHERE t.member_id = staged.member_id AND t.clock = '{clock}' AND t.stage >= staged.stage)
ON CONFLICT (member_id, clock) DO UPDATE SET signal = excluded.signal, stage = excluded.stage,
  anchor_on = excluded.anchor_on, uncounted_days = excluded.uncounted_days,
  entered_on = excluded.entered_on
"""
CASES = """
INSERT INTO contact_case (id, member_id, organization_id, clock, signal, anchor_on, stage, state,
  opened_at, assignee_role, closing_note, version)
SELECT gen_random_uuid(), e.member_id, a.organization_id, e.clock, e.signal, e.anchor_on, e.stage,
  'open', now(), 'branch_secretary', '', 1
FROM contact_stage_entry e
JOIN affiliation a ON a.member_id = e.member_id AND a.kind = 'primary' AND a.valid_to IS NULL
WHERE e.entered_on = :on AND e.stage >= CASE e.clock WHEN 'lost_contact' THEN 3 ELSE 6 END
ON CONFLICT (member_id, clock) WHERE state = 'open' DO UPDATE SET stage = excluded.stage
  WHERE contact_case.stage < excluded.stage
"""
_LIFE = "max(day) FILTER (WHERE feed = 'life') >= max(day) - 365"
_MONTHS = "effective <= (heard - INTERVAL '{} months')"
_EARLY = " ".join(
    f"WHEN effective <= heard - {days} THEN {stage}"
    for stage, days in ((4, 125), (3, 95), (2, 65), (1, 35))
)


def _ladder(clock: str, stages: tuple[tuple[int, int], ...], **more: str) -> str:
    told = {"signal": "NULL", "since": "reached_on", "records_life": _LIFE, "feed": ""}
    told |= {"reachable": "", "abroad": "NOT", "stays": "", "early": ""} | more
    months = " ".join(f"WHEN {_MONTHS.format(count)} THEN {stage}" for stage, count in stages)
    return LADDER.format(clock=clock, stages=months + " " + told.pop("early"), **told)


_REACHED = "AND reached_on > {since} AND reached_on > :on - 95"
_DUTY = ((6, 6), (5, 5), (4, 4), (3, 3))
BY_HAND = (
    (_ladder("lost_contact", ((6, 6), (5, 5)), early=_EARLY), 35),
    *(
        (
            _ladder(
                "self_withdrawal",
                _DUTY,
                signal=f"'{signal}'",
                since=column,
                records_life=records_life,
                feed=f"AND feed = '{signal}'",
                reachable=_REACHED.format(since=column),
            ),
            89,
        )
        for signal, column, records_life in (
            ("life", "last_attended_on", "true"),
            ("dues", "last_dues_on", "false"),
        )
    ),
    (_ladder("abroad", ((6, 6), (5, 5)), abroad="", stays="AND e.kind <> 'abroad'"), 150),
)


def build(
    sessions: sessionmaker[Session], url: str
) -> tuple[Callable[[], float], Callable[[], float]]:
    """A million members, scanned the night before; each side then does the next, undone again."""
    root = new_id()
    told = {"root": root, "path": f"/{root.hex}/", "branches": BRANCHES, "on": ON}
    with sessions.begin() as session:
        session.execute(sa.text("SET LOCAL statement_timeout = 0"))
        for statement in BUILD.strip().removesuffix(";").split(";\n"):
            names = [name for name in (*told, "size") if f":{name}" in statement]
            values = told | {"size": MEMBERS_OF_BRANCH}
            session.execute(sa.text(statement), {name: values[name] for name in names})
    _vacuum(url)
    with sessions.begin() as session:
        session.execute(sa.text("SET LOCAL statement_timeout = 0"))
        scan.scan(session, now=at_local(ON - timedelta(days=1), 9))
    _vacuum(url)

    def product(session: Session) -> int:
        return len(scan.scan(session, now=at_local(ON, 9)).crossings)

    def limit(session: Session) -> int:
        session.execute(sa.text(OUTAGES))
        written = 0
        for statement, least in BY_HAND:
            newest = {"on": ON, "newest": date.fromordinal(ON.toordinal() - least)}
            written += session.execute(sa.text(statement), newest).rowcount  # type: ignore[attr-defined]
        session.execute(sa.text(CASES), {"on": ON})
        return written

    return _timed(sessions, product), _timed(sessions, limit)


def _vacuum(url: str) -> None:
    """What autovacuum does within a minute; only the owner of the tables may."""
    engine = sa.create_engine(owner_url(url), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")
    engine.dispose()


def _timed(sessions: sessionmaker[Session], run: Callable[[Session], int]) -> Callable[[], float]:
    def once() -> float:
        with sessions() as session:
            session.execute(sa.text("SET LOCAL statement_timeout = 0"))
            began = time.perf_counter()
            written = run(session)
            passed = time.perf_counter() - began
            print(f"  {run.__name__}: {written} in {passed:.2f} s", flush=True)
            session.rollback()
        return passed

    return once


def main() -> None:
    """Build a million members (some minutes) and print each round and the median ratio."""
    with database("postgresql") as (sessions, url):
        product, limit = build(sessions, url)
        pairs = [(product(), limit()) for _ in range(ROUNDS + 1)][1:]
    ratio = statistics.median(mine / theirs for mine, theirs in pairs)
    print(f"联系扫描 {BRANCHES * MEMBERS_OF_BRANCH} 人：比值中位数 {ratio:.2f}，标准 <= 1.3")


if __name__ == "__main__":
    main()
