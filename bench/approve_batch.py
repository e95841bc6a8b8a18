"""P3: approving 500 claims in one call, against one set-based transaction written by hand."""

import time
from collections.abc import Callable
from uuid import UUID

from sqlalchemy.orm import Session, sessionmaker

from core.db import unit_of_work
from points import review
from points.review import Action, Decision
from tests.world import NOW, World, build_world

BATCH = 500

# The same writes with no checks, no explanation inputs and the year's cap only: a floor.
BY_HAND = """
WITH decided AS (
  UPDATE claim SET status = 'approved', posted_ref = id, decided_by = %(actor)s,
    decided_at = %(now)s, version = version + 1
  WHERE id = ANY(%(ids)s) AND status = 'pending'
  RETURNING id, member_id, organization_id, item_code, title, happened_on, quantity
), asked AS (
  SELECT *, quantity / 30 * 50 AS asked,
    sum(quantity / 30 * 50) OVER (PARTITION BY member_id ORDER BY happened_on, id) AS running
  FROM decided
), held AS (
  INSERT INTO points_quota (member_id, scheme_code, bucket, used, cap)
  SELECT member_id, 'member-points', 'hand', least(1000, sum(asked)), 1000
  FROM asked GROUP BY member_id
  ON CONFLICT (member_id, scheme_code, bucket)
  DO UPDATE SET used = least(points_quota.cap, points_quota.used + excluded.used)
  RETURNING member_id, used
), granted AS (
  SELECT asked.*, greatest(0, least(asked.asked, 1000 - (asked.running - asked.asked))) AS points
  FROM asked JOIN held USING (member_id)
), noted AS (
  INSERT INTO claim_event (id, claim_id, kind, actor_id, reason, at)
  SELECT gen_random_uuid(), id, 'approved', %(actor)s, '', %(now)s FROM granted
), told AS (
  INSERT INTO outbox_message
    (id, dedupe_key, member_id, kind, channel, params, state, not_before, created_at,
     occasion, template_version, attempts, is_urgent)
  SELECT gen_random_uuid(), id::text, member_id, 'claim_approved', 'inbox',
    jsonb_build_object('title', title, 'points', points, 'note', ''), 'pending', %(now)s, %(now)s,
    id::text, 1, 0, false
  FROM granted
)
INSERT INTO ledger_entry (id, claim_id, member_id, organization_id, period_id, scheme_version_id,
  item_code, component_code, title, happened_on, asked, points, binding_cap, inputs, reason,
  actor_id, request_id, posted_at, subject)
SELECT gen_random_uuid(), id, member_id, organization_id, %(period)s, %(scheme)s, item_code,
  'bonus', title, happened_on, asked, points, CASE WHEN points < asked THEN 'hand' END,
  jsonb_build_object('quantity', quantity), '', %(actor)s, 'bench', %(now)s,
  'party_members'
FROM granted
"""


def build(sessions: sessionmaker[Session]) -> tuple[Callable[[], float], Callable[[], float]]:
    """The two timed functions; each call prepares 500 fresh claims outside the clock."""
    session = sessions()
    with unit_of_work(session):
        world = build_world(session)
        for number in range(50):
            world.add_member(f"成员{number}", "一支部")

    def product() -> float:
        ids = _claims(world)
        decisions = [Decision(claim_id, 1, Action.APPROVE) for claim_id in ids]
        started = time.perf_counter()
        with sessions() as own, unit_of_work(own):
            world.session = own
            actor = world.actor("书记一")
            review.review(own, actor, decisions, now=NOW)
        elapsed = time.perf_counter() - started
        world.session = session
        return elapsed

    def by_hand() -> float:
        ids = _claims(world)
        values = {
            "ids": ids,
            "actor": world.members["书记一"],
            "now": NOW,
            "period": world.period_id,
            "scheme": world.scheme_version_id,
        }
        started = time.perf_counter()
        with sessions() as own, unit_of_work(own):
            cursor = own.connection().connection.cursor()
            # The foreign key from an entry to its claim looks at the claim as decided.
            cursor.execute(BY_HAND, values)
        return time.perf_counter() - started

    return product, by_hand


def _claims(world: World) -> list[UUID]:
    names = [name for name in world.members if name.startswith("成员")]
    with unit_of_work(world.session):
        ids = [
            world.add_claim(names[number % len(names)], "一支部", minutes=60)
            for number in range(BATCH)
        ]
    world.session.rollback()
    return ids
